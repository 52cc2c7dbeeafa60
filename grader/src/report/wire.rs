//! What passed on a case's network, as a report shows it: who spoke, and what they said in which order.
//!
//! On a real network each event is seen at one moment. Of a simulated one everything is known: when a message was sent
//! and what became of it, what happened to the nodes, and who was cut off from whom meanwhile ([`WireRun`]).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody who sent or received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WireLane {
    /// Such as `client 1`, or a program's name; the address where nobody gave it a name.
    pub name: String,
    /// Such as `127.0.0.1:7000`. Empty where the lane stands for several.
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WireEvent {
    /// Microseconds since the first event; in a simulated run of virtual time, since that began.
    pub at_us: u64,
    /// Indexes of lanes.
    pub from: u32,
    pub to: u32,
    /// Which connection this belongs to, counted from 0.
    pub connection: u32,
    pub what: WireDeed,
    /// What became of it on its way.
    #[serde(default)]
    #[schema(required)]
    pub fate: WireFate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "fate", rename_all = "kebab-case")]
pub enum WireFate {
    /// It was seen at one moment, or is nothing that has a way to go.
    #[default]
    Seen,
    Arrived {
        at_us: u64,
    },
    /// It arrived, and there was nobody to take it.
    Refused {
        at_us: u64,
    },
    Lost,
    /// The run ended first.
    UnderWay,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "deed", rename_all = "kebab-case")]
pub enum WireDeed {
    /// A SYN, and how it was answered.
    Connect { answer: Answered },
    /// Bytes of a stream.
    Data {
        /// Of the first byte, in what this direction of the connection carried.
        offset: u64,
        length: u64,
        /// How many segments brought them.
        segments: u32,
        /// Index of the first byte shown, in these bytes.
        shown_from: u64,
        /// Base64. Not all of the bytes are shown where there are many.
        shown: String,
    },
    /// One UDP datagram.
    Datagram { length: u64, shown_from: u64, shown: String },
    /// The sender will send no more.
    Fin,
    /// The sender has dropped the connection.
    Reset,
    /// A datagram came to a port where nobody receives.
    Nobody,
    /// No message: something happened on one lane, which is `from` and `to`.
    Mark { mark: WireMark, words: String },
}

/// What happened to a node, or was done by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WireMark {
    Started,
    /// Its program ended as programs should.
    Ended,
    /// Its program ended otherwise, by its own doing.
    Failed,
    /// Its process was killed, or it lost power.
    Killed,
    Paused,
    Resumed,
    /// Its program wrote: a line of output, or to the suite.
    Wrote,
    /// Its clock, its disk; or what it waits for in the end.
    Changed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    Accepted,
    Refused,
    Nothing,
}

/// What is not shown between two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WireGap {
    /// Index of the event that follows; the number of events where none does.
    pub before: u32,
    pub events: u64,
    /// Packets that were not kept: nobody knows how many events they would be.
    pub packets: u64,
}

/// Where it first went another way than expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WireDivergence {
    /// Index of an event.
    pub event: u32,
    /// Index of the first byte that differs, in the event's bytes. `null` where what was awaited never came: the event
    /// is then the last one that came instead.
    pub byte: Option<u64>,
}

/// What is known of a simulated run besides its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WireRun {
    pub ended_us: u64,
    /// Why it ended, such as `the time is up`.
    pub end: String,
    /// What the network was like for a while, in the order in which that began.
    pub spans: Vec<WireSpan>,
    /// When somebody was not there.
    pub away: Vec<WireAway>,
    /// Repeats this run, with `--replay TOKEN`; `null` where it is too long for a line.
    #[serde(default)]
    #[schema(required)]
    pub token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WireSpan {
    pub from_us: u64,
    /// `null` where it lasted until the end.
    pub to_us: Option<u64>,
    /// Such as `split: a | b, c`.
    pub words: String,
    /// Lanes that heard only one another. Empty where this cut nobody off.
    pub groups: Vec<Vec<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WireAway {
    pub lane: u32,
    pub from_us: u64,
    pub to_us: u64,
    /// Its program was stopped where it was; else there was none.
    pub paused: bool,
}
