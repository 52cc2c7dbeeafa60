//! What is to happen, in the order of time; of one instant, in the order in which it was arranged.
//!
//! A tree and not a heap, since what is arranged may be called off: a time-out that nobody waits for any more would
//! keep a cluster from being still.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::connection::Side;
use super::{NodeId, TcpId, UdpId, tcp, udp};
use crate::words::{Deed, Ns};

#[derive(Debug)]
pub(super) enum Event {
    Wake(NodeId),
    Start(NodeId),
    Deed(Box<Deed>),
    Tcp(tcp::Flying),
    /// An end has waited long enough for an answer.
    Timer {
        connection: u64,
        side: Side,
    },
    /// Nobody has said that the address is his.
    Vain(TcpId),
    Udp(Box<udp::Flying>),
    /// ICMP: nobody has that port there.
    PortUnreachable {
        udp: UdpId,
        remote: SocketAddr,
    },
}

/// Where an event stands, by which it can be called off.
pub(super) type Key = (Ns, u64);

#[derive(Debug, Default)]
pub(super) struct Queue {
    events: BTreeMap<Key, Event>,
    /// Keeps what is arranged for one instant in order.
    arranged: u64,
}

impl Queue {
    pub fn push(&mut self, at: Ns, event: Event) -> Key {
        let key = (at, self.arranged);
        self.arranged += 1;
        self.events.insert(key, event);
        key
    }

    pub fn call_off(&mut self, key: Key) {
        self.events.remove(&key);
    }

    pub fn peek(&self) -> Option<Ns> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn pop(&mut self) -> Option<(Ns, Event)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }
}
