//! What happened, one event after the other, for the student to read; only in runs that are recorded.
//!
//! Objects are named by kind and by the order in which they first appear.

use std::cell::RefCell;
use std::collections::HashMap;

use pyo3::prelude::*;
use schedules::words::{Act, Event};

use crate::frames;
use crate::held::Held;
use crate::kernel::{Call, Phase, Wants, numbered, with};
use crate::report;
use crate::tracer::{self, Access};

/// Most events of a run that are kept.
const EVENTS_MAX: usize = 5_000;
/// Most threads that one event names.
const NAMED_MAX: usize = 6;

#[derive(Debug, Default)]
struct Names {
    by_address: HashMap<(String, usize), String>,
    by_kind: HashMap<String, usize>,
    /// Objects that must not make room for others while they have a name.
    kept: Vec<Py<PyAny>>,
}

static NAMES: Held<RefCell<Option<Names>>> = Held::new(RefCell::new(None));

/// Before a run: nothing has a name.
pub fn begin() {
    let names = NAMES.borrow_mut().replace(Names::default());
    drop(names);
}

/// Such as `Lock#2`.
pub fn name(_py: Python<'_>, kind: &str, address: usize) -> String {
    let mut names = NAMES.borrow_mut();
    let names = names.get_or_insert_default();
    if let Some(name) = names.by_address.get(&(kind.to_owned(), address)) {
        return name.clone();
    }
    let number = names.by_kind.entry(kind.to_owned()).or_default();
    *number += 1;
    let name = format!("{kind}#{number}");
    names.by_address.insert((kind.to_owned(), address), name.clone());
    name
}

/// The running thread has done something.
pub fn log(py: Python<'_>, act: Act, call: Option<Call>, value: Option<&str>) {
    if !with(py, |kernel| kernel.recording && kernel.phase == Phase::Running) {
        return;
    }
    let doing = frames::doing_here(py);
    let Some(call) = call else { return push(py, act, None, value.map(str::to_owned), doing.place) };
    let (name, object) = report::named(py, &doing, Some(call), None);
    let by_library = doing.call.is_some() && !report::is_own(call);
    // What the library does with its own parts is one act of the program: the one that it asked for.
    let act = match act {
        Act::Notifies | Act::Releases if by_library && call.name != "SimpleQueue.put" => return,
        Act::Takes if by_library => meant(&name),
        act => act,
    };
    let value = match value {
        Some(value) => Some(value.to_owned()),
        // That a thread is waited for by joining it goes without saying.
        None => ((by_library || object.is_none()) && name != "Thread.join").then_some(name),
    };
    push(py, act, object, value, doing.place);
}

/// What is said of a wait that is for no object; only where something is recorded.
pub fn awaited(py: Python<'_>, wants: &Wants, until: Option<u64>) -> Option<String> {
    with(py, |kernel| {
        if !kernel.recording {
            return None;
        }
        Some(match wants {
            Wants::Ends(threads) => {
                let names = threads.iter().take(NAMED_MAX).map(|thread| kernel.threads[*thread].name.as_str());
                let more = if threads.len() > NAMED_MAX { ", …" } else { "" };
                names.collect::<Vec<_>>().join(", ") + more
            }
            Wants::Time => format!("{} s", until?.saturating_sub(kernel.now) as f64 / 1e9),
            Wants::Stillness => "the others".to_owned(),
            Wants::Lock(_) | Wants::Notification { .. } | Wants::Item(_) | Wants::Descriptors(_) | Wants::Turn(_) => {
                return None;
            }
        })
    })
}

/// The running thread has asked for another one.
pub fn started(py: Python<'_>, thread: usize) {
    if with(py, |kernel| kernel.recording) {
        let name = with(py, |kernel| report::thread(&kernel.threads[thread].name));
        push(py, Act::Starts, Some(name), None, frames::place(py));
    }
}

/// What a call of the library is about that takes a lock of its object.
fn meant(call: &str) -> Act {
    match call.rsplit('.').next().unwrap_or(call) {
        "set" | "clear" => Act::Sets,
        "put" | "put_nowait" | "release" | "task_done" | "submit" | "cancel" | "shutdown" | "set_result"
        | "set_exception" => Act::Releases,
        "empty" | "full" | "qsize" | "done" | "running" | "cancelled" | "is_alive" | "is_set" => Act::Looks,
        "join" => Act::Joins,
        _ => Act::Takes,
    }
}

/// The running thread has looked at or changed what may be shared.
pub fn access(py: Python<'_>, access: Access<'_>) {
    let Access { object, name: part, act, value, place } = access;
    let kind = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    let named = name(py, &kind, object.as_ptr() as usize);
    NAMES.borrow_mut().get_or_insert_default().kept.push(object.unbind());
    let (object, value) = match (act, part) {
        // Whatever is called, it is the object that threads share.
        (Act::Calls, Some(function)) => (named, Some(format!("{function}({})", value.unwrap_or_default()))),
        (_, Some(part)) => (format!("{named}.{part}"), value),
        (_, None) => (named, value),
    };
    push(py, act, Some(object), value, Some(place));
}

/// Something that is not told by frames.
pub fn push(
    py: Python<'_>,
    act: Act,
    object: Option<String>,
    value: Option<String>,
    place: Option<schedules::words::Place>,
) {
    with(py, |kernel| {
        if kernel.told.events.len() < EVENTS_MAX {
            let thread = numbered(kernel.current);
            let step = tracer::steps(thread);
            kernel.told.events.push(Event { thread, step, act, object, value, place });
        }
    });
}
