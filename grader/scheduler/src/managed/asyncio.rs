//! `asyncio`: the standard library's own, with its event loop's iterations carried out here.
//!
//! Tasks and futures are those written in Python; the interpreter's own in C are hidden. What is replaced is one iteration
//! of the loop (`_run_once`), and the pipe by which other threads wake it. Each task is a managed thread without a carrier
//! of its own ([`crate::kernel::turn`]), so strategies choose among tasks as among threads, and reports tell them apart.
//!
//! *What may be reordered.* The documentation promises that callbacks are called in the order in which they were
//! registered, each in the next iteration, and that one task runs at a time. It promises no order among tasks. So:
//! - An iteration carries out what was ready when it began, all of it and nothing else. What is made ready meanwhile comes
//!   in the next one: nobody is overtaken twice by the same task, and `sleep(0)` lets everybody else go first.
//! - Within an iteration the steps of different tasks come in any order. A task has at most one step in each.
//! - Callbacks that are no task's steps (`call_soon`, `call_later`, those of futures) keep their order among themselves.
//!   They are the host's. A step may come later than CPython has it, after callbacks that were registered behind it, but
//!   never overtakes one that was registered before it: the library itself relies on a future's callbacks having cleaned
//!   up before whoever awaits the future goes on (`loop.sock_connect`).
//! - A timer is due when its time has come, and due timers are carried out in the order of their times. Time passes when
//!   nothing is ready; where sleepers may wake early it may also pass, up to the end of any `asyncio.sleep`, while others
//!   are ready, for a step may take long. It never passes a time-out like that: a time-out is for when nothing happens.
//!
//! The default is the order that CPython's loop has.

mod awaiting;
mod facts;
mod library;
mod operations;
mod selected;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use schedules::words::{Act, Place};

pub use self::awaiting::{Awaits, awaits, hosts_tasks};
pub use self::facts::{leave, unretrieved};
use self::library::Library;
pub use self::library::{refresh, run, spec};
pub use self::operations::{are_coroutines, operate, tasks};
use crate::held::Held;
use crate::kernel::turn::{self, Asks, Turn};
use crate::kernel::{Phase, waiting, with};
use crate::{frames, tracer};

/// An event loop of this run.
#[derive(Debug)]
struct Loop {
    object: Py<PyAny>,
    /// That of its callbacks.
    turn: Rc<Turn>,
    tasks: RefCell<Vec<Rc<Task>>>,
    /// Whether the step before was more than a look.
    progress: Cell<bool>,
}

#[derive(Debug)]
struct Task {
    object: Py<PyAny>,
    /// Absent where there were too many: then its steps are callbacks like others.
    thread: Option<usize>,
    turn: Rc<Turn>,
    /// The submission's own code has made it.
    direct: bool,
    begun: Cell<bool>,
    over: Cell<bool>,
    /// Address of the future that it waits for, or 0.
    future: Cell<usize>,
}

/// Something to be called in this iteration.
struct Ready<'py> {
    handle: Bound<'py, PyAny>,
    task: Option<Rc<Task>>,
}

/// What will be ready at a time.
struct Timer {
    when: u64,
    /// Whose sleep it ends.
    sleeper: Option<Rc<Task>>,
}

static LOOPS: Held<RefCell<Vec<Rc<Loop>>>> = Held::new(RefCell::new(Vec::new()));

/// After a run.
pub fn forget(_py: Python<'_>) {
    let gone = LOOPS.take();
    drop(gone);
    awaiting::forget();
}

fn loops(_py: Python<'_>) -> Vec<Rc<Loop>> {
    LOOPS.borrow().clone()
}

/// The task that is this object.
fn task_of(py: Python<'_>, object: &Bound<'_, PyAny>) -> Option<Rc<Task>> {
    loops(py).iter().find_map(|looped| looped.task(object))
}

