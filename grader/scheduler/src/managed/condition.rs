//! `threading.Condition`.
//!
//! To wait is one operation: to let the lock go, to be notified, to have the lock again. What notifications come to is in
//! [`super::notices`].

use std::cell::RefCell;
use std::rc::Rc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use schedules::words::Act;

use super::core::{Core, Kind};
use super::lock::{Lock, RLock};
use super::notices::Notices;
use crate::held::Held;
use crate::kernel::waiting::{self, Woken};
use crate::kernel::{self, Call, Object, Phase, Wants, with};
use crate::{frames, record, tracer};

/// The lock of a condition.
#[derive(Debug)]
struct Guard {
    lock: Py<PyAny>,
    /// Its state, if it is one of ours.
    core: Option<Rc<Core>>,
    /// Made by the condition itself.
    made: bool,
}

impl Guard {
    fn of(lock: Bound<'_, PyAny>, made: bool) -> Guard {
        let core = if let Ok(lock) = lock.cast_exact::<Lock>() {
            Some(Rc::clone(&lock.get().core))
        } else if let Ok(lock) = lock.cast_exact::<RLock>() {
            Some(Rc::clone(&lock.get().core))
        } else {
            None
        };
        Guard { lock: lock.unbind(), core, made }
    }

    fn new(py: Python<'_>) -> PyResult<Guard> {
        Ok(Guard::of(Bound::new(py, RLock { core: Held::new(Core::new(py, Kind::Reentrant)) })?.into_any(), true))
    }
}

#[pyclass(module = "threading", name = "Condition", frozen, subclass, dict, weakref)]
#[derive(Debug)]
pub struct Condition {
    /// A subclass may give another one to `__init__` than what it was made with.
    guard: Held<RefCell<Guard>>,
    notices: Held<Rc<Notices>>,
    /// Its hash.
    number: u64,
    /// Made by the program's own code.
    own: bool,
}

