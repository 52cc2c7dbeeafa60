//! Stream sockets: how they come about, get addresses, listen, call and are closed.
//!
//! Like Linux: a full backlog drops calls silently, and they come again; who calls a port where nobody listens, on a
//! machine that is on, is refused; who calls an address on the link that nobody has learns of it after 3 s. Not
//! modelled: keep-alive, urgent data, simultaneous open, TIME_WAIT and the time-out of FIN_WAIT_2.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use super::connection::{CALLED, CALLER, Connection, End, Life, Side};
use super::names::{Names, Place, family_of, specified};
use super::ports::Transport;
use super::queue::{Event, Key};
use super::{Family, NetError, NodeId, TcpId, World};
use crate::words::{Ns, SECOND};

/// How long it takes to find that nobody on the link has an address.
pub const NOBODY_THERE: Ns = 3 * SECOND;

#[derive(Debug)]
pub(super) struct Socket {
    pub node: NodeId,
    family: Family,
    pub local: Option<SocketAddr>,
    pub state: State,
}

#[derive(Debug)]
pub(super) enum State {
    New,
    Bound,
    Listening(Listener),
    /// Calls an address that nobody has.
    Vain {
        ends: Key,
        remote: SocketAddr,
    },
    Connecting(u64),
    /// Nobody has asked yet how it went.
    Failed(NetError),
    Connected(u64, Side),
}

#[derive(Debug, Default)]
pub(super) struct Listener {
    backlog: usize,
    /// Connections that can be accepted.
    pub queue: VecDeque<u64>,
    /// Those whose handshake is under way.
    pub half_open: BTreeSet<u64>,
}

impl Listener {
    /// One more than the backlog says, as on Linux.
    pub fn is_full(&self) -> bool {
        self.queue.len() + self.half_open.len() > self.backlog
    }
}

/// Something of a connection on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flying {
    pub connection: u64,
    /// Who sent it.
    pub side: Side,
    /// Its number in the trace; acknowledgements have none.
    pub packet: Option<u64>,
    pub sent_at: Ns,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Syn,
    SynAck,
    /// The handshake's third packet.
    Confirm,
    /// Bytes or the FIN.
    Segment(u64),
    /// Of one segment; and how far the other side may send.
    Ack {
        segment: u64,
        allowed: u64,
    },
    /// How far the other side may send now.
    Window {
        allowed: u64,
    },
    /// Asks for [`Kind::Window`].
    Probe,
    Rst,
}

impl World {
    /// # Errors
    /// `SocketsMax`.
    pub fn tcp_open(&mut self, node: NodeId, family: Family) -> Result<TcpId, NetError> {
        let id = TcpId(self.socket_id(node)?);
        self.machines[node].tcp.insert(id);
        self.tcp.insert(id, Socket { node, family, local: None, state: State::New });
        Ok(id)
    }

    /// Port 0 is any that is free.
    ///
    /// # Errors
    /// `InvalidState` when it has an address, `InvalidArgument` for one of the other family, `AddressNotBindable` for
    /// another node's, `AddressInUse`.
    pub fn tcp_bind(&mut self, tcp: TcpId, to: SocketAddr) -> Result<(), NetError> {
        let socket = self.tcp.get_mut(&tcp).ok_or(NetError::InvalidState)?;
        if !matches!(socket.state, State::New) {
            return Err(NetError::InvalidState);
        }
        if family_of(to.ip()) != socket.family {
            return Err(NetError::InvalidArgument);
        }
        if !Names::is_bindable(socket.node, to.ip()) {
            return Err(NetError::AddressNotBindable);
        }
        socket.local = Some(self.ports.bind(socket.node, Transport::Tcp, to, tcp.0)?);
        socket.state = State::Bound;
        Ok(())
    }

