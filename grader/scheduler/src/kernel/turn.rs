//! Tasks of an event loop, as the kernel sees them.
//!
//! A task is a managed thread without a carrier of its own: the thread that runs its loop, its *host*, carries it. Between
//! two steps the loop is open: the host and all of its tasks wait for their turns, and whoever is chosen is carried by the
//! host's carrier. During a step the loop is closed, and none of the others could go on, whatever is ready.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use pyo3::prelude::*;
use schedules::Candidate;
use schedules::words::Fact;

use super::choice::Next;
use super::{Call, Kernel, Managed, Origin, Phase, State, Waiting, Wants, carrier, numbered, waiting, with};
use crate::managed::descriptors::{self, Interest};
use crate::{report, tracer};

/// What a task waits for between two of its steps, or a host between two of its callbacks.
#[derive(Debug, Default)]
pub struct Turn {
    /// Whether its loop is between two steps; all turns of one loop share it.
    pub open: Rc<Cell<bool>>,
    /// Its place among those of its loop that are ready.
    pub place: Cell<Option<u32>>,
    /// Virtual nanoseconds at which its sleep is over; it may be over at any moment.
    pub sleeps_until: Cell<Option<u64>>,
    /// Virtual nanoseconds at which it goes on if nobody else can.
    pub until: Cell<Option<u64>>,
    /// What the kernel could have something for.
    pub descriptors: RefCell<Vec<Interest>>,
}

impl Turn {
    pub fn of(open: &Rc<Cell<bool>>) -> Rc<Turn> {
        Rc::new(Turn { open: Rc::clone(open), ..Turn::default() })
    }

    pub fn is_ready(&self) -> bool {
        self.open.get()
            && (self.place.get().is_some() || self.watches() && descriptors::is_ready(&self.descriptors.borrow()))
    }

    pub fn sleeps_until(&self) -> Option<u64> {
        self.sleeps_until.get().filter(|_| self.open.get())
    }

    pub fn watches(&self) -> bool {
        self.open.get() && !self.descriptors.borrow().is_empty()
    }

    pub fn rest(&self) {
        self.place.set(None);
        self.sleeps_until.set(None);
        self.until.set(None);
        self.descriptors.borrow_mut().clear();
    }
}

impl Waiting {
    /// When time alone lets it go on.
    pub fn gives_up(&self) -> Option<u64> {
        match &self.wants {
            Wants::Turn(turn) => turn.sleeps_until().or_else(|| turn.until.get().filter(|_| turn.open.get())),
            _ => self.until,
        }
    }

    /// Whether it only waits for others to come to an end of what they do, or for time.
    pub fn could_go_on(&self) -> bool {
        match &self.wants {
            Wants::Turn(turn) => {
                turn.place.get().is_some() || turn.sleeps_until.get().is_some() || turn.until.get().is_some()
            }
            _ => self.until.is_some(),
        }
    }
}

impl Kernel {
    /// Tasks stand where their loop would call them, in the place of the thread that runs it: the default is the order of
    /// any event loop.
    pub(super) fn line_up(&self, able: &mut [Candidate]) {
        if self.threads.iter().all(|thread| thread.host.is_none()) {
            return;
        }
        able.sort_by_key(|candidate| {
            let number = usize::from(candidate.thread.0);
            let thread = &self.threads[number];
            let place = match &thread.state {
                State::Waits(Waiting { wants: Wants::Turn(turn), .. }) => turn.place.get().unwrap_or(u32::MAX),
                State::Runs | State::Waits(_) | State::Ended | State::Lost => 0,
            };
            (thread.host.unwrap_or(number), place, number)
        });
    }
}

/// Makes a task known; `None` where there are too many, or nothing is run.
pub fn enlist(py: Python<'_>, name: String, direct: bool, turn: &Rc<Turn>) -> Option<usize> {
    with(py, |kernel| {
        if kernel.phase != Phase::Running || kernel.threads.len() >= usize::from(kernel.limits.threads_max) {
            return None;
        }
        let (host, thread) = (kernel.body(), kernel.threads.len());
        kernel.threads.push(Managed {
            name,
            origin: if direct { Origin::Program { direct } } else { Origin::Ours },
            carrier: Arc::clone(&kernel.threads[host].carrier),
            host: Some(host),
            state: State::Waits(waits(turn)),
            timed_out: false,
            notified: false,
            held: Vec::new(),
            sentinel: None,
            object: None,
            aborts: 0,
        });
        kernel.started(thread);
        Some(thread)
    })
}

