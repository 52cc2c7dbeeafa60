//! The broker as a state machine: bytes of clients in, bytes for them out, and no socket, no clock, no thread.
//!
//! Here are connections, channels that open and close, and what follows from an error. Connections begin and end in
//! [`super::handshake`]. Channels' own methods are in [`super::channel`], [`super::delivery`] and [`super::topology`]; the
//! suite's powers in [`super::powers`].
//!
//! Errors are RabbitMQ's: a mistake on a channel closes the channel, a breach of the protocol the connection, each with
//! AMQP's reply code and a text.

use std::collections::BTreeMap;

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use amq_protocol::protocol::{AMQPClass, basic, channel, connection};
use serde_json::{Value, json};

use super::channel::Channel;
use super::exchange::{Exchange, Kind};
use super::ledger::{By, Ledger};
use super::powers::Powers;
use super::queue::Queue;
use super::tables::short;
use super::wire::{FRAME_BYTES_MAX, GREETING, Inbox, Malformed, encode};

/// Highest channel number that a client may use.
pub const CHANNELS_MAX: u16 = 255;
/// Most bytes that wait for a client to read them before it is given no more deliveries.
pub const BACKLOG_BYTES_MAX: usize = 1 << 20;
/// What a frame of a body holds besides the body.
const FRAME_OVERHEAD_BYTES: usize = 8;

/// A place where a client speaks: everything that it says is on some channel of its connection, 0 for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub connection: u64,
    pub channel: u16,
}

/// What a client did wrong.
#[derive(Debug)]
pub enum Fault {
    Channel(u16, String),
    Connection(u16, String),
}

pub type Outcome = Result<(), Fault>;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Greeting,
    Starting,
    Tuning,
    Opening,
    Open,
    /// We have said that it is over, and wait for the client to say so too.
    Closing,
    /// Nothing more is read; what is written ends with this.
    Ended,
}

#[derive(Debug)]
pub struct Connection {
    stage: Stage,
    inbox: Inbox,
    /// Bytes for the client.
    pub out: Vec<u8>,
    pub channels: BTreeMap<u16, Channel>,
    pub frame_bytes_max: usize,
    /// Whether the client wants to know when a consumer's queue is gone.
    pub told_of_cancels: bool,
}

/// The whole broker.
#[derive(Debug)]
pub struct Broker {
    pub connections: BTreeMap<u64, Connection>,
    pub queues: BTreeMap<String, Queue>,
    pub exchanges: BTreeMap<String, Exchange>,
    pub ledger: Ledger,
    pub powers: Powers,
    /// Bytes of bodies in queues and on their way.
    pub stored_bytes: usize,
    /// Counts names that the broker makes, messages and connections.
    pub made: u64,
    connected: u64,
}

impl Default for Broker {
    fn default() -> Broker {
        let predeclared = [("", Kind::Direct), ("amq.direct", Kind::Direct), ("amq.fanout", Kind::Fanout)]
            .into_iter()
            .chain([("amq.topic", Kind::Topic)])
            .map(|(name, kind)| (name.to_owned(), Exchange::predeclared(kind)));
        Broker {
            connections: BTreeMap::new(),
            queues: BTreeMap::new(),
            exchanges: predeclared.collect(),
            ledger: Ledger::default(),
            powers: Powers::default(),
            stored_bytes: 0,
            made: 0,
            connected: 0,
        }
    }
}

impl Broker {
    /// A client has connected.
    pub fn connect(&mut self) -> u64 {
        self.connected += 1;
        let connection = Connection {
            stage: Stage::Greeting,
            inbox: Inbox::default(),
            out: Vec::new(),
            channels: BTreeMap::new(),
            frame_bytes_max: FRAME_BYTES_MAX,
            told_of_cancels: false,
        };
        self.connections.insert(self.connected, connection);
        self.link(self.connected, "connected");
        self.connected
    }

