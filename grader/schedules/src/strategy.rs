//! Strategies: who goes on, and when the next choice is wanted.
//!
//! None is best: priorities find what takes few ordered events however long the run, chance finds what takes many in a
//! short one, and only a bounded search can say that there is nothing left to find. So a portfolio of them is run
//! (`grader/src/explore/`).

mod follow;
mod pct;
mod pos;
mod walk;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use self::follow::Follow;
use self::pct::Pct;
use self::pos::Pos;
use self::walk::Walk;
use crate::{Deviation, Random, Thread, View};

/// Answers the questions of one run. Every answer depends on the plan and on the questions so far, and on nothing else.
pub trait Strategy: Debug {
    /// A thread has been started; the main thread is told first.
    fn started(&mut self, _thread: Thread) {}

    /// After how many points of the running thread a choice is wanted; `None` for never.
    fn arm(&mut self, me: Thread, step: u32, total: u32) -> Option<u32>;

    /// At a point: who goes on, the running thread included. More than one is enabled.
    fn at_point(&mut self, view: &View<'_>) -> Thread;

    /// The running thread cannot go on, or lets others: who does. At least two are enabled.
    fn at_block(&mut self, view: &View<'_>) -> Thread;

    /// The running thread sleeps, or spins, or failed to take a lock.
    fn gave_way(&mut self, _me: Thread) {}

    /// Whether every synchronisation operation is a choice, or only those after which more threads may run.
    fn at_every_synchronisation(&self) -> bool;

    /// Whether it is to be recorded where further deviations were possible.
    fn wants_stretches(&self) -> bool {
        false
    }
}

/// A strategy as data.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// A random walk: hands over at a synchronisation operation, or at a point in memory, so many times out of a thousand.
    Walk { seed: u32, synchronisation: u16, memory: u16 },
    /// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): random priorities and `depth` - 1 changes of
    /// them among the first `points` points. A thread that gives way falls behind, so nobody starves by priority alone.
    Pct { seed: u32, depth: u8, points: u32 },
    /// Partial order sampling (Yuan, Yang, Gu, CAV 2018): each pending operation has a random priority.
    Pos { seed: u32 },
    /// The default but for these deviations.
    Follow { deviations: Vec<Deviation> },
    /// The same, and it is recorded where a further deviation was possible after the last of these.
    Bounded { deviations: Vec<Deviation> },
}

impl Plan {
    pub fn strategy(&self) -> Box<dyn Strategy> {
        match *self {
            Plan::Walk { seed, synchronisation, memory } => {
                Box::new(Walk::new(Random::new(u64::from(seed)), synchronisation, memory))
            }
            Plan::Pct { seed, depth, points } => Box::new(Pct::new(Random::new(u64::from(seed)), depth, points)),
            Plan::Pos { seed } => Box::new(Pos::new(Random::new(u64::from(seed)))),
            Plan::Follow { ref deviations } => Box::new(Follow::new(deviations, false)),
            Plan::Bounded { ref deviations } => Box::new(Follow::new(deviations, true)),
        }
    }
}
