//! What is said between those who order a run and the simulator. In JSON; bytes are base64.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Nanoseconds of virtual time since the cluster's beginning.
pub type Ns = u64;

pub const MS: Ns = 1_000_000;
pub const SECOND: Ns = 1_000_000_000;

/// One run: who takes part, what happens to them, and how it is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    pub nodes: Vec<Node>,
    /// What is done to them, in order of time.
    #[serde(default)]
    pub script: Vec<Timed>,
    #[serde(default)]
    pub network: Network,
    #[serde(default)]
    pub pace: Pace,
    /// All randomness comes from here: the network's, the programs', their hashes'.
    pub seed: u64,
    /// The run ends then at the latest.
    pub until: Ns,
    #[serde(default)]
    pub limits: Limits,
    /// Whether all that happened is to be told, or only its hash.
    #[serde(default)]
    pub trace: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Also its host name.
    pub name: String,
    pub program: Program,
    /// Files that its disk begins with, by an image's name ([`Order::Image`]).
    pub image: String,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Base64.
    #[serde(default)]
    pub stdin: String,
    /// When its program starts. Its machine is on from the beginning.
    #[serde(default)]
    pub starts_at: Ns,
    /// Whether it has the file `/report`, by which a suite's own program tells what it does.
    #[serde(default)]
    pub reports: bool,
    /// How far its wall clock is ahead of the world's; negative when it is behind. The monotonic clock counts from an
    /// instant of its own, as each machine's does.
    #[serde(default)]
    pub clock_offset: i64,
    /// How much faster both its clocks run, in millionths; negative when they are slower.
    #[serde(default)]
    pub clock_drift_ppm: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// A file below `/work`, and its arguments.
    Python { argv: Vec<String> },
    /// A compiled module (WASI preview 1) in the image, and its arguments. It has no network.
    Module { argv: Vec<String> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    pub at: Ns,
    pub deed: Deed,
}

/// What is done to a cluster. Nodes by index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Only nodes of one group hear one another. Who is in no group hears nobody.
    Partition(Vec<Vec<usize>>),
    /// What the one sends the other does not hear; the other way it does.
    Deafen {
        from: usize,
        to: usize,
    },
    /// Ends partitions and deafness.
    Heal,
    /// The process ends at once, its sockets as the kernel closes them. The disk stays as the process left it.
    Kill(usize),
    /// The machine loses power: nobody is told, and of its disk remains what was synced, and of what was appended to a file
    /// since then a beginning that the seed decides on.
    PowerLoss(usize),
    /// Starts the program once more, on the disk that is there. Nothing, if it runs.
    Restart(usize),
    /// The process stops where it is, its clocks go on. As SIGSTOP.
    Pause(usize),
    Resume(usize),
    /// The network is like this from now on.
    Network(Network),
    /// A node's wall clock jumps. Its monotonic clock never does.
    Skew {
        node: usize,
        by: i64,
    },
    /// From now on nothing more fits on the node's disk (true), or does again.
    DiskFull {
        node: usize,
        full: bool,
    },
    /// From now on a sync on the node's disk says that all is well and does nothing (true).
    SyncLies {
        node: usize,
        lies: bool,
    },
}

/// How packets fare between different nodes. On a node's own loopback nothing is lost, and all takes [`LOOPBACK`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    pub latency: Latency,
    /// Datagrams, in millionths.
    pub loss_ppm: u32,
    pub duplication_ppm: u32,
    /// Datagrams that take up to ten times as long as others, so that later ones overtake them.
    pub reorder_ppm: u32,
    /// Segments of a stream that have to be sent again, after the sender's time-out.
    pub retransmission_ppm: u32,
    /// Reads of a stream that give less than there is.
    pub short_read_ppm: u32,
}

/// On the way from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Latency {
    Uniform {
        least: Ns,
        most: Ns,
    },
    /// `least`, and more by a distribution with that mean, cut at a hundred means.
    Exponential {
        least: Ns,
        mean: Ns,
    },
}

pub const LOOPBACK: Ns = 20_000;

impl Default for Network {
    fn default() -> Network {
        let latency = Latency::Uniform { least: MS, most: 10 * MS };
        Network { latency, loss_ppm: 0, duplication_ppm: 0, reorder_ppm: 0, retransmission_ppm: 0, short_read_ppm: 0 }
    }
}

/// How computing takes virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    pub ns_per_1000_fuel: u64,
    /// Fuel after which a program that computes is interrupted.
    pub slice: u64,
}

