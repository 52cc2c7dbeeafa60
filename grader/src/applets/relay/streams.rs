//! Connections: what a node opens to an address of the relay's goes on to the node that it stands for.
//!
//! Back-pressure, half-close and reset pass through in both directions. Connections are numbered for each pair of opener
//! and target; a byte's place is its offset in its direction. Streams lose nothing: on a way that is shut the relay does
//! not read, nor open connections, so senders wait, and everything goes on when the way opens. A connection made
//! meanwhile is accepted, since the kernel does that by itself, and waits likewise.

mod connection;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;

use rustix::event::PollFlags;
use serde::Serialize;

use self::connection::{Connection, End, Stream};
use super::Traffic;
use super::fate::Faults;
use super::net::{self, Entry, Interest, LEDGER_MAX, Net, Node, Token};
use super::orders::Cut;

/// Most connections at a time; the kernel keeps what comes then.
const CONNECTIONS_MAX: usize = 512;
/// Connections taken from one listener in a turn.
const GULP: usize = 32;

#[derive(Debug, Default)]
pub struct Streams {
    doors: Vec<Door>,
    open: BTreeMap<u64, Connection>,
    /// Connections so far.
    count: u64,
    /// Of each opener and target.
    counts: HashMap<(Node, Node), u64>,
    cuts: Vec<Cut<Node>>,
    ended: Vec<Past>,
}

/// A listener at which `source` reaches `target`.
#[derive(Debug)]
struct Door {
    listener: TcpListener,
    source: Node,
    target: Node,
}

/// A connection that is over.
#[derive(Debug)]
struct Past {
    opener: Node,
    target: Node,
    number: u64,
    streams: [Stream; 2],
}

/// How a direction ended, for the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamFate {
    Open,
    Ended,
    /// By who sends in this direction.
    Reset,
    /// By a reset of the other direction.
    Broken,
    Cut,
    Refused,
}

impl Streams {
    fn accept(&mut self, net: &mut Net, door: usize) {
        let Door { source, target, .. } = self.doors[door];
        for _ in 0..GULP {
            if self.open.len() == CONNECTIONS_MAX {
                return;
            }
            let socket = match self.doors[door].listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // That connection is gone already.
                Err(_) => continue,
            };
            let number = self.counts.entry((source, target)).or_default();
            if let Ok(connection) = Connection::accepted(socket, source, target, *number) {
                self.open.insert(self.count, connection);
                self.go_on_with(net, self.count);
            }
            *self.counts.get_mut(&(source, target)).expect("just counted") += 1;
            self.count += 1;
        }
    }

    /// Moves what can be moved, and buries the connection when that was the last of it.
    fn go_on_with(&mut self, net: &mut Net, id: u64) {
        let Some(connection) = self.open.get_mut(&id) else { return };
        self.cuts.retain(|cut| !connection.take_cut(cut));
        if connection.go_on(net) {
            self.bury(net, id);
        }
    }

    fn bury(&mut self, net: &mut Net, id: u64) {
        let Some(Connection { opener, target, number, streams, .. }) = self.open.remove(&id) else { return };
        if self.ended.len() == LEDGER_MAX {
            return net.overflows("opened more connections than the relay remembers");
        }
        self.ended.push(Past { opener, target, number, streams });
    }
}

impl Traffic for Streams {
    fn interests(&self, net: &Net) -> Vec<Interest<'_>> {
        let mut interests = Vec::new();
        if self.open.len() < CONNECTIONS_MAX {
            interests.extend(self.doors.iter().enumerate().map(|(door, it)| Interest {
                token: Token::Door(door),
                socket: it.listener.as_fd(),
                events: PollFlags::IN,
            }));
        }
        for (id, connection) in &self.open {
            interests.extend(connection.interests(net, *id));
        }
        interests
    }

    fn ready(&mut self, net: &mut Net, token: Token, flags: PollFlags) {
        match token {
            Token::Door(door) => self.accept(net, door),
            Token::Side(id, side) => {
                let Some(connection) = self.open.get_mut(&id) else { return };
                connection.ready(net, side, flags);
                self.go_on_with(net, id);
            }
        }
    }

    fn address(&mut self, net: &Net, source: Node, target: Node) -> Result<SocketAddr, String> {
        let home = net.home_of(target)?;
        let known = self.doors.iter().position(|door| (door.source, door.target) == (source, target));
        let door = match known {
            Some(door) => door,
            None => {
                let listener = connection::listen(home.ip()).map_err(|error| format!("stand for {home}: {error}"))?;
                self.doors.push(Door { listener, source, target });
                self.doors.len() - 1
            }
        };
        self.doors[door].listener.local_addr().map_err(|error| error.to_string())
    }

    fn accepts(&self, faults: &Faults) -> Result<(), String> {
        let of_datagrams = Faults { split: 0, window: 0, ..faults.clone() };
        let none = of_datagrams == Faults::default();
        if none { Ok(()) } else { Err("streams lose nothing: they are split, stalled, parted and cut".to_owned()) }
    }

    fn cut(&mut self, net: &mut Net, cut: Cut<Node>) -> Result<(), String> {
        let pair = [cut.source, cut.target];
        let between = |it: &Connection| pair == [it.opener, it.target] || pair == [it.target, it.opener];
        let chosen: Vec<u64> = self.open.iter().filter(|(_, it)| between(it)).map(|(id, _)| *id).collect();
        if cut.after.is_some() {
            self.cuts.push(cut);
            chosen.into_iter().for_each(|id| self.go_on_with(net, id));
            return Ok(());
        }
        for id in chosen {
            self.open.get_mut(&id).expect("chosen of those").cut(if cut.end { End::Fin } else { End::Reset });
            self.go_on_with(net, id);
        }
        Ok(())
    }

    fn go_on(&mut self, net: &mut Net) {
        let all: Vec<u64> = self.open.keys().copied().collect();
        all.into_iter().for_each(|id| self.go_on_with(net, id));
    }

    fn let_go(&mut self, _net: &mut Net, _all: bool) -> bool {
        false
    }

    fn under_way(&self, net: &Net, node: Node) -> (Vec<(SocketAddr, SocketAddr)>, bool) {
        let (ends, pending): (_, Vec<bool>) = self.open.values().filter_map(|it| it.under_way(net, node)).unzip();
        (ends, pending.contains(&true))
    }

    fn ledger(&self, net: &Net) -> io::Result<Vec<u8>> {
        let past = self.ended.iter().map(|it| (it.opener, it.target, it.number, &it.streams));
        let open = self.open.values().map(|it| (it.opener, it.target, it.number, &it.streams));
        let entries = past.chain(open).flat_map(|(opener, target, number, streams)| {
            [(opener, target), (target, opener)].into_iter().zip(streams).map(move |((source, target), stream)| Entry {
                source: net.name(source),
                target: net.name(target),
                opener: net.name(opener),
                flow: number,
                ordinal: 0,
                size: stream.taken,
                fate: stream.fate,
                passed: stream.passed,
            })
        });
        net::encode(entries.collect())
    }
}
