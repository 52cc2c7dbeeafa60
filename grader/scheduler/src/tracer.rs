//! Points in memory. Not yet: there are none.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::PyCode;
use schedules::Thread;
use schedules::words::{Act, Granularity, Limits, Place};

use crate::held::Held;

#[derive(Debug, Default)]
struct Counters {
    steps: Vec<u32>,
    total: u32,
    left: Option<i64>,
    running: usize,
}

static COUNTERS: Held<RefCell<Counters>> =
    Held::new(RefCell::new(Counters { steps: Vec::new(), total: 0, left: None, running: 0 }));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Due,
    Spin,
    PointsMax,
    InstructionsMax,
}

#[derive(Debug)]
pub struct Access<'py> {
    pub object: Bound<'py, PyAny>,
    pub name: Option<String>,
    pub act: Act,
    pub value: Option<String>,
    pub place: Place,
}

pub trait Sink: Sync {
    fn reached(&self, py: Python<'_>, reason: Reason, place: Place) -> PyResult<()>;
    fn accessed(&self, py: Python<'_>, access: Access<'_>);
}

pub fn set_sink(_sink: &'static dyn Sink) {}
pub fn record(_on: bool) {}

pub fn install(_py: Python<'_>) -> PyResult<()> {
    Ok(())
}

pub fn watch(_py: Python<'_>, _sources: &[Bound<'_, PyCode>], _granularity: Granularity) -> PyResult<()> {
    Ok(())
}

pub fn enable(_on: bool) {}

pub fn reset(_limits: &Limits) {
    *COUNTERS.borrow_mut() = Counters { steps: vec![0; schedules::THREADS_MAX], ..Counters::default() };
}

pub fn run(thread: Thread) {
    COUNTERS.borrow_mut().running = usize::from(thread.0);
}

pub fn arm(points: Option<u32>) {
    COUNTERS.borrow_mut().left = points.map(i64::from);
}

pub fn bump(_progress: bool) -> u32 {
    let mut counters = COUNTERS.borrow_mut();
    let running = counters.running;
    counters.steps[running] += 1;
    counters.total += 1;
    counters.left = counters.left.map(|left| left - 1);
    counters.steps[running]
}

pub fn steps(thread: Thread) -> u32 {
    COUNTERS.borrow().steps[usize::from(thread.0)]
}

pub fn total() -> u32 {
    COUNTERS.borrow().total
}

pub fn left() -> i64 {
    COUNTERS.borrow().left.unwrap_or(i64::MAX)
}

pub fn instructions() -> u64 {
    0
}