impl Condition {
    fn lock<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.guard.borrow().lock.bind(py).clone()
    }

    fn core(&self) -> Option<Rc<Core>> {
        self.guard.borrow().core.clone()
    }

    /// A lock that the condition made itself is known by the condition.
    fn claim(&self) {
        let guard = self.guard.borrow();
        if let (true, Some(core)) = (guard.made, guard.core.as_ref()) {
            core.belongs_to(self.object());
        }
    }

    fn object(&self) -> Object {
        Object { kind: "Condition", address: Rc::as_ptr(&self.notices) as usize, own: self.own }
    }

    fn call(&self, name: &'static str) -> Call {
        Call { name, object: Some(self.object()) }
    }

    /// A part of the library's own tables.
    pub fn silence(&self) {
        if let Some(core) = self.core().as_ref() {
            core.silence();
        }
    }

    pub fn is_silent(&self) -> bool {
        self.core().as_ref().is_some_and(|core| core.is_silent())
    }

    fn owned(&self, py: Python<'_>) -> PyResult<bool> {
        let lock = &self.lock(py);
        match self.core().as_ref() {
            Some(core) => Ok(core.is_mine(py) || (!core.is_free() && lock.is_instance_of::<Lock>())),
            None if lock.hasattr("_is_owned")? => lock.call_method0("_is_owned")?.is_truthy(),
            None => {
                let taken = lock.call_method1("acquire", (false,))?.is_truthy()?;
                if taken {
                    lock.call_method0("release")?;
                }
                Ok(!taken)
            }
        }
    }

    /// Lets the lock go and says what is needed to have it back.
    fn let_go<'py>(&self, py: Python<'py>) -> PyResult<Saved<'py>> {
        let lock = &self.lock(py);
        match self.core().as_ref() {
            Some(core) => Ok(Saved::Count(core.give_back(py))),
            None if lock.hasattr("_release_save")? => Ok(Saved::State(lock.call_method0("_release_save")?)),
            None => lock.call_method0("release").map(Saved::State),
        }
    }

    fn have_again(&self, py: Python<'_>, saved: Saved<'_>, woken: Woken) -> PyResult<()> {
        let lock = &self.lock(py);
        match (self.core().as_ref(), saved) {
            (Some(core), Saved::Count(count)) => {
                if woken == Woken::TimedOut && !core.is_free() {
                    waiting::block(py, Wants::Lock(Rc::clone(core)), None, self.call("Condition.wait"))?;
                }
                core.have_again(py, count, self.own);
                Ok(())
            }
            (_, Saved::State(state)) if lock.hasattr("_acquire_restore")? => {
                lock.call_method1("_acquire_restore", (state,)).map(drop)
            }
            (_, _) => lock.call_method0("acquire").map(drop),
        }
    }

    fn wait_until(&self, py: Python<'_>, until: Option<u64>) -> PyResult<bool> {
        if !self.owned(py)? {
            return Err(PyRuntimeError::new_err("cannot wait on un-acquired lock"));
        }
        if with(py, |kernel| kernel.phase) != Phase::Running {
            return Err(waiting::abort_or_refuse(py));
        }
        let me = with(py, |kernel| {
            self.notices.refresh(kernel.epoch);
            kernel.me().notified = false;
            kernel.current
        });
        self.notices.waiters.borrow_mut().push_back(me);
        let visit = self.core().as_ref().map(|core| {
            self.notices.waits(me, core);
            core.visit.get()
        });
        let saved = self.let_go(py)?;
        let wants = Wants::Notification { notices: Rc::clone(&self.notices), lock: self.core() };
        let woken = waiting::block(py, wants, until, self.call("Condition.wait"));
        self.notices.forget(me);
        let woken = woken?;
        // Notified and out of time at once: the notification counts.
        let notified = woken == Woken::Satisfied || with(py, |kernel| kernel.me().notified);
        self.have_again(py, saved, woken)?;
        if let (Some(core), Some(visit)) = (self.core().as_ref(), visit) {
            core.visit.set(visit);
        }
        if notified {
            self.notices.has_notified(me);
        }
        Ok(notified)
    }

    fn notify_some(&self, py: Python<'_>, most: usize) -> PyResult<()> {
        let phase = with(py, |kernel| kernel.phase);
        if phase == Phase::Unwinding {
            return Ok(());
        }
        if !self.owned(py)? {
            return Err(PyRuntimeError::new_err("cannot notify on un-acquired lock"));
        }
        if phase == Phase::Idle {
            return Ok(());
        }
        tracer::progress();
        let (woken, waiting) = with(py, |kernel| {
            self.notices.refresh(kernel.epoch);
            self.notices.given.set(true);
            let mut waiters = self.notices.waiters.borrow_mut();
            let waiting = waiters.len();
            let woken = most.min(waiting);
            if woken > 0 {
                kernel.enables();
            }
            for waiter in waiters.drain(..woken) {
                kernel.threads[waiter].notified = true;
            }
            (woken, waiting)
        });
        if waiting == 0 && frames::called_directly(py) {
            self.notices.missed.replace(frames::place(py));
        }
        if !self.is_silent() {
            let told = format!("{woken} of {waiting} waiting");
            record::log(py, Act::Notifies, Some(self.call("Condition.notify")), Some(&told));
        }
        Ok(())
    }
}

/// What a condition's lock needs to be taken again.
enum Saved<'py> {
    Count(u32),
    State(Bound<'py, PyAny>),
}

#[pymethods]
impl Condition {
    #[new]
    #[pyo3(signature = (*arguments, **_named))]
    fn new(py: Python<'_>, arguments: &Bound<'_, PyTuple>, _named: Option<&Bound<'_, PyDict>>) -> PyResult<Condition> {
        // A subclass has arguments of its own: only what is a lock is meant for us.
        let given = arguments
            .get_item(0)
            .ok()
            .filter(|lock| lock.is_exact_instance_of::<Lock>() || lock.is_exact_instance_of::<RLock>());
        let guard = given.map_or_else(|| Guard::new(py), |lock| Ok(Guard::of(lock, false)))?;
        let notices = Held::new(Rc::default());
        let number = with(py, kernel::Kernel::number);
        let own = !frames::maker(py).is_library;
        let condition = Condition { guard: Held::new(RefCell::new(guard)), notices, number, own };
        condition.claim();
        Ok(condition)
    }

