//! Files read and written as streams. None of them ever has to be waited for.

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::{DiskError, Files, InodeId, Place, code, lock};

/// Of one read or one write. Linux does all at once, and programs count on it; here some memory of the guest's is needed for as much.
pub const PIECE_BYTES_MAX: usize = 1 << 20;

/// Once the file is gone, so is what is read of it: streams do not keep it, descriptors do.
pub struct Reading {
    pub files: Files,
    pub inode: InodeId,
    pub offset: u64,
}

pub struct Writing {
    pub files: Files,
    pub inode: InodeId,
    pub place: Place,
    /// Every write is synced, as with `O_SYNC`.
    pub syncs: bool,
}

#[async_trait]
impl Pollable for Reading {
    async fn ready(&mut self) {}
}

#[async_trait]
impl Pollable for Writing {
    async fn ready(&mut self) {}
}

#[async_trait]
impl InputStream for Reading {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let disk = lock(&self.files.disk);
        let bytes = disk.read(self.inode, self.offset, size.min(PIECE_BYTES_MAX)).map_err(failed)?;
        if bytes.is_empty() && size > 0 {
            return Err(StreamError::Closed);
        }
        self.offset += bytes.len() as u64;
        Ok(Bytes::copy_from_slice(bytes))
    }
}

#[async_trait]
impl OutputStream for Writing {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let written = self.files.write(self.inode, self.place, &bytes).map_err(failed)?;
        if self.syncs {
            self.files.disk().sync(self.inode).map_err(failed)?;
        }
        if let Place::At(offset) = &mut self.place {
            *offset += written as u64;
        }
        match written == bytes.len() {
            true => Ok(()),
            // More than `check_write` allowed.
            false => Err(failed(DiskError::NoSpace)),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let room = self.files.room(self.inode, self.place).map_err(failed)?;
        Ok(usize::try_from(room).unwrap_or(usize::MAX).min(PIECE_BYTES_MAX))
    }
}

/// A program asks for the code of what has failed.
fn failed(error: DiskError) -> StreamError {
    match error {
        DiskError::BadDescriptor => StreamError::Closed,
        error => StreamError::LastOperationFailed(wasmtime::Error::from(code(error))),
    }
}
