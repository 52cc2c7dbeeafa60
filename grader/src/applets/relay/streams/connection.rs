//! One connection through the relay: two sockets, and a stream in each direction between them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use super::StreamFate;
use crate::applets::relay::net::{Interest, Net, Node, Token};
use crate::applets::relay::orders::Cut;

/// Bytes of one direction that the relay keeps itself; a sender waits when they are not taken.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// Asked for each socket, so that the kernel keeps little on the way too. It doubles what is asked for.
const SOCKET_BUFFER_BYTES: usize = 64 << 10;
/// Connections that a door keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// How a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Fin,
    Reset,
}

#[derive(Debug)]
pub struct Connection {
    pub opener: Node,
    pub target: Node,
    /// The how-manyth of these two.
    pub number: u64,
    /// The opener's socket, and the target's once there is one.
    sides: [Option<Side>; 2],
    /// From the opener, and to it.
    pub streams: [Stream; 2],
    connecting: bool,
    /// It was cut by FIN, and what still comes is thrown away: closing at once would be a reset to who still sends.
    discarding: bool,
}

#[derive(Debug)]
struct Side {
    socket: TcpStream,
    /// Nothing comes from there any more, nor goes there: it was reset.
    gone: bool,
}

/// Bytes of one direction.
#[derive(Debug)]
pub struct Stream {
    buffer: VecDeque<u8>,
    /// Bytes read, and bytes written.
    pub taken: u64,
    pub passed: u64,
    /// The sender's FIN has come.
    ended: bool,
    /// The end of the piece that is being written, where the stream is split.
    piece_end: u64,
    /// After how many bytes the connection is cut, and how.
    cut: Option<(u64, End)>,
    pub fate: StreamFate,
}

impl Stream {
    fn new() -> Stream {
        let fate = StreamFate::Open;
        Stream { buffer: VecDeque::new(), taken: 0, passed: 0, ended: false, piece_end: 0, cut: None, fate }
    }

    /// Bytes that may be read now: never beyond the cut, so that what was taken does not depend on who is faster.
    fn room(&self) -> usize {
        let room = if self.ended { 0 } else { BUFFER_BYTES_MAX - self.buffer.len() };
        self.cut.map_or(room, |(after, _)| room.min(after.saturating_sub(self.taken) as usize))
    }

    fn is_cut(&self) -> Option<End> {
        self.cut.filter(|(after, _)| *after <= self.passed).map(|(_, end)| end)
    }
}

/// A listener with a port of its own.
pub fn listen(host: IpAddr) -> io::Result<TcpListener> {
    let socket = stream_socket(host)?;
    rustix::net::bind(&socket, &SocketAddr::new(host, 0))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

/// Buffers count from the handshake on, so they are set before it.
fn stream_socket(host: IpAddr) -> io::Result<std::os::fd::OwnedFd> {
    let family = if host.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES)?;
    sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER_BYTES)?;
    Ok(socket)
}

