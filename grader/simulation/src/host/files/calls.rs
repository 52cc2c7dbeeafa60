//! The calls, one by one.

use wasmtime::Result;
use wasmtime::component::{Resource, ResourceTableError};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::streams::{PIECE_BYTES_MAX, Reading, Writing};
use super::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use super::{Descriptor, FileError, Listing, Place, View, code};
use crate::disk::{DiskError, InodeId, Opening, Status, Time};

type Answer<T> = std::result::Result<T, FileError>;

const SECOND: i64 = 1_000_000_000;
/// Inodes of one disk; another one's have their own numbers. It tells nobody anything.
const METADATA_HASH_UPPER: u64 = 7;

fn table(error: ResourceTableError) -> FileError {
    FileError::trap(error)
}

fn disk(error: DiskError) -> FileError {
    code(error).into()
}

impl View<'_> {
    fn inode(&self, descriptor: &Resource<Descriptor>) -> Answer<InodeId> {
        Ok(self.table.get(descriptor).map_err(table)?.held.inode())
    }

    /// A file that is open for that.
    fn allowed(&self, descriptor: &Resource<Descriptor>, what: DescriptorFlags) -> Answer<InodeId> {
        let descriptor = self.table.get(descriptor).map_err(table)?;
        match descriptor.flags.contains(what) {
            true => Ok(descriptor.held.inode()),
            false => Err(ErrorCode::BadDescriptor.into()),
        }
    }

    fn writing(&mut self, descriptor: &Resource<Descriptor>, place: Place) -> Answer<Resource<DynOutputStream>> {
        let inode = self.allowed(descriptor, DescriptorFlags::WRITE)?;
        // A program's C library knows no errors of streams but EIO; here it can be told which.
        self.files.room(inode, place).map_err(disk)?;
        let syncs = syncs(self.table.get(descriptor).map_err(table)?.flags);
        let stream: DynOutputStream = Box::new(Writing { files: self.files.clone(), inode, place, syncs });
        self.table.push(stream).map_err(table)
    }

    fn set_times_of(&mut self, inode: InodeId, accessed: NewTimestamp, modified: NewTimestamp) -> Answer<()> {
        let now = self.files.now();
        let (accessed, modified) = (time(accessed, now)?, time(modified, now)?);
        self.files.disk().set_times(inode, accessed, modified).map_err(disk)
    }
}

impl types::Host for View<'_> {
    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().copied())
    }

    fn convert_error_code(&mut self, error: FileError) -> Result<ErrorCode> {
        error.downcast()
    }
}

impl types::HostDirectoryEntryStream for View<'_> {
    fn read_directory_entry(&mut self, listing: Resource<Listing>) -> Answer<Option<DirectoryEntry>> {
        let listing = self.table.get_mut(&listing).map_err(table)?;
        let next = self.files.disk().next_entry(listing.held.inode(), listing.last.as_deref());
        listing.last = next.as_ref().map(|entry| entry.name.clone()).or(listing.last.take());
        Ok(next.map(|entry| DirectoryEntry { type_: kind(entry.directory), name: entry.name }))
    }

    fn drop(&mut self, listing: Resource<Listing>) -> Result<()> {
        self.table.delete(listing)?;
        Ok(())
    }
}

