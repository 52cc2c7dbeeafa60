//! A node's disk: files and directories in memory, as POSIX has them, and what a power loss leaves of them.
//!
//! It knows nothing of this machine: no path leads out of it, since there is nothing outside. Paths are resolved as Linux
//! does, from a directory or, with a leading `/`, from the root; `..` of the root is the root. There are no permissions, no
//! symbolic links, no holes in files (what is skipped counts as zeros written) and no access times.
//!
//! **Power loss.** Everything is there twice: as programs see it, and as it would be found after a power loss. Nothing
//! passes from the one to the other by itself, however much time goes by; only a sync moves it, or in part the power loss:
//! - Sync of a *file*: its content; its names, new, gone and changed ones; and the directories on the way to them.
//! - Sync of a *directory*: the names in it, new and gone, and the directories on the way to it. Not the content of the
//!   files: one that never was synced itself is found empty, or with a beginning of what was in it.
//! - Of what was *appended* to a file since its last sync, a beginning may have got out by itself: a record can be found
//!   torn. Where anything before that was changed too, nothing has.
//! - A file's names move together, as in one transaction of a journal: after a power loss it is never found under the old
//!   name and the new one, or under neither, because only one of two directories was synced. And whoever takes a name away
//!   from another file takes the other's new names along.
//!
//! That is ext4's `data=ordered` without its kindness: there a sync moves the names of *all* files, and a rename over
//! another file its content too. A program that is right here is right there.
//!
//! What would have to be kept of the past is bounded: where it no longer fits, everything is written out, as `sync` does.

mod calls;
mod durable;
mod inode;
mod names;
mod path;
mod tree;

use std::collections::BTreeMap;

use inode::{Inode, Kind};
use names::Names;

pub use inode::{InodeId, Status, Time};
pub use tree::Entry;

/// Paths without a leading slash, `/` between parts: `work/main.py`.
pub type Image = BTreeMap<String, Vec<u8>>;

/// Directories that every disk begins with.
const DIRECTORIES: [&str; 2] = ["tmp", "work"];

/// Bytes of one name.
pub const NAME_BYTES_MAX: usize = 255;
/// Bytes of a path. Linux counts the zero at its end too.
pub const PATH_BYTES_MAX: usize = 4095;
/// Names on a disk beside those of its image.
pub const NAMES_MAX: usize = 16_384;
/// Open at a time, files and directories together.
pub const HANDLES_MAX: usize = 1024;

/// Every cluster begins at 2026-01-01T00:00:00Z; files of an image are as old as that.
pub const BEGINNING: Time = 1_767_225_600_000_000_000;

const ROOT: InodeId = InodeId(0);

#[derive(Clone, Debug)]
pub struct Disk {
    inodes: BTreeMap<InodeId, Inode>,
    /// As programs see them.
    names: Names,
    /// As they are found after a power loss.
    synced_names: Names,
    /// No number is given twice, so that nobody takes a new file for an old one.
    next: u64,
    handles: usize,
    /// A power loss begins a new one; handles of earlier lives mean nothing.
    life: u32,
    /// Of all files, open ones without a name among them.
    used: u64,
    /// The same as a power loss would leave them.
    synced_used: u64,
    bytes_max: u64,
    names_max: usize,
    full: bool,
    sync_lies: bool,
    now: Time,
}

/// Something open. It keeps a file's content there, even when its last name is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    pub inode: InodeId,
    life: u32,
}

/// What to open and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    pub write: bool,
    pub create: bool,
    pub exclusive: bool,
    pub directory: bool,
    pub truncate: bool,
}

/// What a call fails by. Named as in errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    #[error("bad file descriptor")]
    BadDescriptor,
    #[error("device or resource busy")]
    Busy,
    #[error("file exists")]
    Exists,
    #[error("file too large")]
    FileTooLarge,
    #[error("invalid argument")]
    Invalid,
    #[error("is a directory")]
    IsDirectory,
    #[error("file name too long")]
    NameTooLong,
    #[error("no such file or directory")]
    NoEntry,
    #[error("no space left on device")]
    NoSpace,
    #[error("not a directory")]
    NotDirectory,
    #[error("directory not empty")]
    NotEmpty,
    #[error("operation not permitted")]
    NotPermitted,
    #[error("too many open files")]
    TooManyOpen,
}

impl Disk {
    /// A disk with the image's files, synced, and room for `bytes_max` bytes beside them. A path of the image that cannot
    /// be, such as one through a file, is left out.
    pub fn new(image: &Image, bytes_max: u64) -> Disk {
        let mut disk = Disk {
            inodes: BTreeMap::from([(ROOT, Inode::directory(BEGINNING))]),
            names: Names::default(),
            synced_names: Names::default(),
            next: 1,
            handles: 0,
            life: 0,
            used: 0,
            synced_used: 0,
            bytes_max: u64::MAX,
            names_max: usize::MAX,
            full: false,
            sync_lies: false,
            now: BEGINNING,
        };
        for path in DIRECTORIES {
            disk.put_directory(path);
        }
        for (path, bytes) in image {
            disk.put(path, bytes);
        }
        disk.sync_everything();
        disk.bytes_max = disk.used.saturating_add(bytes_max);
        disk.names_max = disk.names.len() + NAMES_MAX;
        disk
    }

    /// What is done next is done then.
    pub fn at(&mut self, now: Time) -> &mut Disk {
        self.now = now;
        self
    }

    /// From now on nothing more fits (true), or does again. Files can be made, written over and shortened, but nothing grows.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// From now on a sync says that all is well and does nothing (true).
    pub fn set_sync_lies(&mut self, lies: bool) {
        self.sync_lies = lies;
    }

    /// Files whose content differs from `image`, or that are not in it. A file that lies deeper than a path can say is left
    /// out.
    pub fn changes(&self, image: &Image) -> Image {
        let mut changes = Image::new();
        let mut directories = vec![(ROOT, String::new())];
        while let Some((directory, path)) = directories.pop() {
            for (name, inode) in self.names.below(directory) {
                let path = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
                match self.inodes.get(&inode).map(|inode| &inode.kind) {
                    _ if path.len() > PATH_BYTES_MAX => {}
                    Some(Kind::Directory) => directories.push((inode, path)),
                    Some(Kind::File(file)) if image.get(&path) != Some(file.bytes()) => {
                        changes.insert(path, file.bytes().clone());
                    }
                    Some(Kind::File(_)) | None => {}
                }
            }
        }
        changes
    }

    fn put(&mut self, path: &str, bytes: &[u8]) {
        if let Some((directory, _)) = path.rsplit_once('/') {
            self.put_directory(directory);
        }
        let opening = Opening { write: true, create: true, truncate: true, ..Opening::default() };
        if let Ok(handle) = self.open(ROOT, path, opening) {
            // There is room for everything as yet.
            let _ = self.write(handle.inode, 0, bytes);
            self.close(handle);
        }
    }

    fn put_directory(&mut self, path: &str) {
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            // It is there already, or it cannot be.
            let _ = self.make_directory(ROOT, &path[..end]);
        }
    }
}
