//! A lock's state, whatever it is called.
//!
//! To acquire is a point, before it is known whether the lock is free; to release is none by itself, but lets the next
//! point ask who goes on. A *silent* lock is no point at all: the standard library guards its own tables with such, no
//! program is about them. An attempt that fails lets others go first, so that one who tries again and again gets it.

use std::cell::Cell;
use std::rc::Rc;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use schedules::words::Act;

use crate::kernel::waiting::{self, Woken};
use crate::kernel::{Call, Object, Phase, Wants, with};
use crate::{frames, record};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Nobody,
    Thread(usize),
    /// Taken while there was no run.
    Outside,
}

/// A lock's state.
#[derive(Debug)]
pub struct Core {
    owner: Cell<Owner>,
    /// How often its owner has taken it.
    pub count: Cell<u32>,
    /// How often anybody took it who had not only lent it to a condition, and which of these times it is that now lasts.
    pub visits: Cell<u64>,
    pub visit: Cell<u64>,
    /// The run that it was last used in.
    epoch: Cell<u32>,
    silent: Cell<bool>,
    /// Made by the standard library as a part of something else.
    pub internal: bool,
    pub kind: Kind,
    /// The condition that it was made for, which has its name.
    part_of: Cell<Option<Object>>,
    /// Its hash: an address would differ from run to run.
    pub number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Lock,
    Reentrant,
    /// Held by a thread until it has ended.
    Sentinel,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Lock => "Lock",
            Kind::Reentrant => "RLock",
            Kind::Sentinel => "Thread",
        }
    }

    fn acquire(self) -> &'static str {
        match self {
            Kind::Lock => "Lock.acquire",
            Kind::Reentrant => "RLock.acquire",
            Kind::Sentinel => "Thread.join",
        }
    }
}

impl Core {
    /// One that the code that runs now has asked for.
    pub fn new(py: Python<'_>, kind: Kind) -> Rc<Core> {
        let (epoch, phase) = with(py, |kernel| (kernel.epoch, kernel.phase));
        let maker = frames::maker(py);
        // What is made while no run is on outlives runs.
        let (epoch, silent) = if phase == Phase::Idle { (0, true) } else { (epoch, maker.is_import) };
        Rc::new(Core {
            owner: Cell::new(Owner::Nobody),
            count: Cell::new(0),
            visits: Cell::new(0),
            visit: Cell::new(0),
            epoch: Cell::new(epoch),
            silent: Cell::new(silent),
            internal: maker.is_library,
            kind,
            part_of: Cell::new(None),
            number: with(py, crate::kernel::Kernel::number),
        })
    }

    /// Held by `thread` until it ends.
    pub fn sentinel(epoch: u32, thread: usize) -> Rc<Core> {
        Rc::new(Core {
            owner: Cell::new(Owner::Thread(thread)),
            count: Cell::new(1),
            visits: Cell::new(0),
            visit: Cell::new(0),
            epoch: Cell::new(epoch),
            silent: Cell::new(false),
            internal: true,
            kind: Kind::Sentinel,
            part_of: Cell::new(None),
            number: thread as u64,
        })
    }

    pub fn is_free(&self) -> bool {
        self.owner.get() == Owner::Nobody
    }

    pub fn owner(&self) -> Option<usize> {
        match self.owner.get() {
            Owner::Thread(thread) => Some(thread),
            Owner::Nobody | Owner::Outside => None,
        }
    }

    pub fn is_silent(&self) -> bool {
        self.silent.get()
    }

    pub fn silence(&self) {
        self.silent.set(true);
    }

    pub fn object(self: &Rc<Core>) -> Object {
        let (kind, address) = (self.kind.name(), Rc::as_ptr(self) as usize);
        self.part_of.get().unwrap_or(Object { kind, address, own: !self.internal })
    }

    pub fn belongs_to(&self, condition: Object) {
        self.part_of.set(Some(condition));
    }

    /// Whoever has it, has it no more.
    pub fn open(&self) {
        self.owner.set(Owner::Nobody);
        self.count.set(0);
    }

    /// Forgets what an earlier run has left; what outlived that run belongs to the library.
    fn refresh(&self, epoch: u32) {
        if self.epoch.get() != epoch {
            self.open();
            self.epoch.set(epoch);
            self.silent.set(true);
        }
    }

    /// Whether the thread that runs has it.
    pub fn is_mine(&self, py: Python<'_>) -> bool {
        match self.owner.get() {
            Owner::Nobody => false,
            Owner::Outside => true,
            Owner::Thread(thread) => with(py, |kernel| kernel.body() == thread),
        }
    }

    /// The running thread takes it; it is free.
    fn grant(self: &Rc<Core>, py: Python<'_>, count: u32) {
        with(py, |kernel| {
            let owner = kernel.body();
            self.owner.set(Owner::Thread(owner));
            self.count.set(count);
            if !self.is_silent() && self.kind != Kind::Sentinel {
                kernel.threads[owner].held.push(Rc::clone(self));
            }
        });
    }

    fn tell_taken(&self, py: Python<'_>, call: Call) {
        if !self.is_silent() {
            record::log(py, if self.kind == Kind::Sentinel { Act::Joins } else { Act::Takes }, Some(call), None);
        }
    }

