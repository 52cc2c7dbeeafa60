//! The submission's sandboxes: the one that every case begins with, and the nodes that a suite adds, each with the same
//! files and limits of its own, all on the case's network.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::{Setup, sandbox_limits};
use crate::sandbox::tasks::{self, Thread};
use crate::sandbox::{Launcher, Notice, Sandbox, Usage};

/// Nodes that one case may have, the first one counted.
const NODES_MAX: usize = 16;

#[derive(Debug)]
pub struct Nodes {
    /// For further ones; apart from the grading's launcher, which meanwhile prepares the next case.
    launcher: Launcher,
    sandboxes: Vec<Sandbox>,
}

impl Nodes {
    /// The first one, which furnishes itself.
    pub fn begin(launcher: &mut Launcher, setup: Setup<'_>) -> io::Result<Nodes> {
        let first = make(launcher, setup)?;
        Ok(Nodes { launcher: launcher.beside()?, sandboxes: vec![first] })
    }

    /// Adds one; returns its number.
    pub fn add(&mut self, setup: Setup<'_>) -> io::Result<usize> {
        if self.sandboxes.len() == NODES_MAX {
            return Err(io::Error::other(format!("a case has at most {NODES_MAX} nodes")));
        }
        let mut sandbox = make(&mut self.launcher, setup)?;
        sandbox.work().fill(setup.submission)?;
        sandbox.prepared()?;
        self.sandboxes.push(sandbox);
        Ok(self.sandboxes.len() - 1)
    }

    pub fn get(&self, node: usize) -> io::Result<&Sandbox> {
        self.sandboxes.get(node).ok_or_else(|| no_node(node))
    }

    pub fn get_mut(&mut self, node: usize) -> io::Result<&mut Sandbox> {
        self.sandboxes.get_mut(node).ok_or_else(|| no_node(node))
    }

    pub fn notices(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sandboxes.iter().map(Sandbox::notices)
    }

    /// The next notice of any of them, with the node's number; never waits.
    pub fn try_notice(&mut self) -> io::Result<Option<(usize, Notice)>> {
        for (node, sandbox) in self.sandboxes.iter_mut().enumerate() {
            if let Some(notice) = sandbox.try_notice()? {
                return Ok(Some((node, notice)));
            }
        }
        Ok(None)
    }

    /// Whether no process of the submission's is left.
    pub fn deserted(&self) -> bool {
        self.sandboxes.iter().all(|sandbox| sandbox.processes().is_empty())
    }

    /// Every thread of the submission's.
    pub fn threads(&self) -> Vec<Thread> {
        self.sandboxes.iter().flat_map(|sandbox| tasks::threads(&sandbox.processes())).collect()
    }

    /// The inits, which reap what has ended and tell us.
    pub fn inits(&self) -> impl Iterator<Item = Thread> {
        self.sandboxes.iter().filter_map(|sandbox| tasks::servant(sandbox.init_pid()))
    }

    /// Whether one of them has told something that was not taken yet.
    pub fn have_notices(&self) -> bool {
        let mut sources: Vec<_> =
            self.notices().map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN)).collect();
        !matches!(rustix::event::poll(&mut sources, Some(&Timespec::default())), Ok(0))
    }

    /// CPU time of the one that used most.
    pub fn cpu_us_max(&self) -> u64 {
        self.sandboxes.iter().map(|sandbox| sandbox.usage().cpu_us).max().unwrap_or(0)
    }

    /// What all of them have used, together.
    pub fn usage(&self) -> Usage {
        self.sandboxes.iter().map(Sandbox::usage).fold(Usage::default(), |sum, used| Usage {
            cpu_us: sum.cpu_us + used.cpu_us,
            peak_bytes: sum.peak_bytes + used.peak_bytes,
            memory_kills: sum.memory_kills + used.memory_kills,
            foreign_kills: sum.foreign_kills + used.foreign_kills,
            processes_peak: sum.processes_peak + used.processes_peak,
            processes_refused: sum.processes_refused + used.processes_refused,
            throttled: sum.throttled + used.throttled,
            disk_bytes: sum.disk_bytes + used.disk_bytes,
            disk_full: sum.disk_full || used.disk_full,
        })
    }

    pub fn kill(&self) {
        self.sandboxes.iter().for_each(Sandbox::kill);
    }
}

fn make(launcher: &mut Launcher, setup: Setup<'_>) -> io::Result<Sandbox> {
    let manifest = setup.exercise.manifest();
    let (bans, packages) = (&manifest.ban, &manifest.packages);
    launcher.sandbox_with(setup.role(), sandbox_limits(setup.limits), &setup.host_lines(), bans, packages)
}

fn no_node(node: usize) -> io::Error {
    io::Error::other(format!("the case has no node {node}"))
}
