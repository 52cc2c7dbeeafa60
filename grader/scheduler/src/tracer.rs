//! Counts the points of the submission's threads, and calls the kernel only where the strategy wants to decide.
//!
//! The interpreter reports the instructions of watched code, in lines that matter. A mask that was made when the code
//! was watched says what an instruction is: most are nothing, and cost a look into a table. A point is counted, and when as many were
//! counted as were [armed](arm) for, the [`Sink`] is called, in the middle of the trace function; it may hand over to
//! another thread and comes back when this one goes on. So there is no "is tracing" flag of the process: while one
//! thread waits in the sink, others are traced.
//!
//! Busy waits are seen here too: a loop that jumps back again and again and changes nothing meanwhile. A store is a
//! change only if it puts another object where it stores; the variable of a `for` is none, as it comes from elsewhere.
//!
//! All of this happens under the interpreter's lock, with one managed thread running at a time. What depends on the
//! interpreter's version is in [`cpython311`] and nowhere else.

mod cpython311;
mod values;

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::PyCode;
pub use schedules::words::{Act, Granularity, Limits, Place};
use schedules::{THREADS_MAX, Thread};

use self::cpython311 as interpreter;
use self::interpreter::Site;

/// Why the sink is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// As many points have passed as were armed for.
    Due,
    /// A loop has jumped back [`Limits::spins_max`] times and changed nothing; the count begins anew.
    Spin,
    /// The run needs more points than it may; said again at each further point.
    PointsMax,
    /// Likewise of instructions; said at the beginnings of lines as well.
    InstructionsMax,
}

/// The kernel. Both are called from inside the trace function.
pub trait Sink: Sync {
    /// May switch threads; what it raises is raised in the traced code, which stays traced.
    fn reached(&self, py: Python<'_>, reason: Reason, place: Place) -> PyResult<()>;
    /// While recording, right before it happens: what another thread does meanwhile is told first.
    fn accessed(&self, py: Python<'_>, access: Access<'_>);
}

/// An operation on what may be shared.
#[derive(Debug)]
pub struct Access<'py> {
    /// What is touched: an object, the module of a global, the cell of a closure's variable.
    pub object: Bound<'py, PyAny>,
    /// An attribute's, variable's or method's name, or a subscript in its brackets.
    pub name: Option<String>,
    /// One of `Reads`, `Writes`, `Calls`.
    pub act: Act,
    /// What is there, or will be; absent if it could not be told without running the program's code.
    pub value: Option<String>,
    pub place: Place,
}

/// What an instruction is to the tracer; a mask has one of these per code unit.
mod bits {
    /// A point: reads what may be shared.
    pub const READS: u16 = 1;
    /// A point: changes what may be shared.
    pub const WRITES: u16 = 2;
    /// A point unless the container cannot change.
    pub const LOOKS_INTO: u16 = 4;
    /// A point if it is not Python that is called, and on something that can change.
    pub const CALLS: u16 = 8;
    /// A point if the call before it was not of Python.
    pub const RETURNED: u16 = 16;
    /// A point if it jumps.
    pub const MAY_JUMP: u16 = 32;
    /// Jumps back in a loop that may be a busy wait, and that no line shows.
    pub const BACK: u16 = 64;
    /// Jumps back in a loop over an iterator, and no line shows it.
    pub const NEXT: u16 = 128;
    /// Stores in a variable of the function.
    pub const STORES: u16 = 256;
    /// Changes something, but not what may be shared.
    pub const CHANGES: u16 = 512;
    /// What is said by [`ACCESS`] makes no point.
    pub const SILENT: u16 = 1024;
    /// Remember whether Python is called.
    pub const CALLEE: u16 = 2048;
    /// A point without a condition.
    pub const POINT: u16 = 4096;
    /// Gives a class a method that the interpreter would run unseen.
    pub const DEFINES: u16 = 8192;

    /// What is told while recording.
    pub const ACCESS: u16 = READS | WRITES | LOOKS_INTO | CALLS;
}

