//! Runs a cluster: decides whose turn it is and what time it is, and does what the script says.
//!
//! Each program is a future that makes a step when it is polled. It is polled when the world says that something it may
//! wait for has happened, when a deadline that it waits for has come, or when the slice of fuel that it computed has taken its
//! time. Between, others run. A step happens at one instant: what a program sees of clocks, and when what it sends goes out,
//! is the step's beginning; the time that it computed is charged behind it, and it is deaf until that is over.
//!
//! Deadlines are kept here, not in the world: only the one that a program waits for right now counts, so that what it once
//! waited for in vain keeps no still cluster going.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schedules::Random;

use crate::disk::{Disk, Image};
use crate::host::{Clock, Kernel, Machinery, Output, Own, Reports, SharedDisk, random_for};
use crate::machine::{Machine, Trouble};
use crate::words::{self, Cluster, Deed, End, Exit, Ns, What};
use crate::world::{Due, NodeId, World};
use life::{Running, Step};

mod life;
mod order;
mod told;

impl Machine {
    /// What the cluster shows. The same words show the same, always.
    ///
    /// Fails by [`Trouble::Order`] where they make no sense: a node that is not there, an image that was not given.
    pub fn run(&self, cluster: &Cluster, images: &BTreeMap<String, Image>) -> Result<words::Ran, Trouble> {
        order::must_make_sense(cluster, images)?;
        let mut run = Run::new(self, cluster, images)?;
        let end = run.play()?;
        Ok(run.told(end, images))
    }
}

struct Run<'a> {
    machine: &'a Machine,
    cluster: &'a Cluster,
    machinery: Arc<Mutex<Machinery>>,
    nodes: Vec<Node>,
    /// What the nodes report, in order.
    reports: Arc<Mutex<Reports>>,
    /// Starts and restarts that are still to come.
    starts_left: usize,
}

/// A node as the executor sees it.
struct Node {
    kernel: Kernel,
    disk: SharedDisk,
    /// How much power losses leave of what is only partly on the disk.
    torn: Random,
    stdin: Vec<u8>,
    running: Option<Running>,
    /// Those that have ended.
    lives: Vec<words::Life>,
    paused: bool,
}

