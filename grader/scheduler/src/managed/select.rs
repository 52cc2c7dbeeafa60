//! `select.select`, and the `poll` of `select.poll` and `select.epoll` objects; so `selectors` too.
//!
//! Each asks without waiting, waits as the other operations do if there is nothing yet, and asks again. What epoll tells is
//! put in the order of descriptors: its own order is that of arrival.

use std::cell::RefCell;
use std::os::fd::RawFd;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use rustix::event::PollFlags;
use schedules::words::Act;

use super::descriptors::{self, Interest};
use super::methods::{self, Invocation};
use crate::held::Held;
use crate::kernel::waiting::{self, Woken};
use crate::kernel::{Call, Object};
use crate::record;

/// The interpreter's own `select.select`.
static OWN: Held<RefCell<Option<Py<PyAny>>>> = Held::new(RefCell::new(None));

pub fn apply(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let module = py.import("select")?;
    let before = OWN.borrow_mut().replace(module.getattr("select")?.unbind());
    drop(before);
    let poll = module.getattr("poll")?.call0()?;
    assert!(registered(&poll).is_some(), "poll objects keep what they are asked about where we know it");
    methods::exchange(&poll.get_type(), c"poll", poll_object)?;
    let epoll = module.getattr("epoll")?.cast_into()?;
    descriptors::owns(&epoll)?;
    methods::exchange(&epoll, c"poll", epoll_object)?;
    wrap_pyfunction!(select, &module).map(Bound::into_any)
}

/// Asks, waits, and asks again until somebody has something.
struct Asked<'a, 'py> {
    py: Python<'py>,
    call: Call,
    interests: Vec<Interest>,
    /// Seconds; `None` without end.
    timeout: Option<f64>,
    ask: &'a dyn Fn() -> PyResult<Bound<'py, PyAny>>,
    is_empty: fn(&Bound<'py, PyAny>) -> bool,
}

impl<'py> Asked<'_, 'py> {
    /// The answer; the last one, if the time is over.
    fn answer(&self) -> PyResult<Bound<'py, PyAny>> {
        let until = self.timeout.map(|seconds| super::until(self.py, seconds)).transpose()?;
        loop {
            let answer = (self.ask)()?;
            if !(self.is_empty)(&answer) {
                return Ok(answer);
            }
            if self.timeout == Some(0.0) {
                record::log(self.py, Act::Looks, Some(self.call), Some("nothing is ready"));
                waiting::give_way(self.py)?;
                return Ok(answer);
            }
            if descriptors::wait(self.py, &self.interests, until, self.call)? == Woken::TimedOut {
                return Ok(answer);
            }
        }
    }
}

/// `None` and what is negative wait without end, where the function allows it.
fn seconds(timeout: Option<Bound<'_, PyAny>>, unit: f64) -> PyResult<Option<f64>> {
    let timeout: Option<f64> = timeout.filter(|timeout| !timeout.is_none()).map(|t| t.extract()).transpose()?;
    Ok(timeout.map(|timeout| timeout * unit))
}

#[pyfunction]
#[pyo3(signature = (rlist, wlist, xlist, timeout=None, /))]
fn select<'py>(
    py: Python<'py>,
    rlist: Bound<'py, PyAny>,
    wlist: Bound<'py, PyAny>,
    xlist: Bound<'py, PyAny>,
    timeout: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let own = OWN.borrow().as_ref().expect("it is kept before it is exchanged").clone_ref(py).into_bound(py);
    if !descriptors::is_managed(py)? {
        return own.call1((rlist, wlist, xlist, timeout));
    }
    let timeout = seconds(timeout, 1.0)?;
    if timeout.is_some_and(|seconds| seconds < 0.0) {
        return Err(PyValueError::new_err("timeout must be non-negative"));
    }
    let lists = [rlist, wlist, xlist].map(|list| list.try_iter()?.collect::<PyResult<Vec<_>>>());
    let [rlist, wlist, xlist] = lists;
    let (rlist, wlist, xlist) = (rlist?, wlist?, xlist?);
    waiting::point(py, true)?;
    let mut interests = Vec::new();
    // As select(2) has them: the end of a stream can be read, an error be read and written.
    let reads = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
    for (list, events) in [(&rlist, reads), (&wlist, PollFlags::OUT | PollFlags::ERR), (&xlist, PollFlags::PRI)] {
        for object in list {
            interests.push(Interest { descriptor: descriptor(object)?, events: events | PollFlags::NVAL });
        }
    }
    let call = Call { name: "select.select", object: None };
    let ask = || own.call1((rlist.clone(), wlist.clone(), xlist.clone(), 0));
    Asked { py, call, interests, timeout, ask: &ask, is_empty: all_empty }.answer()
}

