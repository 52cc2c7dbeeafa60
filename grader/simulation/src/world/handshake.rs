//! How connections come about and pass away: SYN, SYN-ACK and the third packet; refusal, reset and burial.
//!
//! Both sides ask again after 1, 2, 4 … s: the caller six times, so that it has failed after 127 s, the called five
//! times (`tcp_syn_retries`, `tcp_synack_retries`).

use std::net::SocketAddr;

use super::connection::{CALLED, CALLER, Connection, End, Fin, Life, Side};
use super::ports::Transport;
use super::queue::Event;
use super::tcp::{Kind, State};
use super::{NetError, NodeId, TcpId, World};
use crate::words::{Ns, SECOND};

const SYN_RETRIES: u32 = 6;
const SYN_ACK_RETRIES: u32 = 5;

impl World {
    /// Makes a connection and sends the SYN; returns its number.
    pub(super) fn call(
        &mut self,
        node: NodeId,
        local: SocketAddr,
        target: NodeId,
        remote: SocketAddr,
        socket: TcpId,
    ) -> u64 {
        let number = self.connections_made;
        self.connections_made += 1;
        let mut caller = End::new(node, local, Life::Opening);
        caller.socket = Some(socket);
        let called = End::new(target, remote, Life::Absent);
        self.connections.insert(number, Connection { ends: [caller, called], under_way: 0 });
        self.ask(number, CALLER);
        number
    }

    /// SYN or SYN-ACK.
    fn ask(&mut self, number: u64, side: Side) {
        let now = self.now;
        self.end(number, side).asked_at = now;
        self.send(number, side, if side == CALLER { Kind::Syn } else { Kind::SynAck });
    }

    /// It asks again when there is no answer in time.
    pub(super) fn will_ask_again(&mut self, number: u64, side: Side) {
        let end = self.end(number, side);
        if end.life == Life::Opening {
            let at = end.asked_at.saturating_add(SECOND << end.tries);
            self.arm(number, side, at);
        }
    }

    /// Whoever waits longer than that gives up.
    pub(super) fn arm(&mut self, number: u64, side: Side, at: Ns) {
        let at = at.max(self.now);
        if self.end(number, side).timer.is_none() {
            let key = self.queue.push(at, Event::Timer { connection: number, side });
            self.end(number, side).timer = Some(key);
        }
    }

    pub(super) fn disarm(&mut self, number: u64, side: Side) {
        let end = self.end(number, side);
        end.tries = 0;
        if let Some(key) = end.timer.take() {
            self.queue.call_off(key);
        }
    }

    pub(super) fn timer_is_up(&mut self, number: u64, side: Side) -> Option<NodeId> {
        let end = self.end(number, side);
        end.timer = None;
        let tries = end.tries;
        let woken = match end.life {
            Life::Opening if side == CALLER && tries == SYN_RETRIES => self.fail(number, side, NetError::TimedOut),
            Life::Opening if side == CALLED && tries == SYN_ACK_RETRIES => {
                self.bury(number, CALLED, Life::Gone);
                None
            }
            Life::Opening => {
                end.tries += 1;
                self.ask(number, side);
                None
            }
            Life::Open => self.send_again(number, side),
            Life::Absent | Life::Finished | Life::Gone => None,
        };
        self.settle(number);
        woken
    }

    pub(super) fn syn_arrived(&mut self, number: u64, packet: Option<u64>) -> Option<NodeId> {
        match self.end(number, CALLED).life {
            Life::Absent => self.first_syn_arrived(number, packet),
            Life::Opening => {
                self.tell_arrived(packet);
                self.ask(number, CALLED);
            }
            Life::Open => self.tell_arrived(packet),
            Life::Finished | Life::Gone => self.refuse(number, CALLED, packet),
        }
        None
    }

    fn first_syn_arrived(&mut self, number: u64, packet: Option<u64>) {
        let called = self.end(number, CALLED);
        let (node, address) = (called.node, called.address);
        let found = self.ports.find(node, Transport::Tcp, address).map(TcpId);
        let state = found.and_then(|id| self.tcp.get_mut(&id)).map(|socket| &mut socket.state);
        let (Some(id), Some(State::Listening(listener))) = (found, state) else {
            return self.refuse(number, CALLED, packet);
        };
        if listener.is_full() {
            if let Some(packet) = packet {
                self.trace.lost(self.now, packet);
            }
            return self.will_ask_again(number, CALLER);
        }
        listener.half_open.insert(number);
        let called = self.end(number, CALLED);
        (called.life, called.listener) = (Life::Opening, Some(id));
        self.tell_arrived(packet);
        self.ask(number, CALLED);
    }

    pub(super) fn syn_ack_arrived(&mut self, number: u64, packet: Option<u64>) -> Option<NodeId> {
        let caller = self.end(number, CALLER);
        let (life, node, socket) = (caller.life, caller.node, caller.socket);
        match life {
            Life::Absent | Life::Finished | Life::Gone => {
                self.refuse(number, CALLER, packet);
                return None;
            }
            Life::Opening | Life::Open => self.tell_arrived(packet),
        }
        self.send(number, CALLER, Kind::Confirm);
        if life == Life::Open {
            return None;
        }
        self.disarm(number, CALLER);
        self.end(number, CALLER).life = Life::Open;
        if let Some(socket) = socket.and_then(|id| self.tcp.get_mut(&id)) {
            socket.state = State::Connected(number, CALLER);
        }
        Some(node)
    }