    #[pyo3(signature = (lock=None))]
    fn __init__(&self, py: Python<'_>, lock: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let guard = match lock {
            Some(lock) if lock.is(&self.guard.borrow().lock) => return Ok(()),
            Some(lock) => {
                lock.getattr("acquire")?;
                Guard::of(lock, false)
            }
            None if self.guard.borrow().made => return Ok(()),
            None => Guard::new(py)?,
        };
        self.guard.replace(guard);
        self.claim();
        Ok(())
    }

    #[getter]
    fn _lock(&self, py: Python<'_>) -> Py<PyAny> {
        self.lock(py).unbind()
    }

    #[getter]
    fn _waiters(&self) -> Vec<u64> {
        self.notices.waiters.borrow().iter().map(|waiter| super::thread::ident(*waiter)).collect()
    }

    #[pyo3(signature = (*arguments, **named))]
    fn acquire<'py>(
        slf: &Bound<'py, Self>,
        arguments: &Bound<'py, PyTuple>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let lock = slf.get().lock(slf.py());
        lock.call_method("acquire", arguments, named)
    }

    fn release(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (lock, core) = slf.get().parts(slf.py());
        match core {
            Some(core) => core.release(slf.py()),
            None => lock.bind(slf.py()).call_method0("release").map(drop),
        }
    }

    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let (lock, core) = slf.get().parts(py);
        match core {
            Some(core) => {
                let taken = core.enter(py, "Condition.acquire")?;
                Ok(pyo3::types::PyBool::new(py, taken).to_owned().into_any())
            }
            None => lock.bind(py).call_method0("__enter__"),
        }
    }

    #[pyo3(signature = (*error))]
    fn __exit__<'py>(slf: &Bound<'py, Self>, error: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let (lock, core) = slf.get().parts(py);
        match core {
            Some(core) => core.release(py).map(|()| py.None().into_bound(py)),
            None => lock.bind(py).call_method1("__exit__", error),
        }
    }

    fn __hash__(&self) -> u64 {
        self.number
    }

    fn _is_owned(slf: &Bound<'_, Self>) -> PyResult<bool> {
        slf.get().owned(slf.py())
    }

    fn _at_fork_reinit(&self) {
        if let Some(core) = self.core().as_ref() {
            core.open();
        }
        self.notices.waiters.borrow_mut().clear();
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<bool> {
        let py = slf.py();
        let until = timeout.map(|seconds| super::until(py, seconds)).transpose()?;
        slf.get().wait_until(py, until)
    }

    #[pyo3(signature = (predicate, timeout=None))]
    fn wait_for<'py>(
        slf: &Bound<'py, Self>,
        predicate: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let until = timeout.map(|seconds| super::until(py, seconds)).transpose()?;
        loop {
            let result = predicate.call0()?;
            if result.is_truthy()? || until.is_some_and(|until| until <= with(py, |kernel| kernel.now)) {
                return Ok(result);
            }
            slf.get().wait_until(py, until)?;
        }
    }

    #[pyo3(signature = (n=1))]
    fn notify(slf: &Bound<'_, Self>, n: i64) -> PyResult<()> {
        slf.get().notify_some(slf.py(), usize::try_from(n).unwrap_or(0))
    }

    fn notify_all(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().notify_some(slf.py(), usize::MAX)
    }

    #[pyo3(name = "notifyAll")]
    fn notify_all_of_old(slf: &Bound<'_, Self>) -> PyResult<()> {
        Condition::notify_all(slf)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let lock = slf.get().lock(slf.py());
        let waiting = slf.get().notices.waiters.borrow().len();
        Ok(format!("<Condition({}, {waiting})>", lock.repr()?))
    }

    fn __traverse__(&self, visit: pyo3::gc::PyVisit<'_>) -> Result<(), pyo3::gc::PyTraverseError> {
        match self.guard.try_borrow() {
            Ok(guard) => visit.call(&guard.lock),
            Err(_) => Ok(()),
        }
    }
}

impl Condition {
    fn parts(&self, py: Python<'_>) -> (Py<PyAny>, Option<Rc<Core>>) {
        (self.lock(py).unbind(), self.core())
    }
}
