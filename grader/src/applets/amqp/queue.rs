//! A queue: messages in the order of their positions, and who waits for them.
//!
//! A message keeps its position while it is delivered, so that one that is put back stands where it stood.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::types::{FieldTable, ShortString};
use serde_json::{Value, json};

use super::broker::At;
use super::tables::table_to_json;

#[derive(Clone, Debug)]
pub struct Message {
    /// Stands for it in the ledger, from its arrival in a queue to its end.
    pub number: u64,
    /// Its place in its queue.
    pub position: u64,
    pub exchange: ShortString,
    pub routing_key: ShortString,
    pub properties: AMQPProperties,
    pub body: Rc<[u8]>,
    pub redelivered: bool,
}

impl Message {
    /// Whether it survives a restart in a durable queue.
    pub fn persistent(&self) -> bool {
        *self.properties.delivery_mode() == Some(2)
    }
}

/// One consumer, by where it is and its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    pub at: At,
    pub tag: String,
    pub exclusive: bool,
}

#[derive(Debug, Default)]
pub struct Queue {
    pub durable: bool,
    /// The connection that it is for, if it is exclusive.
    pub owner: Option<u64>,
    pub auto_delete: bool,
    pub arguments: FieldTable,
    pub ready: BTreeMap<u64, Message>,
    /// The next consumer's turn first.
    pub subscribers: VecDeque<Subscriber>,
    /// Whether there was ever a consumer: an auto-delete queue ends with its last one.
    pub had_subscribers: bool,
    pub unacked: usize,
    /// Most that were unacknowledged at a time.
    pub unacked_peak: usize,
    /// Where the next message stands.
    pub next_position: u64,
}

impl Queue {
    /// Adds a new message at the end.
    pub fn push(&mut self, mut message: Message) {
        message.position = self.next_position;
        self.next_position += 1;
        self.ready.insert(message.position, message);
    }

    /// Puts a delivered message back to where it stood.
    pub fn put_back(&mut self, mut message: Message) {
        message.redelivered = true;
        self.unacked -= 1;
        self.ready.insert(message.position, message);
    }

    /// Takes the first message for a delivery.
    pub fn take(&mut self, to_be_acked: bool) -> Option<Message> {
        let (_, message) = self.ready.pop_first()?;
        if to_be_acked {
            self.unacked += 1;
            self.unacked_peak = self.unacked_peak.max(self.unacked);
        }
        Some(message)
    }

    /// A delivered message is done with.
    pub fn settle(&mut self) {
        self.unacked -= 1;
    }

    pub fn facts(&self) -> Value {
        json!({
            "ready": self.ready.len(),
            "unacked": self.unacked,
            "unacked_peak": self.unacked_peak,
            "consumers": self.subscribers.len(),
            "durable": self.durable,
            "exclusive": self.owner.is_some(),
            "auto_delete": self.auto_delete,
            "arguments": table_to_json(&self.arguments),
        })
    }
}
