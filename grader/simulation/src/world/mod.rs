//! The network, and time. SKELETON: signatures that `host` and `cluster` rely on.

use std::net::{IpAddr, SocketAddr};

use crate::words::{Deed, Happened, Network, Ns};

/// A node, by its index in the cluster.
pub type NodeId = usize;
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpId(pub u32);
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
    NotConnected,
    TimedOut,
    TooLarge,
    SocketsMax,
    NameUnresolvable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

#[derive(Clone, Debug)]
pub struct Datagram {
    pub from: SocketAddr,
    pub bytes: Vec<u8>,
}

/// What `World::next` leaves to the executor.
#[derive(Clone, Debug, PartialEq)]
pub enum Due {
    /// Something that this node may wait for has happened: a timer, bytes, a connection.
    Wake(NodeId),
    /// The script says so: start, kill, power loss, restart, pause, resume, skew, disk. The network's own deeds are done already.
    Deed(Deed),
    Start(NodeId),
    /// Only the network's own affair.
    Nothing,
}

#[derive(Debug)]
pub struct World {}

#[expect(unused_variables, clippy::unimplemented, reason = "a skeleton")]
impl World {
    pub fn new(
        names: Vec<String>,
        network: Network,
        sockets_max: u32,
        seed: u64,
        trace_events_max: Option<u32>,
    ) -> World {
        unimplemented!()
    }

    // Time
    pub fn now(&self) -> Ns {
        unimplemented!()
    }
    /// Wakes `node` at that time.
    pub fn wake_at(&mut self, node: NodeId, at: Ns) {
        unimplemented!()
    }
    pub fn start_at(&mut self, node: NodeId, at: Ns) {
        unimplemented!()
    }
    pub fn script(&mut self, at: Ns, deed: Deed) {
        unimplemented!()
    }
    /// The time of the next event.
    pub fn peek(&self) -> Option<Ns> {
        unimplemented!()
    }
    /// Moves the clock to the next event and lets it happen.
    pub fn next(&mut self) -> Option<Due> {
        unimplemented!()
    }
    pub fn events(&self) -> u64 {
        unimplemented!()
    }
    pub fn packets(&self) -> u64 {
        unimplemented!()
    }

    // Nodes
    /// From now on somebody is there to answer.
    pub fn up(&mut self, node: NodeId) {
        unimplemented!()
    }
    /// The process has ended: what sockets it had left are closed as a kernel closes them. The machine still answers (refuses).
    pub fn down(&mut self, node: NodeId) {
        unimplemented!()
    }
    /// The machine has lost power: its sockets vanish, nobody is told, packets to it are lost.
    pub fn vanish(&mut self, node: NodeId) {
        unimplemented!()
    }

    // Names
    pub fn address(&self, node: NodeId, family: Family) -> IpAddr {
        unimplemented!()
    }
    pub fn resolve(&self, from: NodeId, name: &str) -> Vec<IpAddr> {
        unimplemented!()
    }

    // Streams
    pub fn tcp_open(&mut self, node: NodeId, family: Family) -> Result<TcpId, NetError> {
        unimplemented!()
    }
    pub fn tcp_bind(&mut self, tcp: TcpId, to: SocketAddr) -> Result<(), NetError> {
        unimplemented!()
    }
    pub fn tcp_listen(&mut self, tcp: TcpId, backlog: usize) -> Result<(), NetError> {
        unimplemented!()
    }
    pub fn tcp_accept(&mut self, tcp: TcpId) -> Result<TcpId, NetError> {
        unimplemented!()
    }
    pub fn tcp_connect(&mut self, tcp: TcpId, to: SocketAddr) -> Result<(), NetError> {
        unimplemented!()
    }
    /// How the connecting went; `WouldBlock` while it is under way.
    pub fn tcp_connected(&mut self, tcp: TcpId) -> Result<(), NetError> {
        unimplemented!()
    }
    pub fn tcp_local(&self, tcp: TcpId) -> Option<SocketAddr> {
        unimplemented!()
    }
    pub fn tcp_remote(&self, tcp: TcpId) -> Option<SocketAddr> {
        unimplemented!()
    }
    pub fn tcp_read(&mut self, tcp: TcpId, max: usize) -> Result<Read, NetError> {
        unimplemented!()
    }
    /// How much may be written now.
    pub fn tcp_room(&self, tcp: TcpId) -> Result<usize, NetError> {
        unimplemented!()
    }
    /// At most as much as there is room for; returns how much.
    pub fn tcp_write(&mut self, tcp: TcpId, bytes: &[u8]) -> Result<usize, NetError> {
        unimplemented!()
    }
    /// Half-close: FIN.
    pub fn tcp_end(&mut self, tcp: TcpId) -> Result<(), NetError> {
        unimplemented!()
    }
    /// No more reading: what comes is thrown away.
    pub fn tcp_stop_reading(&mut self, tcp: TcpId) -> Result<(), NetError> {
        unimplemented!()
    }
    /// Closes it as a kernel does: FIN, or RST where bytes are left unread. A listener resets what nobody accepted.
    pub fn tcp_close(&mut self, tcp: TcpId) {
        unimplemented!()
    }
    /// Bytes, the end, an error; on a listener a connection; while connecting its outcome.
    pub fn tcp_readable(&self, tcp: TcpId) -> bool {
        unimplemented!()
    }
    pub fn tcp_writable(&self, tcp: TcpId) -> bool {
        unimplemented!()
    }
    /// What somebody waits for who waits for it, in words: `a connection on 10.0.0.1:7000`.
    pub fn tcp_words(&self, tcp: TcpId) -> String {
        unimplemented!()
    }

    // Datagrams
    pub fn udp_open(&mut self, node: NodeId, family: Family) -> Result<UdpId, NetError> {
        unimplemented!()
    }
    pub fn udp_bind(&mut self, udp: UdpId, to: SocketAddr) -> Result<(), NetError> {
        unimplemented!()
    }
    /// Only from and to there; `None` from anywhere again.
    pub fn udp_connect(&mut self, udp: UdpId, to: Option<SocketAddr>) -> Result<(), NetError> {
        unimplemented!()
    }
    pub fn udp_local(&self, udp: UdpId) -> Option<SocketAddr> {
        unimplemented!()
    }
    pub fn udp_remote(&self, udp: UdpId) -> Option<SocketAddr> {
        unimplemented!()
    }
    pub fn udp_send(&mut self, udp: UdpId, to: Option<SocketAddr>, bytes: &[u8]) -> Result<(), NetError> {
        unimplemented!()
    }
    pub fn udp_receive(&mut self, udp: UdpId) -> Option<Datagram> {
        unimplemented!()
    }
    pub fn udp_readable(&self, udp: UdpId) -> bool {
        unimplemented!()
    }
    pub fn udp_words(&self, udp: UdpId) -> String {
        unimplemented!()
    }
    pub fn udp_close(&mut self, udp: UdpId) {
        unimplemented!()
    }

    // What happened
    /// Notes what is not the network's: starts, ends, output, deeds.
    pub fn note(&mut self, what: crate::words::What) {
        unimplemented!()
    }
    /// What of a life must be the same when it is repeated though nobody sees it, such as its fuel: goes into the hash alone.
    pub fn hash_in(&mut self, bytes: &[u8]) {
        unimplemented!()
    }
    pub fn hash(&self) -> String {
        unimplemented!()
    }
    pub fn take_trace(&mut self) -> (Vec<Happened>, u64) {
        unimplemented!()
    }
}
