//! Streams as programs read and write them.
//!
//! Like Linux: what was received before a reset is read before the reset is told; an error is told once, by whichever
//! call comes first, and after it reading gives the end and writing `BrokenPipe`. The first write to a peer that has
//! closed is taken, for nobody knows yet.

use super::connection::{CALLED, Fin, Life};
use super::tcp::State;
use super::{NetError, Read, TcpId, World};

impl World {
    /// At most `max` bytes.
    ///
    /// # Errors
    /// `NotConnected`; once: `ConnectionReset`, `TimedOut`.
    pub fn tcp_read(&mut self, tcp: TcpId, max: usize) -> Result<Read, NetError> {
        let (number, side) = self.connected(tcp)?;
        let connection = self.connections.get_mut(&number).ok_or(NetError::NotConnected)?;
        let (end, other) = connection.pair(side);
        if end.received.is_empty() {
            return match end.error {
                _ if end.fin_received || end.stopped => Ok(Read::End),
                Some(error) => {
                    end.error = None;
                    Err(error)
                }
                None if end.life == Life::Gone => Ok(Read::End),
                None => Ok(Read::WouldBlock),
            };
        }
        let length = self.links.read_length(other.node, end.node, max.min(end.received.len()));
        let bytes = end.received.drain(..length).collect();
        if end.life == Life::Open && end.has_news_of_window() {
            self.tell_window(number, side);
        }
        Ok(Read::Bytes(bytes))
    }

    /// How many bytes may be written now.
    ///
    /// # Errors
    /// As [`World::tcp_write`], and it tells them as often as it is asked.
    pub fn tcp_room(&self, tcp: TcpId) -> Result<usize, NetError> {
        let (number, side) = self.connected(tcp)?;
        let end = &self.connections[&number].ends[side];
        match end.error {
            Some(error) => Err(error),
            None if end.life != Life::Open || end.fin != Fin::No => Err(NetError::BrokenPipe),
            None => Ok(end.room()),
        }
    }

    /// Writes what there is room for; returns how much.
    ///
    /// # Errors
    /// `NotConnected`; once: `ConnectionReset`, `TimedOut`; then, and after an end of its own, `BrokenPipe`.
    pub fn tcp_write(&mut self, tcp: TcpId, bytes: &[u8]) -> Result<usize, NetError> {
        let room = self.tcp_room(tcp);
        let (number, side) = self.connected(tcp)?;
        let end = &mut self.connection(number).ends[side];
        let length = match room {
            Ok(room) => room.min(bytes.len()),
            Err(error) => {
                end.error = None;
                return Err(error);
            }
        };
        end.unsent.extend(&bytes[..length]);
        self.pump(number, side);
        Ok(length)
    }

    /// Half-close: FIN after all that was written. Again, it does nothing.
    ///
    /// # Errors
    /// `NotConnected`, also after a reset.
    pub fn tcp_end(&mut self, tcp: TcpId) -> Result<(), NetError> {
        let (number, side) = self.connected(tcp)?;
        let end = &mut self.connection(number).ends[side];
        if end.life != Life::Open {
            return Err(NetError::NotConnected);
        }
        if end.fin == Fin::No {
            end.fin = Fin::Wanted;
            self.pump(number, side);
        }
        Ok(())
    }

    /// No more reading: it gives the end, and what is there or comes is thrown away. To the other side nothing shows.
    ///
    /// # Errors
    /// `NotConnected`, also after a reset.
    pub fn tcp_stop_reading(&mut self, tcp: TcpId) -> Result<(), NetError> {
        let (number, side) = self.connected(tcp)?;
        let end = &mut self.connection(number).ends[side];
        if end.life != Life::Open {
            return Err(NetError::NotConnected);
        }
        end.stopped = true;
        end.wasted |= !end.received.is_empty();
        end.received.clear();
        if end.has_news_of_window() {
            self.tell_window(number, side);
        }
        Ok(())
    }

    /// Bytes, the end, an error; on a listener a connection; while connecting its outcome.
    pub fn tcp_readable(&self, tcp: TcpId) -> bool {
        let Some(socket) = self.tcp.get(&tcp) else { return true };
        match &socket.state {
            State::New | State::Bound | State::Failed(_) => true,
            State::Vain { .. } | State::Connecting(_) => false,
            State::Listening(listener) => !listener.queue.is_empty(),
            State::Connected(number, side) => {
                let end = &self.connections[number].ends[*side];
                let over = end.fin_received || end.stopped || end.life != Life::Open;
                over || !end.received.is_empty()
            }
        }
    }

    /// Room, or an error; while connecting its outcome.
    pub fn tcp_writable(&self, tcp: TcpId) -> bool {
        let connecting = self.tcp.get(&tcp).map(|socket| &socket.state);
        match connecting {
            Some(State::Vain { .. } | State::Connecting(_)) => false,
            Some(_) | None => self.tcp_room(tcp) != Ok(0),
        }
    }

    /// What somebody waits for who waits for it, in words: `a connection on 10.0.0.1:7000`.
    pub fn tcp_words(&self, tcp: TcpId) -> String {
        let Some(socket) = self.tcp.get(&tcp) else { return "a closed connection".into() };
        let local = socket.local.map_or_else(String::new, |local| format!(" on {local}"));
        match &socket.state {
            State::New | State::Bound | State::Failed(_) => format!("nothing{local}"),
            State::Listening(_) => format!("a connection{local}"),
            State::Vain { remote, .. } => format!("an answer from {remote}"),
            State::Connecting(number) => format!("an answer from {}", self.connections[number].ends[CALLED].address),
            State::Connected(number, side) => {
                let remote = self.connections[number].ends[1 - side].address;
                if self.tcp_room(tcp) == Ok(0) {
                    format!("{remote} to read what was written")
                } else {
                    format!("data from {remote}")
                }
            }
        }
    }
}
