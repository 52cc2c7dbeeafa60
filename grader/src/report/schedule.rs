//! A schedule that fails, as a report shows it: which thread did what, in which order, and where one was interrupted.
//!
//! It is made by [`Found::evidence`] of what the process that ran the schedule said. That process runs beside student
//! code, so nothing here is trusted: numbers of threads are looked up, texts are cut, and everything has a cap. What is
//! shown is an explanation; the verdict does not rest on it.

mod found;
mod select;
mod source;
mod switches;
mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::found::{Finding, Found};

/// One schedule and what it shows. Threads are indexes into `threads`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleEvidence {
    pub title: String,
    pub finding: ScheduleFinding,
    /// What was found, a sentence each; the first is what the case failed for.
    pub facts: Vec<String>,
    /// Names, such as `main` and `Thread-1 (worker)`: of those that occur here.
    pub threads: Vec<String>,
    /// In the order in which they happened: synchronisation, and accesses to memory that threads share and change.
    pub events: Vec<ScheduleEvent>,
    pub left_out: Vec<ScheduleGap>,
    /// The wait-for table; empty where the run did not end with everybody waiting.
    pub waits: Vec<ScheduleWait>,
    /// Threads that wait for one another in a ring, each for the next and the last for the first.
    pub cycle: Vec<u32>,
    /// The lines that events and waits name and a few between them, by file and number.
    pub source: Vec<ScheduleLine>,
    /// How many schedules were run, and which of them showed this first, from 1.
    pub schedules: u64,
    pub found_after: u64,
    /// How often a thread was interrupted that could have gone on.
    pub preemptions: u32,
    /// How often the schedule goes another way than the usual: where threads are interrupted, and where another than the
    /// first of those that can run goes on.
    pub choices: u32,
    /// Repeats this schedule. `null` where it is too long to be written down so.
    pub token: Option<String>,
    /// Whether a failure of the same kind was seen with threads switched only where CPython with its lock does it; `null`
    /// where that was not tried.
    pub interpreter: Option<bool>,
    /// The same in words.
    pub reach: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleFinding {
    /// Threads wait for one another in a ring.
    Deadlock,
    /// Somebody waits for a notification that has passed.
    LostWakeUp,
    /// Everybody waits for what nobody will do.
    Stuck,
    /// A thread ended by an exception.
    Exception,
    Livelock,
    BusyWait,
    Unjoined,
    Starvation,
    /// A thread waits where its scheduler cannot see it.
    OutOfReach,
    /// What the program did is wrong.
    Observation,
    /// The results of the calls fit no order in which they could have been made one by one.
    History,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleEvent {
    pub thread: u32,
    /// How many steps the thread had made.
    pub step: u32,
    pub act: ScheduleAct,
    /// Such as `Account#1.balance`, `Lock#2`, `Queue#1`, or a thread's name.
    pub object: Option<String>,
    /// What was read or written, or what else is to be said.
    pub value: Option<String>,
    /// `null` where the submission had no part in it.
    pub place: Option<SchedulePlace>,
    /// Another thread than that of the event before: how that came about.
    pub switch: Option<ScheduleSwitch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleAct {
    Starts,
    Ends,
    /// By an exception.
    Dies,
    Reads,
    Writes,
    /// Calls a function that is not Python, on an object that may be shared.
    Calls,
    /// Takes a lock, a place, a token.
    Takes,
    Releases,
    Notifies,
    Sets,
    Looks,
    /// Begins to wait.
    Waits,
    /// What it waited for has come.
    Wakes,
    TimesOut,
    Sleeps,
    Joins,
    /// Begins an operation.
    Invokes,
    Returns,
    Notes,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct SchedulePlace {
    pub file: String,
    pub line: u32,
    pub function: String,
}

/// The running thread changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleSwitch {
    /// Who ran before.
    pub from: u32,
    pub why: ScheduleWhy,
    /// Which of the schedule's choices this is, from 1; `null` where it goes on as usual.
    pub choice: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleWhy {
    /// The one that ran before could have gone on.
    Preempted,
    /// It waits, or has ended.
    Blocked,
    /// It let others go first.
    GaveWay,
}

/// What is not shown between two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleGap {
    /// Index of the event that follows; the number of events where none does.
    pub before: u32,
    pub events: u64,
    /// How often the events before the gap are said again by these; 0 where they are others.
    pub again: u64,
}

/// A row of the wait-for table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleWait {
    pub thread: u32,
    /// What the program called, such as `Lock.acquire` or `Queue.get`.
    pub call: String,
    pub object: Option<String>,
    pub held_by: Vec<u32>,
    /// What it holds itself.
    pub holds: Vec<String>,
    pub place: Option<SchedulePlace>,
    /// Where the last notification was given that nobody waited for.
    pub missed: Option<SchedulePlace>,
}

/// A line of the submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleLine {
    pub file: String,
    pub number: u32,
    pub text: String,
}
