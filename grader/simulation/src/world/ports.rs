//! Who has which port of which node.
//!
//! A port is free for a listener as soon as the one before is closed, whatever connections remain: TIME_WAIT is not
//! modelled, as if every socket had SO_REUSEADDR. The two families have ports of their own (IPV6_V6ONLY).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use schedules::Random;

use super::names::family_of;
use super::{Family, NetError, NodeId};

/// Those that Linux gives to who asks for none.
const EPHEMERAL_FIRST: u16 = 32_768;
const EPHEMERAL_LAST: u16 = 60_999;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

type Key = (NodeId, Transport, Family, u16);

#[derive(Debug)]
pub(super) struct Ports {
    taken: BTreeMap<Key, Port>,
    /// Those of connections that were made from here: no two may look the same to the other side.
    pairs: BTreeSet<(NodeId, SocketAddr, SocketAddr)>,
    /// Where the search for a free one begins, of each node.
    next: Vec<u16>,
}

#[derive(Debug, Default)]
struct Port {
    /// The sockets that are bound to it, by the address they are bound to.
    bound: Vec<(IpAddr, u32)>,
    /// Connections that were made from it.
    connections: u32,
}

impl Ports {
    /// Each node begins somewhere else, as machines do.
    pub fn new(nodes: usize, random: &mut Random) -> Ports {
        let range = usize::from(EPHEMERAL_LAST - EPHEMERAL_FIRST) + 1;
        let next = (0..nodes).map(|_| EPHEMERAL_FIRST + random.below(range) as u16).collect();
        Ports { taken: BTreeMap::new(), pairs: BTreeSet::new(), next }
    }

    /// Binds `socket`; port 0 is any that is free. Returns where it is bound to.
    ///
    /// # Errors
    /// `AddressInUse`.
    pub fn bind(
        &mut self,
        node: NodeId,
        transport: Transport,
        to: SocketAddr,
        socket: u32,
    ) -> Result<SocketAddr, NetError> {
        let family = family_of(to.ip());
        let port = if to.port() == 0 { self.free(node, transport, family)? } else { to.port() };
        let entry = self.taken.entry((node, transport, family, port)).or_default();
        let overlaps = |bound: IpAddr| bound == to.ip() || bound.is_unspecified() || to.ip().is_unspecified();
        if entry.bound.iter().any(|(bound, _)| overlaps(*bound)) {
            return Err(NetError::AddressInUse);
        }
        entry.bound.push((to.ip(), socket));
        Ok(SocketAddr::new(to.ip(), port))
    }

    pub fn unbind(&mut self, node: NodeId, transport: Transport, at: SocketAddr, socket: u32) {
        self.change(node, transport, at, |port| port.bound.retain(|(_, holder)| *holder != socket));
    }

    /// The socket that what arrives there is for: one bound to just that address before one bound to all.
    pub fn find(&self, node: NodeId, transport: Transport, at: SocketAddr) -> Option<u32> {
        let bound = &self.taken.get(&(node, transport, family_of(at.ip()), at.port()))?.bound;
        let exact = bound.iter().find(|(address, _)| *address == at.ip());
        exact.or_else(|| bound.iter().find(|(address, _)| address.is_unspecified())).map(|(_, socket)| *socket)
    }

    /// The socket that a broadcast to that port is for: those bound to one address do not hear it.
    pub fn find_for_all(&self, node: NodeId, port: u16) -> Option<u32> {
        let bound = &self.taken.get(&(node, Transport::Udp, Family::V4, port))?.bound;
        bound.iter().find(|(address, _)| address.is_unspecified()).map(|(_, socket)| *socket)
    }

    /// A connection is made from `local`. Port 0 is any that is free. Returns where it comes from.
    ///
    /// # Errors
    /// `AddressInUse` when there is one with both addresses already.
    pub fn connect(&mut self, node: NodeId, local: SocketAddr, remote: SocketAddr) -> Result<SocketAddr, NetError> {
        let family = family_of(local.ip());
        let port = if local.port() == 0 { self.free(node, Transport::Tcp, family)? } else { local.port() };
        let local = SocketAddr::new(local.ip(), port);
        if !self.pairs.insert((node, local, remote)) {
            return Err(NetError::AddressInUse);
        }
        self.taken.entry((node, Transport::Tcp, family, port)).or_default().connections += 1;
        Ok(local)
    }

    pub fn disconnect(&mut self, node: NodeId, local: SocketAddr, remote: SocketAddr) {
        self.pairs.remove(&(node, local, remote));
        self.change(node, Transport::Tcp, local, |port| port.connections -= 1);
    }

    fn change(&mut self, node: NodeId, transport: Transport, at: SocketAddr, change: impl FnOnce(&mut Port)) {
        let key = (node, transport, family_of(at.ip()), at.port());
        let Some(port) = self.taken.get_mut(&key) else { return };
        change(port);
        if port.bound.is_empty() && port.connections == 0 {
            self.taken.remove(&key);
        }
    }

    fn free(&mut self, node: NodeId, transport: Transport, family: Family) -> Result<u16, NetError> {
        for _ in EPHEMERAL_FIRST..=EPHEMERAL_LAST {
            let port = self.next[node];
            self.next[node] = if port == EPHEMERAL_LAST { EPHEMERAL_FIRST } else { port + 1 };
            if !self.taken.contains_key(&(node, transport, family, port)) {
                return Ok(port);
            }
        }
        Err(NetError::AddressInUse)
    }
}
