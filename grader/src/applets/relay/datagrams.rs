//! Datagrams: a socket of the relay's stands for each endpoint in the eyes of each node.
//!
//! Who receives a datagram sees as its sender the socket that stands for the sender, and can answer to it. So nodes with
//! fixed addresses know each other by the addresses that they were given, and a socket that nobody knew before, a client's
//! or one that a server answers from, gets a stand-in when it first sends.
//!
//! Datagrams of one pair of endpoints in one direction are a *flow*, counted from 0; how they mix with other flows is no
//! part of any decision.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use rustix::event::PollFlags;

use super::Traffic;
use super::fate::{Decision, Fate, Faults};
use super::net::{self, Entry, Interest, LEDGER_MAX, Net, Node, Token};
use super::orders::Cut;

/// Most sockets at a time.
const STAND_INS_MAX: usize = 512;
const FLOWS_MAX: usize = 4096;
/// Most bytes held back; what would be more is lost.
const HELD_BYTES_MAX: usize = 16 << 20;
/// Datagrams read from one socket in a turn.
const GULP: usize = 64;
const DATAGRAM_BYTES_MAX: usize = 1 << 16;
/// Asked for; the kernel gives what it allows.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

#[derive(Debug, Default)]
pub struct Datagrams {
    stand_ins: Vec<StandIn>,
    flows: Vec<Flow>,
    /// By source, target and both endpoints.
    numbers: HashMap<(Node, Node, SocketAddr, SocketAddr), usize>,
    ledger: Vec<Record>,
    held_bytes: usize,
}

/// A socket at which `viewer` reaches an endpoint of node `of`.
#[derive(Debug)]
struct StandIn {
    socket: UdpSocket,
    endpoint: SocketAddr,
    of: Node,
    viewer: Node,
}

#[derive(Debug)]
struct Flow {
    source: Node,
    target: Node,
    /// The how-manyth of that direction.
    number: u64,
    /// The stand-in that sends, and where to.
    sender: usize,
    to: SocketAddr,
    /// Datagrams so far.
    count: u64,
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    /// Goes on when the datagram of this ordinal has come, or when nothing else happens.
    due: Option<u64>,
    data: Vec<u8>,
    record: Option<usize>,
}

#[derive(Debug)]
struct Record {
    flow: usize,
    ordinal: u64,
    size: u64,
    fate: Fate,
    passed: u64,
}

impl Datagrams {
    /// The index of the socket that stands for `endpoint` of node `of` in the eyes of `viewer`.
    fn stand_in(&mut self, endpoint: SocketAddr, of: Node, viewer: Node) -> io::Result<Option<usize>> {
        let known = |it: &StandIn| (it.endpoint, it.of, it.viewer) == (endpoint, of, viewer);
        if let Some(index) = self.stand_ins.iter().position(known) {
            return Ok(Some(index));
        }
        if self.stand_ins.len() == STAND_INS_MAX {
            return Ok(None);
        }
        // At the same host as what it stands for, which some programs know their peers by.
        let socket = UdpSocket::bind((endpoint.ip(), 0))?;
        socket.set_nonblocking(true)?;
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES)?;
        self.stand_ins.push(StandIn { socket, endpoint, of, viewer });
        Ok(Some(self.stand_ins.len() - 1))
    }

    /// The flow of what `from` sends to the stand-in `door`.
    fn flow(&mut self, door: usize, from: SocketAddr) -> Option<usize> {
        let StandIn { endpoint, of: target, viewer: source, .. } = self.stand_ins[door];
        let key = (source, target, from, endpoint);
        if let Some(index) = self.numbers.get(&key) {
            return Some(*index);
        }
        if self.flows.len() == FLOWS_MAX {
            return None;
        }
        let sender = self.stand_in(from, source, target).ok().flatten()?;
        let number = self.flows.iter().filter(|flow| (flow.source, flow.target) == (source, target)).count() as u64;
        self.flows.push(Flow { source, target, number, sender, to: endpoint, count: 0, held: vec![] });
        self.numbers.insert(key, self.flows.len() - 1);
        Some(self.flows.len() - 1)
    }

    fn came(&mut self, net: &mut Net, door: usize, from: SocketAddr, data: &[u8]) {
        let Some(index) = self.flow(door, from) else {
            return net.overflows("sent from more sockets than the relay can stand for");
        };
        let flow = &mut self.flows[index];
        let (source, target, number, ordinal) = (flow.source, flow.target, flow.number, flow.count);
        flow.count += 1;
        let way = net.way(source, target);
        let decided = way.faults.decide(&net.seed, net.place(source, target, source, number, ordinal), data.len());
        let decision = if way.parted { Decision { fate: Fate::Partitioned, ..decided } } else { decided };
        let record = self.record(net, index, ordinal, data.len(), decision.fate);
        self.do_to(net, index, record, data, decision);
        self.let_go_overtaken(net, index);
    }

    fn do_to(&mut self, net: &mut Net, flow: usize, record: Option<usize>, data: &[u8], decision: Decision) {
        match decision.fate {
            Fate::Lost | Fate::Partitioned => {}
            Fate::Passed | Fate::Truncated => self.send(flow, record, &data[..decision.length]),
            Fate::Duplicated => (0..2).for_each(|_| self.send(flow, record, data)),
            Fate::Reordered => {
                let due = self.flows[flow].count - 1 + decision.overtakers;
                self.hold(net, flow, Held { due: Some(due), data: data.to_vec(), record });
            }
            Fate::Delayed => self.hold(net, flow, Held { due: None, data: data.to_vec(), record }),
            Fate::Replayed => {
                self.send(flow, record, data);
                self.hold(net, flow, Held { due: None, data: data.to_vec(), record });
            }
        }
    }

    fn record(&mut self, net: &mut Net, flow: usize, ordinal: u64, size: usize, fate: Fate) -> Option<usize> {
        if self.ledger.len() == LEDGER_MAX {
            net.overflows("sent more datagrams than the relay remembers");
            return None;
        }
        self.ledger.push(Record { flow, ordinal, size: size as u64, fate, passed: 0 });
        Some(self.ledger.len() - 1)
    }

    fn hold(&mut self, net: &mut Net, flow: usize, held: Held) {
        if self.held_bytes + held.data.len() > HELD_BYTES_MAX {
            return net.overflows("sent more datagrams than the relay can hold back");
        }
        self.held_bytes += held.data.len();
        self.flows[flow].held.push(held);
    }

    /// Sends without waiting: whoever has no room for a datagram loses it, as everywhere.
    fn send(&mut self, flow: usize, record: Option<usize>, data: &[u8]) {
        let flow = &self.flows[flow];
        if self.stand_ins[flow.sender].socket.send_to(data, flow.to).is_ok()
            && let Some(record) = record
        {
            self.ledger[record].passed += data.len() as u64;
        }
    }

    /// Sends what enough others of the flow have overtaken.
    fn let_go_overtaken(&mut self, net: &Net, flow: usize) {
        let last = self.flows[flow].count.saturating_sub(1);
        self.let_go_of(net, flow, |held| held.due.is_some_and(|due| due <= last));
    }

    /// Sends those of a flow, unless its way is shut; whether there were any.
    fn let_go_of(&mut self, net: &Net, flow: usize, which: impl Fn(&Held) -> bool) -> bool {
        let Flow { source, target, .. } = self.flows[flow];
        if net.way(source, target).is_shut() {
            return false;
        }
        let (free, kept) = std::mem::take(&mut self.flows[flow].held).into_iter().partition(which);
        self.flows[flow].held = kept;
        let free: Vec<Held> = free;
        for held in &free {
            self.held_bytes -= held.data.len();
            self.send(flow, held.record, &held.data);
        }
        !free.is_empty()
    }

    /// Flows in the order of their places.
    fn ordered(&self) -> Vec<usize> {
        let mut flows: Vec<usize> = (0..self.flows.len()).collect();
        flows.sort_by_key(|index| {
            let flow = &self.flows[*index];
            (flow.source, flow.target, flow.number)
        });
        flows
    }
}

