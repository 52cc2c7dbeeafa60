//! Calls on names.

use super::descriptors::{Directory, File, Open};
use super::files::{APPEND, READ, SYNCS, WRITE, filestat};
use super::memory::Guest;
use super::{Done, Errno, Stop};
use crate::disk::{InodeId, Opening};

const CREATE: u32 = 1;
const MUST_BE_DIRECTORY: u32 = 1 << 1;
const EXCLUSIVE: u32 = 1 << 2;
const TRUNCATE: u32 = 1 << 3;

impl Guest<'_> {
    fn base(&mut self, fd: u32, path: u32, length: u32) -> Result<(InodeId, String), Stop> {
        let path = self.path(path, length)?;
        Ok((self.descriptors().directory(fd)?.held.inode(), path))
    }

    pub fn path_create_directory(&mut self, fd: u32, path: u32, length: u32) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        Ok(self.state.files.disk().make_directory(base, &path)?)
    }

    pub fn path_remove_directory(&mut self, fd: u32, path: u32, length: u32) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        Ok(self.state.files.disk().remove_directory(base, &path)?)
    }

    pub fn path_unlink_file(&mut self, fd: u32, path: u32, length: u32) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        Ok(self.state.files.disk().unlink(base, &path)?)
    }

    pub fn path_rename(
        &mut self,
        fd: u32,
        path: u32,
        length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        let (new_base, new_path) = self.base(new_fd, new_path, new_length)?;
        Ok(self.state.files.disk().rename(base, &path, new_base, &new_path)?)
    }

    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    pub fn path_link(
        &mut self,
        fd: u32,
        _flags: u32,
        path: u32,
        length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        let (new_base, new_path) = self.base(new_fd, new_path, new_length)?;
        Ok(self.state.files.disk().link(base, &path, new_base, &new_path)?)
    }

    pub fn path_symlink(&mut self, _old: u32, _old_length: u32, fd: u32, path: u32, length: u32) -> Done {
        self.base(fd, path, length)?;
        Err(Errno::NotSupported.into())
    }

    pub fn path_readlink(&mut self, fd: u32, path: u32, length: u32, _buffer: u32, _size: u32, _result: u32) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        self.state.files.disk().look_up(base, &path)?;
        // There are no links.
        Err(Errno::Invalid.into())
    }

    pub fn path_filestat_get(&mut self, fd: u32, _flags: u32, path: u32, length: u32, result: u32) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        let status = {
            let disk = self.state.files.disk();
            let inode = disk.look_up(base, &path)?;
            filestat(Some((inode, disk.status(inode)?)))
        };
        self.put(result, &status)
    }

    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    pub fn path_filestat_set_times(
        &mut self,
        fd: u32,
        _flags: u32,
        path: u32,
        length: u32,
        accessed: u64,
        modified: u64,
        which: u32,
    ) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        let inode = self.state.files.disk().look_up(base, &path)?;
        self.set_times(inode, accessed, modified, which)
    }

    #[expect(clippy::too_many_arguments, reason = "the interface's")]
    pub fn path_open(
        &mut self,
        fd: u32,
        _look: u32,
        path: u32,
        length: u32,
        how: u32,
        rights: u64,
        _inheriting: u64,
        flags: u32,
        result: u32,
    ) -> Done {
        let (base, path) = self.base(fd, path, length)?;
        self.put_u32(result, 0)?;
        let opening = Opening {
            write: rights & WRITE != 0,
            create: how & CREATE != 0,
            exclusive: how & EXCLUSIVE != 0,
            directory: how & MUST_BE_DIRECTORY != 0,
            truncate: how & TRUNCATE != 0,
        };
        let held = self.state.files.open(base, &path, opening)?;
        let status = self.state.files.disk().status(held.inode())?;
        let open = match status.directory {
            true => Open::Directory(Directory { held, preopened: None, entries: Vec::new() }),
            false => Open::File(File {
                held,
                position: 0,
                read: rights & READ != 0,
                write: opening.write,
                append: flags & u32::from(APPEND) != 0,
                syncs: flags & u32::from(SYNCS) != 0,
            }),
        };
        let fd = self.descriptors().insert(open);
        self.put_u32(result, fd)
    }
}
