//! Files and directories apart from their names.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InodeId(pub u64);

/// Nanoseconds since 1970, by the node's own clock.
pub type Time = i64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    pub directory: bool,
    pub links: u64,
    pub bytes: u64,
    pub accessed: Time,
    /// Its content.
    pub modified: Time,
    /// Its content, its names, or its times.
    pub changed: Time,
}

#[derive(Clone, Debug)]
pub struct Inode {
    pub kind: Kind,
    /// How often it is open.
    pub handles: usize,
    pub accessed: Time,
    pub modified: Time,
    pub changed: Time,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// What is in it, the names say.
    Directory,
    File(File),
}

impl Inode {
    pub fn directory(now: Time) -> Inode {
        Inode { kind: Kind::Directory, handles: 0, accessed: now, modified: now, changed: now }
    }

    pub fn file(now: Time) -> Inode {
        Inode { kind: Kind::File(File::default()), ..Inode::directory(now) }
    }

    pub fn is_directory(&self) -> bool {
        matches!(self.kind, Kind::Directory)
    }

    /// Its content has changed.
    pub fn touch(&mut self, now: Time) {
        self.modified = now;
        self.changed = now;
    }
}

/// A file's content, and its content as it was last synced.
#[derive(Clone, Debug, Default)]
pub struct File {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// Only here do the two differ, and in their lengths: so that a sync costs what was written and not what there is.
    dirty: Range<usize>,
}

impl File {
    pub fn bytes(&self) -> &Vec<u8> {
        &self.bytes
    }

    pub fn synced_len(&self) -> usize {
        self.synced.len()
    }

    pub fn read(&self, offset: u64, bytes_max: usize) -> &[u8] {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = start.saturating_add(bytes_max).min(self.bytes.len());
        &self.bytes[start..end]
    }

    /// Fills up with zeros, or cuts off.
    pub fn resize(&mut self, length: usize) {
        let before = self.bytes.len();
        self.bytes.resize(length, 0);
        if length > before {
            self.soil(before..length);
        } else if length < before / 2 {
            self.bytes.shrink_to_fit();
        }
    }

    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if end > self.bytes.len() {
            self.resize(end);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
        self.soil(offset..end);
    }

    fn soil(&mut self, range: Range<usize>) {
        self.dirty = match self.dirty.is_empty() {
            true => range,
            false => self.dirty.start.min(range.start)..self.dirty.end.max(range.end),
        };
    }

    pub fn sync(&mut self) {
        let length = self.bytes.len();
        self.synced.resize(length, 0);
        let dirty = self.dirty.start.min(length)..self.dirty.end.min(length);
        self.synced[dirty.clone()].copy_from_slice(&self.bytes[dirty]);
        self.dirty = 0..0;
    }

    /// How many bytes were only appended since the last sync: nothing before them has changed.
    pub fn appended(&self) -> usize {
        if self.dirty.start < self.synced.len() { 0 } else { self.bytes.len().saturating_sub(self.synced.len()) }
    }

    /// What was not synced is gone, but for so many of the bytes that were appended.
    pub fn lose(&mut self, but: usize) {
        let from = self.synced.len();
        let kept = but.min(self.appended());
        self.synced.extend_from_slice(&self.bytes[from.min(self.bytes.len())..][..kept]);
        self.bytes = self.synced.clone();
        self.dirty = 0..0;
    }

    /// Nobody can read it any more before a power loss.
    pub fn forget(&mut self) {
        self.bytes = Vec::new();
        self.dirty = 0..self.synced.len();
    }
}
