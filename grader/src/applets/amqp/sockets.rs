//! The broker's sockets: one loop over the suite's channel, the listener and every client, and no clock.
//!
//! Before an ask of the suite is obeyed, everything that clients have sent by then is taken in. So what the suite sees
//! has seen all that a client did before something else that the suite knows of.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags};
use serde_json::{Map, Value, json};

use super::broker::{BACKLOG_BYTES_MAX, Broker};
use super::control::{self, Answer, Asked, Socketry, Step};
use crate::channel::Channel;

/// Most clients at a time; others wait in the listener's queue.
const CLIENTS_MAX: usize = 64;
/// Bytes read from a client at a time.
const GULP_BYTES: usize = 64 << 10;
/// How often clients are looked at before an ask is obeyed all the same: some never stop talking.
const ROUNDS_MAX: usize = 200;

struct Sockets {
    channel: Channel,
    broker: Broker,
    listener: Option<TcpListener>,
    turning_away: bool,
    clients: BTreeMap<u64, TcpStream>,
    /// Asks for news that are still to come.
    later: Vec<(Asked, Vec<u8>)>,
}

pub fn serve(channel: Channel) -> io::Result<()> {
    let (broker, clients) = (Broker::default(), BTreeMap::new());
    let mut sockets = Sockets { channel, broker, listener: None, turning_away: false, clients, later: vec![] };
    while !sockets.channel.ended() {
        sockets.wait()?;
        sockets.look_at_clients();
        while let Some(frame) = sockets.channel.try_receive()? {
            let asked: Asked = frame.head()?;
            sockets.take_in_everything();
            sockets.obey(asked, frame.tail)?;
            sockets.look_at_clients();
        }
        sockets.tell_what_was_awaited()?;
    }
    Ok(())
}

impl Sockets {
    fn wait(&self) -> io::Result<()> {
        let mut sources = vec![PollFd::new(&self.channel, PollFlags::IN)];
        let listener = self.listener.as_ref().filter(|_| self.clients.len() < CLIENTS_MAX);
        sources.extend(listener.map(|listener| PollFd::new(listener, PollFlags::IN)));
        sources.extend(self.clients.iter().map(|(id, client)| {
            let waiting = self.broker.connections.get(id).map_or(0, |connection| connection.out.len());
            let read = if waiting < BACKLOG_BYTES_MAX { PollFlags::IN } else { PollFlags::empty() };
            let write = if waiting > 0 { PollFlags::OUT } else { PollFlags::empty() };
            PollFd::from_borrowed_fd(client.as_fd(), read | write)
        }));
        match rustix::event::poll(&mut sources, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn take_in_everything(&mut self) {
        for _ in 0..ROUNDS_MAX {
            if !self.look_at_clients() {
                break;
            }
        }
    }

    /// Accepts, reads and writes what can be at once; whether anything moved.
    fn look_at_clients(&mut self) -> bool {
        let mut moved = self.accept();
        let ids: Vec<u64> = self.clients.keys().copied().collect();
        for id in ids {
            moved |= self.read(id);
        }
        // What one has said may be for another.
        let ids: Vec<u64> = self.clients.keys().copied().collect();
        for id in ids {
            moved |= self.write(id);
        }
        moved
    }

    fn accept(&mut self) -> bool {
        let mut moved = false;
        while self.clients.len() < CLIENTS_MAX {
            let Some(Ok((client, _))) = self.listener.as_ref().map(TcpListener::accept) else { break };
            moved = true;
            if self.turning_away {
                self.broker.link(0, "turned-away");
            } else if client.set_nonblocking(true).and_then(|()| client.set_nodelay(true)).is_ok() {
                self.clients.insert(self.broker.connect(), client);
            }
        }
        moved
    }

    fn read(&mut self, id: u64) -> bool {
        let backlog = self.broker.connections.get(&id).map_or(0, |connection| connection.out.len());
        if backlog >= BACKLOG_BYTES_MAX || self.broker.over(id) {
            return false;
        }
        let mut buffer = [0; GULP_BYTES];
        match (&self.clients[&id]).read(&mut buffer) {
            Ok(0) => self.forget(id),
            Ok(length) => self.broker.receive(id, &buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.forget(id),
        }
        true
    }

    fn write(&mut self, id: u64) -> bool {
        let Some(connection) = self.broker.connections.get_mut(&id) else { return false };
        let full = connection.out.len() >= BACKLOG_BYTES_MAX;
        let written = match connection.out.is_empty() {
            true => 0,
            false => match (&self.clients[&id]).write(&connection.out) {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(_) => {
                    self.forget(id);
                    return true;
                }
            },
        };
        connection.out.drain(..written);
        if connection.out.is_empty() && self.broker.over(id) {
            self.forget(id);
            return true;
        }
        if full && written > 0 {
            // What it had said before it stopped reading.
            self.broker.receive(id, &[]);
        }
        written > 0
    }

    /// Closes a client's socket. A client that is told why reads that before it sees the end: no reset must overtake it.
    fn forget(&mut self, id: u64) {
        self.broker.lost(id);
        if let Some(client) = self.clients.remove(&id) {
            let _ = client.shutdown(std::net::Shutdown::Write);
            let _ = (&client).read(&mut [0; GULP_BYTES]);
        }
    }

    fn obey(&mut self, asked: Asked, tail: Vec<u8>) -> io::Result<()> {
        match control::obey(&mut self.broker, &asked.ask, &tail) {
            Step::Answer(answer) => self.answer(asked.id, answer),
            Step::Sockets(order) => {
                let answer = match self.arrange(order) {
                    Ok(port) => json!({"port": port}),
                    Err(error) => json!({"error": error.to_string()}),
                };
                self.answer(asked.id, (answer, vec![]))
            }
            Step::Later => {
                self.later.push((asked, tail));
                Ok(())
            }
        }
    }

    fn arrange(&mut self, order: Socketry) -> io::Result<u16> {
        match order {
            Socketry::Listen(port) => {
                // The library sets SO_REUSEADDR.
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
                listener.set_nonblocking(true)?;
                let port = listener.local_addr()?.port();
                self.listener = Some(listener);
                Ok(port)
            }
            Socketry::Down => {
                self.listener = None;
                let ids: Vec<u64> = self.clients.keys().copied().collect();
                for id in ids {
                    self.write(id);
                    self.forget(id);
                }
                Ok(0)
            }
            Socketry::TurnAway(on) => {
                self.turning_away = on;
                Ok(0)
            }
        }
    }

    fn tell_what_was_awaited(&mut self) -> io::Result<()> {
        std::mem::take(&mut self.later).into_iter().try_for_each(|(asked, tail)| self.obey(asked, tail))
    }

    fn answer(&self, id: u64, (head, tail): Answer) -> io::Result<()> {
        let mut head = match head {
            Value::Object(head) => head,
            _ => Map::new(),
        };
        head.insert("id".into(), id.into());
        let descriptors: &[BorrowedFd<'_>] = &[];
        match self.channel.send(&head, &tail, descriptors) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}