    /// The third packet is there, or something that says the same. The connection can be accepted.
    pub(super) fn confirm_arrived(&mut self, number: u64) -> Option<NodeId> {
        let called = self.end(number, CALLED);
        let (life, node, listener) = (called.life, called.node, called.listener);
        match life {
            Life::Opening => {}
            Life::Gone => {
                self.send(number, CALLED, Kind::Rst);
                return None;
            }
            Life::Absent | Life::Open | Life::Finished => return None,
        }
        self.disarm(number, CALLED);
        self.end(number, CALLED).life = Life::Open;
        if let Some(State::Listening(listener)) = listener.and_then(|id| self.tcp.get_mut(&id)).map(|it| &mut it.state)
        {
            listener.half_open.remove(&number);
            listener.queue.push_back(number);
        }
        Some(node)
    }

    /// Nobody here knows of it.
    pub(super) fn refuse(&mut self, number: u64, side: Side, packet: Option<u64>) {
        if let Some(packet) = packet {
            self.trace.refused(self.now, packet);
        }
        self.send(number, side, Kind::Rst);
    }

    pub(super) fn rst_arrived(&mut self, number: u64, side: Side, packet: Option<u64>) -> Option<NodeId> {
        self.tell_arrived(packet);
        let end = self.end(number, side);
        match end.life {
            Life::Opening if side == CALLER => self.fail(number, side, NetError::ConnectionRefused),
            Life::Opening => {
                self.bury(number, side, Life::Gone);
                None
            }
            // Whoever has heard the end reads it again, and learns of the reset by writing.
            Life::Open if end.fin_received => self.fail(number, side, NetError::BrokenPipe),
            Life::Open => self.fail(number, side, NetError::ConnectionReset),
            Life::Absent | Life::Finished | Life::Gone => None,
        }
    }

    /// The other side learns of it, but for what it is too late to tell.
    pub(super) fn reset(&mut self, number: u64, side: Side) {
        if self.end(number, side).is_alive() {
            self.send(number, side, Kind::Rst);
            self.bury(number, side, Life::Gone);
        }
    }

    /// The program is told `error`; wakes it.
    pub(super) fn fail(&mut self, number: u64, side: Side, error: NetError) -> Option<NodeId> {
        let end = self.end(number, side);
        let (node, socket) = (end.node, end.socket);
        let called_in_vain = end.life == Life::Opening && side == CALLER;
        end.error = Some(error);
        self.bury(number, side, Life::Gone);
        if error == NetError::TimedOut {
            // The other side has not heard of it.
            self.window_lost(number, 1 - side, self.now);
        }
        if called_in_vain {
            self.end(number, side).socket = None;
            if let Some(socket) = socket.and_then(|id| self.tcp.get_mut(&id)) {
                socket.state = State::Failed(error);
            }
        }
        socket.map(|_| node)
    }

    /// The program closes its end.
    pub(super) fn close_end(&mut self, number: u64, side: Side) {
        let end = self.end(number, side);
        if end.life != Life::Open {
            return end.received.clear();
        }
        if !end.received.is_empty() || end.wasted {
            return self.reset(number, side);
        }
        end.closed = true;
        if end.fin == Fin::No {
            end.fin = Fin::Wanted;
            self.pump(number, side);
        }
        self.finish(number, side);
    }

    /// Buries an end that has nothing left to say or to hear.
    pub(super) fn finish(&mut self, number: u64, side: Side) {
        let end = self.end(number, side);
        if end.life == Life::Open && end.is_through() {
            self.bury(number, side, Life::Finished);
        }
    }

    /// The kernel at that end is done with it. What is under way stays under way.
    pub(super) fn bury(&mut self, number: u64, side: Side, life: Life) {
        if !self.end(number, side).is_alive() {
            return;
        }
        self.disarm(number, side);
        let connection = self.connection(number);
        let (end, other) = connection.pair(side);
        end.unsent.clear();
        if end.socket.is_none() && end.listener.is_none() {
            end.received.clear();
        }
        let was_opening = std::mem::replace(&mut end.life, life) == Life::Opening;
        let (node, local, remote, listener) = (end.node, end.address, other.address, end.listener);
        if side == CALLER {
            self.ports.disconnect(node, local, remote);
        } else if was_opening {
            self.end(number, side).listener = None;
            if let Some(State::Listening(listener)) =
                listener.and_then(|id| self.tcp.get_mut(&id)).map(|it| &mut it.state)
            {
                listener.half_open.remove(&number);
            }
        }
    }

    /// The machine at that end has lost its memory, and nobody is told.
    pub(super) fn forget_end(&mut self, number: u64, side: Side) {
        let end = self.end(number, side);
        (end.socket, end.listener) = (None, None);
        self.bury(number, side, Life::Gone);
        let end = self.end(number, side);
        if end.life == Life::Finished {
            end.life = Life::Gone;
        }
        self.window_lost(number, 1 - side, self.now);
    }

    /// Forgets a connection that nobody can hear of any more.
    pub(super) fn settle(&mut self, number: u64) {
        let Some(connection) = self.connections.get(&number) else { return };
        let needed = |end: &End| end.is_alive() || end.socket.is_some() || end.listener.is_some();
        if connection.under_way == 0 && !connection.ends.iter().any(needed) {
            self.connections.remove(&number);
        }
    }
}
