//! What the targets share: properties of every stream of frames, whoever wrote it; and of a simulated machine, whatever is
//! done to it.

pub mod answers;
mod bytes;
pub mod changes;
pub mod disk;
pub mod guest;
pub mod meter;
pub mod network;
pub mod python;
pub mod stream;

use framing::{Message, encode};

use crate::stream::read;

/// Memory that reading may take: for each byte that came, and besides. A head such as `[[],[],…]` costs most.
const MEMORY_PER_BYTE: usize = 200;
const MEMORY_BESIDES: usize = 64 << 10;

/// What must hold of any bytes whatever. Gives back the frames, and whether the stream was broken.
pub fn check(stream: &[u8], piece: usize) -> (Vec<Message>, bool) {
    let (read_at_once, memory) = meter::peak(|| read(stream, stream.len()));
    assert!(
        memory <= MEMORY_PER_BYTE * stream.len() + MEMORY_BESIDES,
        "{} bytes of a stream took {memory} of memory",
        stream.len()
    );
    assert_eq!(read(stream, piece), read_at_once, "it matters how the stream is cut");
    let (messages, broken) = read_at_once;
    let mut end = 0;
    for number in 0..messages.len() {
        end += frame_bytes(&stream[end..]);
        let (before, broken) = read(&stream[..end - 1], piece);
        assert!(!broken && before[..] == messages[..number], "a truncated frame was believed");
    }
    for message in &messages {
        let again = encode(&message.head, &message.tail, message.descriptors).expect("what came can be sent");
        let (read, broken) = read(&again, again.len());
        assert!(!broken && python::same(&read, std::slice::from_ref(message)), "a frame is not what it was");
    }
    (messages, broken)
}

fn frame_bytes(stream: &[u8]) -> usize {
    let length = |at: usize| u32::from_be_bytes(stream[at..at + 4].try_into().expect("four bytes")) as usize;
    12 + length(0) + length(4)
}
