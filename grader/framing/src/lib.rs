//! Frames as bytes: what a stream must look like, and nothing about sockets.
//!
//! Both directions are pure: [`encode`] makes bytes of a message, [`Framing`] messages of bytes, however the stream cuts
//! them. The bytes may come from a hostile process. A length above its cap ends the stream before anything is kept for
//! it, a message is given out only when all of it is there, and a stream that was broken once stays broken.
//!
//! A head is JSON as both ends read it: UTF-8, texts of whole characters, numbers that a double can hold, at most 127
//! brackets deep. Where a name stands twice in an object, the last one counts. The Python end is `Framing` in
//! `grader/python/shim/frames.py`; `grader/tests/framing.rs` holds both to the same words, and `grader/fuzz/` looks for bytes
//! that break them.

use std::io;

use serde::Serialize;
use serde_json::Value;

/// Largest head, in bytes.
pub const HEAD_BYTES_MAX: usize = 1 << 20;
/// Largest tail, in bytes.
pub const TAIL_BYTES_MAX: usize = 64 << 20;
/// Most descriptors with one frame.
pub const DESCRIPTORS_MAX: usize = 16;

const HEADER_BYTES: usize = 12;

/// One frame without its descriptors.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub head: Value,
    pub tail: Vec<u8>,
    /// How many descriptors belong to it.
    pub descriptors: usize,
}

/// The bytes of one frame; an error when it is larger than a reader would allow.
pub fn encode(head: &impl Serialize, tail: &[u8], descriptors: usize) -> io::Result<Vec<u8>> {
    let head = serde_json::to_vec(head)?;
    let lengths = Lengths { head: head.len(), tail: tail.len(), descriptors }.allowed()?;
    Ok([lengths.header().as_slice(), &head, tail].concat())
}

/// Bytes of a stream that are not yet frames.
#[derive(Debug, Default)]
pub struct Framing {
    bytes: Vec<u8>,
    broken: bool,
}

impl Framing {
    /// Adds bytes as they came from the peer.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the first frame off if it is complete.
    pub fn next_message(&mut self) -> io::Result<Option<Message>> {
        if self.broken {
            return Err(violation("nothing is believed after a broken frame"));
        }
        self.take().inspect_err(|_| self.break_off())
    }

    /// Nothing of this stream is believed from here on.
    pub fn break_off(&mut self) {
        self.broken = true;
        self.bytes = Vec::new();
    }

    fn take(&mut self) -> io::Result<Option<Message>> {
        let Some(header) = self.bytes.first_chunk() else { return Ok(None) };
        let lengths = Lengths::announced(*header).allowed()?;
        let (head_end, end) = (HEADER_BYTES + lengths.head, HEADER_BYTES + lengths.head + lengths.tail);
        if self.bytes.len() < end {
            return Ok(None);
        }
        let head = serde_json::from_slice(&self.bytes[HEADER_BYTES..head_end])
            .map_err(|error| violation(&format!("a frame's head is not JSON: {error}")))?;
        let rest = self.bytes.split_off(end);
        let tail = std::mem::replace(&mut self.bytes, rest).split_off(head_end);
        Ok(Some(Message { head, tail, descriptors: lengths.descriptors }))
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    head: usize,
    tail: usize,
    descriptors: usize,
}

impl Lengths {
    fn announced(header: [u8; HEADER_BYTES]) -> Lengths {
        let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes")) as usize;
        Lengths { head: number(0), tail: number(4), descriptors: number(8) }
    }

    fn allowed(self) -> io::Result<Lengths> {
        let Lengths { head, tail, descriptors } = self;
        if head > HEAD_BYTES_MAX || tail > TAIL_BYTES_MAX || descriptors > DESCRIPTORS_MAX {
            return Err(violation("a frame announces more than is allowed"));
        }
        Ok(self)
    }

    fn header(self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        for (part, value) in header.chunks_mut(4).zip([self.head, self.tail, self.descriptors]) {
            part.copy_from_slice(&u32::try_from(value).expect("the caps are lower").to_be_bytes());
        }
        header
    }
}

/// The peer does not keep to the protocol.
pub fn violation(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("read a frame: {reason}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lying_length_is_refused_before_anything_is_allocated() {
        let mut framing = Framing::default();
        framing.feed(&[0xff; HEADER_BYTES]);
        assert!(framing.next_message().is_err());
    }

    #[test]
    fn nothing_is_believed_after_a_broken_frame() {
        let good = encode(&json!({"id": 1}), b"", 0).unwrap();
        let mut framing = Framing::default();
        framing.feed(&[[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0].as_slice(), b"!", &good].concat());
        assert!(framing.next_message().is_err());
        framing.feed(&good);
        assert!(framing.next_message().is_err());
    }

    #[test]
    fn what_a_reader_would_refuse_is_not_sent() {
        assert!(encode(&(), &vec![0; TAIL_BYTES_MAX], DESCRIPTORS_MAX).is_ok());
        assert!(encode(&(), &vec![0; TAIL_BYTES_MAX + 1], 0).is_err());
        assert!(encode(&"x".repeat(HEAD_BYTES_MAX), b"", 0).is_err());
        assert!(encode(&(), b"", DESCRIPTORS_MAX + 1).is_err());
    }
}