/// A task was made.
#[pyfunction]
fn _created(py: Python<'_>, looped: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>) -> PyResult<()> {
    if with(py, |kernel| kernel.phase) != Phase::Running {
        return Ok(());
    }
    let direct = frames::created_directly(py);
    let looped = Loop::of(looped);
    let turn = Turn::of(&looped.turn.open);
    // What `asyncio.run` does at its end is no task of the program's.
    let coroutine = task.getattr(intern!(py, "_coro"))?.getattr(intern!(py, "__qualname__"))?;
    let closes = coroutine.extract::<String>().is_ok_and(|name| name.starts_with("BaseEventLoop.shutdown_"));
    let thread = if closes { None } else { turn::enlist(py, awaiting::name(task), direct, &turn) };
    let task = Task {
        object: task.clone().unbind(),
        thread,
        turn,
        direct,
        begun: Cell::new(false),
        over: Cell::new(false),
        future: Cell::new(0),
    };
    looped.tasks.borrow_mut().push(Rc::new(task));
    Ok(())
}

/// Another thread has something for the loop.
#[pyfunction]
fn _wake(py: Python<'_>, looped: &Bound<'_, PyAny>) {
    let looped = Loop::of(looped);
    with(py, |kernel| {
        if kernel.phase == Phase::Running {
            kernel.enables();
            looped.turn.place.set(Some(0));
        }
    });
}

/// One iteration.
#[pyfunction]
fn _once(py: Python<'_>, looped: &Bound<'_, PyAny>) -> PyResult<()> {
    let state = Loop::of(looped);
    if with(py, |kernel| kernel.phase) != Phase::Running {
        turn::leave(py);
        state.close(py);
        return Err(waiting::abort_or_refuse(py));
    }
    let host = turn::host(py, state.tasks.borrow().iter().filter_map(|task| task.thread));
    let done = Library::get(py).and_then(|library| state.iterate(looped, &library, host));
    if done.is_err() || looped.getattr(intern!(py, "_stopping"))?.is_truthy()? {
        turn::leave(py);
    }
    if with(py, |kernel| kernel.phase) == Phase::Unwinding {
        state.close(py);
    }
    done
}

/// Before the main thread ends: nobody comes back to what is left.
pub fn close(py: Python<'_>) {
    for looped in loops(py) {
        // One that another thread runs is closed by that.
        let runs = looped.object.bind(py).getattr(intern!(py, "_thread_id")).is_ok_and(|thread| !thread.is_none());
        if !runs {
            looped.close(py);
        }
    }
}

impl Loop {
    fn of(object: &Bound<'_, PyAny>) -> Rc<Loop> {
        let mut loops = LOOPS.borrow_mut();
        if let Some(known) = loops.iter().find(|known| known.object.is(object)) {
            return Rc::clone(known);
        }
        let turn = Turn::of(&Rc::default());
        let object = object.clone().unbind();
        let made = Rc::new(Loop { object, turn, tasks: RefCell::default(), progress: Cell::new(true) });
        loops.push(Rc::clone(&made));
        made
    }

    /// Ends the coroutines of tasks that are not over. Here and now, for whoever does not want to end can still be told so.
    fn close(&self, py: Python<'_>) {
        let left: Vec<_> = self.tasks.borrow().iter().filter(|task| !task.over.replace(true)).cloned().collect();
        for task in left {
            let coroutine = task.object.bind(py).getattr(intern!(py, "_coro"));
            let closed = coroutine.and_then(|coroutine| coroutine.call_method0(intern!(py, "close")).map(drop));
            if closed.is_err_and(|error| error.is_instance_of::<PyRuntimeError>(py)) {
                // It will not end. To drop it would run it once more, where nobody watches it.
                std::mem::forget(task);
                with(py, |kernel| kernel.told.spent = true);
            }
        }
    }

    fn task(&self, object: &Bound<'_, PyAny>) -> Option<Rc<Task>> {
        self.tasks.borrow().iter().find(|task| task.object.is(object)).cloned()
    }

    fn iterate(&self, looped: &Bound<'_, PyAny>, library: &Library, host: usize) -> PyResult<()> {
        let py = looped.py();
        let ready = looped.getattr(intern!(py, "_ready"))?;
        if with(py, |kernel| std::mem::take(&mut kernel.polled)) {
            self.rest(looped, library, true)?;
        }
        self.collect(looped, library)?;
        if ready.len()? == 0 && !looped.getattr(intern!(py, "_stopping"))?.is_truthy()? {
            self.rest(looped, library, false)?;
            self.collect(looped, library)?;
        }
        let mut todo = VecDeque::with_capacity(ready.len()?);
        for _ in 0..ready.len()? {
            let handle = ready.call_method0(intern!(py, "popleft"))?;
            let task = self.stepped_by(&handle, library)?;
            todo.push_back(Ready { handle, task });
        }
        let done = self.carry_out(looped, library, host, &mut todo);
        for left in todo.into_iter().rev() {
            ready.call_method1(intern!(py, "appendleft"), (left.handle,))?;
        }
        done
    }