impl Default for Pace {
    fn default() -> Pace {
        // CPython burns about 5 units a nanosecond on the machines of today.
        Pace { ns_per_1000_fuel: 200, slice: 5_000_000 }
    }
}

/// Of each node, and of the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Over all lives of a node.
    pub fuel: u64,
    pub memory_bytes: u64,
    pub disk_bytes: u64,
    /// Of each output stream, over all lives of a node.
    pub output_bytes: u64,
    pub sockets: u32,
    /// Of the whole run; more of them is the end of it.
    pub events: u64,
    /// Events of a trace, the last ones; those before are counted.
    pub trace_events: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fuel: 25_000_000_000,
            memory_bytes: 128 << 20,
            disk_bytes: 16 << 20,
            output_bytes: 256 << 10,
            sockets: 512,
            events: 2_000_000,
            trace_events: 20_000,
        }
    }
}

/// What one run showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    pub end: End,
    pub at: Ns,
    /// SHA-256 over everything that happened, in hex: two runs with one hash are one run.
    pub hash: String,
    pub events: u64,
    pub packets: u64,
    pub nodes: Vec<NodeRan>,
    /// What the suite's own programs reported, in order.
    pub reports: Vec<Report>,
    /// Empty unless it was asked for.
    pub trace: Vec<Happened>,
    pub trace_left_out: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Every program has ended and none will be started any more.
    Done,
    /// Nothing will ever happen any more, although programs run: each waits for another.
    Still,
    /// The time was up.
    TimeUp,
    /// It had more events than it may.
    EventsMax,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRan {
    pub name: String,
    /// From each start to its end.
    pub lives: Vec<Life>,
    pub output: Vec<Written>,
    pub output_left_out: u64,
    /// Over all lives.
    pub fuel: u64,
    /// The most at a time.
    pub memory_bytes: u64,
    /// Its disk in the end: what is not of the image, or differs from it. Base64 by path; only for single programs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Life {
    pub from: Ns,
    pub to: Ns,
    pub exit: Exit,
}

/// How a life ended: a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    Exited(i32),
    /// It ran when the run ended, and waited for what is named, such as `data on 10.0.0.1:7000`; empty where it computed.
    Running {
        waits: Vec<String>,
    },
    Killed,
    OutOfFuel,
    OutOfMemory,
    OutOfOutput,
    /// It needed what this lane lacks: `threads`, `processes`, the name of a module.
    Lacks(String),
    /// The machine stopped it, such as for a stack that is too deep; in words.
    Trapped(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    pub at: Ns,
    pub stream: Stream,
    /// Base64.
    pub bytes: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// One line that a reporting node wrote to `/report`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub at: Ns,
    pub node: usize,
    pub line: String,
}

/// Something that happened. Every packet has a number, by which its sending and its arrival are one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    pub at: Ns,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    Started {
        node: usize,
    },
    Ended {
        node: usize,
        exit: Exit,
    },
    Wrote {
        node: usize,
        stream: Stream,
        text: String,
    },
    /// As in [`Deed`]; in the words of the script.
    Did {
        deed: Deed,
    },
    Sent {
        packet: u64,
        from: usize,
        to: usize,
        carries: Packet,
    },
    /// It will not arrive.
    Lost {
        packet: u64,
    },
    Arrived {
        packet: u64,
    },
    /// The kernel there has nobody to give it to.
    Refused {
        packet: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "packet", rename_all = "kebab-case")]
pub enum Packet {
    Syn {
        connection: u64,
        source: String,
        target: String,
    },
    SynAck {
        connection: u64,
    },
    /// Of a stream. Base64, at most [`SHOWN_BYTES_MAX`].
    Data {
        connection: u64,
        offset: u64,
        length: u64,
        shown: String,
    },
    Fin {
        connection: u64,
    },
    Rst {
        connection: u64,
    },
    Datagram {
        source: String,
        target: String,
        length: u64,
        shown: String,
    },
}

pub const SHOWN_BYTES_MAX: usize = 256;

/// To the simulator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Files that nodes may begin with: path and length of each; their content is in the tail, one after the other.
    Image {
        name: String,
        files: Vec<(String, u64)>,
    },
    Run(Box<Cluster>),
}

/// From the simulator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// [`Ran`] is in the tail.
    Ran,
    /// The order cannot be carried out, in words; it was the suite's.
    Refused(String),
}
