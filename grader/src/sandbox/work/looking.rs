//! What else a case may do in a work folder: look at what lies there, remove and link, and reach a unix socket.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::net::SocketAddrUnix;
use serde::Serialize;

use super::WorkFolder;
use crate::submission::{FileName, NAME_PARTS_MAX};

/// Most names that are listed, and their bytes.
const LISTED_MAX: usize = 4096;
const LISTED_BYTES_MAX: usize = 256 << 10;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    File,
    Folder,
    Link,
    Socket,
    Fifo,
    Other,
}

impl Kind {
    fn of(kind: FileType) -> Kind {
        match kind {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            FileType::Socket => Kind::Socket,
            FileType::Fifo => Kind::Fifo,
            _ => Kind::Other,
        }
    }
}

impl WorkFolder {
    /// What lies there, a link not followed; `None` when nothing does.
    pub fn kind(&self, name: &FileName) -> Option<Kind> {
        Some(Kind::of(FileType::from_raw_mode(self.stat(name).ok()?.1.st_mode)))
    }

    /// Removes what is no folder; whether there was something.
    pub fn remove(&self, name: &FileName) -> io::Result<bool> {
        let (parent, last) = self.parent(name)?;
        match rustix::fs::unlinkat(&parent, last, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a symbolic link, and the folders that it lies in. Nothing here ever follows it.
    pub fn link(&self, name: &FileName, target: &str) -> io::Result<()> {
        self.make_folders(name)?;
        let (parent, last) = self.parent(name)?;
        rustix::fs::symlinkat(target, &parent, last)?;
        let (uid, gid) = self.ids();
        Ok(rustix::fs::chownat(&parent, last, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Names of everything below `folder` that is no folder, sorted; nothing where there is no such folder.
    pub fn files(&self, folder: Option<&FileName>) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        // Each with a slash at its end; the work folder itself has no name.
        let mut waiting = vec![folder.map_or(String::new(), |folder| format!("{folder}/"))];
        let mut bytes = 0;
        while let Some(prefix) = waiting.pop() {
            let path = if prefix.is_empty() { "." } else { &prefix };
            let Ok(opened) = self.open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) else {
                continue;
            };
            for entry in Dir::read_from(&opened)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if name == "." || name == ".." {
                    continue;
                }
                bytes += prefix.len() + name.len();
                if found.len() + waiting.len() >= LISTED_MAX || bytes > LISTED_BYTES_MAX {
                    found.sort();
                    return Ok(found);
                }
                let whole = format!("{prefix}{name}");
                if entry.file_type() != FileType::Directory {
                    found.push(whole);
                } else if whole.matches('/').count() < 2 * NAME_PARTS_MAX {
                    waiting.push(format!("{whole}/"));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Inode and device, in the kernel's own numbering, of the unix socket of that name.
    pub fn socket_file(&self, name: &FileName) -> Option<(u32, u32)> {
        let (_, stat) = self.stat(name).ok()?;
        let device = (rustix::fs::major(stat.st_dev) << 20) | rustix::fs::minor(stat.st_dev);
        (FileType::from_raw_mode(stat.st_mode) == FileType::Socket).then_some((stat.st_ino as u32, device))
    }

    /// Connects a socket to the unix socket of that name. Never waits: `WouldBlock` while its queue is full.
    pub fn connect(&self, socket: &OwnedFd, name: &FileName) -> io::Result<()> {
        let (file, stat) = self.stat(name)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
            return Err(io::Error::other(format!("{name} is no socket")));
        }
        rustix::io::ioctl_fionbio(socket, true)?;
        // By the descriptor: what was looked at above is what is connected to, whatever the name means by now.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(rustix::net::connect(socket, &SocketAddrUnix::new(path)?)?)
    }

    fn stat(&self, name: &FileName) -> io::Result<(OwnedFd, Stat)> {
        let (parent, last) = self.parent(name)?;
        let file = rustix::fs::openat(&parent, last, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let stat = rustix::fs::fstat(file.as_fd())?;
        Ok((file, stat))
    }

    fn parent<'a>(&self, name: &'a FileName) -> io::Result<(OwnedFd, &'a str)> {
        let (parent, last) = name.as_str().rsplit_once('/').unwrap_or((".", name.as_str()));
        Ok((self.open(parent, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?, last))
    }
}