fn all_empty(answer: &Bound<'_, PyAny>) -> bool {
    answer.cast::<PyTuple>().is_ok_and(|lists| lists.iter().all(|list| list.len().is_ok_and(|length| length == 0)))
}

fn empty(answer: &Bound<'_, PyAny>) -> bool {
    answer.len().is_ok_and(|length| length == 0)
}

/// Of a number or of an object that has one.
fn descriptor(object: &Bound<'_, PyAny>) -> PyResult<RawFd> {
    // SAFETY: an object; -1 stands for an error that is set.
    match unsafe { ffi::PyObject_AsFileDescriptor(object.as_ptr()) } {
        -1 => Err(PyErr::fetch(object.py())),
        descriptor => Ok(descriptor),
    }
}

/// The beginning of CPython 3.11's `pollObject`.
#[repr(C)]
struct PollObject {
    head: ffi::PyObject,
    /// Event masks by descriptor.
    registered: *mut ffi::PyObject,
}

/// What a `select.poll` object is asked about.
fn registered<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    let py = object.py();
    // SAFETY: called for such objects only, and once at the start, to see that this is the layout.
    let registered = unsafe {
        let object = object.as_ptr().cast::<PollObject>();
        Bound::from_borrowed_ptr_or_opt(py, (*object).registered)
    };
    registered?.cast_into().ok()
}

fn poll_object<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if !descriptors::is_managed(py)? {
        return invocation.go_on();
    }
    let timeout = seconds(invocation.argument(0, "timeout")?, 1e-3)?.filter(|seconds| *seconds >= 0.0);
    waiting::point(py, true)?;
    let mut interests = Vec::new();
    for (descriptor, events) in registered(&invocation.object).iter().flatten() {
        let events = PollFlags::from_bits_retain(events.extract()?) | descriptors::BROKEN;
        interests.push(Interest { descriptor: descriptor.extract()?, events });
    }
    let ask = || invocation.go_on_with(vec![0i32.into_pyobject(py)?.into_any()]);
    let call = call("select.poll", "poll", &invocation.object);
    Asked { py, call, interests, timeout, ask: &ask, is_empty: empty }.answer()
}

fn epoll_object<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if !descriptors::is_managed(py)? {
        return invocation.go_on();
    }
    let timeout = seconds(invocation.argument(0, "timeout")?, 1.0)?.filter(|seconds| *seconds >= 0.0);
    let most = invocation.argument(1, "maxevents")?.unwrap_or((-1i32).into_pyobject(py)?.into_any());
    waiting::point(py, true)?;
    // An epoll object is a descriptor itself, ready when it has something to tell.
    let descriptor = invocation.object.call_method0("fileno")?.extract()?;
    let interests = vec![Interest { descriptor, events: PollFlags::IN | PollFlags::ERR | PollFlags::NVAL }];
    let bare = Invocation { named: None, ..invocation.clone() };
    let ask = || bare.go_on_with(vec![0i32.into_pyobject(py)?.into_any(), most.clone()]);
    let call = call("epoll.poll", "epoll", &invocation.object);
    let answer = Asked { py, call, interests, timeout, ask: &ask, is_empty: empty }.answer()?;
    answer.cast::<PyList>()?.sort()?;
    Ok(answer)
}

fn call(name: &'static str, kind: &'static str, object: &Bound<'_, PyAny>) -> Call {
    Call { name, object: Some(Object { kind, address: object.as_ptr() as usize, own: false }) }
}
