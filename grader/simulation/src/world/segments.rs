//! How bytes get from one end of a connection to the other: in order, in windows, again when they are lost.
//!
//! Every segment is acknowledged by itself. When it or its acknowledgement is lost, the sender sends the first lost one
//! again after 200 ms, 400 ms and so on, at most 120 s, and gives up after 15 times (`tcp_retries2`: after 15 minutes).
//! As soon as one comes through, it sends all others again. What comes out of order waits at the receiver.
//!
//! Not modelled: congestion control, Nagle's algorithm, delayed acknowledgement; nor is the round trip measured, so the
//! first time-out is the same on every link. That a machine is off shows only to who waits for it with something
//! unsaid.

use super::connection::{CALLED, Flight, Life, Side};
use super::tcp::{Flying, Kind};
use super::trace::Carried;
use super::{NetError, NodeId, World};
use crate::words::{MS, Ns, SECOND};

const RETRANSMISSION_FIRST: Ns = 200 * MS;
const RETRANSMISSION_MAX: Ns = 120 * SECOND;
const RETRANSMISSIONS: u32 = 15;

impl World {
    /// Sends a packet from that side to the other.
    pub(super) fn send(&mut self, number: u64, side: Side, kind: Kind) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let (sender, receiver) = connection.pair(side);
        let (from, to) = (sender.node, receiver.node);
        let carried = match kind {
            Kind::Syn => Some(Carried::Syn { connection: number, source: sender.address, target: receiver.address }),
            Kind::SynAck => Some(Carried::SynAck { connection: number }),
            Kind::Rst => Some(Carried::Rst { connection: number }),
            Kind::Segment(segment) => sender.segment(segment).map(|segment| {
                if segment.is_fin() {
                    Carried::Fin { connection: number }
                } else {
                    Carried::Data { connection: number, offset: segment.offset, bytes: &segment.bytes }
                }
            }),
            Kind::Confirm | Kind::Ack { .. } | Kind::Window { .. } | Kind::Probe => None,
        };
        let packet = carried.map(|carried| self.trace.sent(self.now, from, to, carried));
        let flying = Flying { connection: number, side, packet, sent_at: self.now, kind };
        let repeats = matches!(kind, Kind::Segment(_)) && self.links.repeats(from, to);
        if repeats || self.links.is_cut(from, to) {
            return self.lose(flying);
        }
        let at = self.now.saturating_add(self.links.latency(from, to)).max(sender.last_arrival);
        sender.last_arrival = at;
        connection.under_way += 1;
        self.queue.push(at, super::queue::Event::Tcp(flying));
    }

    /// It has come to the other machine. Returns the node that may have waited for it.
    pub(super) fn tcp_arrived(&mut self, flying: Flying) -> Option<NodeId> {
        let Flying { connection: number, side, packet, sent_at, kind } = flying;
        let connection = self.connection(number);
        connection.under_way -= 1;
        let (from, to) = (connection.ends[side].node, connection.ends[1 - side].node);
        let woken = if self.links.was_cut_since(from, to, sent_at) || !self.machines[to].is_on {
            self.lose(flying);
            None
        } else {
            match kind {
                Kind::Syn => self.syn_arrived(number, packet),
                Kind::SynAck => self.syn_ack_arrived(number, packet),
                Kind::Confirm => self.confirm_arrived(number),
                Kind::Segment(segment) => self.segment_arrived(number, side, segment, packet),
                Kind::Ack { segment, allowed } => self.ack_arrived(number, 1 - side, segment, allowed),
                Kind::Window { allowed } => self.window_arrived(number, 1 - side, allowed),
                Kind::Probe => self.probe_arrived(number, 1 - side),
                Kind::Rst => self.rst_arrived(number, 1 - side, packet),
            }
        };
        self.settle(number);
        woken
    }

    pub(super) fn tell_arrived(&mut self, packet: Option<u64>) {
        if let Some(packet) = packet {
            self.trace.arrived(self.now, packet);
        }
    }

    /// It will not arrive. Whoever misses it finds out by a time-out.
    fn lose(&mut self, flying: Flying) {
        let Flying { connection: number, side, packet, sent_at, kind } = flying;
        if let Some(packet) = packet {
            self.trace.lost(self.now, packet);
        }
        match kind {
            Kind::Syn | Kind::SynAck => {
                self.will_ask_again(number, side);
                self.will_ask_again(number, 1 - side);
            }
            Kind::Confirm => self.will_ask_again(number, CALLED),
            Kind::Segment(segment) => self.segment_lost(number, side, segment, sent_at),
            Kind::Ack { segment, .. } => self.segment_lost(number, 1 - side, segment, sent_at),
            Kind::Window { .. } => self.window_lost(number, 1 - side, sent_at),
            Kind::Probe => self.window_lost(number, side, sent_at),
            Kind::Rst => self.rst_lost(number, 1 - side, sent_at),
        }
    }

    /// Sends what the window lets through.
    pub(super) fn pump(&mut self, number: u64, side: Side) {
        while let Some(segment) = self.end(number, side).cut_segment() {
            self.send(number, side, Kind::Segment(segment));
        }
        let end = self.end(number, side);
        if end.window_lost && end.flight.is_empty() {
            self.window_lost(number, side, self.now);
        }
    }

    fn segment_arrived(&mut self, number: u64, side: Side, segment: u64, packet: Option<u64>) -> Option<NodeId> {
        let to = 1 - side;
        // It says all that the third packet says, which may be lost.
        let opening = self.end(number, to).life == Life::Opening;
        let opened = if opening { self.confirm_arrived(number) } else { None };
        let (sender, receiver) = self.connection(number).pair(side);
        let sent = sender.segment(segment)?;
        let known = sent.arrived;
        // Whoever has closed takes the other's FIN, and nothing else.
        let wanted = match receiver.life {
            Life::Finished => known,
            Life::Open => known || sent.is_fin() || !receiver.closed,
            Life::Absent | Life::Opening | Life::Gone => false,
        };
        if !wanted {
            sent.state = Flight::Refused;
            self.refuse(number, to, packet);
            self.bury(number, to, Life::Gone);
            return None;
        }
        sent.arrived = true;
        let node = receiver.node;
        let news = receiver.take(sender);
        let allowed = receiver.tell_window();
        self.tell_arrived(packet);
        self.send(number, to, Kind::Ack { segment, allowed });
        self.finish(number, to);
        news.then_some(node).or(opened)
    }

    fn ack_arrived(&mut self, number: u64, side: Side, segment: u64, allowed: u64) -> Option<NodeId> {
        let end = self.end(number, side);
        if end.life != Life::Open {
            return None;
        }
        let (node, room) = (end.node, end.room());
        end.acknowledged(segment);
        end.allowed = end.allowed.max(allowed);
        if end.probing == Some(segment) {
            (end.probing, end.tries) = (None, 0);
            self.send_lost(number, side);
        }
        self.pump(number, side);
        self.finish(number, side);
        (room == 0 && self.end(number, side).room() > 0).then_some(node)
    }

    fn send_lost(&mut self, number: u64, side: Side) {
        let end = self.end(number, side);
        let mut lost = Vec::new();
        for (index, segment) in end.flight.iter_mut().enumerate().filter(|(_, one)| one.state == Flight::Lost) {
            segment.state = Flight::UnderWay;
            lost.push(end.flight_first + index as u64);
        }
        for segment in lost {
            self.send(number, side, Kind::Segment(segment));
        }
    }

    fn segment_lost(&mut self, number: u64, side: Side, segment: u64, sent_at: Ns) {
        let end = self.end(number, side);
        if end.life != Life::Open {
            return;
        }
        if let Some(segment) = end.segment(segment) {
            segment.state = Flight::Lost;
        }
        if end.probing.is_none_or(|probe| probe == segment) {
            self.arm_retransmission(number, side, sent_at);
        }
    }

    fn arm_retransmission(&mut self, number: u64, side: Side, sent_at: Ns) {
        let wait = (RETRANSMISSION_FIRST << self.end(number, side).tries).min(RETRANSMISSION_MAX);
        self.arm(number, side, sent_at.saturating_add(wait));
    }

    /// Its time-out is over.
    pub(super) fn send_again(&mut self, number: u64, side: Side) -> Option<NodeId> {
        let end = self.end(number, side);
        if end.tries == RETRANSMISSIONS {
            return self.fail(number, side, NetError::TimedOut);
        }
        end.tries += 1;
        if let Some(segment) = end.first_lost() {
            end.probing = Some(segment);
            if let Some(lost) = end.segment(segment) {
                lost.state = Flight::UnderWay;
            }
            self.send(number, side, Kind::Segment(segment));
        } else if std::mem::take(&mut end.window_lost) {
            self.send(number, side, Kind::Probe);
        }
        None
    }

    /// The end has read so much that the other may send more.
    pub(super) fn tell_window(&mut self, number: u64, side: Side) {
        let allowed = self.end(number, side).tell_window();
        self.send(number, side, Kind::Window { allowed });
    }

    fn window_arrived(&mut self, number: u64, side: Side, allowed: u64) -> Option<NodeId> {
        let end = self.end(number, side);
        if end.life == Life::Open {
            end.allowed = end.allowed.max(allowed);
            end.window_lost = false;
            if end.probing.is_none() && end.first_lost().is_none() {
                self.disarm(number, side);
            }
            self.pump(number, side);
        }
        // Room for the program comes with the acknowledgements.
        None
    }

    /// What would tell it that the window has opened will not come by itself.
    pub(super) fn window_lost(&mut self, number: u64, side: Side, sent_at: Ns) {
        let end = self.end(number, side);
        if end.life != Life::Open {
            return;
        }
        // While something is in flight, its acknowledgement will tell.
        end.window_lost = true;
        if !end.unsent.is_empty() && end.flight.is_empty() {
            self.arm_retransmission(number, side, sent_at);
        }
    }

    fn probe_arrived(&mut self, number: u64, side: Side) -> Option<NodeId> {
        match self.end(number, side).life {
            Life::Open => self.tell_window(number, side),
            Life::Absent | Life::Opening | Life::Finished => {}
            Life::Gone => self.send(number, side, Kind::Rst),
        }
        None
    }

    /// The end does not know yet that there is no other, and will find out when it sends again what was refused.
    fn rst_lost(&mut self, number: u64, side: Side, sent_at: Ns) {
        self.will_ask_again(number, side);
        let end = self.end(number, side);
        if end.life != Life::Open {
            return;
        }
        for segment in end.flight.iter_mut().filter(|segment| segment.state == Flight::Refused) {
            segment.state = Flight::Lost;
        }
        if end.first_lost().is_some() {
            self.arm_retransmission(number, side, sent_at);
        } else {
            self.window_lost(number, side, sent_at);
        }
    }
}