impl Connection {
    pub fn accepted(socket: TcpStream, opener: Node, target: Node, number: u64) -> io::Result<Connection> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let sides = [Some(Side { socket, gone: false }), None];
        let streams = [Stream::new(), Stream::new()];
        Ok(Connection { opener, target, number, sides, streams, connecting: false, discarding: false })
    }

    /// Whether nothing gets through in that direction: 0 is from the opener.
    fn is_shut(&self, net: &Net, direction: usize) -> bool {
        let ends = [self.opener, self.target];
        net.way(ends[direction], ends[1 - direction]).is_shut()
    }

    pub fn interests(&self, net: &Net, id: u64) -> Vec<Interest<'_>> {
        let mut interests = Vec::new();
        for side in 0..2 {
            let Some(Side { socket, gone: false }) = &self.sides[side] else { continue };
            let Some(events) = self.events(net, side) else { continue };
            interests.push(Interest { token: Token::Side(id, side), socket: socket.as_fd(), events });
        }
        interests
    }

    /// What to wait for on a side; `None` where even its reset is to wait.
    fn events(&self, net: &Net, side: usize) -> Option<PollFlags> {
        if self.connecting || self.sides[1].is_none() {
            return (self.connecting && side == 1).then_some(PollFlags::OUT);
        }
        let (from, to) = (&self.streams[side], &self.streams[1 - side]);
        if self.discarding {
            return (!from.ended).then_some(PollFlags::IN);
        }
        // Hung up for good, which poll would go on telling.
        if from.ended && to.fate == StreamFate::Ended {
            return None;
        }
        let reads = !self.is_shut(net, side) && from.room() > 0;
        let writes = !self.is_shut(net, 1 - side) && !to.buffer.is_empty();
        let mut events = PollFlags::empty();
        events.set(PollFlags::IN, reads);
        events.set(PollFlags::OUT, writes);
        (!events.is_empty() || !self.is_shut(net, side)).then_some(events)
    }

    /// Takes in what has come on a side.
    pub fn ready(&mut self, net: &Net, side: usize, flags: PollFlags) {
        if self.connecting {
            return self.connected();
        }
        if self.discarding
            || !self.is_shut(net, side) && flags.intersects(PollFlags::IN | PollFlags::ERR | PollFlags::HUP)
        {
            self.read(side);
        }
        // A reset that reading did not meet, because there was no room to read or nothing more to expect.
        let error = |it: &Side| !matches!(sockopt::socket_error(&it.socket), Ok(Ok(())));
        if flags.contains(PollFlags::ERR)
            && let Some(it) = &mut self.sides[side]
            && error(it)
        {
            it.gone = true;
        }
    }

    fn connected(&mut self) {
        self.connecting = false;
        let Some(side) = &self.sides[1] else { return };
        if !matches!(sockopt::socket_error(&side.socket), Ok(Ok(()))) {
            self.refused();
        }
    }

    fn refused(&mut self) {
        self.streams.iter_mut().for_each(|stream| stream.fate = StreamFate::Refused);
        self.reset();
    }

    fn read(&mut self, side: usize) {
        let Some(it) = &mut self.sides[side] else { return };
        let stream = &mut self.streams[side];
        let room = if self.discarding { BUFFER_BYTES_MAX } else { stream.room() };
        if room == 0 {
            return;
        }
        let mut space = [0; BUFFER_BYTES_MAX];
        match it.socket.read(&mut space[..room]) {
            Ok(0) => stream.ended = true,
            Ok(_) if self.discarding => {}
            Ok(size) => {
                stream.buffer.extend(&space[..size]);
                stream.taken += size as u64;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => it.gone = true,
        }
    }

    /// Moves what can be moved; `true` once the connection is over.
    pub fn go_on(&mut self, net: &Net) -> bool {
        if self.discarding {
            return (0..2).all(|it| self.streams[it].ended || self.sides[it].as_ref().is_none_or(|side| side.gone));
        }
        if self.sides[0].is_none() || (self.sides[1].is_none() && !self.connect(net)) {
            return self.sides[0].is_none();
        }
        if self.connecting {
            return false;
        }
        for direction in 0..2 {
            if !self.is_shut(net, direction) {
                self.write(net, direction);
                if let Some(end) = self.streams[direction].is_cut() {
                    self.cut(end);
                    return !self.discarding;
                }
            }
        }
        for direction in 0..2 {
            if self.sides[direction].as_ref().is_some_and(|it| it.gone) && !self.is_shut(net, direction) {
                self.reset_by(direction);
                return true;
            }
        }
        if self.streams.iter().all(|stream| stream.fate == StreamFate::Ended) {
            return true;
        }
        false
    }

    /// Begins to connect to the target; `false` while the way is shut, or if that failed.
    fn connect(&mut self, net: &Net) -> bool {
        if self.is_shut(net, 0) || self.is_shut(net, 1) {
            return false;
        }
        let home = net.home(self.target).expect("a door leads to it");
        match self.begin_to_connect(home) {
            Ok((socket, connecting)) => {
                self.sides[1] = Some(Side { socket, gone: false });
                self.connecting = connecting;
                true
            }
            Err(_) => {
                self.refused();
                false
            }
        }
    }

    /// From the opener's host, which some programs know their peers by.
    fn begin_to_connect(&self, home: SocketAddr) -> io::Result<(TcpStream, bool)> {
        let socket = stream_socket(home.ip())?;
        let opener = self.sides[0].as_ref().map(|side| side.socket.peer_addr());
        if let Some(Ok(opener)) = opener
            && opener.is_ipv6() == home.is_ipv6()
        {
            rustix::net::bind(&socket, &SocketAddr::new(opener.ip(), 0))?;
        }
        let connecting = match rustix::net::connect(&socket, &home) {
            Ok(()) => false,
            Err(Errno::INPROGRESS) => true,
            Err(error) => return Err(error.into()),
        };
        let socket = TcpStream::from(socket);
        socket.set_nodelay(true)?;
        Ok((socket, connecting))
    }

    /// Writes what there is of a direction as far as it is taken, then its FIN.
    fn write(&mut self, net: &Net, direction: usize) {
        while !self.streams[direction].buffer.is_empty() {
            let length = self.next_piece(net, direction);
            let stream = &mut self.streams[direction];
            let Some(to) = &mut self.sides[1 - direction] else { return };
            if length == 0 || to.gone {
                return;
            }
            let piece = &stream.buffer.make_contiguous()[..length];
            match to.socket.write(piece) {
                Ok(size) => {
                    stream.buffer.drain(..size);
                    stream.passed += size as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    to.gone = true;
                    return;
                }
            }
        }
        let stream = &mut self.streams[direction];
        if stream.ended && stream.fate == StreamFate::Open {
            stream.fate = StreamFate::Ended;
            // An error means a reset, which is met where it is read.
            let _ = self.sides[1 - direction].as_ref().map(|to| to.socket.shutdown(Shutdown::Write));
        }
    }

    /// How much of the buffer is written at once: up to where the connection is cut, or the stream split.
    fn next_piece(&mut self, net: &Net, direction: usize) -> usize {
        let ends = [self.opener, self.target];
        let (source, target) = (ends[direction], ends[1 - direction]);
        let stream = &mut self.streams[direction];
        let mut length = stream.buffer.len() as u64;
        if let Some((after, _)) = stream.cut {
            length = length.min(after.saturating_sub(stream.passed));
        }
        let faults = &net.way(source, target).faults;
        if faults.split == 0 {
            stream.piece_end = 0;
            return length as usize;
        }
        if stream.piece_end <= stream.passed {
            let place = net.place(source, target, self.opener, self.number, stream.passed);
            stream.piece_end = stream.passed + faults.piece(&net.seed, place).expect("the stream is split");
        }
        length.min(stream.piece_end - stream.passed) as usize
    }

    /// Takes a cut that is about this connection as its own; `false` if it is about another.
    pub fn take_cut(&mut self, cut: &Cut<Node>) -> bool {
        let ends = [self.opener, self.target];
        let direction = (0..2).find(|it| [cut.source, cut.target] == [ends[*it], ends[1 - *it]]);
        let named = cut.connection == self.number && cut.opener.is_none_or(|opener| opener == self.opener);
        let Some(direction) = direction.filter(|_| named) else { return false };
        let end = if cut.end { End::Fin } else { End::Reset };
        self.streams[direction].cut = cut.after.map(|after| (after, end));
        true
    }

    /// Ends the connection for both nodes.
    pub fn cut(&mut self, end: End) {
        for stream in &mut self.streams {
            stream.fate = StreamFate::Cut;
            stream.buffer.clear();
        }
        match end {
            End::Reset => self.reset(),
            End::Fin => {
                self.discarding = true;
                // An error means that there is nobody to tell.
                self.sides.iter().flatten().for_each(|side| drop(side.socket.shutdown(Shutdown::Write)));
            }
        }
    }

    /// Passes a reset on: what had come before it still goes, as far as it is taken.
    fn reset_by(&mut self, side: usize) {
        let ended = |stream: &Stream| stream.fate == StreamFate::Ended;
        if !ended(&self.streams[1 - side]) {
            self.streams[1 - side].fate = StreamFate::Broken;
        }
        self.streams[side].fate = StreamFate::Reset;
        self.reset();
    }

    fn reset(&mut self) {
        for side in std::mem::take(&mut self.sides).into_iter().flatten() {
            let _ = sockopt::set_socket_linger(&side.socket, Some(Duration::ZERO));
        }
    }

    /// The side of that node, as (ours, theirs), and whether bytes for it wait here although their way is open.
    pub fn under_way(&self, net: &Net, node: Node) -> Option<((SocketAddr, SocketAddr), bool)> {
        let side = (0..2).find(|side| [self.opener, self.target][*side] == node)?;
        let socket = &self.sides[side].as_ref()?.socket;
        let pending = !self.streams[1 - side].buffer.is_empty() && !self.is_shut(net, 1 - side);
        Some(((socket.local_addr().ok()?, socket.peer_addr().ok()?), pending || self.connecting))
    }
}
