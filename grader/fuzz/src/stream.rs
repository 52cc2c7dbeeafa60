//! From a fuzzer's input to the bytes of a channel, and to the frames in them.
//!
//! Mutations seldom hit upon a header that tells true lengths. So an input begins with a byte that says what it is: if
//! even, the rest is the stream as it stands; if odd, the rest is heads and tails in turns, with a byte between them that
//! JSON cannot hold, and headers are put before them.

use framing::{Framing, Message, encode};

/// Between a head and its tail, and between frames, in inputs without headers.
const BETWEEN: u8 = 0xff;

/// The stream that `input` stands for.
pub fn stream(input: &[u8]) -> Vec<u8> {
    match input {
        [] => vec![],
        [kind, rest @ ..] if kind % 2 == 0 => rest.to_vec(),
        [_, rest @ ..] => {
            let parts: Vec<&[u8]> = rest.split(|byte| *byte == BETWEEN).collect();
            parts.chunks(2).flat_map(|parts| framed(parts[0], parts.get(1).unwrap_or(&&[][..]))).collect()
        }
    }
}

/// One frame.
pub fn framed(head: &[u8], tail: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u32::try_from(part.len()).expect("inputs are small").to_be_bytes();
    [&length(head), &length(tail), &[0; 4], head, tail].concat()
}

/// Reads `stream` in pieces of `piece` bytes; its complete frames, and whether it was broken.
pub fn read(stream: &[u8], piece: usize) -> (Vec<Message>, bool) {
    let (mut framing, mut found) = (Framing::default(), Vec::new());
    for piece in stream.chunks(piece.max(1)) {
        framing.feed(piece);
        loop {
            match framing.next_message() {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(_) => return (found, stays_broken(framing)),
            }
        }
    }
    (found, false)
}

/// Nothing is believed after a broken frame.
fn stays_broken(mut framing: Framing) -> bool {
    framing.feed(&encode(&(), b"", 0).expect("a small frame"));
    assert!(framing.next_message().is_err());
    true
}
