//! The one framing of every channel: grader and launcher, grader and init, grader and examiner, examiner and shim.
//!
//! ```text
//! u32 head length | u32 tail length | u32 descriptors | head: JSON | tail: raw bytes        (big-endian)
//! ```
//!
//! Descriptors ride on the frame's first byte (SCM_RIGHTS) and are counted in the header, so that a reader which takes
//! bytes in large gulps still knows whose they are. What the bytes mean is told in the crate [`framing`], which knows no sockets;
//! here are the socket and the descriptors. The peer may be hostile: half a frame never blocks the reader, and
//! descriptors that no frame announces end the channel. The Python end is `python/shim/frames.py`.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub use framing::TAIL_BYTES_MAX;
use framing::{DESCRIPTORS_MAX, Framing, violation};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes taken from the socket at a time.
const GULP_BYTES: usize = 16 << 10;
/// Most descriptors that may have come before the frames they belong to are complete.
const DESCRIPTORS_WAITING_MAX: usize = 4 * DESCRIPTORS_MAX;

/// One message.
#[derive(Debug)]
pub struct Frame {
    head: serde_json::Value,
    pub tail: Vec<u8>,
    pub descriptors: Vec<OwnedFd>,
}

impl Frame {
    /// The head as `T`; an error means that the peer does not keep to the protocol.
    pub fn head<T: DeserializeOwned>(&self) -> io::Result<T> {
        T::deserialize(&self.head).map_err(|error| violation(&error.to_string()))
    }
}

/// One end of a connected stream socket that carries frames.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    framing: Framing,
    /// Came, and belong to frames that are not complete yet.
    descriptors: VecDeque<OwnedFd>,
    ended: bool,
}

impl Channel {
    pub fn new(socket: OwnedFd) -> Channel {
        Channel { socket, framing: Framing::default(), descriptors: VecDeque::new(), ended: false }
    }

    /// A connected pair: our end, and the bare descriptor for the peer.
    pub fn pair() -> io::Result<(Channel, OwnedFd)> {
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        Ok((Channel::new(ours), theirs))
    }

    /// Sends one frame, waiting for room as long as it takes.
    pub fn send(&self, head: &impl Serialize, tail: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let bytes = framing::encode(head, tail, descriptors.len())?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(
                control.push(SendAncillaryMessage::ScmRights(descriptors)),
                "there is room for what a frame may hold"
            );
        }
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
            if let Some(frame) = self.next_frame()? {
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
            if let Some(frame) = self.next_frame()? {
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

    /// The first frame that has come in full.
    fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        let Some(message) = self.framing.next_message()? else { return Ok(None) };
        if self.descriptors.len() < message.descriptors {
            return Err(self.broken("a frame announces descriptors that did not come"));
        }
        let descriptors = self.descriptors.drain(..message.descriptors).collect();
        Ok(Some(Frame { head: message.head, tail: message.tail, descriptors }))
    }

    fn broken(&mut self, reason: &str) -> io::Error {
        self.framing.break_off();
        self.descriptors.clear();
        violation(reason)
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
                self.descriptors.extend(descriptors);
            }
        }
        self.ended = received.bytes == 0;
        self.framing.feed(&buffer[..received.bytes]);
        if self.descriptors.len() > DESCRIPTORS_WAITING_MAX {
            return Err(self.broken("descriptors that no frame announces"));
        }
        Ok(true)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
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
    fn descriptors_that_no_frame_announces_end_the_channel() {
        let (mut ours, theirs) = Channel::pair().unwrap();
        let theirs = Channel::new(theirs);
        let (end, _other) = rustix::pipe::pipe().unwrap();
        let many = vec![end.as_fd(); DESCRIPTORS_MAX];
        for _ in 0..=DESCRIPTORS_WAITING_MAX / DESCRIPTORS_MAX {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&many)));
            // Each with one byte of a header.
            rustix::net::sendmsg(&theirs.socket, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL).unwrap();
        }
        assert!(ours.try_receive().is_err());
        assert!(ours.descriptors.is_empty());
        theirs.send(&(), b"", &[]).unwrap();
        assert!(ours.try_receive().is_err(), "nothing is believed after that");
    }
}
