//! The case network's sockets as the kernel lists them (`NETLINK_SOCK_DIAG`, sock_diag(7)).
//!
//! A server is ready when its port is in LISTEN here, never by a trial connection; a segment has been taken when the
//! receiver's queue is empty here, never after a pause. Both ends of every connection are in the same network, so each
//! connection appears twice.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::net::{RecvFlags, SendFlags};
use serde::{Deserialize, Serialize};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const MESSAGE_HEADER_BYTES: usize = 16;
/// `struct inet_diag_msg` without attributes.
const RECORD_BYTES: usize = 72;
/// `struct inet_diag_req_v2` behind its header.
const REQUEST_BYTES: usize = MESSAGE_HEADER_BYTES + 56;
/// `struct unix_diag_req` behind its header.
const UNIX_REQUEST_BYTES: usize = MESSAGE_HEADER_BYTES + 24;
const ANSWER_BYTES: usize = 64 << 10;

/// `enum` of `net/tcp_states.h`; UDP sockets use `Established` (connected) and `Close`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    Established,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
    NewSynRecv,
}

impl State {
    fn from_number(number: u8) -> Option<State> {
        use State::*;
        let states = [
            Established,
            SynSent,
            SynRecv,
            FinWait1,
            FinWait2,
            TimeWait,
            Close,
            CloseWait,
            LastAck,
            Listen,
            Closing,
            NewSynRecv,
        ];
        states.get(usize::from(number).checked_sub(1)?).copied()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Tcp,
    Udp,
}

/// One socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    pub state: State,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    /// Bytes received and not yet read; for a listener, connections not yet accepted.
    pub unread: u32,
    /// Bytes sent and not yet acknowledged; for a listener, the backlog's size.
    pub unsent: u32,
}

/// Whether a socket bound to `local` is at `wanted`: one bound to every address of a family is at each of them.
pub fn is_at(local: SocketAddr, wanted: SocketAddr) -> bool {
    local.port() == wanted.port() && (local.ip() == wanted.ip() || local.ip().is_unspecified())
}

/// A bit for each [`State`] by its number. Not in it: sockets that are bound and no more, which lie in a table of their
/// own that takes as long to look through as all the others.
const STATES: u32 = (1 << (State::NewSynRecv as u32 + 2)) - 1;

/// A view into one network's tables.
#[derive(Debug)]
pub struct SocketTable {
    netlink: OwnedFd,
}

impl SocketTable {
    pub(super) fn new(netlink: OwnedFd) -> SocketTable {
        SocketTable { netlink }
    }

    /// Every internet socket of that protocol, both address families.
    pub fn sockets(&self, protocol: Protocol) -> io::Result<Vec<Socket>> {
        let mut sockets = Vec::new();
        for family in [libc::AF_INET, libc::AF_INET6] {
            let request = request(family as u8, protocol);
            self.list(&request, &mut |record| sockets.extend(read_record(record)))?;
        }
        Ok(sockets)
    }

    /// Hands every record of the answer to `found`.
    fn list(&self, request: &[u8], found: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        rustix::net::send(&self.netlink, request, SendFlags::empty())?;
        let mut answer = vec![0; ANSWER_BYTES];
        loop {
            let (length, _) =
                rustix::io::retry_on_intr(|| rustix::net::recv(&self.netlink, &mut answer, RecvFlags::empty()))?;
            if !read_messages(&answer[..length], found)? {
                return Ok(());
            }
        }
    }
}

/// One unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnixSocket {
    /// Of the socket, as `fstat` tells it.
    pub inode: u32,
    pub state: State,
    /// Whether it takes datagrams: then it is ready as soon as it is bound.
    pub datagrams: bool,
    /// Inode and device, in the kernel's own numbering, of the file that it is bound to.
    pub file: Option<(u32, u32)>,
    /// Bytes sent and not yet read.
    pub unsent: u32,
}

impl SocketTable {
    /// Every unix socket of processes in this network.
    pub fn unix_sockets(&self) -> io::Result<Vec<UnixSocket>> {
        let mut sockets = Vec::new();
        self.list(&unix_request(), &mut |record| sockets.extend(read_unix_record(record)))?;
        Ok(sockets)
    }
}

