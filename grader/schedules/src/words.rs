//! What an explorer says to the process that runs schedules, and what that answers: heads of frames.
//!
//! The process runs beside student code. What it answers is read like a stranger's: it has caps, it may be forged, and
//! it says only what was seen.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Plan, Thread};

/// To the process, one frame each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// If at all, it comes first and is not answered: from then on the tail of every answer begins with its seal
    /// ([`crate::seal`]). The sums begin after it.
    Key(String),
    /// What is run from here on; answered by [`Answer::Ready`] or [`Answer::Refused`].
    Scenario(Scenario),
    /// Runs these, one after the other, each answered by [`Answer::Ran`] with its transcript as tail (postcard).
    Run { plans: Vec<Plan>, record: bool },
}

/// From the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Ready {
        /// Of all sources that are scheduled, CRC-32 or the like; a token carries it.
        sources: u32,
    },
    /// The sources could not be compiled or have no such name: the student's failure, in words.
    Refused {
        reason: String,
    },
    Ran(Box<Ran>),
}

/// What is run in every schedule, afresh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    pub subject: Subject,
    pub body: Body,
    pub granularity: Granularity,
    /// Whether a sleeper may wake while others can run.
    pub sleepers_may_wake: bool,
    pub limits: Limits,
    /// Seeds `random` in each run.
    pub seed: u32,
}

/// The module under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A file of the submission, such as `buffer.py`; what it imports from the submission is scheduled too.
    File(String),
    /// A text of ours, called so in tracebacks.
    Text { name: String, text: String },
}

/// What the main thread of a run does with the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// `source` is executed and its `function` called with the module and `arguments`; what it returns is the outcome.
    Driver { name: String, source: String, function: String, arguments: serde_json::Map<String, Value> },
    /// An object of `class` is made and each thread calls its operations in turn.
    Operations { class: String, new: Vec<Value>, threads: Vec<Vec<Call>> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub operation: String,
    pub arguments: Vec<Value>,
}

/// Where threads may be interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// Wherever the language allows it and it could matter: operations on what may be shared.
    #[default]
    Shared,
    /// Only where CPython 3.11 with its lock really switches: at the start of functions, at jumps back, after calls.
    Interpreter,
    /// Only at synchronisation operations.
    Synchronisation,
}

/// All of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Points of all threads; a run that needs more is called endless.
    pub points_max: u32,
    /// Jumps back of one loop that only looks, until it is called a busy wait.
    pub spins_max: u32,
    /// Instructions of scheduled code.
    pub instructions_max: u64,
    pub threads_max: u16,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { points_max: 20_000, spins_max: 100, instructions_max: 3_000_000, threads_max: 64 }
    }
}

/// One schedule was carried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// What the run itself shows, without knowing what is right.
    pub facts: Vec<Fact>,
    /// What the driver returned; absent where it did not return.
    pub outcome: Option<Value>,
    /// What the driver noted, in order.
    pub notes: Vec<(Thread, Value)>,
    /// Operations in the order in which they were begun.
    pub history: Vec<Operation>,
    /// By number.
    pub threads: Vec<String>,
    pub counts: Counts,
    /// Forbidden things that somebody did, in words. A run with one proves nothing.
    pub tripped: Vec<String>,
    /// The kernel or another process had a say in this run: it may not repeat.
    pub uncontrolled: bool,
    /// A thread could not be ended: this process runs nothing more.
    pub spent: bool,
    /// What happened, if it was recorded.
    pub events: Vec<Event>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Threads that have run, the main one included.
    pub threads: u32,
    pub points: u32,
    /// Instructions of scheduled code that were seen.
    pub instructions: u64,
    pub switches: u32,
    /// Switches away from a thread that could have gone on.
    pub preemptions: u32,
    /// Virtual time that has passed, in nanoseconds.
    pub nanoseconds: u64,
}

/// One call of an operation. `invoked` and `returned` are positions in one common order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub thread: Thread,
    pub operation: String,
    pub arguments: Vec<Value>,
    pub invoked: u32,
    /// Absent while the operation is still under way.
    pub returned: Option<u32>,
    pub result: Option<Outcome>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Value(Value),
    Raised(Raised),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// The exception's class and the classes above it, by name.
    pub classes: Vec<String>,
    pub text: String,
    /// In the submission's files, where it came from.
    pub place: Option<Place>,
    /// As Python prints it; only where it ended a thread.
    pub traceback: Option<String>,
}

/// Where in the submission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub file: String,
    pub line: u32,
    pub function: String,
}

/// What a run shows without knowing what is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fact {
    /// Every thread waits, and nothing that happens by itself will wake one.
    Deadlock {
        class: Deadlock,
        waits: Vec<Wait>,
        /// Threads that wait for one another in a ring.
        cycle: Vec<Thread>,
    },
    /// A thread ended by an exception.
    Exception { thread: Thread, raised: Raised },
    /// The run went on and on.
    Livelock { thread: Thread, place: Option<Place> },
    /// A loop only looked whether something has changed, while others could have run.
    BusyWait { thread: Thread, place: Option<Place>, times: u32 },
    /// Started by the submission, not a daemon, and still running when the main thread had done its work.
    Unjoined { threads: Vec<Thread> },
    /// In a run that went on and on, a thread was notified again and again, and each time what it waits for was not there,
    /// while others came and went: what the program does prefers them always.
    Starvation { thread: Thread, place: Option<Place> },
    /// A thread waits outside of what is managed, so that the run cannot go on.
    OutOfReach { thread: Thread, place: Option<Place> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deadlock {
    /// Threads hold what others in the same ring want.
    Cycle,
    /// Somebody waits for a notification that had come when nobody waited, or that woke another.
    LostWakeUp,
    /// Somebody waits for what nobody will do.
    Stuck,
}

/// A row of the wait-for table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    pub thread: Thread,
    /// What the program called, such as `Lock.acquire` or `Queue.get`.
    pub call: String,
    /// What it waits for, such as `Lock#2` or `Thread worker-1`.
    pub object: Option<String>,
    pub held_by: Vec<Thread>,
    /// What it holds itself.
    pub holds: Vec<String>,
    pub place: Option<Place>,
    /// Where the last notification was given that nobody waited for.
    pub missed: Option<Place>,
}

/// Something that happened, for the student to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub thread: Thread,
    /// How many steps the thread had made.
    pub step: u32,
    pub act: Act,
    /// Such as `Account#1.balance`, `Lock#2`, `Queue#1`.
    pub object: Option<String>,
    /// Its value, or what else is to be said.
    pub value: Option<String>,
    pub place: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
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
    /// What it waited for has not come in time.
    TimesOut,
    Sleeps,
    Joins,
    /// Begins an operation of the history.
    Invokes,
    Returns,
    Notes,
}