    /// What a client has sent.
    pub fn receive(&mut self, id: u64, bytes: &[u8]) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.inbox.feed(bytes);
        }
        // What a client does not read stands still what it says: its answers take no more than this and one message.
        let listens = |it: &&mut Connection| it.stage != Stage::Ended && it.out.len() < BACKLOG_BYTES_MAX;
        while let Some(connection) = self.connections.get_mut(&id).filter(listens) {
            match connection.inbox.next_frame() {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    self.hear(id, frame);
                    // At once, as a broker with a process for each queue would: before the client's next word.
                    self.deliver_all();
                }
                Err(malformed) => {
                    self.refuse_bytes(id, malformed);
                    break;
                }
            }
        }
        self.deliver_all();
    }

    /// The client's end is gone, with or without a word.
    pub fn lost(&mut self, id: u64) {
        let Some(connection) = self.connections.get(&id) else { return };
        if !matches!(connection.stage, Stage::Closing | Stage::Ended) {
            self.link(id, "lost");
        }
        self.release(id);
        self.connections.remove(&id);
        self.deliver_all();
    }

    /// Whether the connection is to be closed once its output is written.
    pub fn over(&self, id: u64) -> bool {
        self.connections.get(&id).is_none_or(|connection| connection.stage == Stage::Ended)
    }

    /// Notes what happened to a connection itself.
    pub fn link(&mut self, connection: u64, what: &str) {
        self.ledger.note(By::Link, At { connection, channel: 0 }, what, Value::Null, None);
    }

    /// Sends a method and notes it.
    pub fn say(&mut self, at: At, method: AMQPClass, name: &str, fields: Value) {
        self.ledger.note(By::Broker, at, name, fields, None);
        self.send(at, method);
    }

    pub fn send(&mut self, at: At, method: AMQPClass) {
        if let Some(connection) = self.connections.get_mut(&at.connection) {
            encode(&AMQPFrame::Method(at.channel, method), &mut connection.out);
        }
    }

    /// Sends a method that carries a message.
    pub fn send_content(&mut self, at: At, method: AMQPClass, properties: &basic::AMQPProperties, body: &[u8]) {
        let Some(connection) = self.connections.get_mut(&at.connection) else { return };
        let piece = connection.frame_bytes_max - FRAME_OVERHEAD_BYTES;
        let header = AMQPContentHeader { class_id: 60, body_size: body.len() as u64, properties: properties.clone() };
        encode(&AMQPFrame::Method(at.channel, method), &mut connection.out);
        encode(&AMQPFrame::Header(at.channel, header), &mut connection.out);
        body.chunks(piece).for_each(|part| encode(&AMQPFrame::Body(at.channel, part.to_vec()), &mut connection.out));
    }

    /// Closes a connection for a reason.
    pub fn close(&mut self, id: u64, code: u16, text: &str) {
        self.release(id);
        let at = At { connection: id, channel: 0 };
        let close = connection::Close { reply_code: code, reply_text: short(text), class_id: 0, method_id: 0 };
        let method = AMQPClass::Connection(connection::AMQPMethod::Close(close));
        self.say(at, method, "connection.close", json!({"code": code, "text": text}));
        self.stage(id, Stage::Closing);
    }

    /// Ends a connection without a word: what is written by now is the last of it.
    pub fn end(&mut self, id: u64) {
        self.release(id);
        self.stage(id, Stage::Ended);
    }

    pub fn stage(&mut self, id: u64, stage: Stage) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stage = stage;
        }
    }

    fn refuse_bytes(&mut self, id: u64, malformed: Malformed) {
        match malformed {
            Malformed::Greeting => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.out.extend_from_slice(GREETING);
                }
                self.link(id, "spoke-another-protocol");
            }
            Malformed::Frame(reason) => self.close(id, 501, &format!("FRAME_ERROR - {reason}")),
            Malformed::Syntax => self.close(id, 502, "SYNTAX_ERROR - a frame cannot be parsed"),
        }
        self.end(id);
    }

    /// One frame of a client.
    fn hear(&mut self, id: u64, frame: AMQPFrame) {
        let stage = self.connections[&id].stage;
        let channel = match &frame {
            AMQPFrame::Method(channel, _) | AMQPFrame::Header(channel, _) | AMQPFrame::Body(channel, _) => *channel,
            _ => 0,
        };
        let at = At { connection: id, channel };
        let outcome = match (stage, frame) {
            (Stage::Closing, frame) => return self.hear_the_last(id, &frame),
            _ if self.ledger.full() => {
                Err(Fault::Connection(506, "RESOURCE_ERROR - this broker keeps account of no more".to_owned()))
            }
            (Stage::Greeting, _) => self.start(at),
            (_, AMQPFrame::Heartbeat) => {
                // Clients that insist on heartbeats get one for each of theirs; the broker has no clock.
                let connection = self.connections.get_mut(&id).expect("it has just spoken");
                encode(&AMQPFrame::Heartbeat, &mut connection.out);
                Ok(())
            }
            (_, AMQPFrame::Method(0, AMQPClass::Connection(method))) => self.hear_connection(at, stage, method),
            (Stage::Open, frame) if channel > 0 => self.hear_channel(at, frame),
            _ => Err(Fault::Connection(503, "COMMAND_INVALID - not at this time, or not on this channel".to_owned())),
        };
        match outcome {
            Ok(()) => {}
            Err(Fault::Connection(code, text)) => self.close(id, code, &text),
            Err(Fault::Channel(code, text)) => self.close_channel(at, code, &text),
        }
    }

    fn hear_the_last(&mut self, id: u64, frame: &AMQPFrame) {
        use connection::AMQPMethod::{Close, CloseOk};
        match frame {
            AMQPFrame::Method(0, AMQPClass::Connection(CloseOk(_))) => self.end(id),
            AMQPFrame::Method(0, AMQPClass::Connection(Close(_))) => {
                let ok = AMQPClass::Connection(CloseOk(connection::CloseOk {}));
                self.send(At { connection: id, channel: 0 }, ok);
            }
            _ => {}
        }
    }

    fn hear_channel(&mut self, at: At, frame: AMQPFrame) -> Outcome {
        use channel::AMQPMethod as Method;
        if at.channel > CHANNELS_MAX {
            return Err(Fault::Connection(504, "CHANNEL_ERROR - channel number out of range".to_owned()));
        }
        let channels = &mut self.connections.get_mut(&at.connection).expect("it has just spoken").channels;
        let open = channels.get(&at.channel).map(|channel| channel.closing);
        match (open, frame) {
            (None, AMQPFrame::Method(_, AMQPClass::Channel(Method::Open(_)))) => {
                channels.insert(at.channel, Channel::default());
                self.ledger.note(By::Client, at, "channel.open", json!({}), None);
                self.send(at, AMQPClass::Channel(Method::OpenOk(channel::OpenOk {})));
                Ok(())
            }
            (None, _) => Err(Fault::Connection(504, "CHANNEL_ERROR - expected 'channel.open'".to_owned())),
            (Some(true), AMQPFrame::Method(_, AMQPClass::Channel(Method::CloseOk(_)))) => {
                channels.remove(&at.channel);
                Ok(())
            }
            (Some(_), AMQPFrame::Method(_, AMQPClass::Channel(Method::Close(close)))) => {
                let fields = json!({"code": close.reply_code, "text": close.reply_text.as_str()});
                self.ledger.note(By::Client, at, "channel.close", fields, None);
                self.release_channel(at);
                self.send(at, AMQPClass::Channel(Method::CloseOk(channel::CloseOk {})));
                self.connections.get_mut(&at.connection).expect("it has just spoken").channels.remove(&at.channel);
                Ok(())
            }
            // What it said before it heard that the channel is closed.
            (Some(true), _) => Ok(()),
            (Some(false), AMQPFrame::Method(_, AMQPClass::Channel(Method::Open(_)))) => {
                Err(Fault::Connection(504, "CHANNEL_ERROR - second 'channel.open' seen".to_owned()))
            }
            (Some(false), AMQPFrame::Method(_, AMQPClass::Channel(Method::Flow(flow)))) => {
                let ok = channel::FlowOk { active: flow.active };
                self.send(at, AMQPClass::Channel(Method::FlowOk(ok)));
                Ok(())
            }
            (Some(false), frame) => self.obey(at, frame),
        }
    }

    fn close_channel(&mut self, at: At, code: u16, text: &str) {
        self.release_channel(at);
        let close = channel::Close { reply_code: code, reply_text: short(text), class_id: 0, method_id: 0 };
        let method = AMQPClass::Channel(channel::AMQPMethod::Close(close));
        self.say(at, method, "channel.close", json!({"code": code, "text": text}));
        if let Some(channel) = self.channel_mut(at) {
            channel.closing = true;
        }
    }

    pub fn channel_mut(&mut self, at: At) -> Option<&mut Channel> {
        self.connections.get_mut(&at.connection)?.channels.get_mut(&at.channel)
    }

    /// Everything that a connection held goes back: messages to their queues, exclusive queues for good.
    pub fn release(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let channels: Vec<u16> = connection.channels.keys().copied().collect();
        for channel in channels {
            self.release_channel(At { connection: id, channel });
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.channels.clear();
        }
        let owned = self.queues.iter().filter(|(_, queue)| queue.owner == Some(id)).map(|(name, _)| name.clone());
        owned.collect::<Vec<_>>().iter().for_each(|name| self.remove_queue(name));
    }
}
