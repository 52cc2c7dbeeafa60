//! The network, and time.
//!
//! A [`World`] is a queue of events and what they change. Time stands still while programs act; [`World::next`] moves
//! it to the next event and lets that happen. Whatever one node does reaches another as an event, never at once, and
//! one event concerns at most one node: whoever polls a node only when [`Due::Wake`] names it misses nothing. When the
//! queue is empty, nothing will ever happen any more: time-outs that nobody waits for are called off.
//!
//! Nodes are on one link: node `n` is 10.0.0.`n+1` and fd00::`n+1`. A machine is on or silent. One that is on answers
//! for its ports even when its program has ended (it refuses); one that is silent takes nothing and says nothing. IPv6
//! sockets take no IPv4, as WASI has it.
//!
//! What is under way between two nodes is lost when their link is cut at any moment between sending and arriving.
//! Streams lose nothing for that: they send again, and give up as Linux does (`tcp`, `streams` and `segments` say
//! what is modelled and what is not). Datagrams are lost (`udp`).
//!
//! All randomness is drawn from the seed, for each purpose from a generator of its own. Nothing looks at the machine's
//! clock, at addresses in memory or at the order of a hash table.

mod connection;
mod handshake;
mod links;
mod names;
mod ports;
mod queue;
mod segments;
mod streams;
mod tcp;
#[cfg(test)]
mod tests;
mod trace;
mod udp;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use schedules::Random;

use self::connection::{CALLED, CALLER, Connection};
use self::links::Links;
use self::names::Names;
use self::ports::Ports;
use self::queue::{Event, Key, Queue};
use self::trace::Trace;
use crate::words::{Deed, Happened, Network, Ns, What};

pub use self::connection::{RECEIVE_BUFFER, SEGMENT_MAX, SEND_BUFFER};
pub use self::names::NODES_MAX;
pub use self::tcp::NOBODY_THERE;
pub use self::udp::{QUEUE_MAX, UNDER_WAY_BYTES_MAX, V4_BYTES_MAX, V6_BYTES_MAX};

/// A node, by its index in the cluster.
pub type NodeId = usize;

/// A stream socket. Of no two in a run it is the same; what is said of one that is closed is `InvalidState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpId(pub u32);

/// A datagram socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UdpId(pub u32);

/// What a socket call fails by. Named as in errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetError {
    WouldBlock,
    InvalidArgument,
    InvalidState,
    NotSupported,
    AddressInUse,
    AddressNotBindable,
    Unreachable,
    ConnectionRefused,
    ConnectionReset,
    ConnectionAborted,
    /// Nobody will read it. A program is told by EPIPE.
    BrokenPipe,
    NotConnected,
    TimedOut,
    TooLarge,
    SocketsMax,
    NameUnresolvable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    Bytes(Vec<u8>),
    WouldBlock,
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub from: SocketAddr,
    pub bytes: Vec<u8>,
}

/// What [`World::next`] leaves to the executor.
#[derive(Clone, Debug, PartialEq)]
pub enum Due {
    /// Something that this node may wait for has happened: a timer, bytes, a connection.
    Wake(NodeId),
    /// The script says so: kill, power loss, restart, pause, resume, skew, disk. The network's own deeds are done and
    /// noted already; whoever does this one notes it.
    Deed(Deed),
    Start(NodeId),
    /// Only the network's own affair.
    Nothing,
}

#[derive(Debug)]
pub struct World {
    now: Ns,
    queue: Queue,
    names: Names,
    links: Links,
    ports: Ports,
    machines: Vec<Machine>,
    tcp: BTreeMap<TcpId, tcp::Socket>,
    udp: BTreeMap<UdpId, udp::Socket>,
    /// By their numbers in the trace.
    connections: BTreeMap<u64, Connection>,
    connections_made: u64,
    sockets_made: u32,
    /// Of each node.
    sockets_max: u32,
    events: u64,
    trace: Trace,
}