impl Traffic for Datagrams {
    fn interests(&self, net: &Net) -> Vec<Interest<'_>> {
        let open = |it: &StandIn| !net.way(it.viewer, it.of).stalled;
        let doors = self.stand_ins.iter().enumerate().filter(|(_, it)| open(it));
        doors
            .map(|(door, it)| Interest { token: Token::Door(door), socket: it.socket.as_fd(), events: PollFlags::IN })
            .collect()
    }

    fn ready(&mut self, net: &mut Net, token: Token, _flags: PollFlags) {
        let Token::Door(door) = token else { return };
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        for _ in 0..GULP {
            match self.stand_ins[door].socket.recv_from(&mut buffer) {
                Ok((size, from)) => self.came(net, door, from, &buffer[..size]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // Taken off the socket by being told.
                Err(_) => {}
            }
        }
    }

    fn address(&mut self, net: &Net, source: Node, target: Node) -> Result<SocketAddr, String> {
        let home = net.home_of(target)?;
        let found = self.stand_in(home, target, source).map_err(|error| format!("stand for {home}: {error}"))?;
        let door = found.ok_or("too many sockets")?;
        self.stand_ins[door].socket.local_addr().map_err(|error| error.to_string())
    }

    fn accepts(&self, faults: &Faults) -> Result<(), String> {
        if faults.split > 0 { Err("only streams are split".to_owned()) } else { Ok(()) }
    }

    fn cut(&mut self, _net: &mut Net, _cut: Cut<Node>) -> Result<(), String> {
        Err("only connections are cut".to_owned())
    }

    fn go_on(&mut self, net: &mut Net) {
        self.ordered().into_iter().for_each(|flow| self.let_go_overtaken(net, flow));
    }

    /// First what waits to be overtaken, as if it had been; what is last of all, when there is no more of that.
    fn let_go(&mut self, net: &mut Net, all: bool) -> bool {
        let flows = self.ordered();
        let mut let_go = |which: fn(&Held) -> bool| {
            let mut any = false;
            flows.iter().for_each(|flow| any |= self.let_go_of(net, *flow, which));
            any
        };
        if all { let_go(|_| true) } else { let_go(|held| held.due.is_some()) || let_go(|_| true) }
    }

    fn under_way(&self, _net: &Net, _node: Node) -> (Vec<(SocketAddr, SocketAddr)>, bool) {
        (vec![], false)
    }

    fn ledger(&self, net: &Net) -> io::Result<Vec<u8>> {
        let entries = self.ledger.iter().map(|record| {
            let flow = &self.flows[record.flow];
            Entry {
                source: net.name(flow.source),
                target: net.name(flow.target),
                opener: net.name(flow.source),
                flow: flow.number,
                ordinal: record.ordinal,
                size: record.size,
                fate: record.fate,
                passed: record.passed,
            }
        });
        net::encode(entries.collect())
    }
}
