//! The one framing of every channel: grader and launcher, grader and init, grader and examiner, examiner and shim.
//!
//! ```text
//! u32 head length | u32 tail length | u32 descriptors | head: JSON | tail: raw bytes        (big-endian)
//! ```
//!
//! Descriptors ride on the frame's first byte (SCM_RIGHTS) and are counted in the header, so that a reader which takes
//! bytes in large gulps still knows whose they are. The peer may be hostile: a length above its cap ends the channel
//! before anything is allocated, and half a frame never blocks the reader. The Python end is `practicum/channel.py`.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest head, in bytes.
pub const HEAD_BYTES_MAX: usize = 1 << 20;
/// Largest tail, in bytes.
pub const TAIL_BYTES_MAX: usize = 64 << 20;
/// Most descriptors with one frame.
pub const DESCRIPTORS_MAX: usize = 16;

const HEADER_BYTES: usize = 12;
/// Bytes taken from the socket at a time.
const GULP_BYTES: usize = 64 << 10;

/// One message.
#[derive(Debug)]
pub struct Frame {
    head: Vec<u8>,
    pub tail: Vec<u8>,
    pub descriptors: Vec<OwnedFd>,
}

impl Frame {
    /// The head as `T`; an error means that the peer does not keep to the protocol.
    pub fn head<T: DeserializeOwned>(&self) -> io::Result<T> {
        serde_json::from_slice(&self.head).map_err(|error| violation(&error.to_string()))
    }
}

/// One end of a connected stream socket that carries frames.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    received: Reassembly,
    ended: bool,
}

impl Channel {
    pub fn new(socket: OwnedFd) -> Channel {
        Channel { socket, received: Reassembly::default(), ended: false }
    }

    /// A connected pair: our end, and the bare descriptor for the peer.
    pub fn pair() -> io::Result<(Channel, OwnedFd)> {
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        Ok((Channel::new(ours), theirs))
    }

    /// Sends one frame, waiting for room as long as it takes.
    pub fn send(&self, head: &impl Serialize, tail: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let head = serde_json::to_vec(head)?;
        let header = header(head.len(), tail.len(), descriptors.len());
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(violation("too many descriptors for one frame"));
        }
        let bytes = [header.as_slice(), &head, tail].concat();
        let mut sent =
            retry(|| rustix::net::sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL))?;
        while sent < bytes.len() {
            sent += retry(|| rustix::net::send(&self.socket, &bytes[sent..], SendFlags::NOSIGNAL))?;
        }
        Ok(())
    }

    /// The next frame, waiting for it; `None` once the peer has closed.
    pub fn receive(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.received.next_frame()? {
                return Ok(Some(frame));
            }
            if self.ended {
                return Ok(None);
            }
            self.gulp(RecvFlags::empty())?;
        }
    }

    /// The next frame if it is there in full; never waits. See [`Channel::ended`].
    pub fn try_receive(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.received.next_frame()? {
                return Ok(Some(frame));
            }
            if self.ended || !self.gulp(RecvFlags::DONTWAIT)? {
                return Ok(None);
            }
        }
    }

    /// Whether the peer has closed and every frame was taken.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Reads what there is, `false` when that is nothing.
    fn gulp(&mut self, flags: RecvFlags) -> io::Result<bool> {
        let mut buffer = [0; GULP_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut buffer)];
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        let received = match retry(|| rustix::net::recvmsg(&self.socket, &mut slices, &mut control, flags)) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                self.ended = true;
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.received.descriptors.extend(descriptors);
            }
        }
        self.ended = received.bytes == 0;
        self.received.bytes.extend_from_slice(&buffer[..received.bytes]);
        if self.received.descriptors.len() > 4 * DESCRIPTORS_MAX {
            return Err(violation("descriptors that no frame announces"));
        }
        Ok(true)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Bytes and descriptors that are not yet frames.
#[derive(Debug, Default)]
pub struct Reassembly {
    bytes: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

impl Reassembly {
    /// Adds bytes as they came from the peer.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the first frame off if it is complete.
    pub fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        let Some((head_bytes, tail_bytes, descriptors)) = self.announced()? else {
            return Ok(None);
        };
        let end = HEADER_BYTES + head_bytes + tail_bytes;
        if self.bytes.len() < end {
            return Ok(None);
        }
        if self.descriptors.len() < descriptors {
            return Err(violation("a frame announces descriptors that did not come"));
        }
        let rest = self.bytes.split_off(end);
        let mut frame = std::mem::replace(&mut self.bytes, rest);
        let tail = frame.split_off(HEADER_BYTES + head_bytes);
        frame.drain(..HEADER_BYTES);
        Ok(Some(Frame { head: frame, tail, descriptors: self.descriptors.drain(..descriptors).collect() }))
    }

    /// Head length, tail length and descriptors of the first frame, within their caps.
    fn announced(&self) -> io::Result<Option<(usize, usize, usize)>> {
        if self.bytes.len() < HEADER_BYTES {
            return Ok(None);
        }
        let number = |at: usize| u32::from_be_bytes(self.bytes[at..at + 4].try_into().expect("four bytes")) as usize;
        let (head, tail, descriptors) = (number(0), number(4), number(8));
        if head > HEAD_BYTES_MAX || tail > TAIL_BYTES_MAX || descriptors > DESCRIPTORS_MAX {
            return Err(violation("a frame announces more than is allowed"));
        }
        Ok(Some((head, tail, descriptors)))
    }
}

fn header(head: usize, tail: usize, descriptors: usize) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    for (part, value) in header.chunks_mut(4).zip([head, tail, descriptors]) {
        part.copy_from_slice(&u32::try_from(value).expect("frames stay below 4 GiB").to_be_bytes());
    }
    header
}

fn violation(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("read a frame: {reason}"))
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::Shutdown;

    use super::*;

    #[test]
    fn a_frame_arrives_whole_with_its_descriptors() {
        let (ours, theirs) = Channel::pair().unwrap();
        let mut theirs = Channel::new(theirs);
        let (end, _other) = rustix::pipe::pipe().unwrap();
        ours.send(&serde_json::json!({"a": 1}), b"", &[]).unwrap();
        ours.send(&serde_json::json!({"b": [2]}), b"raw", &[end.as_fd()]).unwrap();
        let first = theirs.receive().unwrap().unwrap();
        let second = theirs.receive().unwrap().unwrap();
        assert_eq!(first.head::<serde_json::Value>().unwrap(), serde_json::json!({"a": 1}));
        assert!(first.descriptors.is_empty());
        assert_eq!(second.tail, b"raw");
        assert_eq!(second.descriptors.len(), 1);
    }

    #[test]
    fn half_a_frame_does_not_block_and_the_end_is_seen() {
        let (mut ours, theirs) = Channel::pair().unwrap();
        let mut theirs = std::os::unix::net::UnixStream::from(theirs);
        theirs.write_all(&[0, 0, 0, 2, 0]).unwrap();
        assert!(ours.try_receive().unwrap().is_none());
        assert!(!ours.ended());
        theirs.shutdown(Shutdown::Both).unwrap();
        assert!(ours.try_receive().unwrap().is_none());
        assert!(ours.ended());
    }

    #[test]
    fn a_lying_length_is_refused_before_anything_is_allocated() {
        let mut received = Reassembly::default();
        received.feed(&[0xff; HEADER_BYTES]);
        assert!(received.next_frame().is_err());
    }
}