/// What a call does, as far as other threads could notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callee {
    /// Nothing: Python code (which has points of its own), the kernel's own functions, or on what cannot change.
    Unshared,
    Looks,
    Changes,
}

struct State {
    enabled: Cell<bool>,
    recording: Cell<bool>,
    /// Whose points are counted.
    current: Cell<usize>,
    steps: [Cell<u32>; THREADS_MAX],
    /// Jumps back of each thread since it changed something.
    spins: [Cell<u32>; THREADS_MAX],
    total: Cell<u32>,
    left: Cell<i64>,
    instructions: Cell<u64>,
    points_max: Cell<u32>,
    spins_max: Cell<u32>,
    instructions_max: Cell<u64>,
    sink: Cell<Option<&'static dyn Sink>>,
}

// SAFETY: every function here is called with the interpreter's lock held, which orders all uses.
unsafe impl Sync for State {}

static STATE: State = State {
    enabled: Cell::new(false),
    recording: Cell::new(false),
    current: Cell::new(0),
    steps: [const { Cell::new(0) }; THREADS_MAX],
    spins: [const { Cell::new(0) }; THREADS_MAX],
    total: Cell::new(0),
    left: Cell::new(i64::MAX),
    instructions: Cell::new(0),
    points_max: Cell::new(u32::MAX),
    spins_max: Cell::new(u32::MAX),
    instructions_max: Cell::new(u64::MAX),
    sink: Cell::new(None),
};

/// Traces the calling OS thread from now on. The first call finds out whether this interpreter is one that we know.
pub fn install(py: Python<'_>) -> PyResult<()> {
    interpreter::attach(py)
}

pub fn uninstall(py: Python<'_>) {
    interpreter::detach(py);
}

/// Gives all code below these modules its points. What is shared is found by name, over all of them together.
pub fn watch(py: Python<'_>, sources: &[Bound<'_, PyCode>], granularity: Granularity) -> PyResult<()> {
    interpreter::watch(py, sources, granularity)
}

pub fn is_watched(code: &Bound<'_, PyCode>) -> bool {
    interpreter::is_watched(code)
}

/// All counters become 0, thread 0 runs, nothing is armed.
pub fn reset(limits: &Limits) {
    for counter in STATE.steps.iter().chain(&STATE.spins).chain([&STATE.total]) {
        counter.set(0);
    }
    STATE.current.set(0);
    STATE.left.set(i64::MAX);
    STATE.instructions.set(0);
    STATE.points_max.set(limits.points_max);
    STATE.spins_max.set(limits.spins_max);
    STATE.instructions_max.set(limits.instructions_max);
}

pub fn enable(on: bool) {
    STATE.enabled.set(on);
}

/// From now on this thread's steps are counted.
pub fn run(thread: Thread) {
    STATE.current.set(usize::from(thread.0));
}

/// Calls the sink after so many points; `None`: never.
pub fn arm(points: Option<u32>) {
    STATE.left.set(points.map_or(i64::MAX, i64::from));
}

/// The running thread has changed something, outside of bytecode.
pub fn progress() {
    STATE.spins[STATE.current.get()].set(0);
}

/// Counts a step that is made outside of bytecode. Returns how many the thread has made.
pub fn bump(did_something: bool) -> u32 {
    if did_something {
        progress();
    }
    count()
}

pub fn steps(thread: Thread) -> u32 {
    STATE.steps[usize::from(thread.0)].get()
}

/// From now on so many points of all threads are enough.
pub fn limit_points(points: u32) {
    STATE.points_max.set(points);
}

/// Whether there were as many points as are enough.
pub fn has_too_many_points() -> bool {
    STATE.total.get() >= STATE.points_max.get()
}

pub fn total() -> u32 {
    STATE.total.get()
}

/// Of the points armed for; [`i64::MAX`] if it was for none.
pub fn left() -> i64 {
    STATE.left.get()
}

/// Instructions of watched code: those that were reported, and all of a line that was reported as a whole.
pub fn instructions() -> u64 {
    STATE.instructions.get()
}

pub fn set_sink(sink: &'static dyn Sink) {
    STATE.sink.set(Some(sink));
}

