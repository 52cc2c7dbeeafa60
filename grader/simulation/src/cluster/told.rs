//! What is told of a run when it is over.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::{Run, order};
use crate::disk::Image;
use crate::host::{Machinery, Wait};
use crate::words::{End, Exit, Life, NodeRan, Ns, Ran, SECOND, Written};
use crate::world::{NodeId, World};

impl Run<'_> {
    pub(super) fn told(&mut self, end: End, images: &BTreeMap<String, Image>) -> Ran {
        let at = match end {
            End::TimeUp => self.cluster.until,
            End::Done | End::Still | End::EventsMax => self.lock().world.now(),
        };
        for index in 0..self.nodes.len() {
            self.leave(index, at);
        }
        let nodes = (0..self.nodes.len()).map(|index| self.node_told(index, images)).collect();
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut machinery = self.lock();
        let world = &mut machinery.world;
        for report in &reports {
            world.hash_in(report.line.as_bytes());
        }
        let (trace, trace_left_out) = world.take_trace();
        Ran {
            end,
            at,
            hash: world.hash(),
            events: world.events(),
            packets: world.packets(),
            nodes,
            reports,
            trace,
            trace_left_out,
        }
    }

    /// Tells what a program waits for that runs when the run ends, and lets go of it.
    fn leave(&mut self, index: NodeId, at: Ns) {
        let Some(running) = self.nodes[index].running.take() else { return };
        let paused = self.nodes[index].paused;
        let mut machinery = self.lock();
        let Machinery { world, nodes, .. } = &mut *machinery;
        let waits = match (paused, running.computes) {
            (true, _) => vec!["to be resumed".to_owned()],
            (false, true) => Vec::new(),
            (false, false) => nodes[index].waits.iter().map(|wait| words(*wait, world)).collect(),
        };
        nodes[index].gone = true;
        drop(machinery);
        let from = running.from;
        drop(running);
        let mut machinery = self.lock();
        let left = machinery.nodes[index].fuel_left;
        machinery.world.hash_in(&left.to_le_bytes());
        drop(machinery);
        self.nodes[index].lives.push(Life { from, to: at, exit: Exit::Running { waits } });
    }

    fn node_told(&mut self, index: NodeId, images: &BTreeMap<String, Image>) -> NodeRan {
        let words = &self.cluster.nodes[index];
        // A single program's result may be files; a cluster's are no one's to look at.
        let files = if self.nodes.len() == 1 { self.disk(index).changes(&images[&words.image]) } else { Image::new() };
        let lives = std::mem::take(&mut self.nodes[index].lives);
        let mut machinery = self.lock();
        let own = &mut machinery.nodes[index];
        let written = std::mem::take(&mut own.output.written).into_iter();
        NodeRan {
            name: words.name.clone(),
            lives,
            output: written.map(|(at, stream, bytes)| Written { at, stream, bytes: order::text(&bytes) }).collect(),
            output_left_out: own.output.left_out,
            fuel: self.cluster.limits.fuel - own.fuel_left,
            memory_bytes: own.memory_bytes,
            files: files.into_iter().map(|(path, bytes)| (path, order::text(&bytes))).collect(),
        }
    }
}

fn words(wait: Wait, world: &World) -> String {
    match wait {
        Wait::Until(at) => format!("{}.{:03} s", at / SECOND, at % SECOND / 1_000_000),
        Wait::Tcp(tcp) => world.tcp_words(tcp),
        Wait::Room(tcp) => match world.tcp_remote(tcp) {
            Some(remote) => format!("room for data to {remote}"),
            // It is being connected.
            None => world.tcp_words(tcp),
        },
        Wait::Udp(udp) => world.udp_words(udp),
    }
}