    /// Whose step a handle is.
    fn stepped_by(&self, handle: &Bound<'_, PyAny>, library: &Library) -> PyResult<Option<Rc<Task>>> {
        let py = handle.py();
        let callback = handle.getattr(intern!(py, "_callback"))?;
        let Some(function) = callback.getattr_opt(intern!(py, "__func__"))? else { return Ok(None) };
        if !function.is(&library.step) && !function.is(&library.wakeup) {
            return Ok(None);
        }
        Ok(self.task(&callback.getattr(intern!(py, "__self__"))?).filter(|task| task.thread.is_some()))
    }

    /// What has become ready: by the kernel, and by time.
    fn collect(&self, looped: &Bound<'_, PyAny>, library: &Library) -> PyResult<()> {
        let py = looped.py();
        selected::collect(looped)?;
        let scheduled = looped.getattr(intern!(py, "_scheduled"))?;
        let ready = looped.getattr(intern!(py, "_ready"))?;
        while scheduled.len()? > 0 {
            let first = scheduled.get_item(0)?;
            let cancelled = first.getattr(intern!(py, "_cancelled"))?.is_truthy()?;
            if !cancelled && when(&first)? > with(py, |kernel| kernel.now) {
                break;
            }
            library.heappop.call1(py, (&scheduled,))?;
            first.setattr(intern!(py, "_scheduled"), false)?;
            if cancelled {
                let count: i64 = looped.getattr(intern!(py, "_timer_cancelled_count"))?.extract()?;
                looped.setattr(intern!(py, "_timer_cancelled_count"), count - 1)?;
            } else {
                ready.call_method1(intern!(py, "append"), (first,))?;
            }
        }
        Ok(())
    }

    /// Those that are not cancelled and whose time has not come, in the order of their times.
    fn timers(&self, looped: &Bound<'_, PyAny>, library: &Library) -> PyResult<Vec<Timer>> {
        let py = looped.py();
        let now = with(py, |kernel| kernel.now);
        let tasks = self.tasks.borrow().clone();
        let mut timers = Vec::new();
        for handle in looped.getattr(intern!(py, "_scheduled"))?.try_iter()? {
            let handle = handle?;
            let when = when(&handle)?;
            if when <= now || handle.getattr(intern!(py, "_cancelled"))?.is_truthy()? {
                continue;
            }
            let mut sleeper = None;
            if handle.getattr(intern!(py, "_callback"))?.is(&library.ends_sleep) {
                let future = handle.getattr(intern!(py, "_args"))?.get_item(0)?.as_ptr() as usize;
                sleeper = tasks.iter().find(|task| task.future.get() == future && !task.over.get()).cloned();
            }
            timers.push(Timer { when, sleeper: sleeper.filter(|task| task.thread.is_some()) });
        }
        timers.sort_by_key(|timer| timer.when);
        Ok(timers)
    }

    /// Tells the kernel who could go on. Steps behind a callback wait for it, and sleepers behind a time-out.
    fn line_up(&self, todo: &VecDeque<Ready<'_>>, timers: &[Timer]) {
        self.turn.rest();
        for task in self.tasks.borrow().iter() {
            task.turn.rest();
        }
        for (place, ready) in (0..).zip(todo) {
            let turn = ready.task.as_ref().map_or(&self.turn, |task| &task.turn);
            turn.place.set(Some(place));
            if ready.task.is_none() {
                break;
            }
        }
        for timer in timers {
            match &timer.sleeper {
                Some(task) => task.turn.sleeps_until.set(Some(timer.when)),
                None => {
                    self.turn.until.set(Some(timer.when).filter(|_| todo.is_empty()));
                    break;
                }
            }
        }
    }

    /// Nothing is ready, or only who has `polled` for something else: others go on, or time passes.
    fn rest(&self, looped: &Bound<'_, PyAny>, library: &Library, polled: bool) -> PyResult<()> {
        let py = looped.py();
        let timers = self.timers(looped, library)?;
        self.line_up(&VecDeque::new(), &timers);
        if polled && let Some(first) = timers.first() {
            self.turn.until.set(Some(first.when));
        }
        self.turn.descriptors.replace(selected::interests(looped)?);
        let asks = Asks { host: &self.turn, progress: self.progress.replace(true), may_be_alone: polled };
        if let Some(chosen) = turn::next(py, &asks)? {
            self.rested(py, chosen);
        }
        Ok(())
    }

