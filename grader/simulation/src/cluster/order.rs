//! Whether an order makes sense. What gets past this makes nothing panic.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::disk::Image;
use crate::machine::Trouble;
use crate::words::{Cluster, Deed, Latency, Network, Program};
use crate::world::NODES_MAX;

/// Shorter ones would spend more on interrupting than on computing.
const SLICE_MIN: u64 = 10_000;
const MILLION: u32 = 1_000_000;

pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Trouble> {
    STANDARD.decode(text).map_err(|error| Trouble::Order(format!("the standard input is no base64: {error}")))
}

pub(super) fn text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn must_make_sense(cluster: &Cluster, images: &BTreeMap<String, Image>) -> Result<(), Trouble> {
    must(!cluster.nodes.is_empty() && cluster.nodes.len() <= NODES_MAX, || {
        format!("a cluster has 1 to {NODES_MAX} nodes")
    })?;
    must(cluster.pace.slice >= SLICE_MIN, || format!("a slice is at least {SLICE_MIN} of fuel"))?;
    let mut names = BTreeSet::new();
    for node in &cluster.nodes {
        let name = &node.name;
        must(names.insert(name), || format!("two nodes are called {name}"))?;
        must(images.contains_key(&node.image), || format!("{name}: no image is called {}", node.image))?;
        must(node.clock_drift_ppm.unsigned_abs() < MILLION, || {
            format!("{name}: a clock neither stands still nor doubles its speed")
        })?;
        let (Program::Python { argv } | Program::Module { argv }) = &node.program;
        must(!argv.is_empty(), || format!("{name}: it has no program"))?;
    }
    must_be_possible(&cluster.network)?;
    cluster.script.iter().try_for_each(|timed| must_be_there(&timed.deed, cluster.nodes.len()))
}

fn must_be_there(deed: &Deed, nodes: usize) -> Result<(), Trouble> {
    let meant: Vec<usize> = match deed {
        Deed::Partition(groups) => groups.concat(),
        Deed::Deafen { from, to } => vec![*from, *to],
        Deed::Heal => Vec::new(),
        Deed::Network(network) => return must_be_possible(network),
        Deed::Kill(node) | Deed::PowerLoss(node) | Deed::Restart(node) | Deed::Pause(node) | Deed::Resume(node) => {
            vec![*node]
        }
        Deed::Skew { node, .. } | Deed::DiskFull { node, .. } | Deed::SyncLies { node, .. } => vec![*node],
    };
    meant.iter().try_for_each(|node| must(*node < nodes, || format!("the script names node {node}, of {nodes}")))
}

fn must_be_possible(network: &Network) -> Result<(), Trouble> {
    let Network { latency, loss_ppm, duplication_ppm, reorder_ppm, retransmission_ppm, short_read_ppm } = network;
    for ppm in [loss_ppm, duplication_ppm, reorder_ppm, retransmission_ppm, short_read_ppm] {
        must(*ppm <= MILLION, || format!("{ppm} in a million is more than all"))?;
    }
    match latency {
        Latency::Uniform { least, most } => must(least <= most, || format!("a latency of {least} to {most} ns")),
        Latency::Exponential { .. } => Ok(()),
    }
}

fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Trouble> {
    if holds { Ok(()) } else { Err(Trouble::Order(otherwise())) }
}
