//! What passed on a case's network, as a report shows it: who spoke, and what they said in which order.

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
    /// Microseconds since the first event.
    pub at_us: u64,
    /// Indexes of lanes.
    pub from: u32,
    pub to: u32,
    /// Which connection this belongs to, counted from 0.
    pub connection: u32,
    pub what: WireDeed,
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