impl types::HostDescriptor for View<'_> {
    fn read_via_stream(&mut self, file: Resource<Descriptor>, offset: u64) -> Answer<Resource<DynInputStream>> {
        let inode = self.allowed(&file, DescriptorFlags::READ)?;
        self.files.disk().read(inode, 0, 0).map_err(disk)?;
        let stream: DynInputStream = Box::new(Reading { files: self.files.clone(), inode, offset });
        self.table.push(stream).map_err(table)
    }

    fn write_via_stream(&mut self, file: Resource<Descriptor>, offset: u64) -> Answer<Resource<DynOutputStream>> {
        self.writing(&file, Place::At(offset))
    }

    fn append_via_stream(&mut self, file: Resource<Descriptor>) -> Answer<Resource<DynOutputStream>> {
        self.writing(&file, Place::End)
    }

    fn advise(&mut self, file: Resource<Descriptor>, _offset: u64, _length: u64, _advice: Advice) -> Answer<()> {
        self.inode(&file).map(|_| ())
    }

    fn sync_data(&mut self, file: Resource<Descriptor>) -> Answer<()> {
        self.sync(file)
    }

    fn get_flags(&mut self, file: Resource<Descriptor>) -> Answer<DescriptorFlags> {
        Ok(self.table.get(&file).map_err(table)?.flags)
    }

    fn get_type(&mut self, file: Resource<Descriptor>) -> Answer<DescriptorType> {
        Ok(kind(self.files.disk().status(self.inode(&file)?).map_err(disk)?.directory))
    }

    fn set_size(&mut self, file: Resource<Descriptor>, size: u64) -> Answer<()> {
        let inode = self.allowed(&file, DescriptorFlags::WRITE)?;
        self.files.disk().truncate(inode, size).map_err(disk)
    }

    fn set_times(&mut self, file: Resource<Descriptor>, accessed: NewTimestamp, modified: NewTimestamp) -> Answer<()> {
        self.set_times_of(self.inode(&file)?, accessed, modified)
    }

    fn read(&mut self, file: Resource<Descriptor>, length: u64, offset: u64) -> Answer<(Vec<u8>, bool)> {
        let inode = self.allowed(&file, DescriptorFlags::READ)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(PIECE_BYTES_MAX);
        let on_disk = self.files.disk();
        let bytes = on_disk.read(inode, offset, length).map_err(disk)?.to_vec();
        let end = offset.saturating_add(bytes.len() as u64) >= on_disk.status(inode).map_err(disk)?.bytes;
        Ok((bytes, end))
    }

    fn write(&mut self, file: Resource<Descriptor>, bytes: Vec<u8>, offset: u64) -> Answer<u64> {
        let inode = self.allowed(&file, DescriptorFlags::WRITE)?;
        let written = self.files.write(inode, Place::At(offset), &bytes).map_err(disk)?;
        if syncs(self.table.get(&file).map_err(table)?.flags) {
            self.files.disk().sync(inode).map_err(disk)?;
        }
        Ok(written as u64)
    }

    fn read_directory(&mut self, directory: Resource<Descriptor>) -> Answer<Resource<Listing>> {
        let inode = self.inode(&directory)?;
        if !self.files.disk().status(inode).map_err(disk)?.directory {
            return Err(ErrorCode::NotDirectory.into());
        }
        let held = self.files.hold(inode).map_err(disk)?;
        self.table.push(Listing { held, last: None }).map_err(table)
    }

    fn sync(&mut self, file: Resource<Descriptor>) -> Answer<()> {
        self.files.disk().sync(self.inode(&file)?).map_err(disk)
    }

    fn create_directory_at(&mut self, base: Resource<Descriptor>, path: String) -> Answer<()> {
        self.files.disk().make_directory(self.inode(&base)?, &path).map_err(disk)
    }

    fn stat(&mut self, file: Resource<Descriptor>) -> Answer<DescriptorStat> {
        Ok(status(self.files.disk().status(self.inode(&file)?).map_err(disk)?))
    }

    fn stat_at(&mut self, base: Resource<Descriptor>, _flags: PathFlags, path: String) -> Answer<DescriptorStat> {
        Ok(status(self.files.disk().status_at(self.inode(&base)?, &path).map_err(disk)?))
    }

    fn set_times_at(
        &mut self,
        base: Resource<Descriptor>,
        _flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> Answer<()> {
        let inode = self.files.disk().look_up(self.inode(&base)?, &path).map_err(disk)?;
        self.set_times_of(inode, accessed, modified)
    }

    fn link_at(
        &mut self,
        base: Resource<Descriptor>,
        _flags: PathFlags,
        path: String,
        new_base: Resource<Descriptor>,
        new_path: String,
    ) -> Answer<()> {
        let (base, new_base) = (self.inode(&base)?, self.inode(&new_base)?);
        self.files.disk().link(base, &path, new_base, &new_path).map_err(disk)
    }

    fn open_at(
        &mut self,
        base: Resource<Descriptor>,
        _path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Resource<Descriptor>> {
        let opening = Opening {
            write: flags.contains(DescriptorFlags::WRITE),
            create: open_flags.contains(OpenFlags::CREATE),
            exclusive: open_flags.contains(OpenFlags::EXCLUSIVE),
            directory: open_flags.contains(OpenFlags::DIRECTORY),
            truncate: open_flags.contains(OpenFlags::TRUNCATE),
        };
        let held = self.files.open(self.inode(&base)?, &path, opening).map_err(disk)?;
        self.table.push(Descriptor { held, flags }).map_err(table)
    }

    fn readlink_at(&mut self, base: Resource<Descriptor>, path: String) -> Answer<String> {
        self.files.disk().look_up(self.inode(&base)?, &path).map_err(disk)?;
        // There are no links.
        Err(ErrorCode::Invalid.into())
    }

    fn remove_directory_at(&mut self, base: Resource<Descriptor>, path: String) -> Answer<()> {
        self.files.disk().remove_directory(self.inode(&base)?, &path).map_err(disk)
    }

    fn rename_at(
        &mut self,
        base: Resource<Descriptor>,
        path: String,
        new_base: Resource<Descriptor>,
        new_path: String,
    ) -> Answer<()> {
        let (base, new_base) = (self.inode(&base)?, self.inode(&new_base)?);
        self.files.disk().rename(base, &path, new_base, &new_path).map_err(disk)
    }

    fn symlink_at(&mut self, _base: Resource<Descriptor>, _old_path: String, _new_path: String) -> Answer<()> {
        Err(ErrorCode::Unsupported.into())
    }

    fn unlink_file_at(&mut self, base: Resource<Descriptor>, path: String) -> Answer<()> {
        self.files.disk().unlink(self.inode(&base)?, &path).map_err(disk)
    }

    fn is_same_object(&mut self, one: Resource<Descriptor>, other: Resource<Descriptor>) -> Result<bool> {
        Ok(self.table.get(&one)?.held.inode() == self.table.get(&other)?.held.inode())
    }

    fn metadata_hash(&mut self, file: Resource<Descriptor>) -> Answer<MetadataHashValue> {
        Ok(hash(self.inode(&file)?))
    }

    fn metadata_hash_at(
        &mut self,
        base: Resource<Descriptor>,
        _flags: PathFlags,
        path: String,
    ) -> Answer<MetadataHashValue> {
        Ok(hash(self.files.disk().look_up(self.inode(&base)?, &path).map_err(disk)?))
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> Result<()> {
        self.table.delete(descriptor)?;
        Ok(())
    }
}

fn syncs(flags: DescriptorFlags) -> bool {
    flags.intersects(DescriptorFlags::FILE_INTEGRITY_SYNC | DescriptorFlags::DATA_INTEGRITY_SYNC)
}

fn kind(directory: bool) -> DescriptorType {
    match directory {
        true => DescriptorType::Directory,
        false => DescriptorType::RegularFile,
    }
}

fn hash(inode: InodeId) -> MetadataHashValue {
    MetadataHashValue { lower: inode.0, upper: METADATA_HASH_UPPER }
}

fn status(status: Status) -> DescriptorStat {
    DescriptorStat {
        type_: kind(status.directory),
        link_count: status.links,
        size: status.bytes,
        data_access_timestamp: Some(datetime(status.accessed)),
        data_modification_timestamp: Some(datetime(status.modified)),
        status_change_timestamp: Some(datetime(status.changed)),
    }
}

/// Nothing is told to be older than 1970.
fn datetime(time: Time) -> Datetime {
    let time = time.max(0);
    Datetime { seconds: (time / SECOND).unsigned_abs(), nanoseconds: u32::try_from(time % SECOND).unwrap_or(0) }
}

fn time(new: NewTimestamp, now: Time) -> Answer<Option<Time>> {
    let given = match new {
        NewTimestamp::NoChange => return Ok(None),
        NewTimestamp::Now => return Ok(Some(now)),
        NewTimestamp::Timestamp(given) => given,
    };
    let seconds = i64::try_from(given.seconds).ok().and_then(|seconds| seconds.checked_mul(SECOND));
    match seconds.and_then(|time| time.checked_add(i64::from(given.nanoseconds))) {
        Some(time) => Ok(Some(time)),
        None => Err(ErrorCode::Overflow.into()),
    }
}
