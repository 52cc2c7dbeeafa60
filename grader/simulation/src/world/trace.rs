//! What happened: its hash, and as much of it as somebody wants to see.
//!
//! The hash is over every packet and every note, told or not, so that two runs with one hash are one run. It is fed
//! with plain numbers and the bytes themselves; words are only made of what is kept.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::NodeId;
use crate::words::{Happened, Ns, Packet, SHOWN_BYTES_MAX, What};

/// Hashing is cheaper by the piece.
const PIECE: usize = 8 << 10;

#[derive(Debug)]
pub(super) struct Trace {
    hash: Sha256,
    /// Still to be hashed.
    piece: Vec<u8>,
    kept: Vec<Happened>,
    /// `None` keeps nothing and counts nothing.
    kept_max: Option<u32>,
    left_out: u64,
    packets: u64,
}

/// [`Packet`] before it is put into words.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carried<'a> {
    Syn { connection: u64, source: SocketAddr, target: SocketAddr },
    SynAck { connection: u64 },
    Data { connection: u64, offset: u64, bytes: &'a [u8] },
    Fin { connection: u64 },
    Rst { connection: u64 },
    Datagram { source: SocketAddr, target: SocketAddr, bytes: &'a [u8] },
}

/// What begins every entry of the hash.
#[derive(Clone, Copy)]
enum Tag {
    Syn,
    SynAck,
    Data,
    Fin,
    Rst,
    Datagram,
    Lost,
    Arrived,
    Refused,
    Note,
    Unseen,
}

impl Trace {
    pub fn new(kept_max: Option<u32>) -> Trace {
        Trace {
            hash: Sha256::new(),
            piece: Vec::with_capacity(PIECE),
            kept: Vec::new(),
            kept_max,
            left_out: 0,
            packets: 0,
        }
    }

    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Returns the packet's number.
    pub fn sent(&mut self, at: Ns, from: NodeId, to: NodeId, carried: Carried<'_>) -> u64 {
        let packet = self.packets;
        self.packets += 1;
        self.begin(tag(&carried), at);
        self.numbers(&[packet, from as u64, to as u64]);
        self.carried(&carried);
        self.keep(at, || What::Sent { packet, from, to, carries: in_words(&carried) });
        packet
    }

    pub fn lost(&mut self, at: Ns, packet: u64) {
        self.fate(Tag::Lost, at, packet, What::Lost { packet });
    }

    pub fn arrived(&mut self, at: Ns, packet: u64) {
        self.fate(Tag::Arrived, at, packet, What::Arrived { packet });
    }

    pub fn refused(&mut self, at: Ns, packet: u64) {
        self.fate(Tag::Refused, at, packet, What::Refused { packet });
    }

    fn fate(&mut self, tag: Tag, at: Ns, packet: u64, what: What) {
        self.begin(tag, at);
        self.numbers(&[packet]);
        self.keep(at, || what);
    }

    pub fn note(&mut self, at: Ns, what: What) {
        self.begin(Tag::Note, at);
        // Notes are few; packets are not put into words for this.
        self.bytes(format!("{what:?}").as_bytes());
        self.keep(at, || what);
    }

    pub fn hash_in(&mut self, at: Ns, bytes: &[u8]) {
        self.begin(Tag::Unseen, at);
        self.bytes(bytes);
    }

    pub fn hash(&self) -> String {
        let sum = self.hash.clone().chain_update(&self.piece).finalize();
        sum.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn take(&mut self) -> (Vec<Happened>, u64) {
        (std::mem::take(&mut self.kept), std::mem::take(&mut self.left_out))
    }

    fn keep(&mut self, at: Ns, what: impl FnOnce() -> What) {
        match self.kept_max {
            Some(max) if self.kept.len() < max as usize => self.kept.push(Happened { at, what: what() }),
            Some(_) => self.left_out += 1,
            None => {}
        }
    }

    fn begin(&mut self, tag: Tag, at: Ns) {
        if self.piece.len() >= PIECE {
            self.hash.update(&self.piece);
            self.piece.clear();
        }
        self.piece.push(tag as u8);
        self.numbers(&[at]);
    }

    fn numbers(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.piece.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// With their length, so that no two entries run into one another.
    fn bytes(&mut self, bytes: &[u8]) {
        self.numbers(&[bytes.len() as u64]);
        self.piece.extend_from_slice(bytes);
    }

    fn carried(&mut self, carried: &Carried<'_>) {
        match *carried {
            Carried::Syn { connection, source, target } => {
                self.numbers(&[connection]);
                self.addresses(source, target);
            }
            Carried::SynAck { connection } | Carried::Fin { connection } | Carried::Rst { connection } => {
                self.numbers(&[connection]);
            }
            Carried::Data { connection, offset, bytes } => {
                self.numbers(&[connection, offset]);
                self.bytes(bytes);
            }
            Carried::Datagram { source, target, bytes } => {
                self.addresses(source, target);
                self.bytes(bytes);
            }
        }
    }

    fn addresses(&mut self, source: SocketAddr, target: SocketAddr) {
        for address in [source, target] {
            match address.ip() {
                IpAddr::V4(v4) => self.bytes(&v4.octets()),
                IpAddr::V6(v6) => self.bytes(&v6.octets()),
            }
            self.numbers(&[u64::from(address.port())]);
        }
    }
}

fn tag(carried: &Carried<'_>) -> Tag {
    match carried {
        Carried::Syn { .. } => Tag::Syn,
        Carried::SynAck { .. } => Tag::SynAck,
        Carried::Data { .. } => Tag::Data,
        Carried::Fin { .. } => Tag::Fin,
        Carried::Rst { .. } => Tag::Rst,
        Carried::Datagram { .. } => Tag::Datagram,
    }
}

fn in_words(carried: &Carried<'_>) -> Packet {
    let shown = |bytes: &[u8]| STANDARD.encode(&bytes[..bytes.len().min(SHOWN_BYTES_MAX)]);
    match *carried {
        Carried::Syn { connection, source, target } => {
            Packet::Syn { connection, source: source.to_string(), target: target.to_string() }
        }
        Carried::SynAck { connection } => Packet::SynAck { connection },
        Carried::Data { connection, offset, bytes } => {
            Packet::Data { connection, offset, length: bytes.len() as u64, shown: shown(bytes) }
        }
        Carried::Fin { connection } => Packet::Fin { connection },
        Carried::Rst { connection } => Packet::Rst { connection },
        Carried::Datagram { source, target, bytes } => Packet::Datagram {
            source: source.to_string(),
            target: target.to_string(),
            length: bytes.len() as u64,
            shown: shown(bytes),
        },
    }
}
