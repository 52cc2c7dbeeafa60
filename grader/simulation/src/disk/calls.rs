//! What is done with what is open: its content, its status.

use super::inode::{File, Inode, Kind, Status, Time};
use super::path::Last;
use super::{Disk, DiskError, HANDLES_MAX, Handle, InodeId, NAMES_MAX, Opening, ROOT};

impl Disk {
    pub fn root(&self) -> InodeId {
        ROOT
    }

    /// Opens what `path` leads to from the directory `base`, and makes it where that is asked for.
    pub fn open(&mut self, base: InodeId, path: &str, opening: Opening) -> Result<Handle, DiskError> {
        if opening.create && opening.directory {
            return Err(DiskError::Invalid);
        }
        let spot = self.spot(base, path)?;
        let found = match spot.last {
            Last::Name(name) => self.names.get(spot.directory, name),
            Last::Here | Last::Up | Last::Root => Some(spot.directory),
        };
        if opening.create && spot.slash {
            return Err(DiskError::IsDirectory);
        }
        let inode = match (found, spot.last) {
            (Some(_), _) if opening.create && opening.exclusive => return Err(DiskError::Exists),
            (Some(inode), _) => inode,
            (None, Last::Name(name)) if opening.create => return self.create(spot.directory, name),
            (None, _) => return Err(DiskError::NoEntry),
        };
        self.check_kind(inode, opening, spot.slash)?;
        if opening.truncate {
            self.truncate(inode, 0)?;
        }
        self.hold(inode)
    }

    fn create(&mut self, directory: InodeId, name: &str) -> Result<Handle, DiskError> {
        if self.handles >= HANDLES_MAX {
            return Err(DiskError::TooManyOpen);
        }
        let inode = self.add(directory, name, Inode::file(self.now))?;
        self.hold(inode)
    }

    fn check_kind(&self, inode: InodeId, opening: Opening, slash: bool) -> Result<(), DiskError> {
        match self.inode(inode)?.kind {
            Kind::Directory if opening.create || opening.write || opening.truncate => Err(DiskError::IsDirectory),
            Kind::File(_) if opening.directory || slash => Err(DiskError::NotDirectory),
            Kind::Directory | Kind::File(_) => Ok(()),
        }
    }

    /// Keeps it there until `close`.
    pub fn hold(&mut self, inode: InodeId) -> Result<Handle, DiskError> {
        if self.handles >= HANDLES_MAX {
            return Err(DiskError::TooManyOpen);
        }
        self.inode_mut(inode)?.handles += 1;
        self.handles += 1;
        Ok(Handle { inode, life: self.life })
    }

    pub fn close(&mut self, handle: Handle) {
        if handle.life != self.life {
            return;
        }
        if let Some(inode) = self.inodes.get_mut(&handle.inode)
            && inode.handles > 0
        {
            inode.handles -= 1;
            self.handles -= 1;
            self.drop_if_unused(handle.inode);
        }
    }

    pub fn status(&self, inode: InodeId) -> Result<Status, DiskError> {
        let found = self.inode(inode)?;
        let (directory, bytes, links) = match &found.kind {
            Kind::Directory => (true, 0, if self.removed(inode) { 0 } else { 2 }),
            Kind::File(file) => (false, file.bytes().len() as u64, self.names.links(inode) as u64),
        };
        let Inode { accessed, modified, changed, .. } = *found;
        Ok(Status { directory, links, bytes, accessed, modified, changed })
    }

    pub fn status_at(&self, base: InodeId, path: &str) -> Result<Status, DiskError> {
        self.status(self.find(base, path)?)
    }

    pub fn look_up(&self, base: InodeId, path: &str) -> Result<InodeId, DiskError> {
        self.find(base, path)
    }

    /// What is not given stays.
    pub fn set_times(
        &mut self,
        inode: InodeId,
        accessed: Option<Time>,
        modified: Option<Time>,
    ) -> Result<(), DiskError> {
        let now = self.now;
        let inode = self.inode_mut(inode)?;
        inode.accessed = accessed.unwrap_or(inode.accessed);
        inode.modified = modified.unwrap_or(inode.modified);
        inode.changed = now;
        Ok(())
    }

    /// Empty at the end and after it.
    pub fn read(&self, file: InodeId, offset: u64, bytes_max: usize) -> Result<&[u8], DiskError> {
        Ok(self.file(file)?.read(offset, bytes_max))
    }