/// A node as the network sees it.
#[derive(Debug, Default)]
struct Machine {
    is_on: bool,
    tcp: BTreeSet<TcpId>,
    udp: BTreeSet<UdpId>,
    /// What it is woken for, by the time, and how many have asked for it.
    wakes: BTreeMap<Ns, (Key, u32)>,
    /// Bytes of datagrams that it has under way.
    datagram_bytes: usize,
}

impl World {
    /// A world at time 0 in which all machines are silent. With `trace_events_max` it keeps so many events to tell;
    /// without, none.
    ///
    /// # Panics
    /// For more than [`NODES_MAX`] names.
    pub fn new(
        names: Vec<String>,
        network: Network,
        sockets_max: u32,
        seed: u64,
        trace_events_max: Option<u32>,
    ) -> World {
        let nodes = names.len();
        // Others draw from the same seed.
        let mut random = Random::new(seed ^ u64::from_le_bytes(*b"network!"));
        let mut fork = || Random::new(random.number());
        World {
            now: 0,
            queue: Queue::default(),
            names: Names::new(&names),
            links: Links::new(nodes, network, &mut fork),
            ports: Ports::new(nodes, &mut fork()),
            machines: (0..nodes).map(|_| Machine::default()).collect(),
            tcp: BTreeMap::new(),
            udp: BTreeMap::new(),
            connections: BTreeMap::new(),
            connections_made: 0,
            sockets_made: 0,
            sockets_max,
            events: 0,
            trace: Trace::new(trace_events_max),
        }
    }

    pub fn now(&self) -> Ns {
        self.now
    }

    /// Wakes `node` at that time, or now if it is over. However many ask for one time, it is woken once.
    pub fn wake_at(&mut self, node: NodeId, at: Ns) {
        let at = at.max(self.now);
        let queue = &mut self.queue;
        let wake = self.machines[node].wakes.entry(at).or_insert_with(|| (queue.push(at, Event::Wake(node)), 0));
        wake.1 += 1;
    }

    /// Takes back one [`World::wake_at`], so that a sleep that nobody sleeps any more keeps no cluster from being
    /// still.
    pub fn wake_no_more(&mut self, node: NodeId, at: Ns) {
        if at <= self.now {
            // It is due, and may be another's that was asked for since.
            return;
        }
        let Some((key, asked)) = self.machines[node].wakes.get_mut(&at) else { return };
        *asked -= 1;
        if *asked == 0 {
            self.queue.call_off(*key);
            self.machines[node].wakes.remove(&at);
        }
    }

    pub fn start_at(&mut self, node: NodeId, at: Ns) {
        self.queue.push(at.max(self.now), Event::Start(node));
    }

    pub fn script(&mut self, at: Ns, deed: Deed) {
        self.queue.push(at.max(self.now), Event::Deed(Box::new(deed)));
    }

    /// The time of the next event; `None`: there will be none unless somebody acts.
    pub fn peek(&self) -> Option<Ns> {
        self.queue.peek()
    }

    /// Moves the clock to the next event and lets it happen.
    #[expect(clippy::should_implement_trait, reason = "a world is not a sequence: what comes depends on what is done")]
    pub fn next(&mut self) -> Option<Due> {
        let (at, event) = self.queue.pop()?;
        self.now = at;
        self.events += 1;
        let woken = match event {
            Event::Wake(node) => {
                self.machines[node].wakes.remove(&at);
                Some(node)
            }
            Event::Start(node) => return Some(Due::Start(node)),
            Event::Deed(deed) => return Some(self.deed(*deed)),
            Event::Tcp(flying) => self.tcp_arrived(flying),
            Event::Timer { connection, side } => self.timer_is_up(connection, side),
            Event::Vain(tcp) => self.vain(tcp),
            Event::Udp(flying) => self.datagram_arrived(*flying),
            Event::PortUnreachable { udp, remote } => self.port_unreachable(udp, remote),
        };
        Some(woken.map_or(Due::Nothing, Due::Wake))
    }

