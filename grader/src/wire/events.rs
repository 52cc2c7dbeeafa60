//! From packets to what happened: connections, what was said in them and how they ended, in order.
//!
//! What a byte stream says is told by its offset from the first byte after the SYN. Bare acknowledgements are left out,
//! and so is what was said already: retransmissions, keep-alives, probes. A connection whose SYN was not seen has
//! offsets from its first byte that was. Order is that of arrival, which on a loopback is that of sending.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::capture::Kept;
use super::packet::{self, Packet, Payload, Says, Segment};
use crate::report::Answered;

/// Bytes of merged segments that are kept.
pub const MERGED_BYTES: usize = 1600;

/// Who says or hears something: an address, or what a suite calls a socket that has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Address(SocketAddr),
    Named(String),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Address(address) => address.fmt(f),
            Endpoint::Named(name) => name.fmt(f),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Event<'a> {
    pub at: Duration,
    pub from: Endpoint,
    pub to: Endpoint,
    /// Counts the connections; datagrams between the same two addresses share one.
    pub connection: usize,
    /// Packets before this event that are not known.
    pub missing: u64,
    /// The packet that brought it, or the first one that did.
    pub packet: Option<usize>,
    pub what: What<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What<'a> {
    Connect(Answered),
    /// `offset` is `None` for datagrams, which are no stream.
    Data {
        offset: Option<u64>,
        length: u64,
        segments: u32,
        /// The first of these bytes.
        kept: Cow<'a, [u8]>,
    },
    Fin,
    Reset,
    Nobody,
}

impl Event<'_> {
    /// The packet that brought all of it.
    pub fn only_packet(&self) -> Option<usize> {
        match self.what {
            What::Data { segments: 2.., .. } => None,
            _ => self.packet,
        }
    }
}

/// All that happened in these packets. Those of `hidden` addresses are passed over.
pub fn events<'a>(packets: &'a [Kept], hidden: &dyn Fn(SocketAddr) -> bool) -> Vec<Event<'a>> {
    let mut reader = Reader::default();
    for (index, kept) in packets.iter().enumerate() {
        reader.missing += kept.missing;
        if let Some(packet) = packet::parse(&kept.bytes)
            && !hidden(packet.from)
            && !hidden(packet.to)
        {
            reader.read(kept.at, index, &packet);
        }
    }
    reader.events
}

#[derive(Default)]
struct Reader<'a> {
    events: Vec<Event<'a>>,
    connections: Vec<Connection>,
    /// The latest connection between two addresses, the smaller one first.
    latest: HashMap<(SocketAddr, SocketAddr), usize>,
    missing: u64,
}

struct Connection {
    client: SocketAddr,
    /// Of the client and of the server.
    streams: [Stream; 2],
    /// The event that tells of its SYN, and the SYN's sequence number.
    opened: Option<(usize, u32)>,
}