impl<'a> Run<'a> {
    fn new(machine: &'a Machine, cluster: &'a Cluster, images: &BTreeMap<String, Image>) -> Result<Run<'a>, Trouble> {
        let machinery = Arc::new(Mutex::new(Machinery {
            world: world(cluster),
            nodes: (0..cluster.nodes.len()).map(|node| own(cluster, node)).collect(),
        }));
        let nodes = cluster.nodes.iter().enumerate().map(|(index, node)| {
            Ok(Node {
                kernel: Kernel::new(index, Arc::clone(&machinery)),
                disk: Arc::new(Mutex::new(Disk::new(&images[&node.image], cluster.limits.disk_bytes))),
                torn: random_for(cluster.seed, "torn", index),
                stdin: order::bytes(&node.stdin)?,
                running: None,
                lives: Vec::new(),
                paused: false,
            })
        });
        let restarts = cluster.script.iter().filter(|timed| matches!(timed.deed, Deed::Restart(_))).count();
        let reports = Arc::default();
        Ok(Run {
            machine,
            cluster,
            reports,
            nodes: nodes.collect::<Result<_, Trouble>>()?,
            machinery,
            starts_left: cluster.nodes.len() + restarts,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Machinery> {
        self.machinery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn play(&mut self) -> Result<End, Trouble> {
        loop {
            if self.starts_left == 0 && self.nodes.iter().all(|node| node.running.is_none()) {
                return Ok(End::Done);
            }
            let Some(at) = self.next_instant() else { return Ok(End::Still) };
            if at > self.cluster.until {
                return Ok(End::TimeUp);
            }
            if self.lock().world.events() >= self.cluster.limits.events {
                return Ok(End::EventsMax);
            }
            let due = self.lock().world.next();
            match due {
                Some(Due::Wake(node)) => self.wake(node),
                Some(Due::Start(node)) => self.start(node)?,
                Some(Due::Deed(deed)) => self.does(deed)?,
                Some(Due::Nothing) | None => {}
            }
        }
    }

    /// When something happens next; sees to it that it is in the world.
    fn next_instant(&mut self) -> Option<Ns> {
        let due = self.nodes.iter().enumerate().filter_map(|(index, node)| Some((node.due()?, index))).min();
        let world = &mut self.lock().world;
        match (due, world.peek()) {
            (Some((at, node)), next) if next.is_none_or(|next| at < next) => {
                world.wake_at(node, at);
                Some(at)
            }
            (_, next) => next,
        }
    }

    fn wake(&mut self, index: NodeId) {
        let now = self.lock().world.now();
        let node = &mut self.nodes[index];
        if node.paused {
            return;
        }
        let Some(running) = &mut node.running else { return };
        match running.step(now, &node.kernel, &self.cluster.pace) {
            Step::Goes => {}
            Step::Ended(exit) => self.end(index, exit),
        }
    }

    fn start(&mut self, index: NodeId) -> Result<(), Trouble> {
        self.starts_left -= 1;
        if self.nodes[index].running.is_some() {
            return Ok(());
        }
        let mut machinery = self.lock();
        machinery.nodes[index].gone = false;
        machinery.nodes[index].output.last_words.clear();
        machinery.world.up(index);
        machinery.world.note(What::Started { node: index });
        let now = machinery.world.now();
        drop(machinery);
        let running = life::start(self.machine, self.cluster, index, &self.nodes[index], &self.reports, now)?;
        self.nodes[index].running = Some(running);
        Ok(())
    }

    /// Ends a process whose machine goes on.
    fn end(&mut self, index: NodeId, exit: Exit) {
        if self.bury(index, exit) {
            self.lock().world.down(index);
        }
    }

    /// False where there was no process.
    fn bury(&mut self, index: NodeId, exit: Exit) -> bool {
        let Some(running) = self.nodes[index].running.take() else { return false };
        self.lock().nodes[index].gone = true;
        let from = running.from;
        // Its last fuel becomes known by that.
        drop(running);
        let mut machinery = self.lock();
        let Machinery { world, nodes, .. } = &mut *machinery;
        world.note(What::Ended { node: index, exit: exit.clone() });
        world.hash_in(&nodes[index].fuel_left.to_le_bytes());
        let to = world.now();
        drop(machinery);
        self.nodes[index].lives.push(words::Life { from, to, exit });
        self.nodes[index].paused = false;
        true
    }

    fn does(&mut self, deed: Deed) -> Result<(), Trouble> {
        self.lock().world.note(What::Did { deed: deed.clone() });
        match deed {
            Deed::Kill(node) => self.end(node, Exit::Killed),
            Deed::PowerLoss(node) => {
                self.bury(node, Exit::Killed);
                self.lock().world.vanish(node);
                let Node { disk, torn, .. } = &mut self.nodes[node];
                let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
                disk.power_loss(|appended| got_out(torn, appended));
            }
            Deed::Restart(node) => self.start(node)?,
            Deed::Pause(node) => self.nodes[node].paused = self.nodes[node].running.is_some(),
            Deed::Resume(node) => self.resume(node),
            Deed::Skew { node, by } => {
                let offset = &mut self.lock().nodes[node].clock.offset;
                *offset = offset.saturating_add(by);
            }
            Deed::DiskFull { node, full } => self.disk(node).set_full(full),
            Deed::SyncLies { node, lies } => self.disk(node).set_sync_lies(lies),
            // The world has done them.
            Deed::Partition(_) | Deed::Deafen { .. } | Deed::Heal | Deed::Network(_) => {}
        }
        Ok(())
    }

    fn resume(&mut self, index: NodeId) {
        let now = self.lock().world.now();
        let node = &mut self.nodes[index];
        node.paused = false;
        if let Some(running) = &mut node.running {
            // It may have missed what it waits for.
            running.look_at(now);
        }
    }

    fn disk(&self, node: NodeId) -> MutexGuard<'_, Disk> {
        self.nodes[node].disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // What the programs still hold is closed nowhere: the world ends with them.
        for own in &mut self.lock().nodes {
            own.gone = true;
        }
    }
}

impl Node {
    /// When it is its turn though nothing happens.
    fn due(&self) -> Option<Ns> {
        if self.paused { None } else { self.running.as_ref()?.due }
    }
}

fn world(cluster: &Cluster) -> World {
    let names = cluster.nodes.iter().map(|node| node.name.clone()).collect();
    let trace = cluster.trace.then_some(cluster.limits.trace_events);
    let mut world = World::new(names, cluster.network, cluster.limits.sockets, cluster.seed, trace);
    for (index, node) in cluster.nodes.iter().enumerate() {
        // The machine is on before its program starts, and refuses.
        world.up(index);
        world.start_at(index, node.starts_at);
    }
    for timed in &cluster.script {
        world.script(timed.at, timed.deed.clone());
    }
    world
}

/// How much of what was appended and not synced has got out: often nothing, else any part of it.
fn got_out(torn: &mut Random, appended: usize) -> usize {
    if torn.chance(333) { 0 } else { torn.below(appended + 1) }
}

/// A machine that was switched on up to ten days ago.
const UPTIME_MAX_S: usize = 864_000;

fn own(cluster: &Cluster, index: NodeId) -> Own {
    let node = &cluster.nodes[index];
    let mut uptime = random_for(cluster.seed, "uptime", index);
    let base = (1 + uptime.below(UPTIME_MAX_S)) as Ns * words::SECOND;
    Own {
        clock: Clock { offset: node.clock_offset, drift_ppm: node.clock_drift_ppm, base },
        secure: random_for(cluster.seed, "secure", index),
        insecure: random_for(cluster.seed, "insecure", index),
        output: Output::new(cluster.limits.output_bytes),
        waits: Vec::new(),
        fuel_left: cluster.limits.fuel,
        memory_bytes: 0,
        lost_by: None,
        gone: false,
    }
}
