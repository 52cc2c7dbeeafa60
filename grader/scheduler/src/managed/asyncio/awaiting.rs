//! What a task waits for, as its program would say it: read off the coroutines that wait for one another.

use std::cell::RefCell;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use schedules::words::{Act, Place};

use super::{Task, loops, task_of};
use crate::frames::{self, Side};
use crate::held::Held;
use crate::kernel::{Wants, with};
use crate::{record, report};

/// Longest chain of coroutines that is looked at.
const CHAIN_MAX: usize = 100;

/// Who has an `asyncio.Lock`: the task that has called `acquire`.
#[derive(Debug)]
struct Owned {
    lock: Py<PyAny>,
    owner: usize,
}

/// What notifications of an `asyncio.Condition` came to.
#[derive(Debug)]
struct Notified {
    condition: Py<PyAny>,
    /// Where the last one was given that nobody waited for.
    missed: Option<Place>,
}

static OWNED: Held<RefCell<Vec<Owned>>> = Held::new(RefCell::new(Vec::new()));
static NOTIFIED: Held<RefCell<Vec<Notified>>> = Held::new(RefCell::new(Vec::new()));

pub fn forget() {
    let gone = (OWNED.take(), NOTIFIED.take());
    drop(gone);
}

fn owner(lock: &Bound<'_, PyAny>) -> Option<usize> {
    OWNED.borrow().iter().find(|owned| owned.lock.is(lock)).map(|owned| owned.owner)
}

/// An `asyncio.Lock` was taken.
#[pyfunction]
pub fn _taken(py: Python<'_>, lock: &Bound<'_, PyAny>) {
    let owner = with(py, |kernel| kernel.current);
    OWNED.borrow_mut().push(Owned { lock: lock.clone().unbind(), owner });
    record::log(py, Act::Takes, Some(UNNAMED), None);
}

/// It was let go, by whomever.
#[pyfunction]
pub fn _released(py: Python<'_>, lock: &Bound<'_, PyAny>) {
    let (gone, kept) = OWNED.take().into_iter().partition(|owned| owned.lock.is(lock));
    OWNED.replace(kept);
    let gone: Vec<Owned> = gone;
    drop(gone);
    record::log(py, Act::Releases, Some(UNNAMED), None);
}

/// So many of those who were `waiting` at an `asyncio.Condition` were notified.
#[pyfunction]
pub fn _notified(py: Python<'_>, condition: &Bound<'_, PyAny>, waiting: usize, most: i64) {
    let missed = if waiting == 0 { frames::place(py) } else { None };
    {
        let mut all = NOTIFIED.borrow_mut();
        match all.iter_mut().find(|known| known.condition.is(condition)) {
            Some(known) => known.missed = missed.or(known.missed.take()),
            None => all.push(Notified { condition: condition.clone().unbind(), missed }),
        }
    }
    let told = format!("{} of {waiting} waiting", waiting.min(usize::try_from(most).unwrap_or(0)));
    record::log(py, Act::Notifies, Some(UNNAMED), Some(&told));
}

/// An `asyncio.Event` was set.
#[pyfunction]
pub fn _was_set(py: Python<'_>) {
    record::log(py, Act::Sets, Some(UNNAMED), None);
}

/// Frames say what was called on what.
const UNNAMED: crate::kernel::Call = crate::kernel::Call { name: "", object: None };

/// A task's name for reports: its own and its coroutine's, or only its own if the program has given it one.
pub fn name(task: &Bound<'_, PyAny>) -> String {
    let py = task.py();
    let own = task.getattr(intern!(py, "_name")).and_then(|name| name.extract::<String>());
    let own = own.unwrap_or_else(|_| "Task".to_owned());
    let coroutine = task.getattr(intern!(py, "_coro")).and_then(|coroutine| coroutine.getattr("__qualname__"));
    match coroutine.and_then(|name| name.extract::<String>()) {
        Ok(coroutine) if own.starts_with("Task-") => {
            format!("{own} ({})", coroutine.rsplit("<locals>.").next().unwrap_or_default())
        }
        Ok(_) | Err(_) => own,
    }
}

