//! What a run shows by itself: who died, and who waits for whom when nobody can go on.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::{PyModule, PyTraceback};
use schedules::Thread;
use schedules::words::{Act, Deadlock, Fact, Place, Raised, Wait};

use crate::frames::{self, Doing};
use crate::kernel::{Call, Managed, Object, State, Waiting, Wants, numbered, waiting, with};
use crate::managed::asyncio::{self, Awaits};
use crate::managed::core::Core;
use crate::{patch, record};

/// Longest text of an exception, in characters.
const TEXT_CHARS_MAX: usize = 2_000;
/// Longest printed traceback, in characters, from its end.
const TRACEBACK_CHARS_MAX: usize = 8_000;

/// The running thread ends by an exception.
pub fn died(py: Python<'_>, error: &PyErr) {
    let thread = with(py, |kernel| numbered(kernel.current));
    let raised = raised(py, error, true);
    record::log(py, Act::Dies, None, Some(&in_a_line(&raised)));
    with(py, |kernel| kernel.tell(Fact::Exception { thread, raised }));
}

/// As Python ends a traceback.
pub fn in_a_line(raised: &Raised) -> String {
    let class = raised.classes.first().map_or("an exception", String::as_str);
    if raised.text.is_empty() { class.to_owned() } else { format!("{class}: {}", raised.text) }
}

/// A thread, so called that it cannot be taken for a lock or a queue.
pub fn thread(name: &str) -> String {
    if name.starts_with("Thread") { name.to_owned() } else { format!("Thread {name}") }
}

/// An exception in words; its traceback too if that is `printed`.
pub fn raised(py: Python<'_>, error: &PyErr, printed: bool) -> Raised {
    let classes = error.get_type(py).mro();
    let names = classes.iter().filter_map(|class| class.getattr("__name__").ok()?.extract::<String>().ok());
    let classes = names.filter(|name| name != "object").collect();
    let text = error.value(py).str().map(|text| text.to_string_lossy().into_owned());
    let text = text.unwrap_or_else(|_| "(its text could not be made)".to_owned());
    let text = text.chars().take(TEXT_CHARS_MAX).collect();
    let traceback = if printed { printed_traceback(py, error) } else { None };
    Raised { classes, text, place: origin(py, error), traceback }
}

/// The innermost place in the submission that the exception passed.
fn origin(py: Python<'_>, error: &PyErr) -> Option<Place> {
    let mut place = None;
    let mut next: Option<Bound<'_, PyTraceback>> = error.traceback(py);
    while let Some(traceback) = next {
        let line = traceback.getattr("tb_lineno").and_then(|line| line.extract()).unwrap_or(0);
        let frame = traceback.getattr("tb_frame").ok()?;
        if let Some(found) = frames::place_of(&frame, line) {
            place = Some(found);
        }
        next = traceback.getattr("tb_next").ok()?.cast_into().ok();
    }
    place
}

fn printed_traceback(py: Python<'_>, error: &PyErr) -> Option<String> {
    let module = PyModule::import(py, "traceback").ok()?;
    let lines = module.call_method1("format_exception", (error.value(py),)).ok()?;
    let text: String = lines.extract::<Vec<String>>().ok()?.concat();
    let skipped = text.chars().count().saturating_sub(TRACEBACK_CHARS_MAX);
    Some(text.chars().skip(skipped).collect())
}

/// A thread that waits, before its names are known.
struct Row {
    thread: usize,
    call: Call,
    wants: Wants,
    frame: *mut pyo3::ffi::PyFrameObject,
    held_by: Vec<usize>,
    holds: Vec<Object>,
}

/// Nobody can go on: says so, and the run is over.
pub fn deadlock(py: Python<'_>) {
    asyncio::unretrieved(py);
    let rows = with(py, |kernel| {
        let row = |(thread, managed): (usize, &Managed)| match &managed.state {
            State::Waits(waiting) => {
                // What a task has taken, the thread that runs it has.
                let body = managed.host.filter(|_| !matches!(waiting.wants, Wants::Turn(_)));
                let held = body.map_or(&managed.held, |host| &kernel.threads[host].held);
                let holds = held.iter().filter(|core| !core.internal).map(Core::object).collect();
                let held_by = holders(&waiting.wants, thread, &kernel.threads);
                let (call, wants) = (waiting.call, waiting.wants.clone());
                Some(Row { thread, call, wants, frame: managed.carrier.frame(), held_by, holds })
            }
            State::Runs | State::Ended | State::Lost => None,
        };
        kernel.threads.iter().enumerate().filter_map(row).collect::<Vec<Row>>()
    });
    let mut class = Deadlock::Stuck;
    let mut edges = BTreeMap::new();
    let mut waits = Vec::new();
    for row in rows {
        let doing = frames::doing(py, row.frame);
        if let Some(awaits) = asyncio::awaits(py, row.thread).filter(|_| matches!(row.wants, Wants::Turn(_))) {
            if awaits.lost.is_some() {
                class = Deadlock::LostWakeUp;
            }
            edges.insert(row.thread, awaits.held_by.clone());
            waits.push(awaited(row.thread, awaits));
            continue;
        }
        edges.insert(row.thread, row.held_by.clone());
        if matches!(row.wants, Wants::Turn(_)) && asyncio::hosts_tasks(py, row.thread) {
            continue;
        }
        let missed = match &row.wants {
            // The library's own conditions, as a queue has, are not what the program waits at.
            Wants::Notification { notices, .. }
                if (doing.call.is_none() || is_own(row.call)) && notices.given.get() =>
            {
                class = Deadlock::LostWakeUp;
                notices.missed.borrow().clone()
            }
            _ => None,
        };
        waits.push(described(py, row, doing, missed));
    }
    let cycle = ring(&edges);
    if !cycle.is_empty() {
        class = Deadlock::Cycle;
    }
    waiting::fail(py, Fact::Deadlock { class, waits, cycle });
}

