//! `time`: it passes when nobody can run, and a little with every look at a clock.
//!
//! What makes dates of clocks is the interpreter's own, given our time where the program gives none. `datetime` is the
//! standard library's Python, which asks `time`; its twin in C asks the kernel and is hidden ([`crate::patch`]).

use std::cell::RefCell;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyTuple};

use crate::held::Held;
use crate::kernel::waiting;
use crate::kernel::{Call, LOOK, Phase, START, Wants, numbered, with};
use crate::{frames, tracer};

/// Virtual time since the epoch at the start of a run, in nanoseconds: some day in 2026.
const EPOCH: u64 = 1_790_000_000_000_000_000;

/// `CLOCK_REALTIME`, and those that count what a process or a thread has used.
const REAL: i32 = 0;
const OF_PROCESS: i32 = 2;
const OF_THREAD: i32 = 3;

/// The interpreter's own functions by name, of those that make dates.
static DATES: Held<RefCell<Option<Py<PyDict>>>> = Held::new(RefCell::new(None));

/// What is put into the module `time`, by name.
pub fn functions<'py>(time: &Bound<'py, PyModule>) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
    let names = time.dict().copy()?.unbind();
    let before = DATES.borrow_mut().replace(names);
    drop(before);
    Ok(vec![
        ("sleep", wrap_pyfunction!(sleep, time)?.into_any()),
        ("time", wrap_pyfunction!(self::time, time)?.into_any()),
        ("time_ns", wrap_pyfunction!(time_ns, time)?.into_any()),
        ("monotonic", wrap_pyfunction!(monotonic, time)?.into_any()),
        ("monotonic_ns", wrap_pyfunction!(monotonic_ns, time)?.into_any()),
        ("perf_counter", wrap_pyfunction!(perf_counter, time)?.into_any()),
        ("perf_counter_ns", wrap_pyfunction!(perf_counter_ns, time)?.into_any()),
        ("process_time", wrap_pyfunction!(process_time, time)?.into_any()),
        ("process_time_ns", wrap_pyfunction!(process_time_ns, time)?.into_any()),
        ("thread_time", wrap_pyfunction!(thread_time, time)?.into_any()),
        ("thread_time_ns", wrap_pyfunction!(thread_time_ns, time)?.into_any()),
        ("clock_gettime", wrap_pyfunction!(clock_gettime, time)?.into_any()),
        ("clock_gettime_ns", wrap_pyfunction!(clock_gettime_ns, time)?.into_any()),
        ("localtime", wrap_pyfunction!(localtime, time)?.into_any()),
        ("gmtime", wrap_pyfunction!(gmtime, time)?.into_any()),
        ("ctime", wrap_pyfunction!(ctime, time)?.into_any()),
        ("asctime", wrap_pyfunction!(asctime, time)?.into_any()),
        ("strftime", wrap_pyfunction!(strftime, time)?.into_any()),
    ])
}

fn dates<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let names = DATES.borrow().as_ref().map(|names| names.clone_ref(py));
    names.expect("put in place before").bind(py).as_any().get_item(name)
}

/// The function of this name, of `seconds` or of now.
fn of_seconds<'py>(py: Python<'py>, name: &str, seconds: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    match seconds {
        Some(seconds) => dates(py, name)?.call1((seconds,)),
        None => dates(py, name)?.call1((time(py)?,)),
    }
}

#[pyfunction]
#[pyo3(signature = (seconds=None, /))]
fn localtime<'py>(py: Python<'py>, seconds: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    of_seconds(py, "localtime", seconds)
}

#[pyfunction]
#[pyo3(signature = (seconds=None, /))]
fn gmtime<'py>(py: Python<'py>, seconds: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    of_seconds(py, "gmtime", seconds)
}

#[pyfunction]
#[pyo3(signature = (seconds=None, /))]
fn ctime<'py>(py: Python<'py>, seconds: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    of_seconds(py, "ctime", seconds)
}

