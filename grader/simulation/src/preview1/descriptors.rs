//! What a module has open, by number.

use std::collections::BTreeMap;

use super::{Errno, Stop};
use crate::disk::{Entry, InodeId};
use crate::host::{Files, Held};
use crate::words::Stream;

/// The program's standard streams are 0 to 2, and these come next.
const PREOPENED: [(&str, &str); 3] = [(".", "/work"), ("/work", "/work"), ("/tmp", "/tmp")];

/// Entries of all directories that are being read.
const LISTED_MAX: usize = 65_536;

#[derive(Debug)]
pub(crate) enum Open {
    Stdin,
    Output(Stream),
    File(File),
    Directory(Directory),
}

#[derive(Debug)]
pub(crate) struct File {
    pub held: Held,
    pub position: u64,
    pub read: bool,
    pub write: bool,
    pub append: bool,
    /// Every write is synced.
    pub syncs: bool,
}

#[derive(Debug)]
pub(crate) struct Directory {
    pub held: Held,
    /// By which name the program finds it opened.
    pub preopened: Option<&'static str>,
    /// What was in it when it was begun to be read: who removes what he has read skips nothing.
    pub entries: Vec<Entry>,
}

/// Made with a program's first call that needs it.
#[derive(Debug, Default)]
pub(crate) struct Descriptors(BTreeMap<u32, Open>);

impl Descriptors {
    /// Opens what every program has open.
    pub fn new(files: &Files) -> Descriptors {
        let mut descriptors = Descriptors(BTreeMap::from([
            (0, Open::Stdin),
            (1, Open::Output(Stream::Stdout)),
            (2, Open::Output(Stream::Stderr)),
        ]));
        for (name, path) in PREOPENED {
            let root = files.disk().root();
            let found = files.disk().look_up(root, path);
            // An earlier life may have removed it.
            if let Ok(held) = found.and_then(|inode| files.hold(inode)) {
                descriptors.insert(Open::Directory(Directory { held, preopened: Some(name), entries: Vec::new() }));
            }
        }
        descriptors
    }

    pub fn get(&mut self, fd: u32) -> Result<&mut Open, Stop> {
        Ok(self.0.get_mut(&fd).ok_or(Errno::BadDescriptor)?)
    }

    pub fn file(&mut self, fd: u32) -> Result<&mut File, Stop> {
        match self.get(fd)? {
            Open::File(file) => Ok(file),
            Open::Directory(_) => Err(Errno::IsDirectory.into()),
            Open::Stdin | Open::Output(_) => Err(Errno::NoSeek.into()),
        }
    }

    pub fn directory(&mut self, fd: u32) -> Result<&mut Directory, Stop> {
        match self.get(fd)? {
            Open::Directory(directory) => Ok(directory),
            Open::File(_) | Open::Stdin | Open::Output(_) => Err(Errno::NotDirectory.into()),
        }
    }

    /// What is open there of the disk.
    pub fn inode(&mut self, fd: u32) -> Result<InodeId, Stop> {
        match self.get(fd)? {
            Open::File(file) => Ok(file.held.inode()),
            Open::Directory(directory) => Ok(directory.held.inode()),
            Open::Stdin | Open::Output(_) => Err(Errno::Invalid.into()),
        }
    }

    /// Gives it the least number that is free.
    pub fn insert(&mut self, open: Open) -> u32 {
        // The disk keeps fewer open than there are numbers.
        let fd = (0..u32::MAX).find(|fd| !self.0.contains_key(fd)).unwrap_or(u32::MAX);
        self.0.insert(fd, open);
        fd
    }

    pub fn remove(&mut self, fd: u32) -> Result<Open, Stop> {
        Ok(self.0.remove(&fd).ok_or(Errno::BadDescriptor)?)
    }

    pub fn replace(&mut self, fd: u32, to: u32) -> Result<(), Stop> {
        self.get(to)?;
        let open = self.remove(fd)?;
        self.0.insert(to, open);
        Ok(())
    }

    /// Keeps what is in a directory while it is read.
    pub fn keep(&mut self, fd: u32, entries: Vec<Entry>) -> Result<(), Stop> {
        self.directory(fd)?.entries.clear();
        let listed: usize =
            self.0.values().map(|open| if let Open::Directory(it) = open { it.entries.len() } else { 0 }).sum();
        if listed + entries.len() > LISTED_MAX {
            return Err(Errno::NoMemory.into());
        }
        self.directory(fd)?.entries = entries;
        Ok(())
    }
}
