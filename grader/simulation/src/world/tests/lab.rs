//! A world to play with: nodes that are on, and a clock that is moved by hand.

use std::net::SocketAddr;

use crate::words::{Deed, Network, Ns};
use crate::world::{Due, Family, NetError, NodeId, Read, TcpId, UdpId, World};

pub struct Lab {
    pub world: World,
    /// Whom the world has woken, in order, since somebody looked.
    pub woken: Vec<NodeId>,
}

pub fn lab(nodes: usize) -> Lab {
    Lab::new(nodes, Network::default(), 1)
}

impl Lab {
    pub fn new(nodes: usize, network: Network, seed: u64) -> Lab {
        let names = (0..nodes).map(|node| format!("n{}", node + 1)).collect();
        let mut world = World::new(names, network, 64, seed, Some(100_000));
        (0..nodes).for_each(|node| world.up(node));
        Lab { world, woken: Vec::new() }
    }

    pub fn step(&mut self) -> bool {
        match self.world.next() {
            Some(Due::Wake(node)) => self.woken.push(node),
            Some(Due::Deed(_) | Due::Start(_) | Due::Nothing) => {}
            None => return false,
        }
        true
    }

    /// Until nothing is left to happen; the time that it takes.
    pub fn rest(&mut self) -> Ns {
        for _ in 0..1_000_000 {
            if !self.step() {
                return self.world.now();
            }
        }
        panic!("it never rests");
    }

    pub fn until(&mut self, at: Ns) {
        self.world.wake_at(0, at);
        while self.world.now() < at {
            assert!(self.step());
        }
    }

    pub fn does(&mut self, deed: Deed) {
        let now = self.world.now();
        self.world.script(now, deed);
        while self.world.peek() == Some(now) {
            self.step();
        }
    }

    pub fn listen(&mut self, node: NodeId, address: &str, backlog: usize) -> TcpId {
        let address: SocketAddr = address.parse().unwrap();
        let socket = self.world.tcp_open(node, family(address)).unwrap();
        self.world.tcp_bind(socket, address).unwrap();
        self.world.tcp_listen(socket, backlog).unwrap();
        socket
    }

    pub fn call(&mut self, node: NodeId, address: &str) -> TcpId {
        let address: SocketAddr = address.parse().unwrap();
        let socket = self.world.tcp_open(node, family(address)).unwrap();
        self.world.tcp_connect(socket, address).unwrap();
        socket
    }

    /// How the calling ended, and when.
    pub fn called(&mut self, socket: TcpId) -> (Result<(), NetError>, Ns) {
        loop {
            let outcome = self.world.tcp_connected(socket);
            if outcome != Err(NetError::WouldBlock) {
                return (outcome, self.world.now());
            }
            assert!(self.step(), "nobody will ever know");
        }
    }

    /// A connection from the one node to the other's port 7000: its two ends.
    pub fn pair(&mut self, from: NodeId, to: NodeId) -> (TcpId, TcpId) {
        let address = format!("{}:7000", self.world.address(to, Family::V4));
        let listener = self.listen(to, &address, 8);
        let caller = self.call(from, &address);
        self.rest();
        self.world.tcp_connected(caller).unwrap();
        let called = self.world.tcp_accept(listener).unwrap();
        self.world.tcp_close(listener);
        (caller, called)
    }

    pub fn write(&mut self, socket: TcpId, bytes: &[u8]) {
        assert_eq!(self.world.tcp_write(socket, bytes), Ok(bytes.len()));
    }

    /// All that is there, and how it ends.
    pub fn read(&mut self, socket: TcpId) -> (Vec<u8>, Result<Read, NetError>) {
        let mut all = Vec::new();
        loop {
            match self.world.tcp_read(socket, 4096) {
                Ok(Read::Bytes(bytes)) => all.extend(bytes),
                other => return (all, other),
            }
        }
    }

    pub fn text(&mut self, socket: TcpId) -> String {
        String::from_utf8(self.read(socket).0).unwrap()
    }

    pub fn bind(&mut self, node: NodeId, address: &str) -> UdpId {
        let address: SocketAddr = address.parse().unwrap();
        let socket = self.world.udp_open(node, family(address)).unwrap();
        self.world.udp_bind(socket, address).unwrap();
        socket
    }

    pub fn received(&mut self, socket: UdpId) -> Vec<String> {
        std::iter::from_fn(|| self.world.udp_receive(socket))
            .map(|datagram| String::from_utf8(datagram.bytes).unwrap())
            .collect()
    }
}

pub fn family(address: SocketAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

pub fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}
