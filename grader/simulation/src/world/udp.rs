//! Datagrams: lost, doubled and overtaken as the network says, dropped where nobody takes them, and whole.
//!
//! Like Linux: who sends without an address gets one; a connected socket hears only its peer, and is told once when
//! nobody has the peer's port (ICMP). A broadcast (255.255.255.255, 10.0.0.255) goes to every node, the sender too, and
//! to sockets bound to all addresses. Not modelled: multicast, fragments, ICMP for addresses that nobody has.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::links::Fate;
use super::names::{Names, Place, family_of, specified};
use super::ports::Transport;
use super::queue::Event;
use super::trace::Carried;
use super::{Datagram, Family, NetError, NodeId, UdpId, World};
use crate::words::Ns;

/// Most bytes of a datagram.
pub const V4_BYTES_MAX: usize = 65_507;
pub const V6_BYTES_MAX: usize = 65_527;
/// Datagrams that a socket keeps until they are read; more are dropped.
pub const QUEUE_MAX: usize = 256;
/// Bytes that a node has under way; more are dropped as by a switch.
pub const UNDER_WAY_BYTES_MAX: usize = 4 << 20;
/// What a datagram without content counts for.
const HEADERS: usize = 64;

#[derive(Debug)]
pub(super) struct Socket {
    node: NodeId,
    family: Family,
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
    queue: VecDeque<Datagram>,
    /// What the next call is told, once.
    error: Option<NetError>,
}

/// A datagram on its way.
#[derive(Debug)]
pub(super) struct Flying {
    /// Who is told that nobody took it.
    socket: UdpId,
    from: NodeId,
    to: NodeId,
    source: SocketAddr,
    target: SocketAddr,
    to_all: bool,
    bytes: Vec<u8>,
    packet: u64,
    sent_at: Ns,
}

impl World {
    /// # Errors
    /// `SocketsMax`.
    pub fn udp_open(&mut self, node: NodeId, family: Family) -> Result<UdpId, NetError> {
        let id = UdpId(self.socket_id(node)?);
        self.machines[node].udp.insert(id);
        let socket = Socket { node, family, local: None, remote: None, queue: VecDeque::new(), error: None };
        self.udp.insert(id, socket);
        Ok(id)
    }

    /// Port 0 is any that is free.
    ///
    /// # Errors
    /// `InvalidState` when it has an address, `InvalidArgument` for one of the other family, `AddressNotBindable` for
    /// another node's, `AddressInUse`.
    pub fn udp_bind(&mut self, udp: UdpId, to: SocketAddr) -> Result<(), NetError> {
        let socket = self.udp.get_mut(&udp).ok_or(NetError::InvalidState)?;
        if socket.local.is_some() {
            return Err(NetError::InvalidState);
        }
        if family_of(to.ip()) != socket.family {
            return Err(NetError::InvalidArgument);
        }
        if !Names::is_bindable(socket.node, to.ip()) {
            return Err(NetError::AddressNotBindable);
        }
        socket.local = Some(self.ports.bind(socket.node, Transport::Udp, to, udp.0)?);
        Ok(())
    }

    /// Where it is bound to; a port that is free, if nowhere yet.
    fn udp_bound(&mut self, udp: UdpId) -> Result<SocketAddr, NetError> {
        let socket = self.udp.get(&udp).ok_or(NetError::InvalidState)?;
        if let Some(local) = socket.local {
            return Ok(local);
        }
        self.udp_bind(udp, SocketAddr::new(Names::unspecified(socket.family), 0))?;
        self.udp_local(udp).ok_or(NetError::InvalidState)
    }

    /// Only from and to there; `None`: from and to anywhere again. What is in the queue stays.
    ///
    /// # Errors
    /// `InvalidArgument` for the other family, port 0, and another node from a loopback address; `Unreachable`,
    /// `AddressInUse` when no port is free.
    pub fn udp_connect(&mut self, udp: UdpId, to: Option<SocketAddr>) -> Result<(), NetError> {
        let remote = match to {
            Some(to) => {
                let local = self.udp_bound(udp)?;
                let (to, _) = self.check_target(udp, local, to)?;
                Some(to)
            }
            None => None,
        };
        let socket = self.udp.get_mut(&udp).ok_or(NetError::InvalidState)?;
        (socket.remote, socket.error) = (remote, None);
        Ok(())
    }

