//! OS threads that carry managed ones.
//!
//! A new OS thread costs as much as a short run, so they are kept: each waits at its gate for the next managed thread to
//! carry, from its first step to its last. To hand over is to let the interpreter's lock go, open the other's gate and wait
//! at one's own. The thread that conducts runs carries none: it waits at a gate too, and unwinds what a run leaves behind.

use std::cell::RefCell;
use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::thread::{self, Thread as OsThread};
use std::time::{Duration, Instant};

use pyo3::exceptions::PySystemExit;
use pyo3::ffi;
use pyo3::prelude::*;
use schedules::Plan;
use schedules::words::{Act, Limits};

use super::choice::Next;
use super::reach::{self, Reach};
use super::{Managed, Origin, Phase, START, State, Told, numbered, with};
use crate::Abort;
use crate::held::Held;
use crate::managed::core::Core;
use crate::{record, report, tracer};

/// Waits until somebody opens it, once.
#[derive(Debug)]
pub struct Gate {
    open: AtomicBool,
    owner: OsThread,
}

impl Gate {
    pub fn of_this_thread() -> Gate {
        Gate { open: AtomicBool::new(false), owner: thread::current() }
    }

    fn open(&self) {
        self.open.store(true, Ordering::Release);
        self.owner.unpark();
    }

    fn wait(&self) {
        while !self.open.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }

    /// Whether it was opened in time.
    fn wait_for(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.open.swap(false, Ordering::Acquire) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::park_timeout(left);
        }
        true
    }
}

/// What a managed thread does, from its first step to its last.
pub type Body = Box<dyn FnOnce(Python<'_>) -> PyResult<()>>;

pub struct Carrier {
    gate: Arc<Gate>,
    /// Number and work of the managed thread that it is to carry.
    job: Held<RefCell<Option<(usize, Body)>>>,
    /// The interpreter's view of it, for its frames.
    state: AtomicPtr<ffi::PyThreadState>,
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl Carrier {
    /// Takes one that is idle, or makes one.
    fn take(py: Python<'_>) -> Arc<Carrier> {
        if let Some(carrier) = with(py, |kernel| kernel.idle.pop()) {
            return carrier;
        }
        let (give, made) = std::sync::mpsc::sync_channel(1);
        let work = move || {
            let gate = Arc::new(Gate::of_this_thread());
            let state = AtomicPtr::new(ptr::null_mut());
            let carrier = Arc::new(Carrier { gate, job: Held::new(RefCell::new(None)), state });
            give.send(Arc::clone(&carrier)).expect("its maker waits");
            Python::attach(|py| carrier.carry(py));
        };
        thread::Builder::new().name("carrier".to_owned()).stack_size(8 << 20).spawn(work).expect("an OS thread");
        made.recv().expect("it says who it is")
    }

    fn carry(self: Arc<Carrier>, py: Python<'_>) {
        // SAFETY: this thread is attached to the interpreter, so it has such a state.
        self.state.store(unsafe { ffi::PyThreadState_Get() }, Ordering::Relaxed);
        tracer::install(py).expect("the tracer is put in place");
        let mut next: Option<Arc<Gate>> = None;
        loop {
            let (mine, other) = (&self.gate, next.take());
            py.detach(move || {
                if let Some(other) = other {
                    other.open();
                }
                mine.wait();
            });
            let (thread, body) = self.job.borrow_mut().take().expect("whoever opened the gate has left work");
            live(py, body);
            next = Some(end(py, thread));
            with(py, |kernel| kernel.idle.push(Arc::clone(&self)));
        }
    }

    /// The thread's innermost frame, new reference; null when it has none.
    pub fn frame(&self) -> *mut ffi::PyFrameObject {
        let state = self.state.load(Ordering::Relaxed);
        if state.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: carriers never end, so neither do their states; the caller holds the interpreter's lock.
        unsafe { ffi::PyThreadState_GetFrame(state) }
    }
}

/// A managed thread's life.
fn live(py: Python<'_>, body: Body) {
    if with(py, |kernel| kernel.phase) == Phase::Unwinding {
        return drop(body);
    }
    record::log(py, Act::Starts, None, None);
    let lived = in_a_context_of_its_own(py, || body(py));
    forget_thread_locals();
    if let Err(error) = lived {
        let over = with(py, |kernel| kernel.phase) == Phase::Unwinding;
        if !over && !error.is_instance_of::<Abort>(py) && !error.is_instance_of::<PySystemExit>(py) {
            report::died(py, &error);
        }
    }
}

/// What `contextvars` and `threading.local` tell apart are managed threads, not those that carry them.
fn in_a_context_of_its_own<R>(py: Python<'_>, run: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    // SAFETY: a new reference or an error.
    let context = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_New())? };
    // SAFETY: `context` is a context that nobody has entered.
    unsafe { ffi::PyContext_Enter(context.as_ptr()) };
    let result = run();
    // SAFETY: entered above; code that entered others has left them.
    if unsafe { ffi::PyContext_Exit(context.as_ptr()) } != 0 {
        drop(PyErr::take(py));
    }
    result
}

fn forget_thread_locals() {
    // SAFETY: this thread is attached; a borrowed dictionary, or null where there is none yet.
    unsafe {
        let locals = ffi::PyThreadState_GetDict();
        if !locals.is_null() {
            ffi::PyDict_Clear(locals);
        }
    }
}