#[derive(Default)]
struct Stream {
    /// The sequence number of the next byte, and its offset.
    next: Option<(u32, u64)>,
    fin: bool,
    reset: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self, at: Duration, index: usize, packet: &Packet<'a>) {
        match packet.says {
            Says::Tcp(segment) => self.segment(at, index, packet, &segment),
            Says::Datagram(Payload { length, kept }) => {
                let what = What::Data { offset: None, length: length as u64, segments: 1, kept: Cow::Borrowed(kept) };
                let connection = self.connection(packet);
                self.tell(at, index, packet, connection, what);
            }
            Says::Nobody => {
                let connection = self.connection(packet);
                self.tell(at, index, packet, connection, What::Nobody);
            }
        }
    }

    fn tell(&mut self, at: Duration, index: usize, packet: &Packet<'_>, connection: usize, what: What<'a>) {
        let (from, to) = (Endpoint::Address(packet.from), Endpoint::Address(packet.to));
        let missing = std::mem::take(&mut self.missing);
        self.events.push(Event { at, from, to, connection, missing, packet: Some(index), what });
    }

    /// The latest connection between the two ends; a new one where there is none.
    fn connection(&mut self, packet: &Packet<'_>) -> usize {
        match self.latest.get(&key(packet)) {
            Some(connection) => *connection,
            None => self.open(packet, None),
        }
    }

    fn open(&mut self, packet: &Packet<'_>, opened: Option<(usize, u32)>) -> usize {
        let connection = self.connections.len();
        self.connections.push(Connection { client: packet.from, streams: Default::default(), opened });
        self.latest.insert(key(packet), connection);
        connection
    }

    fn segment(&mut self, at: Duration, index: usize, packet: &Packet<'a>, segment: &Segment<'a>) {
        if segment.syn && !segment.ack {
            return self.syn(at, index, packet, segment.sequence);
        }
        let connection = self.connection(packet);
        let side = usize::from(self.connections[connection].client != packet.from);
        if segment.syn {
            self.connections[connection].streams[side].next = Some((segment.sequence.wrapping_add(1), 0));
            self.answered(connection, Answered::Accepted);
            return;
        }
        if segment.payload.length > 0
            && let Some(what) = self.connections[connection].streams[side].data(segment)
        {
            self.tell(at, index, packet, connection, what);
        }
        if segment.fin && !std::mem::replace(&mut self.connections[connection].streams[side].fin, true) {
            self.tell(at, index, packet, connection, What::Fin);
        }
        if segment.rst && !std::mem::replace(&mut self.connections[connection].streams[side].reset, true) {
            let refused = side == 1 && self.answered(connection, Answered::Refused);
            if !refused {
                self.tell(at, index, packet, connection, What::Reset);
            }
        }
    }

    /// A first SYN begins a connection; the same one again is a retransmission.
    fn syn(&mut self, at: Duration, index: usize, packet: &Packet<'a>, sequence: u32) {
        if let Some(connection) = self.latest.get(&key(packet))
            && self.connections[*connection].opened.is_some_and(|(_, first)| first == sequence)
        {
            return;
        }
        let connection = self.open(packet, Some((self.events.len(), sequence)));
        self.connections[connection].streams[0].next = Some((sequence.wrapping_add(1), 0));
        self.tell(at, index, packet, connection, What::Connect(Answered::Nothing));
    }

    /// Notes the answer to a SYN; false where it had one before.
    fn answered(&mut self, connection: usize, answer: Answered) -> bool {
        let Some((event, _)) = self.connections[connection].opened else { return false };
        match &mut self.events[event].what {
            What::Connect(told @ Answered::Nothing) => {
                *told = answer;
                true
            }
            _ => false,
        }
    }
}

impl Stream {
    /// What is new in a segment.
    fn data<'a>(&mut self, segment: &Segment<'a>) -> Option<What<'a>> {
        let Payload { length, kept } = segment.payload;
        let (next, offset) = *self.next.get_or_insert((segment.sequence, 0));
        let ahead = segment.sequence.wrapping_sub(next).cast_signed();
        let known = usize::try_from(-i64::from(ahead)).unwrap_or(0);
        if known >= length {
            return None;
        }
        // What lies between was not seen.
        let offset = offset + u64::try_from(ahead).unwrap_or(0);
        let new = (length - known) as u64;
        self.next = Some((segment.sequence.wrapping_add(length as u32), offset + new));
        let kept = Cow::Borrowed(kept.get(known..).unwrap_or_default());
        Some(What::Data { offset: Some(offset), length: new, segments: 1, kept })
    }
}

fn key(packet: &Packet<'_>) -> (SocketAddr, SocketAddr) {
    (packet.from.min(packet.to), packet.from.max(packet.to))
}

/// Segments of one direction that follow each other at once, as one.
pub fn merged(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut merged: Vec<Event<'_>> = Vec::new();
    for event in events {
        match merged.last_mut() {
            Some(last) if continues(last, &event) => append(&mut last.what, &event.what),
            _ => merged.push(event),
        }
    }
    merged
}

fn continues(last: &Event<'_>, event: &Event<'_>) -> bool {
    let end = match last.what {
        What::Data { offset: Some(offset), length, .. } => offset.saturating_add(length),
        _ => return false,
    };
    let begins_there = matches!(event.what, What::Data { offset: Some(offset), .. } if offset == end);
    begins_there && event.missing == 0 && event.connection == last.connection && event.from == last.from
}

fn append(first: &mut What<'_>, second: &What<'_>) {
    if let (
        What::Data { length, segments, kept, .. },
        What::Data { length: more, segments: others, kept: following, .. },
    ) = (first, second)
    {
        if kept.len() as u64 == *length && kept.len() < MERGED_BYTES {
            let room = MERGED_BYTES - kept.len();
            kept.to_mut().extend_from_slice(&following[..following.len().min(room)]);
        }
        *length = length.saturating_add(*more);
        *segments = segments.saturating_add(*others);
    }
}
