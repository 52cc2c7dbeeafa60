//! One run: who exists, who waits for what, what time it is, and who goes on.
//!
//! Exactly one managed thread runs; it alone changes this state, and it holds the interpreter's lock while it does. What a
//! waiting thread waits for is data ([`Wants`]), so whether it could go on is a question that can be asked at any time,
//! without running Python. That makes a deadlock a fact that is seen at once: nobody could go on, and no time passes that
//! would wake somebody.
//!
//! [`choice`] decides who goes on and writes the transcript, [`carrier`] has the OS threads that carry managed ones,
//! [`waiting`] is what primitives call. Nothing in the state owns a Python object but the threads' own; those are taken out
//! before they are dropped, because dropping one may run a program's code.

pub mod carrier;
pub mod choice;
pub mod reach;
pub mod turn;
pub mod waiting;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use pyo3::prelude::*;
use schedules::words::{Counts, Event, Fact, Limits, Operation, Place};
use schedules::{Strategy, Thread, Transcript};
use serde_json::Value;

use self::carrier::{Carrier, Gate};
use self::turn::Turn;
use crate::held::Held;
use crate::managed::core::Core;
use crate::managed::descriptors::Watched;
use crate::managed::notices::Notices;

/// Virtual nanoseconds at the start of every run, on the monotonic clock.
pub const START: u64 = 1_000_000_000_000;
/// What one look at a clock takes.
pub const LOOK: u64 = 50_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No run: locks do not lock.
    Idle,
    Running,
    /// The run is over; what is left of its threads is unwound, one after the other.
    Unwinding,
}

#[derive(Debug)]
pub struct Kernel {
    pub phase: Phase,
    /// Which run this is: what an earlier one has left locked is not locked.
    pub epoch: u32,
    pub threads: Vec<Managed>,
    pub current: usize,
    /// Virtual nanoseconds.
    pub now: u64,
    pub limits: Limits,
    pub sleepers_may_wake: bool,
    strategy: Box<dyn Strategy>,
    pub transcript: Transcript,
    /// Somebody may have become able to go on since the last choice.
    dirty: bool,
    /// First step that belongs to no stretch yet.
    stretch_from: u32,
    pub recording: bool,
    pub told: Told,
    /// How many objects of this run have been numbered.
    numbers: u64,
    /// Busy waits by thread and place, with how often each was seen.
    pub spins: BTreeMap<(Thread, Place), u32>,
    /// All of them.
    pub spins_total: u32,
    /// A task has only looked since its loop last let others go first.
    pub polled: bool,
    /// How often, one after the other, a thread that looks for descriptors again and again has waited in vain, while
    /// nothing else happened.
    pub vain: u32,
    /// Where the thread that starts runs waits for their end.
    conductor: Arc<Gate>,
    /// OS threads without work.
    idle: Vec<Arc<Carrier>>,
}

/// What a run will be told about.
#[derive(Debug, Default)]
pub struct Told {
    pub facts: Vec<Fact>,
    pub notes: Vec<(Thread, Value)>,
    pub history: Vec<Operation>,
    /// Next position in the common order of invocations and returns.
    pub position: u32,
    pub counts: Counts,
    pub uncontrolled: bool,
    pub spent: bool,
    pub events: Vec<Event>,
}

/// A managed thread.
#[derive(Debug)]
pub struct Managed {
    pub name: String,
    pub origin: Origin,
    pub carrier: Arc<Carrier>,
    /// Of a task: the thread that runs its event loop.
    pub host: Option<usize>,
    pub state: State,
    /// What it waited for has not come in time.
    pub timed_out: bool,
    /// It waits at a condition and was chosen by a notification.
    pub notified: bool,
    pub held: Vec<Rc<Core>>,
    /// Locked until it has ended.
    pub sentinel: Option<Rc<Core>>,
    /// Its `threading.Thread`, if it has one.
    pub object: Option<Py<PyAny>>,
    /// How often it was told that the run is over.
    pub aborts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Of the run: the main thread and those of a driver or of operations.
    Ours,
    /// Of the program; `direct` where the submission's own code called `start`.
    Program { direct: bool },
}

#[derive(Debug)]
pub enum State {
    Runs,
    Waits(Waiting),
    Ended,
    /// It would not end.
    Lost,
}

#[derive(Debug)]
pub struct Waiting {
    pub wants: Wants,
    /// Virtual nanoseconds at which it gives up.
    pub until: Option<u64>,
    pub call: Call,
}

/// What would let a thread go on.
#[derive(Clone, Debug)]
pub enum Wants {
    Lock(Rc<Core>),
    /// To be notified, and to have the condition's lock back if that is one of ours.
    Notification {
        notices: Rc<Notices>,
        lock: Option<Rc<Core>>,
    },
    /// That a queue is not empty.
    Item(Rc<std::cell::Cell<usize>>),
    /// The ends of threads.
    Ends(Vec<usize>),
    /// That nobody else can go on without time passing.
    Stillness,
    /// That time passes.
    Time,
    /// To be chosen by an event loop.
    Turn(Rc<Turn>),
    /// That the kernel has something for one of these.
    Descriptors(Rc<Watched>),
}

/// What the program called, as far as the primitive knows: its callers say more ([`crate::frames`]).
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub name: &'static str,
    pub object: Option<Object>,
}

/// A primitive, for its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    pub kind: &'static str,
    pub address: usize,
    /// Made by the program's own code, so that it is spoken of by its own name, whoever calls it.
    pub own: bool,
}

static KERNEL: LazyLock<Held<RefCell<Kernel>>> = LazyLock::new(|| Held::new(RefCell::new(Kernel::new())));

/// Looks at the state. Nothing in `look` may run Python.
pub fn with<R>(_py: Python<'_>, look: impl FnOnce(&mut Kernel) -> R) -> R {
    look(&mut KERNEL.borrow_mut())
}

impl Kernel {
    fn new() -> Kernel {
        Kernel {
            phase: Phase::Idle,
            epoch: 0,
            threads: Vec::new(),
            current: 0,
            now: START,
            limits: Limits::default(),
            sleepers_may_wake: false,
            strategy: schedules::Plan::Follow { deviations: Vec::new() }.strategy(),
            transcript: Transcript::default(),
            dirty: false,
            stretch_from: 1,
            recording: false,
            told: Told::default(),
            numbers: 0,
            spins: BTreeMap::new(),
            spins_total: 0,
            polled: false,
            vain: 0,
            conductor: Arc::new(Gate::of_this_thread()),
            idle: Vec::new(),
        }
    }

    pub fn me(&mut self) -> &mut Managed {
        let current = self.current;
        &mut self.threads[current]
    }

    pub fn threads_max(&self) -> usize {
        usize::from(self.limits.threads_max).min(schedules::THREADS_MAX)
    }

    /// A number that nothing else of this run has; the same in every run that does the same.
    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The thread that runs, of whose tasks one may be under way.
    pub fn body(&self) -> usize {
        self.threads.get(self.current).and_then(|thread| thread.host).unwrap_or(self.current)
    }

    /// A fact that is no failure of the run itself.
    pub fn tell(&mut self, fact: Fact) {
        self.told.facts.push(fact);
    }
}

/// A managed thread's number, as the crate of schedules has it.
pub fn numbered(index: usize) -> Thread {
    Thread(index as u16)
}
