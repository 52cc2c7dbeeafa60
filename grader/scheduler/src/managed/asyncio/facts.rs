//! What asyncio would print for somebody who is not there to read it: as facts of the run.

use pyo3::exceptions::PyRuntimeWarning;
use pyo3::intern;
use pyo3::prelude::*;
use schedules::words::Fact;

use super::{Loop, Task, loops, task_of};
use crate::frames::{self, Side};
use crate::kernel::{Phase, numbered, turn, with};
use crate::report;

/// What is handed to a loop's exception handler.
#[pyfunction]
pub fn _told(py: Python<'_>, context: &Bound<'_, PyAny>) -> PyResult<()> {
    if with(py, |kernel| kernel.phase) != Phase::Running {
        return Ok(());
    }
    let part = |name: &str| context.get_item(name).ok().filter(|part| !part.is_none());
    let Some(exception) = part("exception") else { return Ok(()) };
    let task = part("task").or_else(|| part("future")).and_then(|object| task_of(py, &object));
    let error = PyErr::from_value(exception);
    tell(py, task.and_then(|task| task.thread), &error);
    Ok(())
}

fn tell(py: Python<'_>, task: Option<usize>, error: &PyErr) {
    let raised = report::raised(py, error, true);
    with(py, |kernel| {
        let thread = numbered(task.unwrap_or(kernel.current));
        kernel.tell(Fact::Exception { thread, raised });
    });
}

/// Exceptions that ended tasks and that nobody has asked for.
pub fn unretrieved(py: Python<'_>) {
    for looped in loops(py) {
        let handled = looped.object.bind(py).getattr(intern!(py, "_exception_handler")).is_ok_and(|own| !own.is_none());
        let tasks = looped.tasks.borrow().clone();
        for task in tasks.iter().filter(|task| task.over.get() && !handled) {
            let object = task.object.bind(py);
            let log = object.getattr(intern!(py, "_Future__log_traceback")).and_then(|log| log.is_truthy());
            if !log.unwrap_or(false) {
                continue;
            }
            // Said once.
            let _ = object.setattr(intern!(py, "_Future__log_traceback"), false);
            if let Ok(exception) = object.getattr(intern!(py, "_exception")) {
                tell(py, task.thread, &PyErr::from_value(exception));
            }
        }
    }
}

/// `asyncio.run` is about to cancel what is left of its tasks.
#[pyfunction]
pub fn _left(looped: &Bound<'_, PyAny>) {
    left(looped.py(), &Loop::of(looped));
}

fn left(py: Python<'_>, looped: &Loop) {
    let tasks = looped.tasks.borrow().clone();
    let pending = |task: &&std::rc::Rc<Task>| {
        let done = task.object.bind(py).call_method0(intern!(py, "done")).and_then(|done| done.is_truthy());
        task.direct && !task.over.get() && !done.unwrap_or(true)
    };
    let pending: Vec<usize> = tasks.iter().filter(pending).filter_map(|task| task.thread).collect();
    if !pending.is_empty() && with(py, |kernel| kernel.phase) == Phase::Running {
        turn::unjoined(py, &pending);
    }
}

/// The main thread has done its work.
pub fn leave(py: Python<'_>) {
    for looped in loops(py) {
        left(py, &looped);
    }
    unretrieved(py);
}

/// In the place of what warns of a coroutine that was never awaited.
#[pyclass(module = "warnings", name = "function", frozen)]
#[derive(Debug)]
pub struct Unawaited;

#[pymethods]
impl Unawaited {
    #[expect(clippy::unused_self, reason = "it is called like a function")]
    fn __call__(&self, py: Python<'_>, coroutine: &Bound<'_, PyAny>) -> PyResult<()> {
        if with(py, |kernel| kernel.phase) != Phase::Running {
            return Ok(());
        }
        let frame = coroutine.getattr("cr_frame")?;
        if frames::at_rest(&frame).is_none_or(|(side, _, _)| side != Side::Submission) {
            return Ok(());
        }
        let name: String = coroutine.getattr("__qualname__")?.extract()?;
        let error = PyRuntimeWarning::new_err(format!("coroutine '{name}' was never awaited"));
        let mut raised = report::raised(py, &error, false);
        raised.place = frames::place(py);
        with(py, |kernel| {
            let thread = numbered(kernel.current);
            kernel.tell(Fact::Exception { thread, raised });
        });
        Ok(())
    }
}
