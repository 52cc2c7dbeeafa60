//! What the two kernels know of a connection, and the arithmetic of its windows. Nothing here sends or waits.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::queue::Key;
use super::{NetError, NodeId, TcpId};
use crate::words::Ns;

/// One of a connection's two ends.
pub(super) type Side = usize;
pub(super) const CALLER: Side = 0;
pub(super) const CALLED: Side = 1;

/// Bytes that an end takes before its program reads them: the window.
pub const RECEIVE_BUFFER: usize = 64 << 10;
/// Bytes that an end keeps for its program until the other side has acknowledged them.
pub const SEND_BUFFER: usize = 64 << 10;
/// Most bytes of a segment: those of an Ethernet frame.
pub const SEGMENT_MAX: usize = 1460;
/// A window that has opened is told of when it has opened by this much, so that nobody sends crumbs.
const WINDOW_STEP: usize = RECEIVE_BUFFER / 2;

#[derive(Debug)]
pub(super) struct Connection {
    pub ends: [End; 2],
    /// Packets and acknowledgements in the queue; while there are any, it cannot be forgotten.
    pub under_way: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// The call has not arrived here.
    Absent,
    /// Waits for the handshake's answer.
    Opening,
    Open,
    /// Everything was said and heard, and the program has closed it. What comes again is acknowledged again.
    Finished,
    /// Reset, given up or lost with its machine. What comes is answered with RST.
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fin {
    No,
    /// After what is still to be sent.
    Wanted,
    Sent,
}

#[derive(Debug)]
pub(super) struct End {
    pub node: NodeId,
    pub address: SocketAddr,
    pub life: Life,
    /// The program's handle on it; none before it is accepted and after it is closed.
    pub socket: Option<TcpId>,
    /// In whose queue it is, until somebody accepts it.
    pub listener: Option<TcpId>,
    /// The program has closed it; the kernel still sends what is left.
    pub closed: bool,
    /// What the next call is told, once.
    pub error: Option<NetError>,

    /// Ready to be read.
    pub received: VecDeque<u8>,
    /// Bytes that came in order so far, read or not.
    pub taken: u64,
    /// The other side's segment that is next in order.
    pub expected: u64,
    /// How far the other side was told that it may send.
    pub told: u64,
    pub fin_received: bool,
    /// The program reads no more.
    pub stopped: bool,
    /// Bytes came that nobody will read.
    pub wasted: bool,

    /// Written, and not sent since the window is full.
    pub unsent: VecDeque<u8>,
    /// Bytes sent so far.
    pub sent: u64,
    /// How far it may send.
    pub allowed: u64,
    pub fin: Fin,
    /// Sent and not acknowledged, in order; the first has the number `flight_first`.
    pub flight: VecDeque<Segment>,
    pub flight_first: u64,
    pub flight_bytes: usize,