    /// How many bytes can be written there at once: those that are there already, and as many as fit. `NoSpace` for none.
    pub fn room(&self, file: InodeId, offset: u64) -> Result<u64, DiskError> {
        let length = self.file(file)?.bytes().len() as u64;
        let free = if self.full { 0 } else { self.bytes_max.saturating_sub(self.used) };
        match length.saturating_add(free).saturating_sub(offset) {
            0 => Err(DiskError::NoSpace),
            room => Ok(room),
        }
    }

    /// Returns how many bytes were written: fewer, where not all of them fit.
    pub fn write(&mut self, file: InodeId, offset: u64, bytes: &[u8]) -> Result<usize, DiskError> {
        if bytes.is_empty() {
            return self.file(file).map(|_| 0);
        }
        let written = usize::try_from(self.room(file, offset)?).unwrap_or(usize::MAX).min(bytes.len());
        let offset = usize::try_from(offset).map_err(|_| DiskError::FileTooLarge)?;
        self.change(file, |file| file.write(offset, &bytes[..written]))?;
        Ok(written)
    }

    /// As `write`, at the end.
    pub fn append(&mut self, file: InodeId, bytes: &[u8]) -> Result<usize, DiskError> {
        let end = self.file(file)?.bytes().len() as u64;
        self.write(file, end, bytes)
    }

    pub fn truncate(&mut self, file: InodeId, length: u64) -> Result<(), DiskError> {
        let before = self.file(file)?.bytes().len() as u64;
        if length > before && self.room(file, before).unwrap_or(0) < length - before {
            return Err(DiskError::NoSpace);
        }
        let length = usize::try_from(length).map_err(|_| DiskError::FileTooLarge)?;
        self.change(file, |file| file.resize(length))
    }

    fn change(&mut self, file: InodeId, change: impl FnOnce(&mut File)) -> Result<(), DiskError> {
        let now = self.now;
        let inode = self.inodes.get_mut(&file).ok_or(DiskError::BadDescriptor)?;
        let Kind::File(file) = &mut inode.kind else { return Err(DiskError::IsDirectory) };
        self.used -= file.bytes().len() as u64;
        change(file);
        self.used += file.bytes().len() as u64;
        inode.touch(now);
        Ok(())
    }

    pub(super) fn inode(&self, inode: InodeId) -> Result<&Inode, DiskError> {
        self.inodes.get(&inode).ok_or(DiskError::BadDescriptor)
    }

    pub(super) fn inode_mut(&mut self, inode: InodeId) -> Result<&mut Inode, DiskError> {
        self.inodes.get_mut(&inode).ok_or(DiskError::BadDescriptor)
    }

    fn file(&self, inode: InodeId) -> Result<&File, DiskError> {
        match &self.inode(inode)?.kind {
            Kind::File(file) => Ok(file),
            Kind::Directory => Err(DiskError::IsDirectory),
        }
    }

    /// Gives it a number and a name.
    pub(super) fn add(&mut self, directory: InodeId, name: &str, inode: Inode) -> Result<InodeId, DiskError> {
        if self.removed(directory) {
            return Err(DiskError::NoEntry);
        }
        if self.names.len() >= self.names_max {
            return Err(DiskError::NoSpace);
        }
        let number = InodeId(self.next);
        self.next += 1;
        self.inodes.insert(number, inode);
        self.names.insert((directory, name.into()), number);
        self.touch(directory);
        Ok(number)
    }

    pub(super) fn touch(&mut self, directory: InodeId) {
        let now = self.now;
        if let Some(directory) = self.inodes.get_mut(&directory) {
            directory.touch(now);
        }
    }

    /// Once nothing leads to it any more, its content is gone; and all of it, once not even a power loss brings it back.
    pub(super) fn drop_if_unused(&mut self, inode: InodeId) {
        let Some(found) = self.inodes.get_mut(&inode) else { return };
        if inode == ROOT || found.handles > 0 || self.names.links(inode) > 0 {
            return;
        }
        if let Kind::File(file) = &mut found.kind {
            self.used -= file.bytes().len() as u64;
            file.forget();
        }
        if self.synced_names.links(inode) == 0
            && let Some(gone) = self.inodes.remove(&inode)
            && let Kind::File(file) = gone.kind
        {
            self.synced_used -= file.synced_len() as u64;
        }
    }

    /// More than these are kept only for a power loss.
    pub(super) fn inodes_max(&self) -> usize {
        self.names.len() + HANDLES_MAX + NAMES_MAX
    }
}