    /// Takes it again after a wait for which it was let go; `told` if the program's own code waited.
    pub fn have_again(self: &Rc<Core>, py: Python<'_>, count: u32, told: bool) {
        self.grant(py, count);
        if told {
            self.tell_taken(py, Call { name: self.kind.acquire(), object: Some(self.object()) });
        }
    }

    /// Takes it, or not: `until` is when to give up, and a `try_only` does not wait at all.
    fn take(self: &Rc<Core>, py: Python<'_>, try_only: bool, until: Option<u64>, call: Call) -> PyResult<bool> {
        let (phase, epoch, me) = with(py, |kernel| (kernel.phase, kernel.epoch, kernel.body()));
        match phase {
            Phase::Idle => {
                // Nobody could let it go meanwhile, so nobody waits.
                if try_only && self.owner.get() == Owner::Outside && self.kind == Kind::Lock {
                    return Ok(false);
                }
                self.owner.set(Owner::Outside);
                self.count.set(self.count.get() + 1);
                return Ok(true);
            }
            Phase::Unwinding => return Err(waiting::abort(py)),
            Phase::Running => self.refresh(epoch),
        }
        if self.owner.get() == Owner::Thread(me) && self.kind != Kind::Lock {
            self.count.set(self.count.get() + 1);
            return Ok(true);
        }
        if !self.is_silent() {
            // A program that takes a lock and lets it go has only looked; what the library does under its own is more.
            waiting::point(py, self.internal && self.kind != Kind::Sentinel)?;
        }
        if !self.is_free() {
            if try_only {
                if !self.is_silent() && self.kind != Kind::Sentinel {
                    record::log(py, Act::Looks, Some(call), Some("held by another"));
                    waiting::give_way(py)?;
                }
                return Ok(false);
            }
            if waiting::block(py, Wants::Lock(Rc::clone(self)), until, call)? == Woken::TimedOut {
                return Ok(false);
            }
        }
        self.grant(py, 1);
        self.visits.set(self.visits.get() + 1);
        self.visit.set(self.visits.get());
        self.tell_taken(py, call);
        Ok(true)
    }

    pub fn acquire(
        self: &Rc<Core>,
        py: Python<'_>,
        blocking: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let call = Call { name: self.kind.acquire(), object: Some(self.object()) };
        let blocking = blocking.map_or(Ok(true), |blocking| blocking.is_truthy())?;
        let seconds: f64 = timeout.map_or(Ok(-1.0), |timeout| timeout.extract())?;
        if seconds != -1.0 && !blocking {
            return Err(PyValueError::new_err("can't specify a timeout for a non-blocking call"));
        }
        if seconds < 0.0 && seconds != -1.0 {
            return Err(PyValueError::new_err("timeout value must be a non-negative number"));
        }
        let until = if seconds > 0.0 { Some(super::until(py, seconds)?) } else { None };
        self.take(py, !blocking || seconds == 0.0, until, call)
    }

    /// Takes it as part of `call`, however long that lasts.
    pub fn enter(self: &Rc<Core>, py: Python<'_>, name: &'static str) -> PyResult<bool> {
        self.take(py, false, None, Call { name, object: Some(self.object()) })
    }

    pub fn acquire_plainly(self: &Rc<Core>, py: Python<'_>) -> PyResult<bool> {
        self.enter(py, self.kind.acquire())
    }

    pub fn release(self: &Rc<Core>, py: Python<'_>) -> PyResult<()> {
        let phase = with(py, |kernel| kernel.phase);
        if phase == Phase::Unwinding {
            return Ok(());
        }
        match self.kind {
            Kind::Lock | Kind::Sentinel if self.is_free() => {
                return Err(PyRuntimeError::new_err("release unlocked lock"));
            }
            Kind::Reentrant if self.is_free() || !self.is_mine(py) => {
                return Err(PyRuntimeError::new_err("cannot release un-acquired lock"));
            }
            Kind::Lock | Kind::Sentinel | Kind::Reentrant => {}
        }
        if self.count.get() > 1 {
            self.count.set(self.count.get() - 1);
            return Ok(());
        }
        self.give_back(py);
        Ok(())
    }

    /// However often it was taken; returns how often that was.
    pub fn give_back(self: &Rc<Core>, py: Python<'_>) -> u32 {
        let loud = !self.is_silent() && self.kind != Kind::Sentinel;
        if loud {
            let call = Call { name: self.kind.acquire(), object: Some(self.object()) };
            record::log(py, Act::Releases, Some(call), None);
        }
        with(py, |kernel| {
            if kernel.phase == Phase::Running && loud {
                kernel.enables();
            }
            if let (Owner::Thread(owner), true) = (self.owner.get(), loud)
                && let Some(owner) = kernel.threads.get_mut(owner)
            {
                owner.held.retain(|held| !Rc::ptr_eq(held, self));
            }
        });
        let count = self.count.get();
        self.open();
        count
    }

    pub fn locked(&self, py: Python<'_>) -> PyResult<bool> {
        if !self.is_silent() && self.kind != Kind::Sentinel && frames::called_directly(py) {
            waiting::point(py, false)?;
        }
        let epoch = with(py, |kernel| kernel.epoch);
        Ok(!self.is_free() && (self.epoch.get() == epoch || self.owner.get() == Owner::Outside))
    }
}