    /// The one time-out that it waits for.
    pub timer: Option<Key>,
    /// How often in a row it has sent something again.
    pub tries: u32,
    /// The segment by which it finds out whether it gets through again; the others wait for its acknowledgement.
    pub probing: Option<u64>,
    /// It was not told that the window has opened.
    pub window_lost: bool,
    /// When it last sent SYN or SYN-ACK.
    pub asked_at: Ns,
    /// When the last of what it sent arrives: nothing overtakes.
    pub last_arrival: Ns,
}

#[derive(Debug)]
pub(super) struct Segment {
    /// Of its first byte in the stream.
    pub offset: u64,
    /// None: it is the FIN.
    pub bytes: Vec<u8>,
    pub state: Flight,
    /// The other side has it.
    pub arrived: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flight {
    /// It, or its acknowledgement.
    UnderWay,
    /// It, or its acknowledgement: the sender cannot know.
    Lost,
    Acknowledged,
    /// Nobody was there; an RST should tell.
    Refused,
}

impl Segment {
    pub fn is_fin(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Connection {
    /// An end with its other.
    pub fn pair(&mut self, side: Side) -> (&mut End, &mut End) {
        let [caller, called] = &mut self.ends;
        if side == CALLER { (caller, called) } else { (called, caller) }
    }
}

impl End {
    pub fn new(node: NodeId, address: SocketAddr, life: Life) -> End {
        End {
            node,
            address,
            life,
            socket: None,
            listener: None,
            closed: false,
            error: None,
            received: VecDeque::new(),
            taken: 0,
            expected: 0,
            told: RECEIVE_BUFFER as u64,
            fin_received: false,
            stopped: false,
            wasted: false,
            unsent: VecDeque::new(),
            sent: 0,
            allowed: RECEIVE_BUFFER as u64,
            fin: Fin::No,
            flight: VecDeque::new(),
            flight_first: 0,
            flight_bytes: 0,
            timer: None,
            tries: 0,
            probing: None,
            window_lost: false,
            asked_at: 0,
            last_arrival: 0,
        }
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.life, Life::Opening | Life::Open)
    }

    /// How many bytes the program may write.
    pub fn room(&self) -> usize {
        SEND_BUFFER - self.unsent.len() - self.flight_bytes
    }

    pub fn segment(&mut self, number: u64) -> Option<&mut Segment> {
        let index = number.checked_sub(self.flight_first)?;
        self.flight.get_mut(usize::try_from(index).ok()?)
    }

    /// Puts into flight what may be sent next; returns its number.
    pub fn cut_segment(&mut self) -> Option<u64> {
        let number = self.flight_first + self.flight.len() as u64;
        let window = usize::try_from(self.allowed.saturating_sub(self.sent)).unwrap_or(usize::MAX);
        let length = self.unsent.len().min(window).min(SEGMENT_MAX);
        let ends = self.unsent.is_empty() && self.fin == Fin::Wanted;
        if length == 0 && !ends {
            return None;
        }
        let bytes: Vec<u8> = self.unsent.drain(..length).collect();
        if ends {
            self.fin = Fin::Sent;
        }
        self.flight.push_back(Segment { offset: self.sent, bytes, state: Flight::UnderWay, arrived: false });
        self.sent += length as u64;
        self.flight_bytes += length;
        Some(number)
    }

    /// Everything the other side acknowledges up to a gap is forgotten.
    pub fn acknowledged(&mut self, number: u64) {
        if let Some(segment) = self.segment(number) {
            segment.state = Flight::Acknowledged;
        }
        while self.flight.front().is_some_and(|segment| segment.state == Flight::Acknowledged) {
            if let Some(segment) = self.flight.pop_front() {
                self.flight_first += 1;
                self.flight_bytes -= segment.bytes.len();
            }
        }
    }

    pub fn first_lost(&self) -> Option<u64> {
        let index = self.flight.iter().position(|segment| segment.state == Flight::Lost)?;
        Some(self.flight_first + index as u64)
    }

    /// Takes from `sender` what has come in order; true when there was something.
    pub fn take(&mut self, sender: &mut End) -> bool {
        let before = self.expected;
        while let Some(segment) = sender.segment(self.expected).filter(|segment| segment.arrived) {
            self.expected += 1;
            self.taken += segment.bytes.len() as u64;
            if segment.is_fin() {
                self.fin_received = true;
            } else if self.stopped {
                self.wasted = true;
            } else {
                self.received.extend(&segment.bytes);
            }
        }
        self.expected > before
    }

    /// How far the other side may send; whoever asks tells it.
    pub fn tell_window(&mut self) -> u64 {
        self.told = self.told.max(self.taken + (RECEIVE_BUFFER - self.received.len()) as u64);
        self.told
    }

    /// Whether the window has opened so far that the other side must hear of it.
    pub fn has_news_of_window(&self) -> bool {
        let edge = self.taken + (RECEIVE_BUFFER - self.received.len()) as u64;
        !self.fin_received && edge >= self.told + WINDOW_STEP as u64
    }

    /// Everything was said, acknowledged and heard.
    pub fn is_through(&self) -> bool {
        self.closed && self.fin == Fin::Sent && self.flight.is_empty() && self.fin_received
    }
}
