//! What primitives call: points, waits, and the end of everything.
//!
//! Each may hand over to other threads before it returns, and each raises [`Abort`] once the run is over, so nobody keeps
//! anything borrowed across it.

use std::time::{Duration, Instant};

use pyo3::prelude::*;
use schedules::words::{Act, Fact, Place};

use super::choice::Next;
use super::{Call, Kernel, Phase, State, Waiting, Wants, carrier, with};
use crate::tracer::{self, Access, Reason, Sink};
use crate::{Abort, record, report};

/// How often a thread may go on although it was told that the run is over.
const ABORTS_MAX: u32 = 200;
/// How often a loop that only looks is made to give way, until the run is called endless.
const SPINS_TOTAL_MAX: u32 = 400;
/// Points of a turn, in the second half of a run that is long.
const TURN: u32 = 200;
/// How often threads may look for descriptors in vain, while nothing else happens, until it is said that nothing will: a
/// server looks twice a second whether it is to end.
const VAIN_MAX: u32 = 1_000;
/// How long the kernel may take, in real time, to have something for a descriptor.
const GRACE: Duration = Duration::from_millis(50);
/// How long is waited before it is asked again.
const PAUSE: Duration = Duration::from_micros(500);

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// What was waited for is there.
    Satisfied,
    /// It has not come in time.
    TimedOut,
}

/// What a question to the kernel comes to.
enum Step {
    Stay,
    Switch { me: usize, next: usize },
    Over,
    Endless,
}

impl Step {
    fn to(me: usize, next: usize) -> Step {
        if next == me { Step::Stay } else { Step::Switch { me, next } }
    }

    fn take(self, py: Python<'_>) -> PyResult<()> {
        match self {
            Step::Stay => Ok(()),
            Step::Switch { me, next } => {
                carrier::hand_over(py, me, next);
                if with(py, |kernel| kernel.phase) == Phase::Unwinding { Err(abort(py)) } else { Ok(()) }
            }
            Step::Over => Err(abort(py)),
            Step::Endless => Err(endless(py, None)),
        }
    }
}

/// Told to a thread when the run is over. Does not return for one that will not hear it.
pub fn abort(py: Python<'_>) -> PyErr {
    let deaf = with(py, |kernel| {
        let me = kernel.me();
        me.aborts += 1;
        me.aborts > ABORTS_MAX
    });
    if deaf {
        carrier::lose(py);
    }
    Abort::new_err("the schedule is over")
}

/// A synchronisation operation is about to be carried out; `progress` where it is more than a look.
pub fn point(py: Python<'_>, progress: bool) -> PyResult<()> {
    let step = with(py, |kernel| match kernel.phase {
        Phase::Idle => Step::Stay,
        Phase::Unwinding => Step::Over,
        Phase::Running => {
            tracer::bump(progress);
            if tracer::has_too_many_points() {
                return goes_on_and_on(kernel);
            }
            if !kernel.is_due() {
                return Step::Stay;
            }
            let me = kernel.current;
            Step::to(me, kernel.consider())
        }
    });
    step.take(py)
}

/// The run is long. From its middle on the others have their turns, whatever the schedule says: a program that only goes on
/// because they have none is not to blame. At its end it is endless.
fn goes_on_and_on(kernel: &mut Kernel) -> Step {
    if tracer::total() >= kernel.limits.points_max {
        return Step::Endless;
    }
    tracer::limit_points((tracer::total() + TURN).min(kernel.limits.points_max));
    let me = kernel.current;
    Step::to(me, kernel.next_in_turn())
}

/// Lets others go first.
pub fn give_way(py: Python<'_>) -> PyResult<()> {
    let step = with(py, |kernel| match kernel.phase {
        Phase::Idle => Step::Stay,
        Phase::Unwinding => Step::Over,
        Phase::Running => {
            let me = kernel.current;
            Step::to(me, kernel.give_way(false))
        }
    });
    step.take(py)
}

/// The running thread waits.
pub fn block(py: Python<'_>, wants: Wants, until: Option<u64>, call: Call) -> PyResult<Woken> {
    if with(py, |kernel| kernel.phase) != Phase::Running {
        return Err(abort_or_refuse(py));
    }
    let sleeps = matches!(wants, Wants::Time);
    let told = record::awaited(py, &wants, until);
    let named = told.is_none().then_some(call);
    record::log(py, if sleeps { Act::Sleeps } else { Act::Waits }, named, told.as_deref());
    let (me, next) = with(py, |kernel| {
        kernel.close_stretch();
        tracer::bump(true);
        let me = kernel.current;
        kernel.me().state = State::Waits(Waiting { wants, until, call });
        if sleeps {
            kernel.gave_way(me);
        }
        (me, kernel.pick())
    });
    let next = match next {
        Next::Thread(next) => Some(next),
        Next::Outside => after_the_kernel(py),
        Next::Nobody => None,
    };
    let Some(next) = next else {
        report::deadlock(py);
        return Err(abort(py));
    };
    Step::to(me, next).take(py)?;
    let (timed_out, vain) = with(py, |kernel| (kernel.me().timed_out, kernel.vain));
    if vain >= VAIN_MAX && nobody_else_will_go_on(py) {
        report::deadlock(py);
        return Err(abort(py));
    }
    if !sleeps {
        record::log(py, if timed_out { Act::TimesOut } else { Act::Wakes }, named, told.as_deref());
    }
    Ok(if timed_out { Woken::TimedOut } else { Woken::Satisfied })
}