    /// The target with its own address in place of `0.0.0.0`, and where the datagram comes from.
    fn check_target(
        &self,
        udp: UdpId,
        local: SocketAddr,
        to: SocketAddr,
    ) -> Result<(SocketAddr, SocketAddr), NetError> {
        let socket = self.udp.get(&udp).ok_or(NetError::InvalidState)?;
        if family_of(to.ip()) != socket.family || to.port() == 0 {
            return Err(NetError::InvalidArgument);
        }
        let source = Names::source(socket.node, Some(local.ip()), to.ip())?;
        if self.names.place(socket.node, to.ip()) == Place::Nowhere {
            return Err(NetError::Unreachable);
        }
        Ok((SocketAddr::new(specified(to.ip()), to.port()), SocketAddr::new(source, local.port())))
    }

    pub fn udp_local(&self, udp: UdpId) -> Option<SocketAddr> {
        let socket = self.udp.get(&udp)?;
        let local = socket.local?;
        let source = socket.remote.and_then(|remote| Names::source(socket.node, Some(local.ip()), remote.ip()).ok());
        Some(SocketAddr::new(source.unwrap_or(local.ip()), local.port()))
    }

    pub fn udp_remote(&self, udp: UdpId) -> Option<SocketAddr> {
        self.udp.get(&udp)?.remote
    }

    /// # Errors
    /// `TooLarge`; `InvalidArgument` without a target, for one that is not the peer, and as [`World::udp_connect`];
    /// `Unreachable`; `ConnectionRefused` for an earlier datagram, once, and then nothing was sent.
    pub fn udp_send(&mut self, udp: UdpId, to: Option<SocketAddr>, bytes: &[u8]) -> Result<(), NetError> {
        if let Some(error) = self.udp_error(udp) {
            return Err(error);
        }
        let local = self.udp_bound(udp)?;
        let socket = self.udp.get(&udp).ok_or(NetError::InvalidState)?;
        let (from, remote) = (socket.node, socket.remote);
        let to = to.or(remote).filter(|to| remote.is_none_or(|remote| remote == *to));
        let (target, source) = self.check_target(udp, local, to.ok_or(NetError::InvalidArgument)?)?;
        let bytes_max = if target.is_ipv4() { V4_BYTES_MAX } else { V6_BYTES_MAX };
        if bytes.len() > bytes_max {
            return Err(NetError::TooLarge);
        }
        let (receivers, to_all) = match self.names.place(from, target.ip()) {
            Place::Node(to) => (to..to + 1, false),
            Place::Broadcast => (0..self.machines.len(), true),
            Place::Nobody | Place::Nowhere => (0..0, false),
        };
        for to in receivers {
            let bytes = bytes.to_vec();
            let flying = Flying { socket: udp, from, to, source, target, to_all, bytes, packet: 0, sent_at: self.now };
            self.send_datagram(flying);
        }
        Ok(())
    }

    fn send_datagram(&mut self, flying: Flying) {
        let (from, to) = (flying.from, flying.to);
        let size = flying.bytes.len() + HEADERS;
        let full = self.machines[from].datagram_bytes + size > UNDER_WAY_BYTES_MAX;
        let fate = if full || self.links.is_cut(from, to) { Fate::Lost } else { self.links.fate(from, to) };
        match fate {
            Fate::Lost => {
                let packet = self.tell_sent(&flying);
                self.trace.lost(self.now, packet);
            }
            Fate::Takes(first, second) => {
                if let Some(second) = second {
                    let Flying { socket, source, target, to_all, packet, sent_at, .. } = flying;
                    let bytes = flying.bytes.clone();
                    self.launch(Flying { socket, from, to, source, target, to_all, bytes, packet, sent_at }, second);
                }
                self.launch(flying, first);
            }
        }
    }

