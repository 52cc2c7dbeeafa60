//! `time`: it passes when nobody can run, and a little with every look at a clock.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::frames;
use crate::kernel::waiting;
use crate::kernel::{Call, LOOK, Phase, START, Wants, with};

/// Virtual time since the epoch at the start of a run, in nanoseconds: some day in 2026.
const EPOCH: u64 = 1_790_000_000_000_000_000;

#[pyfunction]
pub fn sleep(py: Python<'_>, seconds: f64) -> PyResult<()> {
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
pub fn monotonic(py: Python<'_>) -> PyResult<f64> {
    look(py).map(|now| now as f64 / 1e9)
}

#[pyfunction]
pub fn monotonic_ns(py: Python<'_>) -> PyResult<u64> {
    look(py)
}

#[pyfunction]
pub fn perf_counter(py: Python<'_>) -> PyResult<f64> {
    monotonic(py)
}

#[pyfunction]
pub fn perf_counter_ns(py: Python<'_>) -> PyResult<u64> {
    look(py)
}

#[pyfunction]
pub fn time(py: Python<'_>) -> PyResult<f64> {
    time_ns(py).map(|now| now as f64 / 1e9)
}

#[pyfunction]
pub fn time_ns(py: Python<'_>) -> PyResult<u64> {
    look(py).map(|now| EPOCH + (now - START))
}