#[pyfunction]
#[pyo3(signature = (*tuple))]
fn asctime<'py>(py: Python<'py>, tuple: Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    match tuple.is_empty() {
        true => dates(py, "asctime")?.call1((localtime(py, None)?,)),
        false => dates(py, "asctime")?.call1(tuple),
    }
}

#[pyfunction]
#[pyo3(signature = (format, *tuple))]
fn strftime<'py>(
    py: Python<'py>,
    format: Bound<'py, PyAny>,
    tuple: Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let tuple = if tuple.is_empty() { localtime(py, None)? } else { tuple.get_item(0)? };
    dates(py, "strftime")?.call1((format, tuple))
}

#[pyfunction]
fn sleep(py: Python<'_>, seconds: f64) -> PyResult<()> {
    if seconds < 0.0 {
        return Err(PyValueError::new_err("sleep length must be non-negative"));
    }
    let until = super::until(py, seconds)?;
    if with(py, |kernel| kernel.phase) == Phase::Idle {
        return Ok(());
    }
    if seconds == 0.0 {
        return waiting::give_way(py);
    }
    waiting::block(py, Wants::Time, Some(until), Call { name: "time.sleep", object: None }).map(drop)
}

/// Nanoseconds on the monotonic clock. To look takes time, so whoever waits for a clock gets there.
fn look(py: Python<'_>) -> PyResult<u64> {
    if frames::called_directly(py) {
        waiting::point(py, false)?;
    }
    Ok(with(py, |kernel| {
        if kernel.phase == Phase::Running {
            kernel.now += LOOK;
        }
        kernel.now
    }))
}

#[pyfunction]
fn monotonic(py: Python<'_>) -> PyResult<f64> {
    look(py).map(|now| now as f64 / 1e9)
}

#[pyfunction]
fn monotonic_ns(py: Python<'_>) -> PyResult<u64> {
    look(py)
}

#[pyfunction]
fn perf_counter(py: Python<'_>) -> PyResult<f64> {
    monotonic(py)
}

#[pyfunction]
fn perf_counter_ns(py: Python<'_>) -> PyResult<u64> {
    look(py)
}

#[pyfunction]
fn time(py: Python<'_>) -> PyResult<f64> {
    time_ns(py).map(|now| now as f64 / 1e9)
}

#[pyfunction]
fn time_ns(py: Python<'_>) -> PyResult<u64> {
    look(py).map(|now| EPOCH + (now - START))
}

/// Of processor time, which passes with what is done: a thread that sleeps uses none.
#[pyfunction]
fn process_time(py: Python<'_>) -> PyResult<f64> {
    process_time_ns(py).map(|now| now as f64 / 1e9)
}

#[pyfunction]
fn process_time_ns(py: Python<'_>) -> PyResult<u64> {
    look(py).map(|_| u64::from(tracer::total()) * LOOK)
}

#[pyfunction]
fn thread_time(py: Python<'_>) -> PyResult<f64> {
    thread_time_ns(py).map(|now| now as f64 / 1e9)
}

#[pyfunction]
fn thread_time_ns(py: Python<'_>) -> PyResult<u64> {
    look(py).map(|_| u64::from(tracer::steps(with(py, |kernel| numbered(kernel.current)))) * LOOK)
}

#[pyfunction]
#[pyo3(signature = (clock, /))]
fn clock_gettime(py: Python<'_>, clock: i32) -> PyResult<f64> {
    clock_gettime_ns(py, clock).map(|now| now as f64 / 1e9)
}

#[pyfunction]
#[pyo3(signature = (clock, /))]
fn clock_gettime_ns(py: Python<'_>, clock: i32) -> PyResult<u64> {
    match clock {
        REAL => time_ns(py),
        OF_PROCESS => process_time_ns(py),
        OF_THREAD => thread_time_ns(py),
        _ => monotonic_ns(py),
    }
}
