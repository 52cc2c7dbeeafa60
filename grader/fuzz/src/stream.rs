//! From a fuzzer's input to the bytes of a channel.
//!
//! Mutations seldom hit upon a header that tells true lengths. So an input begins with a byte that says what it is: if
//! even, the rest is the stream as it stands; if odd, the rest is heads and tails in turns, with a byte between them that
//! JSON cannot hold, and headers are put before them.

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
