//! `amqp`: an AMQP 0-9-1 broker for one case, with powers that no real broker has.
//!
//! A program under test talks to it as to RabbitMQ: connections, channels, queues (durable, exclusive, auto-delete,
//! server-named, with dead-letter exchange), exchanges (direct, fanout, topic), and all of `basic` and `confirm`.
//! `scripts/referee/` holds it to what RabbitMQ answers. What it does not know (transactions, time to live, priorities,
//! exchanges bound to exchanges or of type headers) it refuses with 540 instead of doing something else. `x-death`
//! headers have no time, since there is no clock here, and a prefetch size in bytes is ignored.
//!
//! The suite rules it over descriptor 3: it can cut a connection between delivery and ack, refuse a publish, hold
//! confirms, restart with what is durable, and read a ledger of all that was said.
//!
//! [`broker`] is a state machine of bytes in, bytes out; [`sockets`] is its one loop. Everything a client can make grow has
//! a named limit. A client that breaks one has its own connection closed, and a client that does not read is not heard.

mod broker;
mod channel;
mod control;
mod delivery;
mod exchange;
mod handshake;
mod ledger;
mod powers;
mod queue;
mod sockets;
mod tables;
#[cfg(test)]
mod tests;
mod topology;
mod wire;

use std::io;

use crate::channel::Channel;

/// Stack of the thread that parses: what a client sends may be nested as deep as a method is long.
const STACK_BYTES: usize = 256 << 20;

/// Serves until the channel ends.
pub fn run(channel: Channel) -> io::Result<()> {
    with_room_for_recursion(move || sockets::serve(channel))?
}

fn with_room_for_recursion<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work)?;
    thread.join().map_err(|_| io::Error::other("the broker panicked"))
}