/// What a task waits for.
#[derive(Debug, Default)]
pub struct Awaits {
    /// Such as `Queue.get`.
    pub call: String,
    /// Such as `Queue#1`.
    pub object: Option<String>,
    pub place: Option<Place>,
    pub held_by: Vec<usize>,
    /// Locks that it has itself.
    pub holds: Vec<String>,
    /// It waits to be notified, and somebody was or could have been; where that went to nobody.
    pub lost: Option<Option<Place>>,
}

/// One of the coroutines that wait for one another, the outermost first.
struct Link<'py> {
    frame: Bound<'py, PyAny>,
    side: Side,
    function: String,
    place: Place,
}

impl<'py> Link<'py> {
    fn local(&self, name: &str) -> Option<Bound<'py, PyAny>> {
        self.frame.getattr("f_locals").and_then(|locals| locals.get_item(name)).ok()
    }

    fn is_private(&self) -> bool {
        self.function.starts_with('_')
    }
}

fn chain<'py>(task: &Bound<'py, PyAny>) -> Vec<Link<'py>> {
    let mut links = Vec::new();
    let mut next = task.getattr("_coro").ok();
    while let Some(at) = next.filter(|at| !at.is_none() && links.len() < CHAIN_MAX) {
        let part = |names: [&str; 3]| names.iter().find_map(|name| at.getattr(*name).ok());
        let Some(frame) = part(["cr_frame", "gi_frame", "ag_frame"]) else { break };
        if let Some((side, function, place)) = frames::at_rest(&frame) {
            links.push(Link { frame, side, function, place });
        }
        next = part(["cr_await", "gi_yieldfrom", "ag_await"]);
    }
    links
}

/// Where in the submission a task is between two steps.
pub(super) fn place(py: Python<'_>, task: &Task) -> Option<Place> {
    let links = chain(task.object.bind(py));
    links.into_iter().rev().find(|link| link.side == Side::Submission).map(|link| link.place)
}

/// What a managed thread that is a task waits for; `None` for others.
pub fn awaits(py: Python<'_>, thread: usize) -> Option<Awaits> {
    let task = loops(py).iter().find_map(|looped| {
        let tasks = looped.tasks.borrow();
        tasks.iter().find(|task| task.thread == Some(thread)).cloned()
    })?;
    if task.future.get() == 0 {
        // It is ready, and its loop does not come to it.
        let host = with(py, |kernel| kernel.threads[thread].host);
        let held_by = with(py, |kernel| {
            let busy = |(_, other): &(usize, &crate::kernel::Managed)| {
                other.host == host
                    && matches!(&other.state, crate::kernel::State::Waits(w) if !matches!(w.wants, Wants::Turn(_)))
            };
            kernel.threads.iter().enumerate().find(busy).map(|(number, _)| number)
        });
        return Some(Awaits {
            call: "its turn in the event loop".to_owned(),
            place: place(py, &task),
            held_by: held_by.into_iter().collect(),
            holds: holds(py, thread),
            ..Awaits::default()
        });
    }
    Some(described(&task, thread, py))
}

fn holds(py: Python<'_>, thread: usize) -> Vec<String> {
    let owned = OWNED.borrow();
    let mine = owned.iter().filter(|owned| owned.owner == thread);
    mine.map(|owned| record::name(py, "Lock", owned.lock.as_ptr() as usize)).collect()
}

fn described(task: &Task, thread: usize, py: Python<'_>) -> Awaits {
    let links = chain(task.object.bind(py));
    let own = links.iter().rposition(|link| link.side != Side::Library);
    let place = links.iter().rev().find(|link| link.side == Side::Submission).map(|link| link.place.clone());
    let library = links.get(own.map_or(0, |own| own + 1)..).unwrap_or_default();
    let future = task.object.bind(py).getattr("_fut_waiter").ok().filter(|future| !future.is_none());
    let (call, object) = match library.iter().find(|link| !link.is_private()) {
        Some(link) if link.function != "Future.__await__" => {
            let object = link.local("self").map(|object| named(&object));
            (link.function.clone(), object)
        }
        Some(_) | None => awaited(future.as_ref()),
    };
    let lost = library.iter().find(|link| link.function == "Condition.wait").and_then(|link| {
        let condition = link.local("self")?;
        let notified = NOTIFIED.borrow();
        let known = notified.iter().find(|known| known.condition.is(&condition))?;
        Some(known.missed.clone())
    });
    let taking = library.iter().any(|link| link.function == "Lock.acquire");
    let held_by = holders(library, future.as_ref());
    Awaits { call, object, place, held_by, holds: holds(py, thread), lost: lost.filter(|_| !taking) }
}

