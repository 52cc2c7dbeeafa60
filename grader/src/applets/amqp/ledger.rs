//! Everything that clients and broker have said to one another, in order, for the suite to read.
//!
//! An entry is a JSON object: who said it, on which connection and channel, the method, and those of its fields that a
//! suite may want. Its body, where it has one, stays bytes.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::broker::At;

/// Most entries and bytes of bodies. A client that would exceed them has its connection closed.
const ENTRIES_MAX: usize = 50_000;
const BODY_BYTES_MAX: usize = 64 << 20;
/// Most bytes of entries, and of their bodies, in one reading: well below what a frame of the channel holds.
const READING_BYTES_MAX: usize = 256 << 10;
const READING_BODY_BYTES_MAX: usize = 16 << 20;

/// Who has said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Client,
    Broker,
    /// Nobody: the connection itself came or went.
    Link,
}

#[derive(Debug)]
struct Entry {
    words: Map<String, Value>,
    body: Option<Rc<[u8]>>,
}

#[derive(Debug, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    body_bytes: usize,
}

impl Ledger {
    pub fn note(&mut self, by: By, at: At, method: &str, fields: Value, body: Option<&Rc<[u8]>>) {
        let by = match by {
            By::Client => "client",
            By::Broker => "broker",
            By::Link => "link",
        };
        let mut words = match fields {
            Value::Object(words) => words,
            _ => Map::new(),
        };
        words.insert("by".into(), by.into());
        words.insert("connection".into(), at.connection.into());
        words.insert("channel".into(), at.channel.into());
        words.insert("method".into(), method.into());
        self.body_bytes += body.map_or(0, |body| body.len());
        self.entries.push(Entry { words, body: body.cloned() });
    }

    pub fn full(&self) -> bool {
        self.entries.len() >= ENTRIES_MAX || self.body_bytes >= BODY_BYTES_MAX
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries from number `from` on, as many as fit, and their bodies one after the other. An entry with a body says
    /// how long it is.
    pub fn read(&self, from: usize) -> (Vec<Value>, Vec<u8>) {
        let (mut entries, mut bodies, mut bytes) = (Vec::new(), Vec::new(), 0);
        for entry in self.entries.iter().skip(from) {
            let mut words = entry.words.clone();
            if let Some(body) = &entry.body {
                words.insert("body_bytes".into(), body.len().into());
                bodies.extend_from_slice(body);
            }
            let words = Value::Object(words);
            bytes += words.to_string().len();
            entries.push(words);
            if bytes > READING_BYTES_MAX || bodies.len() > READING_BODY_BYTES_MAX {
                break;
            }
        }
        (entries, bodies)
    }
}
