//! `_thread`'s functions about threads.
//!
//! A `threading.Thread` is called started as soon as it has been asked for: CPython's `start` waits until the new thread
//! has said so itself, which would force a switch at every start. Only its own table of threads it enters when it runs.

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use schedules::words::Act;

use super::condition::Condition;
use super::core::{Core, Kind};
use super::lock::Lock;
use crate::held::Held;
use crate::kernel::{self, Origin, Phase, State, carrier, waiting, with};
use crate::{frames, record, report};

/// Identifiers are this and a thread's number.
const IDENT: u64 = 1000;

pub fn ident(thread: usize) -> u64 {
    IDENT + thread as u64
}

#[pyfunction]
pub fn get_ident(py: Python<'_>) -> u64 {
    with(py, |kernel| if kernel.phase == Phase::Idle { IDENT } else { ident(kernel.body()) })
}

#[pyfunction]
pub fn get_native_id(py: Python<'_>) -> u64 {
    get_ident(py)
}

/// How many threads were started and have not ended.
#[pyfunction]
pub fn _count(py: Python<'_>) -> usize {
    with(py, |kernel| {
        let alive = |state: &State| matches!(state, State::Runs | State::Waits(_));
        kernel.threads.iter().skip(1).filter(|thread| thread.host.is_none() && alive(&thread.state)).count()
    })
}

#[pyfunction]
#[pyo3(signature = (function, args, kwargs=None))]
pub fn start_new_thread(
    py: Python<'_>,
    function: Bound<'_, PyAny>,
    args: Bound<'_, PyAny>,
    kwargs: Option<Bound<'_, PyAny>>,
) -> PyResult<u64> {
    if !function.is_callable() {
        return Err(PyTypeError::new_err("first arg must be callable"));
    }
    let args = args.cast_into::<PyTuple>().map_err(|_| PyTypeError::new_err("2nd arg must be a tuple"))?;
    let kwargs = kwargs.map(|kwargs| kwargs.cast_into::<PyDict>()).transpose();
    let kwargs = kwargs.map_err(|_| PyTypeError::new_err("optional 3rd arg must be a dictionary"))?;
    let object = managed_object(&function)?;
    let name = match &object {
        Some(object) => object.getattr("_name")?.extract()?,
        None => format!("thread-{}", with(py, |kernel| kernel.threads.len())),
    };
    let origin = Origin::Program { direct: frames::started_directly(py, object.is_some()) };
    let (function, args, kwargs) = (function.unbind(), args.unbind(), kwargs.map(Bound::unbind));
    let body = move |py: Python<'_>| {
        let kwargs = kwargs.map(|kwargs| kwargs.into_bound(py));
        function.bind(py).call(args.bind(py), kwargs.as_ref()).map(drop)
    };
    let thread = start(py, name, origin, Box::new(body))?;
    if let Some(object) = object {
        adopt(&object, thread)?;
    }
    Ok(ident(thread))
}

/// Starts a managed thread, if another one is allowed.
pub fn start(py: Python<'_>, name: String, origin: Origin, body: carrier::Body) -> PyResult<usize> {
    let (phase, full) = with(py, |kernel| (kernel.phase, kernel.threads.len() >= kernel.threads_max()));
    match phase {
        Phase::Unwinding => return Err(waiting::abort(py)),
        Phase::Idle => return Err(PyRuntimeError::new_err("can't start new thread: no schedule is being run")),
        Phase::Running if full => return Err(PyRuntimeError::new_err("can't start new thread")),
        Phase::Running => {}
    }
    let thread = carrier::start(py, name, origin, body);
    record::started(py, thread);
    Ok(thread)
}

/// The `threading.Thread` whose beginning `function` is.
fn managed_object<'py>(function: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(object) = function.getattr_opt("__self__")? else { return Ok(None) };
    let is_thread = crate::patch::is_thread(&object)?;
    let begins = function.getattr("__name__")?.extract::<String>().is_ok_and(|name| name == "_bootstrap");
    Ok((is_thread && begins).then_some(object))
}

/// Says of a `threading.Thread` what its thread would say of itself.
fn adopt(object: &Bound<'_, PyAny>, thread: usize) -> PyResult<()> {
    let py = object.py();
    let sentinel = with(py, |kernel| {
        kernel.threads[thread].object = Some(object.clone().unbind());
        kernel.threads[thread].sentinel.clone()
    });
    let fields = object.getattr("__dict__")?.cast_into::<PyDict>()?;
    if let Some(sentinel) = sentinel {
        fields.set_item("_tstate_lock", Lock { core: Held::new(sentinel) })?;
    }
    fields.set_item("_ident", ident(thread))?;
    fields.set_item("_native_id", ident(thread))?;
    let started = object.getattr("_started")?;
    if let Ok(condition) = started.getattr("_cond")?.cast::<Condition>() {
        condition.get().silence();
    }
    started.getattr("__dict__")?.set_item("_flag", true)
}

/// What a new thread makes for itself: here it has one already.
#[pyfunction]
pub fn _set_sentinel(py: Python<'_>) -> Lock {
    let own = with(py, |kernel| match kernel.phase {
        Phase::Idle => None,
        Phase::Running | Phase::Unwinding => kernel.me().sentinel.clone(),
    });
    Lock { core: Held::new(own.unwrap_or_else(|| Core::new(py, Kind::Lock))) }
}

/// Of a thread that `threading` did not start: its name, and whether it is a daemon.
#[pyfunction]
pub fn _adopted(py: Python<'_>) -> (String, bool) {
    with(py, |kernel| match kernel.phase {
        Phase::Idle => ("outside".to_owned(), true),
        Phase::Running | Phase::Unwinding => {
            let me = kernel.me();
            (me.name.clone(), matches!(me.origin, Origin::Program { .. }))
        }
    })
}

/// For hashes: the order in which they were asked for.
#[pyfunction]
pub fn _number(py: Python<'_>) -> u64 {
    with(py, kernel::Kernel::number)
}

/// A program looks at an event's flag.
#[pyfunction]
pub fn _look(py: Python<'_>, condition: &Bound<'_, PyAny>) -> PyResult<()> {
    let silent = condition.cast::<Condition>().is_ok_and(|condition| condition.get().is_silent());
    if !silent && frames::library_called_directly(py) {
        waiting::point(py, false)?;
        record::log(py, Act::Looks, None, None);
    }
    Ok(())
}

/// `threading.excepthook`, unless the program has another.
#[pyfunction]
pub fn _excepthook(py: Python<'_>, args: &Bound<'_, PyAny>) -> PyResult<()> {
    let class = args.getattr("exc_type")?;
    let over = with(py, |kernel| kernel.phase) != Phase::Running;
    if over || class.is(py.get_type::<pyo3::exceptions::PySystemExit>()) || class.is(py.get_type::<crate::Abort>()) {
        return Ok(());
    }
    let value = args.getattr("exc_value")?;
    if !value.is_none() {
        report::died(py, &PyErr::from_value(value));
    }
    Ok(())
}

/// Waits until `threads` have ended.
pub fn join(py: Python<'_>, threads: Vec<usize>, name: &'static str) -> PyResult<()> {
    let call = crate::kernel::Call { name, object: None };
    let wants = crate::kernel::Wants::Ends(threads);
    waiting::block(py, wants, None, call).map(drop)
}