    fn carry_out(
        &self,
        looped: &Bound<'_, PyAny>,
        library: &Library,
        host: usize,
        todo: &mut VecDeque<Ready<'_>>,
    ) -> PyResult<()> {
        let py = looped.py();
        loop {
            drop_cancelled(todo)?;
            if todo.is_empty() {
                return Ok(());
            }
            if with(py, |kernel| tracer::total() >= kernel.limits.points_max) {
                return Err(waiting::endless(py, self.place(py)));
            }
            let timers = self.timers(looped, library)?;
            self.line_up(todo, &timers);
            let asks = Asks { host: &self.turn, progress: self.progress.replace(true), may_be_alone: false };
            let Some(chosen) = turn::next(py, &asks)? else { continue };
            let owner = Some(chosen).filter(|chosen| *chosen != host);
            let at = todo.iter().position(|ready| ready.task.as_ref().and_then(|task| task.thread) == owner);
            match at.and_then(|at| todo.remove(at)) {
                Some(ready) => self.call(&ready)?,
                // A sleeper: its time has come, and its timer is called in the next iteration.
                None => self.rested(py, chosen),
            }
        }
    }

    /// Where the task is that had its turn last.
    fn place(&self, py: Python<'_>) -> Option<Place> {
        let current = with(py, |kernel| kernel.current);
        let task = self.tasks.borrow().iter().find(|task| task.thread == Some(current)).cloned();
        task.and_then(|task| awaiting::place(py, &task))
    }

    /// A task was chosen only because its sleep may be over: nobody is to be overtaken by it for ever.
    fn rested(&self, py: Python<'_>, chosen: usize) {
        let task = self.tasks.borrow().iter().find(|task| task.thread == Some(chosen)).cloned();
        if let Some(task) = task {
            turn::stepped(py, chosen, &task.turn, false);
            with(py, |kernel| kernel.gave_way(chosen));
        }
    }

    fn call(&self, ready: &Ready<'_>) -> PyResult<()> {
        let py = ready.handle.py();
        let Some((task, thread)) = ready.task.as_ref().and_then(|task| Some((task, task.thread?))) else {
            return ready.handle.call_method0(intern!(py, "_run")).map(drop);
        };
        let object = task.object.bind(py);
        if !task.begun.replace(true) {
            let name = awaiting::name(object);
            with(py, |kernel| kernel.threads[thread].name = name);
            awaiting::tell(py, Act::Starts, task);
        } else if task.future.get() != 0 {
            awaiting::tell(py, Act::Wakes, task);
        }
        let done = ready.handle.call_method0(intern!(py, "_run"));
        let over = object.getattr(intern!(py, "_state"))?.ne("PENDING")?;
        let future = object.getattr(intern!(py, "_fut_waiter"))?;
        task.over.set(over);
        task.future.set(if over || future.is_none() { 0 } else { future.as_ptr() as usize });
        if over {
            let died = !object.getattr(intern!(py, "_exception"))?.is_none();
            awaiting::tell(py, if died { Act::Dies } else { Act::Ends }, task);
        } else if task.future.get() != 0 {
            awaiting::tell(py, Act::Waits, task);
        }
        self.progress.set(over || task.future.get() != 0);
        if with(py, |kernel| kernel.phase) == Phase::Running {
            turn::stepped(py, thread, &task.turn, over);
        }
        done.map(drop)
    }
}

fn drop_cancelled(todo: &mut VecDeque<Ready<'_>>) -> PyResult<()> {
    let mut at = 0;
    while let Some(ready) = todo.get(at) {
        if ready.handle.getattr(intern!(ready.handle.py(), "_cancelled"))?.is_truthy()? {
            todo.remove(at);
        } else {
            at += 1;
        }
    }
    Ok(())
}

/// Virtual nanoseconds.
fn when(handle: &Bound<'_, PyAny>) -> PyResult<u64> {
    let seconds: f64 = handle.getattr(intern!(handle.py(), "_when"))?.extract()?;
    Ok((seconds.max(0.0) * 1e9).round() as u64)
}
