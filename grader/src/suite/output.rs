//! What a program writes to its standard streams: counted in full, kept at its end.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::OFlags;

use crate::report::{Evidence, OutputStream};

/// Bytes of a stream that are kept, its last ones.
const TAIL_BYTES: usize = 8 << 10;
/// Bytes that a program may write to one stream before it is stopped.
pub const OUTPUT_BYTES_MAX: u64 = 4 << 20;

/// The reading end of one stream.
#[derive(Debug)]
pub struct Captured {
    pub stream: OutputStream,
    pipe: Option<OwnedFd>,
    written: u64,
    tail: Vec<u8>,
}

impl Captured {
    /// A new pipe: what is captured, and the end for the program.
    pub fn new(stream: OutputStream) -> io::Result<(Captured, OwnedFd)> {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        rustix::fs::fcntl_setfl(&read, OFlags::NONBLOCK)?;
        Ok((Captured { stream, pipe: Some(read), written: 0, tail: Vec::new() }, write))
    }

    pub fn pipe(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    /// Takes what there is; `true` when the program has written too much.
    pub fn drain(&mut self) -> bool {
        let mut buffer = [0; 64 << 10];
        while let Some(pipe) = &self.pipe {
            match rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut buffer)) {
                Ok(0) => self.pipe = None,
                Ok(length) => self.keep(&buffer[..length]),
                Err(_) => break,
            }
            if self.written > OUTPUT_BYTES_MAX {
                return true;
            }
        }
        false
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.written += bytes.len() as u64;
        self.tail.extend_from_slice(bytes);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// What is kept of it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.tail).into_owned()
    }

    /// What was written, for a reader; `None` when nothing was.
    pub fn evidence(&self, program: &str) -> Option<Evidence> {
        let truncated = self.written > self.tail.len() as u64;
        (self.written > 0).then(|| Evidence::Output {
            program: program.to_owned(),
            stream: self.stream,
            text: self.text(),
            truncated,
        })
    }
}