fn named(object: &Bound<'_, PyAny>) -> String {
    if let Some(thread) = task_of(object.py(), object).and_then(|task| task.thread) {
        return with(object.py(), |kernel| kernel.threads[thread].name.clone());
    }
    let kind = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    record::name(object.py(), &kind, object.as_ptr() as usize)
}

/// A future that the program itself awaits.
fn awaited(future: Option<&Bound<'_, PyAny>>) -> (String, Option<String>) {
    let Some(future) = future else { return ("await".to_owned(), None) };
    let kind = future.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
    if kind == "_GatheringFuture" { ("gather".to_owned(), None) } else { ("await".to_owned(), Some(named(future))) }
}

/// Tasks without which it does not go on.
fn holders(library: &[Link<'_>], future: Option<&Bound<'_, PyAny>>) -> Vec<usize> {
    let mut awaited = Vec::new();
    for link in library {
        let several = match link.function.as_str() {
            "Lock.acquire" => {
                return link.local("self").and_then(|lock| owner(&lock)).into_iter().collect();
            }
            "TaskGroup.__aexit__" => link.local("self").and_then(|group| group.getattr("_tasks").ok()),
            "wait" => link.local("fs"),
            "wait_for" => {
                awaited.extend(link.local("fut"));
                None
            }
            _ => None,
        };
        awaited.extend(several.iter().flat_map(|several| several.try_iter().into_iter().flatten().flatten()));
    }
    if let Some(future) = future.filter(|_| awaited.is_empty()) {
        match future.getattr("_children") {
            Ok(children) => awaited.extend(children.try_iter().into_iter().flatten().flatten()),
            Err(_) => awaited.push(future.clone()),
        }
    }
    let going_on = |object: &Bound<'_, PyAny>| {
        let task = task_of(object.py(), object).filter(|task| !task.over.get())?;
        task.thread
    };
    awaited.iter().filter_map(going_on).collect()
}

/// Whether a thread runs a loop whose tasks are told of by themselves.
pub fn hosts_tasks(py: Python<'_>, thread: usize) -> bool {
    with(py, |kernel| {
        let waits = |task: &crate::kernel::Managed| matches!(task.state, crate::kernel::State::Waits(_));
        kernel.threads.iter().any(|task| task.host == Some(thread) && waits(task))
    })
}

/// An event of a task's own, between its steps; the running thread is the task.
pub(super) fn tell(py: Python<'_>, act: Act, task: &Task) {
    let Some(thread) = task.thread else { return };
    if !with(py, |kernel| kernel.recording) {
        return;
    }
    let (mut act, mut object, mut value, mut place) = (act, None, None, None);
    match act {
        Act::Waits | Act::Wakes => {
            let awaits = described(task, thread, py);
            if act == Act::Waits && awaits.call == "sleep" {
                act = Act::Sleeps;
            }
            (object, place) = (awaits.object, awaits.place);
            value = Some(awaits.call).filter(|_| object.is_none());
        }
        Act::Dies => {
            let error = task.object.bind(py).getattr("_exception").map(PyErr::from_value);
            value = error.ok().map(|error| report::in_a_line(&report::raised(py, &error, false)));
        }
        _ => {}
    }
    record::push(py, act, object, value, place);
}

/// For a dictionary of names.
pub(super) fn give(names: &Bound<'_, PyDict>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    names.set_item("_taken", wrap_pyfunction!(_taken, module)?)?;
    names.set_item("_released", wrap_pyfunction!(_released, module)?)?;
    names.set_item("_notified", wrap_pyfunction!(_notified, module)?)?;
    names.set_item("_was_set", wrap_pyfunction!(_was_set, module)?)
}
