//! The two directions of a connection, as streams, and what keeps it open.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

use super::names::StreamFailed;
use super::{Kernel, State, Wait, practicum};
use crate::world::{NetError, Read, TcpId, World};

/// A socket of the world. A program holds it by the socket itself and by its two streams; when the last of them goes, it
/// is closed.
#[derive(Debug)]
pub(super) struct Tcp {
    id: TcpId,
    kernel: Kernel,
}

impl Drop for Tcp {
    fn drop(&mut self) {
        let mut guard = self.kernel.lock();
        // The world has closed the sockets of a process that is gone, and may have given the number to another.
        if !guard.own().gone {
            guard.world().tcp_close(self.id);
        }
    }
}

impl Tcp {
    pub fn new(id: TcpId, kernel: Kernel) -> Tcp {
        Tcp { id, kernel }
    }

    pub fn with<T>(&self, what: impl FnOnce(&mut World, TcpId) -> T) -> T {
        what(self.kernel.lock().world(), self.id)
    }

    pub fn readable(&self) -> impl Future<Output = ()> + '_ {
        self.ready(Wait::Tcp(self.id), |world, id| world.tcp_readable(id))
    }

    pub fn writable(&self) -> impl Future<Output = ()> + '_ {
        self.ready(Wait::Room(self.id), |world, id| world.tcp_writable(id))
    }

    fn ready(&self, wait: Wait, is: fn(&World, TcpId) -> bool) -> impl Future<Output = ()> + '_ {
        poll_fn(move |_| {
            let mut guard = self.kernel.lock();
            if is(guard.world(), self.id) { Poll::Ready(()) } else { guard.waits_for(wait) }
        })
    }

    fn failed(&self, error: NetError) -> StreamError {
        self.kernel.lock().own().lost_by = Some(error);
        StreamError::LastOperationFailed(StreamFailed(error).into())
    }

    /// A stream that nobody reads any more is closed, which libc tells as `EPIPE`; others fail.
    fn ended(&self, error: NetError) -> StreamError {
        match error {
            NetError::BrokenPipe | NetError::NotConnected | NetError::InvalidState => StreamError::Closed,
            error => self.failed(error),
        }
    }
}

impl practicum::simulation::lost::Host for State {
    fn given_up(&mut self) -> wasmtime::Result<bool> {
        Ok(self.kernel.lock().own().lost_by == Some(NetError::TimedOut))
    }
}

pub(super) struct Reader(pub Arc<Tcp>);

#[async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {
        self.0.readable().await;
    }
}

/// At a time: a receive buffer's size is as much as there can be.
const READ_BYTES_MAX: usize = 64 << 10;

impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self
            .0
            .with(|world, id| world.tcp_read(id, size.min(READ_BYTES_MAX)))
            .map_err(|error| self.0.failed(error))?
        {
            Read::Bytes(bytes) => Ok(bytes.into()),
            Read::WouldBlock => Ok(Bytes::new()),
            Read::End => Err(StreamError::Closed),
        }
    }
}

pub(super) struct Writer(pub Arc<Tcp>);

#[async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {
        self.0.writable().await;
    }
}

impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let taken = self.0.with(|world, id| world.tcp_write(id, &bytes)).map_err(|error| self.0.ended(error))?;
        if taken < bytes.len() {
            return Err(StreamError::trap("wrote more at a time than check-write allows"));
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        // Writing nothing tells an error for good: who asks here is about to write, and does not when this fails.
        let room = self.0.with(|world, id| world.tcp_room(id).or_else(|_| world.tcp_write(id, &[])));
        room.map_err(|error| self.0.ended(error))
    }
}
