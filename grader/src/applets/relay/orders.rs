//! What the library orders, and what the relay answers: one answer to each order, in turn.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::fate::Faults;

/// From which node to which, by their names.
pub type WayName = (String, String);

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Order {
    /// The first one. A node without an address is only called back, never called.
    Open {
        seed: String,
        udp: bool,
        nodes: Vec<(String, Option<SocketAddr>)>,
    },
    Address {
        source: String,
        target: String,
    },
    /// What may happen on these ways from now on.
    Faults {
        ways: Vec<WayName>,
        faults: Faults,
    },
    /// Keeps everything on these ways waiting, or lets it go on.
    Stall {
        ways: Vec<WayName>,
        on: bool,
    },
    /// The network is parted on these ways, and on no others: streams wait, datagrams are lost.
    Part {
        ways: Vec<WayName>,
    },
    Cut(Cut<String>),
    /// Lets go everything that is held back until nothing else happens.
    Flush,
    /// The same of some: nothing else happens.
    LetGo,
    /// Which connections lead to a node, and whether bytes for it are still here.
    UnderWay {
        node: String,
    },
    /// What has passed: JSON in the tail.
    Ledger,
}

/// Ends connections between two nodes, for both.
#[derive(Debug, Deserialize)]
pub struct Cut<N> {
    pub source: N,
    pub target: N,
    /// Which of both has opened it; either, if none is named.
    pub opener: Option<N>,
    /// Once so many bytes have passed from source to target; at once every open connection if there is no number.
    pub after: Option<u64>,
    /// Which connection, among those that the same node has opened.
    pub connection: u64,
    /// By FIN, not by RST.
    pub end: bool,
}

#[derive(Debug, Default, Serialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// Whether anything was let go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<(SocketAddr, SocketAddr)>,
    /// Which limit was met, in words about the programs. From there on the ledger is not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<&'static str>,
}