    fn deed(&mut self, deed: Deed) -> Due {
        match &deed {
            Deed::Partition(groups) => self.links.part(self.now, groups),
            Deed::Deafen { from, to } => self.links.deafen(self.now, *from, *to),
            Deed::Heal => self.links.heal(self.now),
            Deed::Network(network) => self.links.set_network(*network),
            Deed::Kill(_) | Deed::PowerLoss(_) | Deed::Restart(_) | Deed::Pause(_) | Deed::Resume(_) => {
                return Due::Deed(deed);
            }
            Deed::Skew { .. } | Deed::DiskFull { .. } | Deed::SyncLies { .. } => return Due::Deed(deed),
        }
        self.note(What::Did { deed });
        Due::Nothing
    }

    /// A time from now.
    fn after(&self, wait: Ns) -> Ns {
        self.now.saturating_add(wait)
    }

    /// How many things have happened.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many packets were sent; acknowledgements are not counted.
    pub fn packets(&self) -> u64 {
        self.trace.packets()
    }

    /// From now on somebody is there to answer.
    pub fn up(&mut self, node: NodeId) {
        self.machines[node].is_on = true;
    }

    /// The process has ended: what sockets it had left are closed as a kernel closes them, and its sleeps are over. The
    /// machine still answers (refuses).
    pub fn down(&mut self, node: NodeId) {
        for tcp in self.machines[node].tcp.clone() {
            self.tcp_close(tcp);
        }
        self.close_all_udp(node);
        self.forget_wakes(node);
    }

    /// The machine has lost power: its sockets vanish, nobody is told, packets to it are lost. What it has sent is
    /// under way. When it is [up](World::up) again, it answers what belongs to old connections with RST.
    pub fn vanish(&mut self, node: NodeId) {
        let machine = &mut self.machines[node];
        machine.is_on = false;
        for tcp in std::mem::take(&mut machine.tcp) {
            self.forget_socket(tcp);
        }
        self.close_all_udp(node);
        self.forget_wakes(node);
        let numbers: Vec<u64> = self.connections.keys().copied().collect();
        for number in numbers {
            for side in [CALLER, CALLED] {
                if self.end(number, side).node == node {
                    self.forget_end(number, side);
                }
            }
            self.settle(number);
        }
    }

    fn close_all_udp(&mut self, node: NodeId) {
        for udp in self.machines[node].udp.clone() {
            self.udp_close(udp);
        }
    }

    fn forget_wakes(&mut self, node: NodeId) {
        for (key, _) in std::mem::take(&mut self.machines[node].wakes).into_values() {
            self.queue.call_off(key);
        }
    }

    pub fn address(&self, node: NodeId, family: Family) -> IpAddr {
        Names::address(node, family)
    }

    /// The addresses of a node's name, of `localhost` or of an address in words, IPv4 first; none for other names.
    pub fn resolve(&self, _from: NodeId, name: &str) -> Vec<IpAddr> {
        self.names.resolve(name)
    }

    fn socket_id(&mut self, node: NodeId) -> Result<u32, NetError> {
        let machine = &self.machines[node];
        if machine.tcp.len() + machine.udp.len() >= self.sockets_max as usize {
            return Err(NetError::SocketsMax);
        }
        self.sockets_made = self.sockets_made.checked_add(1).ok_or(NetError::SocketsMax)?;
        Ok(self.sockets_made)
    }

    /// Notes what is not the network's: starts, ends, output, deeds.
    pub fn note(&mut self, what: What) {
        self.trace.note(self.now, what);
    }

    /// What of a life must be the same when it is repeated though nobody sees it, such as its fuel: goes into the hash
    /// alone.
    pub fn hash_in(&mut self, bytes: &[u8]) {
        self.trace.hash_in(self.now, bytes);
    }

    /// SHA-256 over all that has happened so far, in hex.
    pub fn hash(&self) -> String {
        self.trace.hash()
    }

    /// What was kept, and how much was left out.
    pub fn take_trace(&mut self) -> (Vec<Happened>, u64) {
        self.trace.take()
    }
}