/// The running thread runs the loop of `tasks`.
pub fn host(py: Python<'_>, tasks: impl Iterator<Item = usize>) -> usize {
    with(py, |kernel| {
        let host = kernel.body();
        for task in tasks {
            kernel.threads[task].host = Some(host);
            kernel.threads[task].carrier = Arc::clone(&kernel.threads[host].carrier);
        }
        host
    })
}

fn waits(turn: &Rc<Turn>) -> Waiting {
    Waiting { wants: Wants::Turn(Rc::clone(turn)), until: None, call: Call { name: "await", object: None } }
}

/// How a loop asks for the next turn.
#[derive(Debug)]
pub struct Asks<'a> {
    pub host: &'a Rc<Turn>,
    /// The step was more than a look.
    pub progress: bool,
    /// Without anybody to go on there is nothing to wait for either; otherwise that is a deadlock.
    pub may_be_alone: bool,
}

/// A step is over, or the loop has nothing to do: whose turn is it? Others may run meanwhile. Always a task of the loop or
/// its host, or `None` where the loop is alone.
pub fn next(py: Python<'_>, asks: &Asks<'_>) -> PyResult<Option<usize>> {
    let (me, host) = with(py, |kernel| {
        kernel.close_stretch();
        // A step of its own, so that this choice has a key of its own.
        tracer::bump(asks.progress);
        let (me, host) = (kernel.current, kernel.body());
        if matches!(kernel.threads[host].state, State::Runs) {
            kernel.threads[host].state = State::Waits(waits(asks.host));
        }
        (me, host)
    });
    asks.host.open.set(true);
    let chosen = choose(py, me, asks.may_be_alone);
    asks.host.open.set(false);
    let chosen = chosen?;
    if with(py, |kernel| kernel.phase) != Phase::Running {
        return Err(waiting::abort(py));
    }
    if chosen.is_none() {
        with(py, |kernel| kernel.wake(host));
    }
    Ok(chosen)
}

fn choose(py: Python<'_>, me: usize, may_be_alone: bool) -> PyResult<Option<usize>> {
    let next = match with(py, Kernel::pick) {
        Next::Thread(next) => next,
        Next::Outside => match waiting::after_the_kernel(py) {
            Some(next) => next,
            None if may_be_alone => return Ok(None),
            None => return Err(nobody(py)),
        },
        Next::Nobody if may_be_alone => return Ok(None),
        Next::Nobody => return Err(nobody(py)),
    };
    let elsewhere = with(py, |kernel| !Arc::ptr_eq(&kernel.threads[next].carrier, &kernel.threads[me].carrier));
    if elsewhere {
        carrier::hand_over(py, me, next);
    }
    Ok(Some(with(py, |kernel| kernel.current)))
}

fn nobody(py: Python<'_>) -> PyErr {
    report::deadlock(py);
    waiting::abort(py)
}

/// A loop lets its thread go on with what is below it, outside of any task.
pub fn leave(py: Python<'_>) {
    with(py, |kernel| {
        let host = kernel.body();
        if kernel.phase == Phase::Running
            && (kernel.current != host || matches!(kernel.threads[host].state, State::Waits(_)))
        {
            kernel.close_stretch();
            kernel.wake(host);
        }
        if kernel.current != host {
            kernel.current = host;
            tracer::run(numbered(host));
        }
    });
}

/// A step of `task` is over; was it the last?
pub fn stepped(py: Python<'_>, task: usize, turn: &Rc<Turn>, last: bool) {
    with(py, |kernel| kernel.threads[task].state = if last { State::Ended } else { State::Waits(waits(turn)) });
}

/// Tasks that nobody waits for any more.
pub fn unjoined(py: Python<'_>, tasks: &[usize]) {
    let threads = tasks.iter().copied().map(numbered).collect();
    with(py, |kernel| kernel.tell(Fact::Unjoined { threads }));
}