/// Whether all others wait without end, but for those who look for descriptors from time to time; and somebody does.
fn nobody_else_will_go_on(py: Python<'_>) -> bool {
    with(py, |kernel| {
        let mut endless = 0;
        for (thread, managed) in kernel.threads.iter().enumerate().filter(|(thread, _)| *thread != kernel.current) {
            match &managed.state {
                State::Runs => return false,
                State::Waits(Waiting { wants: Wants::Descriptors(_), until: Some(_), .. }) => {}
                State::Waits(waiting) if waiting.until.is_some() || kernel.satisfied(thread, waiting) => return false,
                State::Waits(_) => endless += 1,
                State::Ended | State::Lost => {}
            }
        }
        endless > 0
    })
}

/// Outside of a run nothing ever changes, so a wait would have no end.
pub fn abort_or_refuse(py: Python<'_>) -> PyErr {
    match with(py, |kernel| kernel.phase) {
        Phase::Idle => pyo3::exceptions::PyRuntimeError::new_err("this would wait for ever: no schedule is being run"),
        Phase::Running | Phase::Unwinding => abort(py),
    }
}

/// Nobody can go on, but somebody waits for a descriptor: the kernel, or a process elsewhere, may need a moment of real
/// time. `None` where nothing came.
pub fn after_the_kernel(py: Python<'_>) -> Option<usize> {
    let end = Instant::now() + GRACE;
    while Instant::now() < end {
        if let Next::Thread(next) = with(py, Kernel::pick) {
            with(py, |kernel| kernel.told.uncontrolled = true);
            return Some(next);
        }
        py.detach(|| std::thread::sleep(PAUSE));
    }
    None
}

/// The run is over because of `fact`; everybody will be told.
pub fn fail(py: Python<'_>, fact: Fact) {
    with(py, |kernel| {
        kernel.tell(fact);
        kernel.phase = Phase::Unwinding;
    });
    tracer::arm(Some(1));
}

pub fn endless(py: Python<'_>, place: Option<Place>) -> PyErr {
    let place = place.or_else(|| crate::frames::place(py));
    let thread = with(py, |kernel| super::numbered(kernel.current));
    fail(py, Fact::Livelock { thread, place });
    report::starving(py);
    abort(py)
}

/// What the tracer calls.
#[derive(Debug)]
pub struct Points;

impl Sink for Points {
    fn reached(&self, py: Python<'_>, reason: Reason, place: Place) -> PyResult<()> {
        let phase = with(py, |kernel| kernel.phase);
        match (phase, reason) {
            (Phase::Idle, _) => Ok(()),
            (Phase::Unwinding, _) => Err(abort(py)),
            (Phase::Running, Reason::Due) => with(py, |kernel| {
                let me = kernel.current;
                Step::to(me, kernel.consider())
            })
            .take(py),
            (Phase::Running, Reason::Spin) => spins(py, place),
            (Phase::Running, Reason::PointsMax) => match with(py, goes_on_and_on) {
                Step::Endless => Err(endless(py, Some(place))),
                step => step.take(py),
            },
            (Phase::Running, Reason::InstructionsMax) => Err(endless(py, Some(place))),
        }
    }

    fn accessed(&self, py: Python<'_>, access: Access<'_>) {
        record::access(py, access);
    }
}

/// A loop only looks. That is a busy wait where others could have gone on, or time could have passed.
fn spins(py: Python<'_>, place: Place) -> PyResult<()> {
    let step = with(py, |kernel| {
        let me = kernel.current;
        let waits = |thread: &super::Managed| match &thread.state {
            State::Runs => true,
            State::Waits(waiting) => waiting.could_go_on(),
            State::Ended | State::Lost => false,
        };
        let others = kernel.threads.iter().enumerate().any(|(number, thread)| number != me && waits(thread));
        if others {
            *kernel.spins.entry((super::numbered(me), place.clone())).or_default() += 1;
        }
        kernel.spins_total += 1;
        if kernel.spins_total > SPINS_TOTAL_MAX {
            return Err(());
        }
        // A step of a task is never divided: it gives way where it ends.
        if kernel.threads[me].host.is_some() {
            kernel.polled = true;
        }
        Ok(Step::to(me, kernel.give_way(true)))
    });
    match step {
        Ok(step) => step.take(py),
        Err(()) => Err(endless(py, Some(place))),
    }
}
