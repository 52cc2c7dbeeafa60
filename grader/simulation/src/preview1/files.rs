//! Calls on what is open.

use super::descriptors::{Descriptors, Open};
use super::memory::{Guest, PIECE_BYTES_MAX};
use super::{Done, Errno, Stop};
use crate::disk::{Entry, InodeId, Status, Time};
use crate::host::Place;

const UNKNOWN: u8 = 0;
const CHARACTER_DEVICE: u8 = 2;
const DIRECTORY: u8 = 3;
const REGULAR_FILE: u8 = 4;

pub const APPEND: u16 = 1;
/// `dsync`, `rsync` and `sync`.
pub const SYNCS: u16 = 1 << 1 | 1 << 3 | 1 << 4;

pub const READ: u64 = 1 << 1;
pub const WRITE: u64 = 1 << 6;
/// All that there is no reason to refuse: what counts is how a file was opened.
const OTHER_RIGHTS: u64 = ((1 << 30) - 1) & !READ & !WRITE;

/// Of one read.
const END: &[u8] = &[];

impl Guest<'_> {
    pub fn descriptors(&mut self) -> &mut Descriptors {
        let files = &self.state.files;
        self.state.descriptors.get_or_insert_with(|| Descriptors::new(files))
    }

    pub fn fd_advise(&mut self, fd: u32, _offset: u64, _length: u64, _advice: u32) -> Done {
        self.descriptors().file(fd).map(|_| ())
    }

    pub fn fd_allocate(&mut self, fd: u32, offset: u64, length: u64) -> Done {
        let file = self.writable(fd)?;
        let size = offset.checked_add(length).ok_or(Errno::FileTooLarge)?;
        let mut disk = self.state.files.disk();
        if disk.status(file)?.bytes < size {
            disk.truncate(file, size)?;
        }
        Ok(())
    }

    pub fn fd_close(&mut self, fd: u32) -> Done {
        self.descriptors().remove(fd).map(drop)
    }

    pub fn fd_datasync(&mut self, fd: u32) -> Done {
        self.fd_sync(fd)
    }

    pub fn fd_sync(&mut self, fd: u32) -> Done {
        let inode = self.descriptors().inode(fd)?;
        Ok(self.state.files.disk().sync(inode)?)
    }

    pub fn fd_fdstat_get(&mut self, fd: u32, result: u32) -> Done {
        let (kind, flags, rights) = match self.descriptors().get(fd)? {
            Open::Stdin => (CHARACTER_DEVICE, 0, READ),
            Open::Output(_) => (CHARACTER_DEVICE, 0, WRITE),
            Open::Directory(_) => (DIRECTORY, 0, READ),
            Open::File(file) => {
                let flags = if file.append { APPEND } else { 0 } | if file.syncs { SYNCS } else { 0 };
                (REGULAR_FILE, flags, if file.read { READ } else { 0 } | if file.write { WRITE } else { 0 })
            }
        };
        // A standard stream that could be sought in, or told its position, would be taken for a file.
        let other = if kind == CHARACTER_DEVICE { 0 } else { OTHER_RIGHTS };
        let mut status = [0; 24];
        status[0] = kind;
        status[2..4].copy_from_slice(&flags.to_le_bytes());
        status[8..16].copy_from_slice(&(rights | other).to_le_bytes());
        status[16..24].copy_from_slice(&(READ | WRITE | OTHER_RIGHTS).to_le_bytes());
        self.put(result, &status)
    }

    pub fn fd_fdstat_set_flags(&mut self, fd: u32, flags: u32) -> Done {
        match self.descriptors().get(fd)? {
            Open::File(file) => {
                file.append = flags & u32::from(APPEND) != 0;
                file.syncs = flags & u32::from(SYNCS) != 0;
            }
            // Nothing here ever blocks.
            Open::Stdin | Open::Output(_) | Open::Directory(_) => {}
        }
        Ok(())
    }

    pub fn fd_fdstat_set_rights(&mut self, fd: u32, _base: u64, _inheriting: u64) -> Done {
        self.descriptors().get(fd)?;
        Err(Errno::NotSupported.into())
    }

    pub fn fd_filestat_get(&mut self, fd: u32, result: u32) -> Done {
        let status = match self.descriptors().get(fd)? {
            Open::Stdin | Open::Output(_) => return self.put(result, &filestat(None)),
            Open::File(_) | Open::Directory(_) => self.descriptors().inode(fd)?,
        };
        let status = filestat(Some((status, self.state.files.disk().status(status)?)));
        self.put(result, &status)
    }

    pub fn fd_filestat_set_size(&mut self, fd: u32, size: u64) -> Done {
        let file = self.writable(fd)?;
        Ok(self.state.files.disk().truncate(file, size)?)
    }

    pub fn fd_filestat_set_times(&mut self, fd: u32, accessed: u64, modified: u64, flags: u32) -> Done {
        let inode = self.descriptors().inode(fd)?;
        self.set_times(inode, accessed, modified, flags)
    }

    pub fn set_times(&mut self, inode: InodeId, accessed: u64, modified: u64, flags: u32) -> Done {
        let now = self.state.files.now();
        let time = |given: u64, flags: u32| match flags & 3 {
            0 => Ok(None),
            1 => Time::try_from(given).map(Some).map_err(|_| Errno::Invalid),
            2 => Ok(Some(now)),
            _ => Err(Errno::Invalid),
        };
        let (accessed, modified) = (time(accessed, flags)?, time(modified, flags >> 2)?);
        Ok(self.state.files.disk().set_times(inode, accessed, modified)?)
    }

    fn writable(&mut self, fd: u32) -> Result<InodeId, Stop> {
        let file = self.descriptors().file(fd)?;
        match file.write {
            true => Ok(file.held.inode()),
            false => Err(Errno::BadDescriptor.into()),
        }
    }

    pub fn fd_prestat_get(&mut self, fd: u32, result: u32) -> Done {
        let name = self.descriptors().directory(fd)?.preopened.ok_or(Errno::BadDescriptor)?;
        // Eight bytes: a directory, and how long its name is.
        self.put_u64(result, (name.len() as u64) << 32)
    }

    pub fn fd_prestat_dir_name(&mut self, fd: u32, path: u32, length: u32) -> Done {
        let name = self.descriptors().directory(fd)?.preopened.ok_or(Errno::BadDescriptor)?;
        match name.len() > length as usize {
            true => Err(Errno::NameTooLong.into()),
            false => self.put(path, name.as_bytes()),
        }
    }

    pub fn fd_read(&mut self, fd: u32, pieces: u32, count: u32, result: u32) -> Done {
        match self.descriptors().get(fd)? {
            Open::File(file) => {
                let position = file.position;
                let read = self.read_at(fd, pieces, count, position, result)?;
                self.descriptors().file(fd)?.position = position.saturating_add(read);
                Ok(())
            }
            Open::Stdin => {
                let (buffer, length) = self.piece(pieces, count)?;
                let stdin = &mut self.state.command.stdin;
                let bytes = stdin.split_to(stdin.len().min(length as usize));
                self.put(buffer, &bytes)?;
                self.put_u32(result, bytes.len() as u32)
            }
            Open::Output(_) => Err(Errno::BadDescriptor.into()),
            Open::Directory(_) => Err(Errno::IsDirectory.into()),
        }
    }

    pub fn fd_pread(&mut self, fd: u32, pieces: u32, count: u32, offset: u64, result: u32) -> Done {
        self.read_at(fd, pieces, count, offset, result).map(|_| ())
    }

    fn read_at(&mut self, fd: u32, pieces: u32, count: u32, offset: u64, result: u32) -> Result<u64, Stop> {
        let file = self.descriptors().file(fd)?;
        if !file.read {
            return Err(Errno::BadDescriptor.into());
        }
        let inode = file.held.inode();
        let (buffer, length) = self.piece(pieces, count)?;
        let bytes = match length {
            0 => END.to_vec(),
            _ => self.state.files.disk().read(inode, offset, length as usize)?.to_vec(),
        };
        self.put(buffer, &bytes)?;
        self.put_u32(result, bytes.len() as u32)?;
        Ok(bytes.len() as u64)
    }

    pub fn fd_write(&mut self, fd: u32, pieces: u32, count: u32, result: u32) -> Done {
        match self.descriptors().get(fd)? {
            Open::File(file) => {
                let place = if file.append { Place::End } else { Place::At(file.position) };
                let written = self.write_at(fd, pieces, count, place, result)?;
                let files = self.state.files.clone();
                let file = self.descriptors().file(fd)?;
                file.position = match place {
                    Place::At(position) => position.saturating_add(written),
                    Place::End => files.disk().status(file.held.inode())?.bytes,
                };
                Ok(())
            }
            Open::Output(stream) => {
                let stream = *stream;
                let (buffer, length) = self.piece(pieces, count)?;
                let bytes = self.bytes(buffer, length)?;
                self.state.kernel.lock().write(stream, bytes).map_err(|full| Stop::End(full.into()))?;
                self.put_u32(result, length)
            }
            Open::Stdin => Err(Errno::BadDescriptor.into()),
            Open::Directory(_) => Err(Errno::IsDirectory.into()),
        }
    }

    pub fn fd_pwrite(&mut self, fd: u32, pieces: u32, count: u32, offset: u64, result: u32) -> Done {
        self.write_at(fd, pieces, count, Place::At(offset), result).map(|_| ())
    }

    fn write_at(&mut self, fd: u32, pieces: u32, count: u32, place: Place, result: u32) -> Result<u64, Stop> {
        let inode = self.writable(fd)?;
        let syncs = self.descriptors().file(fd)?.syncs;
        let (buffer, length) = self.piece(pieces, count)?;
        let written = self.state.files.write(inode, place, self.bytes(buffer, length)?)?;
        if syncs {
            self.state.files.disk().sync(inode)?;
        }
        self.put_u32(result, written as u32)?;
        Ok(written as u64)
    }

    pub fn fd_seek(&mut self, fd: u32, offset: i64, whence: u32, result: u32) -> Done {
        let files = self.state.files.clone();
        let file = self.descriptors().file(fd)?;
        let from = match whence {
            0 => 0,
            1 => file.position,
            2 => files.disk().status(file.held.inode())?.bytes,
            _ => return Err(Errno::Invalid.into()),
        };
        let position = from.checked_add_signed(offset).ok_or(Errno::Invalid)?;
        file.position = position;
        self.put_u64(result, position)
    }

    pub fn fd_tell(&mut self, fd: u32, result: u32) -> Done {
        let position = self.descriptors().file(fd)?.position;
        self.put_u64(result, position)
    }

    pub fn fd_renumber(&mut self, fd: u32, to: u32) -> Done {
        self.descriptors().replace(fd, to)
    }

    /// An entry that does not fit is cut off: the program asks again with a larger buffer.
    pub fn fd_readdir(&mut self, fd: u32, buffer: u32, length: u32, cookie: u64, result: u32) -> Done {
        self.bytes(buffer, length)?;
        if cookie == 0 {
            let inode = self.descriptors().directory(fd)?.held.inode();
            let entries = self.list(inode);
            self.descriptors().keep(fd, entries)?;
        }
        let room = (length as usize).min(PIECE_BYTES_MAX);
        let mut bytes = Vec::new();
        let entries = &self.descriptors().directory(fd)?.entries;
        let rest = entries.get(usize::try_from(cookie).unwrap_or(usize::MAX)..).unwrap_or_default();
        for (entry, next) in rest.iter().zip(cookie.saturating_add(1)..) {
            if bytes.len() >= room {
                break;
            }
            bytes.extend_from_slice(&next.to_le_bytes());
            bytes.extend_from_slice(&entry.inode.0.to_le_bytes());
            bytes.extend_from_slice(&(entry.name.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&u32::from(if entry.directory { DIRECTORY } else { REGULAR_FILE }).to_le_bytes());
            bytes.extend_from_slice(entry.name.as_bytes());
        }
        bytes.truncate(length as usize);
        self.put(buffer, &bytes)?;
        self.put_u32(result, bytes.len() as u32)
    }

    fn list(&self, directory: InodeId) -> Vec<Entry> {
        let disk = self.state.files.disk();
        let up = disk.look_up(directory, "..").unwrap_or(directory);
        let itself = |name: &str, inode| Entry { name: name.to_owned(), inode, directory: true };
        let mut entries = vec![itself(".", directory), itself("..", up)];
        let mut next = disk.next_entry(directory, None);
        while let Some(entry) = next {
            next = disk.next_entry(directory, Some(&entry.name));
            entries.push(entry);
        }
        entries
    }
}

/// As the interface lays it out; a standard stream has none.
pub fn filestat(status: Option<(InodeId, Status)>) -> [u8; 64] {
    let mut bytes = [0; 64];
    let Some((inode, status)) = status else {
        bytes[16] = UNKNOWN;
        return bytes;
    };
    bytes[8..16].copy_from_slice(&inode.0.to_le_bytes());
    bytes[16] = if status.directory { DIRECTORY } else { REGULAR_FILE };
    let times = [status.accessed, status.modified, status.changed].map(|time| time.max(0).unsigned_abs());
    for (field, at) in [status.links, status.bytes].into_iter().chain(times).zip((24..).step_by(8)) {
        bytes[at..at + 8].copy_from_slice(&field.to_le_bytes());
    }
    bytes
}
