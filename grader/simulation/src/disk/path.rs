//! From a path to a place in the tree.

use super::{Disk, DiskError, InodeId, NAME_BYTES_MAX, PATH_BYTES_MAX, ROOT};

/// What a path leads to, up to its last part.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    pub directory: InodeId,
    pub last: Last<'a>,
    /// A slash follows, so that only a directory is meant.
    pub slash: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last<'a> {
    Name(&'a str),
    /// `.`: the directory itself.
    Here,
    /// `..`: `Spot::directory` is the parent already.
    Up,
    /// `/`.
    Root,
}

impl Disk {
    /// Where `path` leads from the directory `base`. What its last part names need not be there.
    pub(super) fn spot<'a>(&self, base: InodeId, path: &'a str) -> Result<Spot<'a>, DiskError> {
        check(path)?;
        let (mut directory, rest) = match path.strip_prefix('/') {
            Some(rest) => (ROOT, rest),
            None => (base, path),
        };
        self.directory(directory)?;
        let slash = rest.ends_with('/');
        let mut parts = rest.split('/').filter(|part| !part.is_empty()).peekable();
        let Some(mut part) = parts.next() else { return Ok(Spot { directory, last: Last::Root, slash }) };
        for next in parts {
            directory = self.step(directory, part)?;
            part = next;
        }
        let last = match part {
            "." => Last::Here,
            ".." => Last::Up,
            _ if part.len() > NAME_BYTES_MAX => return Err(DiskError::NameTooLong),
            _ => Last::Name(part),
        };
        if last == Last::Up {
            directory = self.step(directory, part)?;
        }
        Ok(Spot { directory, last, slash })
    }

    /// What `path` leads to, which must be there.
    pub(super) fn find(&self, base: InodeId, path: &str) -> Result<InodeId, DiskError> {
        let spot = self.spot(base, path)?;
        let inode = match spot.last {
            Last::Name(name) => self.names.get(spot.directory, name).ok_or(DiskError::NoEntry)?,
            Last::Here | Last::Up | Last::Root => spot.directory,
        };
        match spot.slash && !self.inode(inode)?.is_directory() {
            true => Err(DiskError::NotDirectory),
            false => Ok(inode),
        }
    }

    /// Into the directory that `part` names.
    fn step(&self, directory: InodeId, part: &str) -> Result<InodeId, DiskError> {
        let into = match part {
            "." => directory,
            ".." if directory == ROOT => ROOT,
            // One that was removed leads nowhere.
            ".." => self.names.parent(directory).ok_or(DiskError::NoEntry)?,
            _ if part.len() > NAME_BYTES_MAX => return Err(DiskError::NameTooLong),
            _ => self.names.get(directory, part).ok_or(DiskError::NoEntry)?,
        };
        self.directory(into)?;
        Ok(into)
    }

    /// Fails unless it is a directory.
    pub(super) fn directory(&self, inode: InodeId) -> Result<(), DiskError> {
        match self.inode(inode)?.is_directory() {
            true => Ok(()),
            false => Err(DiskError::NotDirectory),
        }
    }

    /// Whether a directory has been removed, though somebody has it open still.
    pub(super) fn removed(&self, directory: InodeId) -> bool {
        directory != ROOT && self.names.links(directory) == 0
    }
}

fn check(path: &str) -> Result<(), DiskError> {
    match path {
        "" => Err(DiskError::NoEntry),
        _ if path.len() > PATH_BYTES_MAX => Err(DiskError::NameTooLong),
        _ if path.contains('\0') => Err(DiskError::Invalid),
        _ => Ok(()),
    }
}