    fn launch(&mut self, mut flying: Flying, takes: Ns) {
        flying.packet = self.tell_sent(&flying);
        self.machines[flying.from].datagram_bytes += flying.bytes.len() + HEADERS;
        self.queue.push(self.after(takes), Event::Udp(Box::new(flying)));
    }

    fn tell_sent(&mut self, flying: &Flying) -> u64 {
        let carried = Carried::Datagram { source: flying.source, target: flying.target, bytes: &flying.bytes };
        self.trace.sent(self.now, flying.from, flying.to, carried)
    }

    /// Returns the node that may have waited for it.
    pub(super) fn datagram_arrived(&mut self, flying: Flying) -> Option<NodeId> {
        let Flying { from, to, source, target, packet, .. } = flying;
        self.machines[from].datagram_bytes -= flying.bytes.len() + HEADERS;
        if self.links.was_cut_since(from, to, flying.sent_at) || !self.machines[to].is_on {
            self.trace.lost(self.now, packet);
            return None;
        }
        let found = match flying.to_all {
            true => self.ports.find_for_all(to, target.port()),
            false => self.ports.find(to, Transport::Udp, target),
        };
        let socket = found.and_then(|id| self.udp.get_mut(&UdpId(id)));
        let Some(socket) = socket.filter(|socket| socket.remote.is_none_or(|remote| remote == source)) else {
            self.trace.refused(self.now, packet);
            if !flying.to_all {
                self.tell_unreachable(&flying);
            }
            return None;
        };
        if socket.queue.len() >= QUEUE_MAX {
            self.trace.lost(self.now, packet);
            return None;
        }
        socket.queue.push_back(Datagram { from: source, bytes: flying.bytes });
        self.trace.arrived(self.now, packet);
        Some(to)
    }

    /// Only connected sockets are told, so nothing is sent to others.
    fn tell_unreachable(&mut self, flying: &Flying) {
        let remote = self.udp.get(&flying.socket).and_then(|socket| socket.remote);
        if remote == Some(flying.target) && !self.links.is_cut(flying.to, flying.from) {
            let takes = self.links.latency(flying.to, flying.from);
            let at = self.after(takes);
            self.queue.push(at, Event::PortUnreachable { udp: flying.socket, remote: flying.target });
        }
    }

    pub(super) fn port_unreachable(&mut self, udp: UdpId, remote: SocketAddr) -> Option<NodeId> {
        let socket = self.udp.get_mut(&udp).filter(|socket| socket.remote == Some(remote))?;
        socket.error = Some(NetError::ConnectionRefused);
        Some(socket.node)
    }

    /// The error that the next call is told, and no call after it: `ConnectionRefused`. To be asked before
    /// [`World::udp_receive`], which cannot say it.
    pub fn udp_error(&mut self, udp: UdpId) -> Option<NetError> {
        self.udp.get_mut(&udp)?.error.take()
    }

    /// The next datagram. An error that nobody asked for is over then.
    pub fn udp_receive(&mut self, udp: UdpId) -> Option<Datagram> {
        let socket = self.udp.get_mut(&udp)?;
        socket.error = None;
        socket.queue.pop_front()
    }

    /// A datagram, or an error.
    pub fn udp_readable(&self, udp: UdpId) -> bool {
        self.udp.get(&udp).is_none_or(|socket| !socket.queue.is_empty() || socket.error.is_some())
    }

    /// What somebody waits for who waits for it, in words: `a datagram on 10.0.0.1:7000`.
    pub fn udp_words(&self, udp: UdpId) -> String {
        let Some(socket) = self.udp.get(&udp) else { return "a closed socket".into() };
        match (socket.remote, self.udp_local(udp)) {
            (Some(remote), _) => format!("a datagram from {remote}"),
            (None, Some(local)) => format!("a datagram on {local}"),
            (None, None) => "a datagram".into(),
        }
    }

    /// What is in its queue is thrown away.
    pub fn udp_close(&mut self, udp: UdpId) {
        let Some(socket) = self.udp.remove(&udp) else { return };
        self.machines[socket.node].udp.remove(&udp);
        if let Some(local) = socket.local {
            self.ports.unbind(socket.node, Transport::Udp, local, udp.0);
        }
    }
}
