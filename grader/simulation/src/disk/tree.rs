//! What is done to names. The order in which errors are found is Linux's.

use super::inode::Inode;
use super::names::Place;
use super::path::{Last, Spot};
use super::{Disk, DiskError, InodeId, ROOT};

/// Something in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub inode: InodeId,
    pub directory: bool,
}

impl Disk {
    /// What comes in a directory after `last`, in order of the names; `.` and `..` are not among them.
    pub fn next_entry(&self, directory: InodeId, last: Option<&str>) -> Option<Entry> {
        let (name, inode) = self.names.after(directory, last)?;
        Some(Entry {
            name: name.to_string(),
            inode,
            directory: self.inodes.get(&inode).is_some_and(Inode::is_directory),
        })
    }

    pub fn make_directory(&mut self, base: InodeId, path: &str) -> Result<(), DiskError> {
        let spot = self.spot(base, path)?;
        let Last::Name(name) = spot.last else { return Err(DiskError::Exists) };
        if self.names.get(spot.directory, name).is_some() {
            return Err(DiskError::Exists);
        }
        self.add(spot.directory, name, Inode::directory(self.now)).map(|_| ())
    }

    pub fn remove_directory(&mut self, base: InodeId, path: &str) -> Result<(), DiskError> {
        let spot = self.spot(base, path)?;
        let name = match spot.last {
            Last::Name(name) => name,
            Last::Here => return Err(DiskError::Invalid),
            Last::Up => return Err(DiskError::NotEmpty),
            Last::Root => return Err(DiskError::Busy),
        };
        let inode = self.names.get(spot.directory, name).ok_or(DiskError::NoEntry)?;
        self.directory(inode)?;
        if !self.names.is_empty(inode) {
            return Err(DiskError::NotEmpty);
        }
        self.remove((spot.directory, name.into()));
        Ok(())
    }

    /// Takes a file's name away; and with its last name the file, once nobody has it open.
    pub fn unlink(&mut self, base: InodeId, path: &str) -> Result<(), DiskError> {
        let spot = self.spot(base, path)?;
        let Last::Name(name) = spot.last else { return Err(DiskError::IsDirectory) };
        let inode = self.names.get(spot.directory, name).ok_or(DiskError::NoEntry)?;
        match (self.inode(inode)?.is_directory(), spot.slash) {
            (true, _) => return Err(DiskError::IsDirectory),
            (false, true) => return Err(DiskError::NotDirectory),
            (false, false) => {}
        }
        self.remove((spot.directory, name.into()));
        Ok(())
    }

    /// Gives a file one more name.
    pub fn link(&mut self, base: InodeId, path: &str, new_base: InodeId, new_path: &str) -> Result<(), DiskError> {
        let inode = self.find(base, path)?;
        let spot = self.spot(new_base, new_path)?;
        let Last::Name(name) = spot.last else { return Err(DiskError::Exists) };
        if self.names.get(spot.directory, name).is_some() {
            return Err(DiskError::Exists);
        }
        if spot.slash || self.removed(spot.directory) {
            return Err(DiskError::NoEntry);
        }
        if self.inode(inode)?.is_directory() {
            return Err(DiskError::NotPermitted);
        }
        if self.names.len() >= self.names_max {
            return Err(DiskError::NoSpace);
        }
        self.names.insert((spot.directory, name.into()), inode);
        self.change_of_names(inode);
        self.touch(spot.directory);
        Ok(())
    }

    /// What was under the new name is replaced, in one step.
    pub fn rename(&mut self, base: InodeId, path: &str, new_base: InodeId, new_path: &str) -> Result<(), DiskError> {
        let (from, to) = (self.spot(base, path)?, self.spot(new_base, new_path)?);
        let (Last::Name(old), Last::Name(new)) = (from.last, to.last) else { return Err(DiskError::Busy) };
        let inode = self.names.get(from.directory, old).ok_or(DiskError::NoEntry)?;
        let replaced = self.names.get(to.directory, new);
        self.check_rename(inode, replaced, from, to)?;
        if replaced == Some(inode) {
            return Ok(());
        }
        let place: Place = (to.directory, new.into());
        if replaced.is_some() {
            self.remove(place.clone());
        }
        self.names.remove(&(from.directory, old.into()));
        self.names.insert(place, inode);
        self.change_of_names(inode);
        self.touch(from.directory);
        self.touch(to.directory);
        Ok(())
    }

    fn check_rename(
        &self,
        inode: InodeId,
        replaced: Option<InodeId>,
        from: Spot<'_>,
        to: Spot<'_>,
    ) -> Result<(), DiskError> {
        let directory = self.inode(inode)?.is_directory();
        if !directory && (from.slash || to.slash) {
            return Err(DiskError::NotDirectory);
        }
        if self.lies_in(to.directory, inode) {
            return Err(DiskError::Invalid);
        }
        if self.removed(to.directory) {
            return Err(DiskError::NoEntry);
        }
        match replaced {
            None => Ok(()),
            Some(other) if other == inode => Ok(()),
            Some(other) if self.lies_in(from.directory, other) => Err(DiskError::NotEmpty),
            Some(other) => match (directory, self.inode(other)?.is_directory()) {
                (true, false) => Err(DiskError::NotDirectory),
                (false, true) => Err(DiskError::IsDirectory),
                (true, true) if !self.names.is_empty(other) => Err(DiskError::NotEmpty),
                (true, true) | (false, false) => Ok(()),
            },
        }
    }

    /// Whether a directory is `outer`, or somewhere below it.
    fn lies_in(&self, directory: InodeId, outer: InodeId) -> bool {
        let mut at = Some(directory);
        while let Some(directory) = at {
            if directory == outer {
                return true;
            }
            at = self.names.parent(directory).filter(|_| directory != ROOT);
        }
        false
    }

    fn remove(&mut self, place: Place) {
        if let Some(inode) = self.names.remove(&place) {
            self.change_of_names(inode);
            self.touch(place.0);
            self.drop_if_unused(inode);
        }
    }

    fn change_of_names(&mut self, inode: InodeId) {
        let now = self.now;
        if let Some(inode) = self.inodes.get_mut(&inode) {
            inode.changed = now;
        }
    }
}
