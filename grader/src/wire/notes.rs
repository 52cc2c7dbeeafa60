//! What the examiner's library adds to its last word about a case that failed. Its end is `practicum/wire.py`.
//!
//! Ends of connections are named as texts: `127.0.0.1:7000`, `[::1]:7000`, or whatever the library calls a socket that
//! has no such address. What names nothing that was seen is passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::events::{Endpoint, Event, What};
use crate::report::Answered;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// What the examiner's own sockets, and those that it knows, are called.
    pub labels: BTreeMap<String, String>,
    /// Addresses that are no business of the reader's, such as fixtures' control connections.
    pub hidden: Vec<String>,
    pub mark: Option<Mark>,
    /// What passed where there are no packets, in order.
    pub ledger: Vec<Entry>,
}

/// The first byte that differs from what was expected, or the end of a stream that should have gone on.
#[derive(Debug, Deserialize)]
pub struct Mark {
    pub local: String,
    pub remote: String,
    /// In what `local` received from `remote`.
    pub offset: u64,
}

#[derive(Debug, Deserialize)]
pub struct Entry {
    /// Since the epoch, in nanoseconds, like the packets' times.
    at: u64,
    from: String,
    to: String,
    /// Distinguishes connections between the same two.
    connection: u32,
    /// Entries before this one that were not kept.
    #[serde(default)]
    missing: u64,
    #[serde(flatten)]
    what: Noted,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "deed", rename_all = "kebab-case")]
enum Noted {
    Connect {
        answer: Answered,
    },
    /// `bytes` is base64 of the first of them.
    Data {
        offset: u64,
        length: u64,
        bytes: String,
    },
    Fin,
    Reset,
}

impl Notes {
    pub fn hides(&self, address: SocketAddr) -> bool {
        !self.hidden.is_empty() && self.hidden.contains(&address.to_string())
    }

    /// The ledger's entries as events of connections from number `first` on.
    pub fn events(&self, first: usize) -> Vec<Event<'static>> {
        self.ledger.iter().map(|entry| entry.event(first)).collect()
    }
}

impl Entry {
    fn event(&self, first: usize) -> Event<'static> {
        let endpoint = |name: &String| Endpoint::Named(name.clone());
        Event {
            at: Duration::from_nanos(self.at),
            from: endpoint(&self.from),
            to: endpoint(&self.to),
            connection: first + self.connection as usize,
            missing: self.missing,
            packet: None,
            what: match &self.what {
                Noted::Connect { answer } => What::Connect(*answer),
                Noted::Data { offset, length, bytes } => What::Data {
                    offset: Some(*offset),
                    length: *length,
                    segments: 1,
                    kept: Cow::Owned(BASE64_STANDARD.decode(bytes).unwrap_or_default()),
                },
                Noted::Fin => What::Fin,
                Noted::Reset => What::Reset,
            },
        }
    }
}