/// The running thread ends. Whose gate is to be opened next?
fn end(py: Python<'_>, thread: usize) -> Arc<Gate> {
    record::log(py, Act::Ends, None, None);
    let (next, outside) = with(py, |kernel| {
        let unwinding = kernel.phase == Phase::Unwinding;
        if !unwinding {
            kernel.close_stretch();
            // A step of its own, so that the choice after it has a key of its own.
            tracer::bump(true);
        }
        kernel.threads[thread].state = State::Ended;
        if let Some(sentinel) = kernel.threads[thread].sentinel.take() {
            sentinel.open();
        }
        if unwinding {
            return (Some(Arc::clone(&kernel.conductor)), false);
        }
        if thread == 0 {
            kernel.phase = Phase::Unwinding;
            return (Some(Arc::clone(&kernel.conductor)), false);
        }
        match kernel.pick() {
            Next::Thread(next) => (Some(Arc::clone(&kernel.threads[next].carrier.gate)), false),
            Next::Outside => (None, true),
            Next::Nobody => (None, false),
        }
    });
    next.unwrap_or_else(|| match outside.then(|| super::waiting::after_the_kernel(py)).flatten() {
        Some(next) => with(py, |kernel| Arc::clone(&kernel.threads[next].carrier.gate)),
        None => {
            report::deadlock(py);
            with(py, |kernel| Arc::clone(&kernel.conductor))
        }
    })
}

/// Hands over from the running managed thread `me` to `next`, and is back when `me` is chosen again.
pub fn hand_over(py: Python<'_>, me: usize, next: usize) {
    let gate = |kernel: &super::Kernel, thread: usize| Arc::clone(&kernel.threads[thread].carrier.gate);
    let (mine, other) = with(py, |kernel| (gate(kernel, me), gate(kernel, next)));
    py.detach(move || {
        other.open();
        mine.wait();
    });
}

/// The running thread will never end by itself: everybody else goes on without it.
pub fn lose(py: Python<'_>) -> ! {
    let conductor = with(py, |kernel| {
        let body = kernel.body();
        kernel.threads[body].state = State::Lost;
        kernel.told.spent = true;
        Arc::clone(&kernel.conductor)
    });
    py.detach(move || {
        conductor.open();
        loop {
            thread::park();
        }
    })
}

/// A new managed thread, which begins when it is first chosen.
pub fn start(py: Python<'_>, name: String, origin: Origin, body: Body) -> usize {
    let carrier = Carrier::take(py);
    with(py, |kernel| {
        kernel.enables();
        let thread = kernel.threads.len();
        *carrier.job.borrow_mut() = Some((thread, body));
        let sentinel = Core::sentinel(kernel.epoch, thread);
        kernel.threads.push(Managed {
            name,
            origin,
            carrier,
            host: None,
            state: State::Runs,
            timed_out: false,
            notified: false,
            held: Vec::new(),
            sentinel: Some(sentinel),
            object: None,
            aborts: 0,
        });
        kernel.started(thread);
        thread
    })
}

/// How a run goes about.
#[derive(Debug)]
pub struct Conditions<'a> {
    pub plan: &'a Plan,
    pub limits: Limits,
    pub sleepers_may_wake: bool,
    pub recording: bool,
}

/// One whole run, from the thread that conducts it. What it tells is left in the kernel.
pub fn conduct(py: Python<'_>, conditions: &Conditions<'_>, main: Body) {
    with(py, |kernel| {
        kernel.epoch += 1;
        kernel.now = START;
        kernel.limits = conditions.limits;
        kernel.sleepers_may_wake = conditions.sleepers_may_wake;
        kernel.recording = conditions.recording;
        kernel.told = Told::default();
        kernel.numbers = 0;
        kernel.spins.clear();
        kernel.spins_total = 0;
        kernel.polled = false;
        kernel.vain = 0;
        kernel.current = 0;
        kernel.begin(conditions.plan.strategy());
    });
    tracer::reset(&conditions.limits);
    tracer::limit_points(conditions.limits.points_max / 2);
    tracer::record(conditions.recording);
    start(py, "main".to_owned(), Origin::Ours, main);
    let (mine, first) = with(py, |kernel| {
        kernel.phase = Phase::Running;
        kernel.wake(0);
        tracer::run(numbered(0));
        (Arc::clone(&kernel.conductor), Arc::clone(&kernel.threads[0].carrier.gate))
    });
    tracer::enable(true);
    conducted(py, &mine, first);
    unwind(py, &mine);
    tracer::enable(false);
    tracer::record(false);
    with(py, |kernel| {
        kernel.phase = Phase::Idle;
        kernel.told.counts.threads = kernel.threads.len() as u32;
        kernel.told.counts.points = tracer::total();
        kernel.told.counts.instructions = tracer::instructions();
        kernel.told.counts.nanoseconds = kernel.now - START;
    });
}

/// Opens `gate` and waits until the baton comes back, or nothing moves any more.
fn conducted(py: Python<'_>, conductor: &Arc<Gate>, gate: Arc<Gate>) {
    py.detach(|| gate.open());
    let mut reach = Reach::default();
    while !py.detach(|| conductor.wait_for(reach::PAUSE)) {
        if reach.is_lost(py) {
            return reach::give_up(py);
        }
    }
}

/// Threads that have not ended are told so, one after the other: each goes on until it has ended or will not.
fn unwind(py: Python<'_>, conductor: &Arc<Gate>) {
    // Tasks go with the threads that run them.
    let left = |thread: &Managed| thread.host.is_none() && matches!(thread.state, State::Runs | State::Waits(_));
    while let Some(gate) = with(py, |kernel| {
        let next = kernel.threads.iter().position(left)?;
        kernel.current = next;
        tracer::run(numbered(next));
        tracer::arm(Some(1));
        Some(Arc::clone(&kernel.threads[next].carrier.gate))
    }) {
        conducted(py, conductor, gate);
    }
}
