//! Nodes, the ways between them, and what both kinds of traffic share.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;
use serde::Serialize;

use super::fate::{Faults, Place, Seed};
use super::orders::WayName;

/// Most entries of a ledger.
pub const LEDGER_MAX: usize = 1 << 16;

/// A node's index.
pub type Node = usize;

/// What becomes ready.
#[derive(Clone, Copy, Debug)]
pub enum Token {
    /// A socket that stands for a node.
    Door(usize),
    /// One side of a connection.
    Side(u64, usize),
}

#[derive(Debug)]
pub struct Interest<'a> {
    pub token: Token,
    pub socket: BorrowedFd<'a>,
    pub events: PollFlags,
}

/// From one node to another.
#[derive(Debug, Default)]
pub struct Way {
    pub faults: Faults,
    /// Everything waits.
    pub stalled: bool,
    /// Both are in different parts of the network.
    pub parted: bool,
}

impl Way {
    /// Whether nothing gets through at present.
    pub fn is_shut(&self) -> bool {
        self.stalled || self.parted
    }
}

#[derive(Debug)]
pub struct Net {
    pub seed: Seed,
    nodes: Vec<(String, Option<SocketAddr>)>,
    ways: BTreeMap<(Node, Node), Way>,
    /// The first limit that was met.
    pub overflow: Option<&'static str>,
}

/// What is told about one datagram, or one direction of a connection.
#[derive(Debug, Serialize)]
pub struct Entry<'a, F> {
    pub source: &'a str,
    pub target: &'a str,
    pub opener: &'a str,
    pub flow: u64,
    pub ordinal: u64,
    /// Bytes that came.
    pub size: u64,
    pub fate: F,
    /// Bytes that went on, those of copies too.
    pub passed: u64,
}

impl Net {
    pub fn new(seed: Seed, nodes: Vec<(String, Option<SocketAddr>)>) -> Net {
        let pairs = (0..nodes.len()).flat_map(|source| (0..nodes.len()).map(move |target| (source, target)));
        let ways = pairs.map(|pair| (pair, Way::default())).collect();
        let nodes = nodes.into_iter().map(|(name, address)| (name, address.map(reachable))).collect();
        Net { seed, nodes, ways, overflow: None }
    }

    pub fn named(&self, name: &str) -> Result<Node, String> {
        self.nodes.iter().position(|node| node.0 == name).ok_or_else(|| format!("no node is called {name:?}"))
    }

    pub fn name(&self, node: Node) -> &str {
        &self.nodes[node].0
    }

    pub fn home(&self, node: Node) -> Option<SocketAddr> {
        self.nodes[node].1
    }

    pub fn home_of(&self, node: Node) -> Result<SocketAddr, String> {
        self.home(node).ok_or_else(|| format!("node {:?} has no address", self.name(node)))
    }

    pub fn way(&self, source: Node, target: Node) -> &Way {
        &self.ways[&(source, target)]
    }

    /// Changes the ways of those names.
    pub fn each(&mut self, names: &[WayName], mut change: impl FnMut(&mut Way)) -> Result<(), String> {
        for (source, target) in names {
            let pair = (self.named(source)?, self.named(target)?);
            change(self.ways.get_mut(&pair).expect("every pair has one"));
        }
        Ok(())
    }

    /// Parts the network on the ways of those names alone.
    pub fn part(&mut self, names: &[WayName]) -> Result<(), String> {
        let pair = |(source, target): &WayName| Ok((self.named(source)?, self.named(target)?));
        let parted = names.iter().map(pair).collect::<Result<Vec<_>, String>>()?;
        self.ways.iter_mut().for_each(|(pair, way)| way.parted = parted.contains(pair));
        Ok(())
    }

    pub fn place(&self, source: Node, target: Node, opener: Node, flow: u64, at: u64) -> Place<'_> {
        Place { source: self.name(source), target: self.name(target), opener: self.name(opener), flow, at }
    }

    pub fn overflows(&mut self, words: &'static str) {
        self.overflow.get_or_insert(words);
    }
}

/// Where a socket bound to `address` is reached.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// A ledger in the order of places: in that of events two runs would differ.
pub fn encode<F: Serialize>(mut entries: Vec<Entry<'_, F>>) -> io::Result<Vec<u8>> {
    entries.sort_by_key(|it| (it.source, it.target, it.opener, it.flow, it.ordinal));
    Ok(serde_json::to_vec(&entries)?)
}
