//! Pictures of simulated runs as an applet: from what the simulator told to evidence.
//!
//! The simulator is beside the student's code, so what it told may be anything. Here it is read as strictly as its type
//! is, and what makes no sense becomes a word to the library, never a report that cannot be read.

use std::io;

use serde::{Deserialize, Serialize};
use simulation::words::{Cluster, Ns, Ran};

use crate::channel::Channel;
use crate::simulator::evidence::evidence;

/// From the library. In the tail are the order of the run and what the simulator told of it, as JSON.
#[derive(Debug, Deserialize)]
struct Order {
    title: String,
    cluster_bytes: usize,
    /// What the picture is to show above all.
    moments: Vec<Ns>,
}

/// To the library.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// Evidence comes along, as JSON.
    Drawn,
    /// What was told is nothing that a simulator tells, in words.
    Senseless(String),
}

/// Obeys the orders of `channel` until it ends.
pub fn run(mut channel: Channel) -> io::Result<()> {
    while let Some(frame) = channel.receive()? {
        let order: Order = frame.head()?;
        let (word, tail) = match draw(&order, &frame.tail) {
            Ok(evidence) => (Word::Drawn, evidence),
            Err(error) => (Word::Senseless(error.to_string()), vec![]),
        };
        channel.send(&word, &tail, &[])?;
    }
    Ok(())
}

fn draw(order: &Order, words: &[u8]) -> serde_json::Result<Vec<u8>> {
    let (cluster, ran) = words.split_at(order.cluster_bytes.min(words.len()));
    let (cluster, ran): (Cluster, Ran) = (serde_json::from_slice(cluster)?, serde_json::from_slice(ran)?);
    serde_json::to_vec(&evidence(&order.title, &cluster, &ran, &order.moments))
}