    /// On a listener it changes the backlog. Who is not bound gets a port.
    ///
    /// # Errors
    /// `InvalidState` once it calls or is connected.
    pub fn tcp_listen(&mut self, tcp: TcpId, backlog: usize) -> Result<(), NetError> {
        let socket = self.tcp.get(&tcp).ok_or(NetError::InvalidState)?;
        if matches!(socket.state, State::New) {
            let any = SocketAddr::new(Names::unspecified(socket.family), 0);
            self.tcp_bind(tcp, any)?;
        }
        let socket = self.tcp.get_mut(&tcp).ok_or(NetError::InvalidState)?;
        match &mut socket.state {
            State::Bound => socket.state = State::Listening(Listener { backlog, ..Listener::default() }),
            State::Listening(listener) => listener.backlog = backlog,
            State::New | State::Vain { .. } | State::Connecting(_) | State::Failed(_) | State::Connected(..) => {
                return Err(NetError::InvalidState);
            }
        }
        Ok(())
    }

    /// # Errors
    /// `WouldBlock`, `InvalidState` when it does not listen, `SocketsMax` (whoever waits goes on waiting).
    pub fn tcp_accept(&mut self, tcp: TcpId) -> Result<TcpId, NetError> {
        let socket = self.tcp.get(&tcp).ok_or(NetError::InvalidState)?;
        let (node, family) = (socket.node, socket.family);
        let State::Listening(listener) = &socket.state else { return Err(NetError::InvalidState) };
        let number = *listener.queue.front().ok_or(NetError::WouldBlock)?;
        let id = TcpId(self.socket_id(node)?);
        if let Some(State::Listening(listener)) = self.tcp.get_mut(&tcp).map(|socket| &mut socket.state) {
            listener.queue.pop_front();
        }
        let end = &mut self.connection(number).ends[CALLED];
        (end.socket, end.listener) = (Some(id), None);
        let local = Some(end.address);
        self.machines[node].tcp.insert(id);
        self.tcp.insert(id, Socket { node, family, local, state: State::Connected(number, CALLED) });
        Ok(id)
    }

    /// Begins to call. How it went tells [`World::tcp_connected`].
    ///
    /// # Errors
    /// `InvalidState` when it listens, calls or is connected; `InvalidArgument` for the other family, port 0, and
    /// another node from a loopback address; `Unreachable` where no way leads; `AddressInUse`.
    pub fn tcp_connect(&mut self, tcp: TcpId, to: SocketAddr) -> Result<(), NetError> {
        let socket = self.tcp.get(&tcp).ok_or(NetError::InvalidState)?;
        if !matches!(socket.state, State::New | State::Bound) {
            return Err(NetError::InvalidState);
        }
        if family_of(to.ip()) != socket.family || to.port() == 0 {
            return Err(NetError::InvalidArgument);
        }
        let (node, bound) = (socket.node, socket.local);
        let source = Names::source(node, bound.map(|local| local.ip()), to.ip())?;
        let to = SocketAddr::new(specified(to.ip()), to.port());
        match self.names.place(node, to.ip()) {
            Place::Node(target) => {
                let local = SocketAddr::new(source, bound.map_or(0, |local| local.port()));
                let local = self.ports.connect(node, local, to)?;
                let number = self.call(node, local, target, to, tcp);
                self.become_connecting(tcp, local, State::Connecting(number));
            }
            Place::Nobody => {
                let ends = self.queue.push(self.after(NOBODY_THERE), Event::Vain(tcp));
                self.become_connecting(tcp, SocketAddr::new(source, 0), State::Vain { ends, remote: to });
            }
            Place::Broadcast | Place::Nowhere => return Err(NetError::Unreachable),
        }
        Ok(())
    }

    fn become_connecting(&mut self, tcp: TcpId, local: SocketAddr, state: State) {
        let Some(socket) = self.tcp.get_mut(&tcp) else { return };
        if let Some(bound) = socket.local.filter(|_| matches!(socket.state, State::Bound)) {
            self.ports.unbind(socket.node, Transport::Tcp, bound, tcp.0);
        }
        (socket.local, socket.state) = (Some(local), state);
    }

    pub(super) fn vain(&mut self, tcp: TcpId) -> Option<NodeId> {
        let socket = self.tcp.get_mut(&tcp)?;
        socket.state = State::Failed(NetError::Unreachable);
        Some(socket.node)
    }

