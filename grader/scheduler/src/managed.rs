//! What programs call in place of the interpreter's own: locks, conditions, queues, threads and clocks.
//!
//! Only what the standard library itself takes from C is replaced, and `threading.Condition`, so that waiting and notifying
//! are one operation each. Everything above is the standard library's own Python, executed over these.

pub mod asyncio;
pub mod buffers;
pub mod clock;
pub mod condition;
pub mod core;
pub mod descriptors;
pub mod files;
pub mod lock;
pub mod methods;
pub mod notices;
pub mod queue;
pub mod select;
pub mod sockets;
pub mod thread;

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;

use crate::kernel::with;

/// Longest wait that CPython takes, in seconds (`threading.TIMEOUT_MAX`).
const TIMEOUT_S_MAX: f64 = 9_223_372_036.0;

/// The moment at which a wait of `seconds` is over.
pub fn until(py: Python<'_>, seconds: f64) -> PyResult<u64> {
    if seconds.is_nan() {
        return Err(PyValueError::new_err("Invalid value NaN (not a number)"));
    }
    if seconds > TIMEOUT_S_MAX {
        return Err(PyOverflowError::new_err("timeout value is too large"));
    }
    let nanoseconds = (seconds.max(0.0) * 1e9).ceil() as u64;
    Ok(with(py, |kernel| kernel.now).saturating_add(nanoseconds))
}