/// `struct unix_diag_req`: which states, and that files and queues are to be told.
fn unix_request() -> [u8; UNIX_REQUEST_BYTES] {
    const SHOW_FILE: u32 = 2;
    const SHOW_QUEUES: u32 = 16;
    let mut request = [0; UNIX_REQUEST_BYTES];
    request[0..4].copy_from_slice(&(UNIX_REQUEST_BYTES as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    request[MESSAGE_HEADER_BYTES] = libc::AF_UNIX as u8;
    request[MESSAGE_HEADER_BYTES + 4..MESSAGE_HEADER_BYTES + 8].copy_from_slice(&u32::MAX.to_ne_bytes());
    request[MESSAGE_HEADER_BYTES + 12..MESSAGE_HEADER_BYTES + 16]
        .copy_from_slice(&(SHOW_FILE | SHOW_QUEUES).to_ne_bytes());
    request
}

/// `struct unix_diag_msg`: family, type, state, padding, inode, cookie; then attributes.
fn read_unix_record(record: &[u8]) -> Option<UnixSocket> {
    const FILE: u16 = 1;
    const QUEUES: u16 = 4;
    let number = |bytes: &[u8]| bytes.get(..4).map(|bytes| u32::from_ne_bytes(bytes.try_into().expect("four bytes")));
    let state = State::from_number(*record.get(2)?)?;
    let datagrams = i32::from(record[1]) == libc::SOCK_DGRAM;
    let mut socket = UnixSocket { inode: number(record.get(4..)?)?, state, datagrams, file: None, unsent: 0 };
    let mut rest = record.get(16..)?;
    while rest.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([rest[0], rest[1]])).max(4);
        let (kind, value) = (u16::from_ne_bytes([rest[2], rest[3]]), rest.get(4..length)?);
        match kind {
            FILE => socket.file = Some((number(value)?, number(value.get(4..)?)?)),
            QUEUES => socket.unsent = number(value.get(4..)?)?,
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(socket)
}

fn request(family: u8, protocol: Protocol) -> [u8; REQUEST_BYTES] {
    let mut request = [0; REQUEST_BYTES];
    request[0..4].copy_from_slice(&(REQUEST_BYTES as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    request[MESSAGE_HEADER_BYTES] = family;
    request[MESSAGE_HEADER_BYTES + 1] = match protocol {
        Protocol::Tcp => libc::IPPROTO_TCP as u8,
        Protocol::Udp => libc::IPPROTO_UDP as u8,
    };
    request[MESSAGE_HEADER_BYTES + 4..MESSAGE_HEADER_BYTES + 8].copy_from_slice(&STATES.to_ne_bytes());
    request
}

/// Reads one datagram of netlink messages; `false` once the dump is done.
fn read_messages(mut bytes: &[u8], found: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
    while bytes.len() >= MESSAGE_HEADER_BYTES {
        let length = u32::from_ne_bytes(bytes[0..4].try_into().expect("four bytes")) as usize;
        let kind = u16::from_ne_bytes(bytes[4..6].try_into().expect("two bytes"));
        match kind {
            NLMSG_DONE => return Ok(false),
            NLMSG_ERROR => return Err(io::Error::other("the kernel refused to list sockets")),
            _ => bytes.get(MESSAGE_HEADER_BYTES..length).into_iter().for_each(&mut *found),
        }
        // Messages are aligned to four bytes.
        bytes = bytes.get(length.max(MESSAGE_HEADER_BYTES).next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

/// `struct inet_diag_msg`: family, state, timer, retransmits; ports and addresses in network order; then, in host
/// order, expiry, queues, user, inode.
fn read_record(record: &[u8]) -> Option<Socket> {
    if record.len() < RECORD_BYTES {
        return None;
    }
    let port = |at: usize| u16::from_be_bytes([record[at], record[at + 1]]);
    let number = |at: usize| u32::from_ne_bytes(record[at..at + 4].try_into().expect("four bytes"));
    let family = i32::from(record[0]);
    Some(Socket {
        state: State::from_number(record[1])?,
        local: SocketAddr::new(address(family, &record[8..24]), port(4)),
        remote: SocketAddr::new(address(family, &record[24..40]), port(6)),
        unread: number(56),
        unsent: number(60),
    })
}

/// IPv4 addresses that a dual-stack socket shows as `::ffff:a.b.c.d` are told as IPv4.
fn address(family: i32, bytes: &[u8]) -> IpAddr {
    if family == libc::AF_INET {
        return Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into();
    }
    let bytes: [u8; 16] = bytes.try_into().expect("sixteen bytes");
    Ipv6Addr::from(bytes).to_canonical()
}
