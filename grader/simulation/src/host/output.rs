//! What a node's program writes to its standard output and error, with the instant of each piece.

use crate::words::{Ns, Stream, What};
use crate::world::{NodeId, World};

use super::OutOfOutput;

/// Of one node, over all lives.
#[derive(Debug)]
pub(crate) struct Output {
    /// Neighbours of one stream and one instant are one.
    pub written: Vec<(Ns, Stream, Vec<u8>)>,
    /// Bytes that found no room.
    pub left_out: u64,
    /// How many more bytes fit, of each stream.
    room: [u64; 2],
    /// The end of what this life wrote to its standard error.
    pub last_words: Vec<u8>,
}

/// Enough for the line by which a program says what it lacks.
const LAST_WORDS_MAX: usize = 512;

impl Output {
    /// For so many bytes of each stream.
    pub fn new(bytes_max: u64) -> Output {
        Output { written: Vec::new(), left_out: 0, room: [bytes_max; 2], last_words: Vec::new() }
    }

    pub fn write(&mut self, world: &mut World, node: NodeId, stream: Stream, bytes: &[u8]) -> Result<(), OutOfOutput> {
        if bytes.is_empty() {
            return Ok(());
        }
        let room = &mut self.room[match stream {
            Stream::Stdout => 0,
            Stream::Stderr => 1,
        }];
        let fits = bytes.len().min(usize::try_from(*room).unwrap_or(usize::MAX));
        *room -= fits as u64;
        let (fitting, rest) = bytes.split_at(fits);
        self.keep(world, node, stream, fitting);
        self.left_out += rest.len() as u64;
        if rest.is_empty() { Ok(()) } else { Err(OutOfOutput) }
    }

    fn keep(&mut self, world: &mut World, node: NodeId, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let at = world.now();
        world.note(What::Wrote { node, stream, text: String::from_utf8_lossy(bytes).into_owned() });
        if stream == Stream::Stderr {
            self.last_words.extend_from_slice(bytes);
            let more = self.last_words.len().saturating_sub(LAST_WORDS_MAX);
            self.last_words.drain(..more);
        }
        match self.written.last_mut() {
            Some((when, which, piece)) if *when == at && *which == stream => piece.extend_from_slice(bytes),
            _ => self.written.push((at, stream, bytes.to_vec())),
        }
    }
}
