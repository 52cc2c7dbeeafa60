//! `_queue.SimpleQueue`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use schedules::words::Act;

use crate::held::Held;
use crate::kernel::waiting::{self, Woken};
use crate::kernel::{Call, Object, Phase, Wants, with};
use crate::{frames, record};

#[pyclass(module = "_queue", name = "SimpleQueue", frozen, subclass, weakref)]
#[derive(Debug)]
pub struct SimpleQueue {
    items: Held<RefCell<VecDeque<Py<PyAny>>>>,
    /// How many they are; the kernel looks at it.
    length: Held<Rc<Cell<usize>>>,
    /// Made by the program's own code.
    own: bool,
}

impl SimpleQueue {
    fn call(&self, name: &'static str) -> Call {
        let address = Rc::as_ptr(&self.length) as usize;
        Call { name, object: Some(Object { kind: "SimpleQueue", address, own: self.own }) }
    }

    fn add(&self, py: Python<'_>, item: Py<PyAny>) -> PyResult<()> {
        if with(py, |kernel| kernel.phase) == Phase::Running {
            waiting::point(py, true)?;
            record::log(py, Act::Releases, Some(self.call("SimpleQueue.put")), None);
            with(py, |kernel| kernel.enables());
        }
        self.items.borrow_mut().push_back(item);
        self.length.set(self.length.get() + 1);
        Ok(())
    }

    fn take(&self, py: Python<'_>, block: bool, until: Option<u64>) -> PyResult<Py<PyAny>> {
        let call = self.call("SimpleQueue.get");
        waiting::point(py, true)?;
        if self.length.get() == 0 {
            let wants = Wants::Item(Rc::clone(&self.length));
            if !block || waiting::block(py, wants, until, call)? == Woken::TimedOut {
                return Err(empty(py));
            }
        }
        let Some(item) = self.items.borrow_mut().pop_front() else { return Err(empty(py)) };
        self.length.set(self.length.get() - 1);
        record::log(py, Act::Takes, Some(call), None);
        Ok(item)
    }

    fn look(&self, py: Python<'_>) -> PyResult<usize> {
        if frames::called_directly(py) {
            waiting::point(py, false)?;
        }
        Ok(self.length.get())
    }
}

fn empty(py: Python<'_>) -> PyErr {
    match py.import("_queue").and_then(|queue| queue.getattr("Empty")).and_then(|empty| empty.call0()) {
        Ok(empty) => PyErr::from_value(empty),
        Err(error) => error,
    }
}

#[pymethods]
impl SimpleQueue {
    #[new]
    fn new(py: Python<'_>) -> SimpleQueue {
        SimpleQueue { items: Held::default(), length: Held::default(), own: !frames::maker(py).is_library }
    }

    #[pyo3(signature = (item, block=None, timeout=None))]
    fn put(
        &self,
        py: Python<'_>,
        item: Py<PyAny>,
        block: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (block, timeout);
        self.add(py, item)
    }

    fn put_nowait(&self, py: Python<'_>, item: Py<PyAny>) -> PyResult<()> {
        self.add(py, item)
    }

    #[pyo3(signature = (block=true, timeout=None))]
    fn get(&self, py: Python<'_>, block: bool, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        if block && timeout.is_some_and(|seconds| seconds < 0.0) {
            return Err(PyValueError::new_err("'timeout' must be a non-negative number"));
        }
        let until = timeout.filter(|_| block).map(|seconds| super::until(py, seconds)).transpose()?;
        self.take(py, block, until)
    }

    fn get_nowait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.take(py, false, None)
    }

    fn empty(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.look(py)? == 0)
    }

    fn qsize(&self, py: Python<'_>) -> PyResult<usize> {
        self.look(py)
    }

    #[classmethod]
    fn __class_getitem__<'py>(class: &Bound<'py, PyType>, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        class.py().import("types")?.getattr("GenericAlias")?.call1((class, item))
    }

    fn __traverse__(&self, visit: pyo3::gc::PyVisit<'_>) -> Result<(), pyo3::gc::PyTraverseError> {
        self.items.borrow().iter().try_for_each(|item| visit.call(item))
    }

    fn __clear__(&self) {
        let items = self.items.take();
        self.length.set(0);
        drop(items);
    }
}
