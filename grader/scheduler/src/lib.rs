//! Runs a program's threads one at a time, as it is told: an extension module of CPython 3.11.
//!
//! Its one function, `serve`, obeys orders that come over a descriptor ([`schedules::words`]) and does not return. Student
//! code runs only inside it. Nothing of it is written in Python and nothing of its state is a Python object that a program
//! could reach: what a program holds are locks, conditions, queues and functions that only do what their names say.

pub mod audit;
mod driver;
mod frames;
mod hashes;
mod held;
mod kernel;
mod load;
mod managed;
mod patch;
mod record;
mod report;
mod reset;
mod serve;
pub mod tracer;
mod values;

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;

pyo3::create_exception!(threading, Abort, PyBaseException, "The schedule is over.");

#[pymodule]
fn scheduler(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(serve::serve, module)?)
}