    /// How the connecting went; a failure is told once, and then the socket is as new.
    ///
    /// # Errors
    /// `WouldBlock` while it is under way; `ConnectionRefused`, `TimedOut` (after 127 s), `Unreachable`; `NotConnected`
    /// when nothing was begun.
    pub fn tcp_connected(&mut self, tcp: TcpId) -> Result<(), NetError> {
        let socket = self.tcp.get_mut(&tcp).ok_or(NetError::InvalidState)?;
        match socket.state {
            State::Connected(..) => Ok(()),
            State::Vain { .. } | State::Connecting(_) => Err(NetError::WouldBlock),
            State::Failed(error) => {
                (socket.local, socket.state) = (None, State::New);
                Err(error)
            }
            State::New | State::Bound | State::Listening(_) => Err(NetError::NotConnected),
        }
    }

    pub fn tcp_local(&self, tcp: TcpId) -> Option<SocketAddr> {
        self.tcp.get(&tcp)?.local
    }

    /// `None` unless it is connected.
    pub fn tcp_remote(&self, tcp: TcpId) -> Option<SocketAddr> {
        let (number, side) = self.connected(tcp).ok()?;
        Some(self.connections[&number].ends[1 - side].address)
    }

    /// Closes it as a kernel does: FIN after all that was written, or RST where bytes were not read. A listener resets
    /// what nobody accepted.
    pub fn tcp_close(&mut self, tcp: TcpId) {
        let Some(socket) = self.tcp.remove(&tcp) else { return };
        self.machines[socket.node].tcp.remove(&tcp);
        match socket.state {
            State::New | State::Failed(_) => {}
            State::Vain { ends, .. } => self.queue.call_off(ends),
            State::Bound => self.unbind_tcp(socket.node, socket.local, tcp),
            State::Listening(listener) => {
                self.unbind_tcp(socket.node, socket.local, tcp);
                self.close_listener(listener);
            }
            State::Connecting(number) => {
                self.connection(number).ends[CALLER].socket = None;
                self.bury(number, CALLER, Life::Gone);
                self.settle(number);
            }
            State::Connected(number, side) => {
                self.connection(number).ends[side].socket = None;
                self.close_end(number, side);
                self.settle(number);
            }
        }
    }

    fn unbind_tcp(&mut self, node: NodeId, local: Option<SocketAddr>, tcp: TcpId) {
        if let Some(local) = local {
            self.ports.unbind(node, Transport::Tcp, local, tcp.0);
        }
    }

    /// A socket whose machine has lost its memory.
    pub(super) fn forget_socket(&mut self, tcp: TcpId) {
        let Some(socket) = self.tcp.remove(&tcp) else { return };
        match socket.state {
            State::Bound | State::Listening(_) => self.unbind_tcp(socket.node, socket.local, tcp),
            State::Vain { ends, .. } => self.queue.call_off(ends),
            // The ends are forgotten with the machine's others.
            State::New | State::Connecting(_) | State::Failed(_) | State::Connected(..) => {}
        }
    }

    fn close_listener(&mut self, listener: Listener) {
        for number in listener.half_open {
            self.bury(number, CALLED, Life::Gone);
            self.settle(number);
        }
        for number in listener.queue {
            self.connection(number).ends[CALLED].listener = None;
            self.reset(number, CALLED);
            self.settle(number);
        }
    }

    pub(super) fn connected(&self, tcp: TcpId) -> Result<(u64, Side), NetError> {
        match self.tcp.get(&tcp).ok_or(NetError::InvalidState)?.state {
            State::Connected(number, side) => Ok((number, side)),
            _ => Err(NetError::NotConnected),
        }
    }

    /// A number that holders of sockets have seen; as long as they have it, the connection is there.
    pub(super) fn connection(&mut self, number: u64) -> &mut Connection {
        self.connections.get_mut(&number).expect("whoever knows a connection keeps it")
    }

    pub(super) fn end(&mut self, number: u64, side: Side) -> &mut End {
        &mut self.connection(number).ends[side]
    }
}