/// The row of a task.
fn awaited(task: usize, awaits: Awaits) -> Wait {
    let Awaits { call, object, place, held_by, holds, lost } = awaits;
    let held_by = held_by.into_iter().map(numbered).collect();
    Wait { thread: numbered(task), call, object, held_by, holds, place, missed: lost.flatten() }
}

/// The run is endless: says who waits at conditions and was notified for nothing all the time.
pub fn starving(py: Python<'_>) {
    let starving: Vec<_> = with(py, |kernel| {
        let starves = |(thread, managed): (usize, &Managed)| match &managed.state {
            State::Waits(Waiting { wants: Wants::Notification { notices, lock: Some(lock) }, .. }) => {
                notices.starves(thread, lock).then(|| (thread, managed.carrier.frame()))
            }
            State::Runs | State::Waits(_) | State::Ended | State::Lost => None,
        };
        kernel.threads.iter().enumerate().filter_map(starves).collect()
    });
    for (thread, frame) in starving {
        let place = frames::doing(py, frame).place;
        with(py, |kernel| kernel.tell(Fact::Starvation { thread: numbered(thread), place }));
    }
}

fn holders(wants: &Wants, waiter: usize, threads: &[Managed]) -> Vec<usize> {
    match wants {
        Wants::Lock(core) => core.owner().map(|owner| busy(owner, threads).unwrap_or(owner)).into_iter().collect(),
        Wants::Notification { lock: Some(core), .. } if threads[waiter].notified => {
            core.owner().map(|owner| busy(owner, threads).unwrap_or(owner)).into_iter().collect()
        }
        Wants::Ends(awaited) => {
            let alive = |thread: &&usize| !matches!(threads[**thread].state, State::Ended | State::Lost);
            awaited.iter().filter(alive).copied().collect()
        }
        // A thread that runs a loop waits for the task that does not come to an end of its step.
        Wants::Turn(_) => busy(waiter, threads).into_iter().collect(),
        Wants::Notification { .. } | Wants::Item(_) | Wants::Stillness | Wants::Time | Wants::Descriptors(_) => {
            Vec::new()
        }
    }
}

/// The task that does not let the thread that runs it go on.
fn busy(host: usize, threads: &[Managed]) -> Option<usize> {
    let waits = |state: &State| matches!(state, State::Waits(waiting) if !matches!(waiting.wants, Wants::Turn(_)));
    threads.iter().position(|task| task.host == Some(host) && waits(&task.state))
}

fn described(py: Python<'_>, row: Row, doing: Doing<'_>, missed: Option<Place>) -> Wait {
    let joined = match row.wants {
        Wants::Lock(ref core) if core.object().kind == "Thread" => core.owner(),
        _ => None,
    };
    let (call, object) = named(py, &doing, Some(row.call), joined);
    let held_by = row.held_by.into_iter().map(numbered).collect();
    let holds = row.holds.into_iter().map(|object| record::name(py, object.kind, object.address)).collect();
    Wait { thread: numbered(row.thread), call, object, held_by, holds, place: doing.place, missed }
}

/// Whether what is called was made by the program: then the library that calls it says nothing about it.
pub fn is_own(call: Call) -> bool {
    call.object.is_some_and(|object| object.own)
}

/// What a call and its object are called.
pub fn named(py: Python<'_>, doing: &Doing<'_>, call: Option<Call>, joined: Option<usize>) -> (String, Option<String>) {
    let native = call.map(|call| call.name.to_owned()).unwrap_or_default();
    // What is between a socket and its file is nobody's call.
    let told = doing.call.as_ref().filter(|_| !call.is_some_and(is_own));
    let known = told.filter(|(name, _)| !name.starts_with("SocketIO."));
    let name = known.map(|(name, _)| name.clone()).filter(|name| !name.starts_with('_'));
    let thread = joined.map(|thread| with(py, |kernel| self::thread(&kernel.threads[thread].name)));
    let object = thread.or_else(|| match known {
        Some((_, Some(object))) if patch::is_thread(object).unwrap_or(false) => {
            let name = object.getattr("_name").and_then(|name| name.extract::<String>());
            Some(self::thread(&name.unwrap_or_default()))
        }
        Some((_, Some(object))) => {
            let kind = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
            Some(record::name(py, &kind, object.as_ptr() as usize))
        }
        Some((_, None)) | None => {
            call.and_then(|call| call.object).map(|object| record::name(py, object.kind, object.address))
        }
    });
    (name.unwrap_or(native), object)
}

/// Threads that wait for one another in a ring, if there are such.
fn ring(edges: &BTreeMap<usize, Vec<usize>>) -> Vec<Thread> {
    for start in edges.keys() {
        let mut path: Vec<usize> = Vec::new();
        let mut at = *start;
        loop {
            if let Some(from) = path.iter().position(|seen| *seen == at) {
                return path[from..].iter().copied().map(numbered).collect();
            }
            path.push(at);
            // A thread that waits for several waits for the first of them in any case.
            match edges.get(&at).and_then(|holders| holders.first()) {
                Some(next) => at = *next,
                None => break,
            }
        }
    }
    Vec::new()
}
