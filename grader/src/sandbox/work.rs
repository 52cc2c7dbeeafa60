//! A sandbox's work folder as seen from outside: filled before the programs run, read while and after they do.
//!
//! It is a tmpfs that only ever is a descriptor here. Every name is resolved beneath it with links, magic links and
//! mount crossings refused, files are opened without blocking and must be regular, and every read is capped: whatever a
//! student puts there is data.

mod looking;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Uid};

pub use self::looking::Kind;
use crate::submission::{FileName, Submission};

#[derive(Debug)]
pub struct WorkFolder {
    folder: OwnedFd,
    /// Whose the files inside must be, so that the programs may change them; `None` when they are already.
    owner: Option<u32>,
}

impl WorkFolder {
    pub(super) fn new(folder: OwnedFd, owner: Option<u32>) -> WorkFolder {
        WorkFolder { folder, owner }
    }

    /// Writes every file of a submission.
    pub fn fill(&self, submission: &Submission) -> io::Result<()> {
        submission.files().try_for_each(|(name, content)| self.write(name, content))
    }

    /// Writes a file, replacing one of that name; makes its folders.
    pub fn write(&self, name: &FileName, content: &[u8]) -> io::Result<()> {
        self.make_folders(name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NONBLOCK;
        let file = self.open(name.as_str(), flags, Mode::from_raw_mode(0o644))?;
        let file = regular(file)?.ok_or_else(|| io::Error::other(format!("write {name}: it is not a plain file")))?;
        let mut rest = content;
        while !rest.is_empty() {
            rest = &rest[rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?..];
        }
        let (uid, gid) = self.ids();
        Ok(rustix::fs::fchown(&file, uid, gid)?)
    }

    /// Up to `bytes_max` bytes of a regular file; `None` where there is no such thing.
    pub fn read(&self, name: &FileName, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let Ok(file) = self.open(name.as_str(), OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()) else {
            return Ok(None);
        };
        let Some(file) = regular(file)? else { return Ok(None) };
        let mut content = vec![0; bytes_max];
        let mut length = 0;
        while length < bytes_max {
            match rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut content[length..]))? {
                0 => break,
                read => length += read,
            }
        }
        content.truncate(length);
        Ok(Some(content))
    }

    /// Overwrites bytes of a regular file in place, for programs that have it mapped; its length stays as it is. `false`
    /// where there are no such bytes.
    pub fn patch(&self, name: &FileName, offset: u64, content: &[u8]) -> io::Result<bool> {
        let Ok(file) = self.open(name.as_str(), OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()) else {
            return Ok(false);
        };
        let Some(file) = regular(file)? else { return Ok(false) };
        let length = u64::try_from(rustix::fs::fstat(&file)?.st_size).unwrap_or(0);
        if offset.checked_add(content.len() as u64).is_none_or(|end| end > length) {
            return Ok(false);
        }
        let mut written = 0;
        while written < content.len() {
            let at = offset + written as u64;
            written += rustix::io::retry_on_intr(|| rustix::io::pwrite(&file, &content[written..], at))?;
        }
        Ok(true)
    }

    fn ids(&self) -> (Option<Uid>, Option<Gid>) {
        (self.owner.map(Uid::from_raw), self.owner.map(Gid::from_raw))
    }

    fn open(&self, name: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(rustix::fs::openat2(self.folder.as_fd(), name, flags, mode, resolve)?)
    }

    fn make_folders(&self, name: &FileName) -> io::Result<()> {
        let parents = name.as_str().match_indices('/').map(|(end, _)| &name.as_str()[..end]);
        for folder in parents {
            let (parent, last) = folder.rsplit_once('/').unwrap_or((".", folder));
            let parent = self.open(parent, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
            match rustix::fs::mkdirat(&parent, last, Mode::from_raw_mode(0o755)) {
                Ok(()) => {
                    let (uid, gid) = self.ids();
                    rustix::fs::chownat(&parent, last, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
                }
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl AsFd for WorkFolder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

/// How full a file system is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Room {
    pub used_bytes: u64,
    /// Nothing can be added: no byte, or no file.
    pub full: bool,
}

impl Room {
    pub fn of(folder: BorrowedFd<'_>) -> Room {
        let Ok(facts) = rustix::fs::fstatvfs(folder) else { return Room::default() };
        let used_bytes = facts.f_blocks.saturating_sub(facts.f_bfree) * facts.f_frsize;
        Room { used_bytes, full: facts.f_bfree == 0 || facts.f_ffree == 0 }
    }
}

fn regular(file: OwnedFd) -> io::Result<Option<OwnedFd>> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
    Ok((kind == FileType::RegularFile).then_some(file))
}
