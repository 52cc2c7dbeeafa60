//! Whether a run still moves.
//!
//! A thread that waits in C code, for what only another could do, stops the whole run: nobody else has the baton. The
//! conductor looks now and then. Nothing was counted, no processor time was used and no OS thread of ours wants any: then
//! the run is out of reach. A machine that is merely busy leaves threads that want to run.

use std::time::Duration;

use pyo3::prelude::*;
use schedules::words::Fact;

use super::{Phase, State, numbered, with};
use crate::{frames, tracer};

/// How often is looked.
pub const PAUSE: Duration = Duration::from_millis(150);
/// After how many looks in a row that see nothing move.
const LOOKS: u32 = 4;
/// Processor time that looking itself may take.
const OWN_CPU_US: i64 = 1_000;

/// What was seen last.
#[derive(Debug, Default)]
pub struct Reach {
    progress: (u32, u64, u64),
    cpu_us: i64,
    /// Looks since something moved.
    still: u32,
}

impl Reach {
    /// Looks once; whether the run has stopped for good.
    pub fn is_lost(&mut self, py: Python<'_>) -> bool {
        let progress = (tracer::total(), tracer::instructions(), with(py, |kernel| kernel.now));
        let cpu_us = cpu_us();
        let moves = progress != self.progress || cpu_us - self.cpu_us > OWN_CPU_US || somebody_wants_to_run();
        (self.progress, self.cpu_us) = (progress, cpu_us);
        self.still = if moves { 0 } else { self.still + 1 };
        self.still >= LOOKS
    }
}

fn cpu_us() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
}

/// Whether the kernel has an OS thread of this process, but for the calling one, that is not asleep.
fn somebody_wants_to_run() -> bool {
    let own = rustix::thread::gettid().as_raw_nonzero().to_string();
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let others = tasks.filter(|task| task.file_name().to_str() != Some(own.as_str()));
    others.into_iter().any(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        matches!(state, Some('R' | 'D'))
    })
}

/// Gives the running thread up, and with it this process.
pub fn give_up(py: Python<'_>) {
    let (thread, frame) = with(py, |kernel| (kernel.current, kernel.me().carrier.frame()));
    let place = frames::doing(py, frame).place;
    with(py, |kernel| {
        kernel.tell(Fact::OutOfReach { thread: numbered(thread), place });
        let body = kernel.body();
        kernel.threads[body].state = State::Lost;
        kernel.told.spent = true;
        kernel.phase = Phase::Unwinding;
    });
}
