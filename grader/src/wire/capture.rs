//! What is kept of a case's packets: the first of them and the last, and how many are missing in between.
//!
//! It is filled while the case runs, whether it will fail or not, so it only copies. Floods cost what the bounds allow.

use std::collections::VecDeque;
use std::time::Duration;

use crate::sandbox::packets::Packets;

/// The first packets that are kept, in bytes.
const HEAD_BYTES: usize = 128 << 10;
/// The last ones.
const TAIL_BYTES: usize = 384 << 10;
/// What a packet counts beside its own bytes.
const PACKET_BYTES: usize = 48;

/// One packet from its IP header on, perhaps cut.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Since the epoch.
    pub at: Duration,
    /// Packets before this one, since the one that is kept before it, that are not.
    pub missing: u64,
    pub bytes: Box<[u8]>,
}

#[derive(Debug, Default)]
pub struct Capture {
    /// `None` where this machine does not let us look.
    packets: Option<Packets>,
    store: Store,
}

impl Capture {
    pub fn new(packets: Option<Packets>) -> Capture {
        Capture { packets, store: Store::default() }
    }

    /// Takes in what has passed since the last call.
    pub fn drain(&mut self) {
        let Some(packets) = &mut self.packets else { return };
        let lost = packets.take(|at, bytes| self.store.keep(at, bytes));
        self.store.missing += lost;
    }

    /// As if these packets had passed, a millisecond apart.
    #[cfg(test)]
    pub fn of<B: AsRef<[u8]>>(packets: impl IntoIterator<Item = B>) -> Capture {
        let mut capture = Capture::default();
        for (number, packet) in packets.into_iter().enumerate() {
            capture.store.keep(Duration::from_millis(number as u64 + 1000), packet.as_ref());
        }
        capture
    }

    pub fn into_kept(self) -> (Vec<Kept>, u64) {
        let Store { mut head, tail, missing, .. } = self.store;
        head.extend(tail);
        (head, missing)
    }
}

#[derive(Debug, Default)]
struct Store {
    head: Vec<Kept>,
    head_bytes: usize,
    tail: VecDeque<Kept>,
    tail_bytes: usize,
    /// Packets missing since the last one that came.
    missing: u64,
}

impl Store {
    fn keep(&mut self, at: Duration, bytes: &[u8]) {
        let kept = Kept { at, missing: std::mem::take(&mut self.missing), bytes: bytes.into() };
        if self.tail.is_empty() && self.head_bytes + weight(&kept) <= HEAD_BYTES {
            self.head_bytes += weight(&kept);
            self.head.push(kept);
            return;
        }
        self.tail_bytes += weight(&kept);
        self.tail.push_back(kept);
        while self.tail_bytes > TAIL_BYTES {
            let Some(oldest) = self.tail.pop_front() else { break };
            self.tail_bytes -= weight(&oldest);
            match self.tail.front_mut() {
                Some(next) => next.missing += oldest.missing + 1,
                None => self.missing += oldest.missing + 1,
            }
        }
    }
}

fn weight(kept: &Kept) -> usize {
    kept.bytes.len() + PACKET_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_the_first_and_the_last_packets_are_kept_and_the_others_counted() {
        let mut store = Store::default();
        for number in 0..10_000_u32 {
            let mut bytes = [0; 1500];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            store.keep(Duration::ZERO, &bytes);
        }
        store.missing += 7;
        store.keep(Duration::ZERO, b"last");
        let (kept, missing) = Capture { packets: None, store }.into_kept();
        assert_eq!(kept[0].bytes[..4], [0; 4]);
        assert_eq!(&*kept.last().unwrap().bytes, b"last");
        assert_eq!(missing, 0);
        assert_eq!(kept.len() as u64 + kept.iter().map(|packet| packet.missing).sum::<u64>(), 10_001 + 7);
        assert_eq!(kept.iter().filter(|packet| packet.missing > 0).count(), 2);
        assert!(kept.iter().map(weight).sum::<usize>() <= HEAD_BYTES + TAIL_BYTES);
    }
}
