//! The tracer as an extension module of its own, so that a script can watch code and read the counters.
//!
//! Only tests load it (`tests/tracer.rs`); the product's module has one function and none of these.

#[path = "../src"]
mod scheduler {
    #[expect(dead_code, reason = "new code is of no interest to a script that watches what it chooses")]
    pub mod audit;
    #[expect(dead_code, reason = "turns are those of runs")]
    pub mod tracer;
}

use std::sync::Mutex;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCode;
use schedules::Thread;

use self::scheduler::{audit, tracer};
use self::tracer::{Access, Granularity, Limits, Place, Reason};

/// An access: the object's type, name, act, value and line.
type Told = (String, Option<String>, String, Option<String>, u32);

/// Calls what the script gave.
struct Script {
    reached: Mutex<Option<Py<PyAny>>>,
    accessed: Mutex<Vec<Told>>,
}

static SCRIPT: Script = Script { reached: Mutex::new(None), accessed: Mutex::new(Vec::new()) };

impl tracer::Sink for Script {
    fn reached(&self, py: Python<'_>, reason: Reason, place: Place) -> PyResult<()> {
        let callback = self.reached.lock().unwrap().as_ref().map(|callback| callback.clone_ref(py));
        match callback {
            Some(callback) => callback.call1(py, (format!("{reason:?}"), place.line, place.function)).map(drop),
            None => Ok(()),
        }
    }

    fn accessed(&self, _py: Python<'_>, access: Access<'_>) {
        let object = access.object.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
        let act = format!("{:?}", access.act);
        self.accessed.lock().unwrap().push((object, access.name, act, access.value, access.place.line));
    }
}

#[pymodule]
mod tracer_probe {
    use super::*;

    #[pyfunction]
    fn install(py: Python<'_>) -> PyResult<()> {
        tracer::set_sink(&SCRIPT);
        tracer::install(py)
    }

    #[pyfunction]
    fn uninstall(py: Python<'_>) {
        tracer::uninstall(py);
    }

    #[pyfunction]
    fn watch(py: Python<'_>, sources: Vec<Bound<'_, PyCode>>, granularity: &str) -> PyResult<()> {
        let granularity = match granularity {
            "shared" => Granularity::Shared,
            "interpreter" => Granularity::Interpreter,
            "synchronisation" => Granularity::Synchronisation,
            other => return Err(PyValueError::new_err(other.to_owned())),
        };
        tracer::watch(py, &sources, granularity)
    }

    #[pyfunction]
    fn is_watched(code: &Bound<'_, PyCode>) -> bool {
        tracer::is_watched(code)
    }

    #[pyfunction]
    #[pyo3(signature = (points_max = 1_000_000, spins_max = 100, instructions_max = 1_000_000_000))]
    fn reset(points_max: u32, spins_max: u32, instructions_max: u64) {
        tracer::reset(&Limits { points_max, spins_max, instructions_max, threads_max: 64 });
    }

    #[pyfunction]
    fn enable(on: bool) {
        tracer::enable(on);
    }

    #[pyfunction]
    fn run(thread: u16) {
        tracer::run(Thread(thread));
    }

    #[pyfunction]
    fn arm(points: Option<u32>) {
        tracer::arm(points);
    }

    #[pyfunction]
    fn bump(progress: bool) -> u32 {
        tracer::bump(progress)
    }

    /// Steps of a thread, of all, points left, instructions.
    #[pyfunction]
    fn counts(thread: u16) -> (u32, u32, i64, u64) {
        (tracer::steps(Thread(thread)), tracer::total(), tracer::left(), tracer::instructions())
    }

    #[pyfunction]
    fn on_reached(callback: Option<Py<PyAny>>) {
        *SCRIPT.reached.lock().unwrap() = callback;
    }

    #[pyfunction]
    fn record(on: bool) {
        tracer::record(on);
    }

    #[pyfunction]
    fn accesses() -> Vec<Told> {
        std::mem::take(&mut SCRIPT.accessed.lock().unwrap())
    }

    #[pyfunction]
    fn arm_audit(on: bool) {
        audit::arm_audit(on);
    }

    #[pyfunction]
    fn tripped() -> Vec<String> {
        audit::tripped()
    }
}