pub fn record(on: bool) {
    STATE.recording.set(on);
}

fn count() -> u32 {
    let steps = &STATE.steps[STATE.current.get()];
    steps.set(steps.get() + 1);
    STATE.total.set(STATE.total.get() + 1);
    if STATE.left.get() != i64::MAX {
        STATE.left.set(STATE.left.get() - 1);
    }
    steps.get()
}

/// An instruction of watched code is about to be carried out and its mask is not 0.
fn instruction(py: Python<'_>, site: &Site, mask: u16) -> PyResult<()> {
    let callee = if mask & bits::CALLS != 0 { site.callee() } else { Callee::Unshared };
    let spins = &STATE.spins[STATE.current.get()];
    if changes(site, mask, callee) {
        spins.set(0);
    }
    let spin = mask & bits::BACK != 0 && jumped_back();
    let point = is_point(site, mask, callee);
    if point {
        count();
    }
    if let Some(reason) = reason(mask, point, spin) {
        reached(py, reason, || site.place(py))?;
    }
    if STATE.recording.get() && mask & bits::ACCESS != 0 && (mask & bits::CALLS == 0 || callee != Callee::Unshared) {
        tell(py, site);
    }
    Ok(())
}

/// A line begins where a loop does, or too much was done.
fn line(py: Python<'_>, site: &Site, head: u32, spin: bool) -> PyResult<()> {
    let reason = if has_too_many_instructions() { Reason::InstructionsMax } else { Reason::Spin };
    reached(py, reason, || match spin {
        true => Place { line: head, ..site.place(py) },
        false => site.place(py),
    })
}

fn has_too_many_instructions() -> bool {
    STATE.instructions.get() >= STATE.instructions_max.get()
}

/// Counts a jump back. Says whether it was the last that is allowed, and begins anew.
fn jumped_back() -> bool {
    let spins = &STATE.spins[STATE.current.get()];
    spins.set(spins.get() + 1);
    let spin = spins.get() >= STATE.spins_max.get();
    if spin {
        spins.set(0);
    }
    spin
}

/// Whether stores have to be looked at: so many jumps back, and nothing known to have changed.
#[inline]
fn suspects() -> bool {
    STATE.spins[STATE.current.get()].get() >= STATE.spins_max.get() / 2
}

fn changes(site: &Site, mask: u16, callee: Callee) -> bool {
    mask & (bits::WRITES | bits::CHANGES) != 0
        || mask & bits::STORES != 0 && site.stores_another()
        || callee == Callee::Changes
}

fn is_point(site: &Site, mask: u16, callee: Callee) -> bool {
    if mask & bits::CALLEE != 0 {
        site.note_callee();
    }
    mask & bits::POINT != 0
        || mask & bits::MAY_JUMP != 0 && site.jumps()
        || mask & bits::RETURNED != 0 && site.called_other_than_python()
        || mask & bits::SILENT == 0
            && (mask & (bits::READS | bits::WRITES) != 0
                || mask & bits::CALLS != 0 && callee != Callee::Unshared
                || mask & bits::LOOKS_INTO != 0 && site.container_can_change())
}

fn reason(mask: u16, point: bool, spin: bool) -> Option<Reason> {
    if !point && mask & (bits::BACK | bits::NEXT) == 0 {
        None
    } else if has_too_many_instructions() {
        Some(Reason::InstructionsMax)
    } else if point && has_too_many_points() {
        Some(Reason::PointsMax)
    } else if spin {
        Some(Reason::Spin)
    } else {
        (point && STATE.left.get() <= 0).then_some(Reason::Due)
    }
}

#[cold]
fn reached(py: Python<'_>, reason: Reason, place: impl FnOnce() -> Place) -> PyResult<()> {
    match STATE.sink.get() {
        Some(sink) => sink.reached(py, reason, place()),
        None => Ok(()),
    }
}

#[cold]
fn tell(py: Python<'_>, site: &Site) {
    if let (Some(sink), Some(access)) = (STATE.sink.get(), site.access(py)) {
        sink.accessed(py, access);
    }
}
