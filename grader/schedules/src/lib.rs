//! What a schedule is, who chooses one, and what is said about it.
//!
//! A program's threads run one at a time. At every *point* (an operation on memory that may be shared, or a
//! synchronisation operation) the running thread may be made to hand over. A thread counts its own points: its *steps*.
//! There is a [default](by_default) for every choice, so a whole run is told by its [`Deviation`]s from it: that is what
//! a [`Schedule`] is, and why it can be replayed, made smaller and written into a short [`token`].
//!
//! Two sides share this crate. Outside, schedules are chosen and judged (`grader/src/explore/`); inside, beside a
//! student's code, they are carried out (`grader/scheduler/`). Both make the same [`Strategy`] of the same [`Plan`], so
//! that what the inside claims to have done, its [`Transcript`], can be derived again outside: every answer of a strategy
//! is a function of the plan's seed and of the questions so far, on any machine.
//!
//! Here is no Python, no socket and no verdict.

mod random;
pub mod seal;
mod strategy;
pub mod token;
mod transcript;
pub mod words;

use serde::{Deserialize, Serialize};

pub use self::random::Random;
pub use self::strategy::{Plan, Strategy};
pub use self::transcript::{Entry, Lie, Stretch, Transcript, Why};

/// A managed thread, numbered in the order of start; the main thread is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thread(pub u16);

/// Most threads of one run.
pub const THREADS_MAX: usize = 128;

/// Where a run leaves its default: when `thread` has made `step` steps, `next` goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Deviation {
    pub thread: Thread,
    pub step: u32,
    pub next: Thread,
}

/// All deviations of a run, in the order in which they came about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schedule {
    pub deviations: Vec<Deviation>,
}

/// A thread that could go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub thread: Thread,
    /// Virtual nanoseconds at which it wakes by itself; `None` for one that can run now. Running a sleeper lets time pass.
    pub sleeps_until: Option<u64>,
}

/// What a strategy is asked about.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Who runs, or has just blocked.
    pub me: Thread,
    /// How many steps it has made.
    pub step: u32,
    /// How many steps all threads have made.
    pub total: u32,
    /// How many of the points armed for are left; 0 or less when the strategy's own time has come.
    pub left: i64,
    /// In the order in which the default prefers them: threads by number, the tasks of an event loop as it would call them.
    /// At a point the one that runs is among them, after a block it is not.
    pub enabled: &'a [Candidate],
}

/// Who goes on when nobody says otherwise and the running thread cannot: the first that is awake, else the first to wake.
pub fn by_default(enabled: &[Candidate]) -> Thread {
    let awake = enabled.iter().find(|candidate| candidate.sleeps_until.is_none());
    let first = awake.or_else(|| enabled.iter().min_by_key(|candidate| (candidate.sleeps_until, candidate.thread)));
    first.expect("somebody is enabled").thread
}
