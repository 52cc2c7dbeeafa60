//! `_thread.lock` and `_thread.RLock`.

use std::rc::Rc;

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

use super::core::{Core, Kind};
use super::thread;
use crate::held::Held;

#[pyclass(module = "_thread", name = "lock", frozen, weakref)]
#[derive(Debug)]
pub struct Lock {
    pub core: Held<Rc<Core>>,
}

#[pymethods]
impl Lock {
    #[pyo3(signature = (blocking=None, timeout=None))]
    fn acquire(
        &self,
        py: Python<'_>,
        blocking: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        self.core.acquire(py, blocking, timeout)
    }

    #[pyo3(signature = (blocking=None, timeout=None))]
    fn acquire_lock(
        &self,
        py: Python<'_>,
        blocking: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        self.core.acquire(py, blocking, timeout)
    }

    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.core.release(py)
    }

    fn release_lock(&self, py: Python<'_>) -> PyResult<()> {
        self.core.release(py)
    }

    fn locked(&self, py: Python<'_>) -> PyResult<bool> {
        self.core.locked(py)
    }

    fn locked_lock(&self, py: Python<'_>) -> PyResult<bool> {
        self.core.locked(py)
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
        self.core.acquire_plainly(py)
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyAny>) -> PyResult<()> {
        self.core.release(py)
    }

    fn _at_fork_reinit(&self) {
        self.core.open();
    }

    fn __hash__(&self) -> u64 {
        self.core.number
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        described(&slf.get().core, "_thread.lock", slf.as_ptr() as usize)
    }
}

#[pyclass(module = "_thread", name = "RLock", frozen, subclass, weakref)]
#[derive(Debug)]
pub struct RLock {
    pub core: Held<Rc<Core>>,
}

#[pymethods]
impl RLock {
    #[new]
    #[pyo3(signature = (*_arguments, **_named))]
    fn new(py: Python<'_>, _arguments: &Bound<'_, PyAny>, _named: Option<&Bound<'_, PyAny>>) -> RLock {
        RLock { core: Held::new(Core::new(py, Kind::Reentrant)) }
    }

    #[pyo3(signature = (blocking=None, timeout=None))]
    fn acquire(
        &self,
        py: Python<'_>,
        blocking: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        self.core.acquire(py, blocking, timeout)
    }

    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.core.release(py)
    }

    fn __enter__(&self, py: Python<'_>) -> PyResult<bool> {
        self.core.acquire_plainly(py)
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, py: Python<'_>, _error: &Bound<'_, PyAny>) -> PyResult<()> {
        self.core.release(py)
    }

    fn _is_owned(&self, py: Python<'_>) -> bool {
        self.core.is_mine(py)
    }

    fn _release_save(&self, py: Python<'_>) -> PyResult<(u32, u64)> {
        if self.core.is_free() {
            return Err(PyRuntimeError::new_err("cannot release un-acquired lock"));
        }
        Ok((self.core.give_back(py), thread::get_ident(py)))
    }

    fn _acquire_restore(&self, py: Python<'_>, state: &Bound<'_, PyAny>) -> PyResult<()> {
        let (count, _): (u32, u64) = state.extract().map_err(|_| PyTypeError::new_err("a state of this lock"))?;
        self.core.acquire_plainly(py)?;
        self.core.count.set(count);
        Ok(())
    }

    fn _at_fork_reinit(&self) {
        self.core.open();
    }

    fn __hash__(&self) -> u64 {
        self.core.number
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        described(&slf.get().core, "_thread.RLock", slf.as_ptr() as usize)
    }
}

#[pyfunction]
pub fn allocate_lock(py: Python<'_>) -> Lock {
    Lock { core: Held::new(Core::new(py, Kind::Lock)) }
}

fn described(core: &Core, kind: &str, address: usize) -> String {
    let state = if core.is_free() { "unlocked" } else { "locked" };
    match core.kind {
        Kind::Lock | Kind::Sentinel => format!("<{state} {kind} object at {address:#x}>"),
        Kind::Reentrant => {
            let owner = core.owner().map_or(0, thread::ident);
            format!("<{state} {kind} object owner={owner} count={} at {address:#x}>", core.count.get())
        }
    }
}
