//! What a program may not do while its threads are scheduled: things that would take it out of the scheduler's hands.
//!
//! CPython tells hooks of such events before they happen, and a native hook cannot be removed. What is forbidden is
//! refused with an exception that says so, and remembered even if the program swallows that: a run in which somebody
//! tried proves nothing. Looking at frames (`sys._getframe`, `inspect`) is allowed.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_void};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyString, PyTuple};

/// Events that are refused whatever they are about.
const FORBIDDEN: &[&str] = &[
    "sys.settrace",
    "sys.setprofile",
    "sys.addaudithook",
    "sys._current_frames",
    "sys._current_exceptions",
    "code.__new__",
    "gc.get_objects",
    "gc.get_referrers",
    "gc.get_referents",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.exec",
    "os.spawn",
    "os.system",
    "subprocess.Popen",
    "cpython.PyInterpreterState_New",
];
/// Likewise, by how they begin.
const FORBIDDEN_FAMILIES: &[&str] = &["ctypes.", "sys.monitoring"];
/// The standard library, and where extension modules may be loaded from: this one is not there, nor is a copy of it.
const LIBRARIES: &str = "/usr/lib/";
const MEMORY: (&str, &str) = ("/proc/", "/mem");
/// A program that tries again and again is not told of each time.
const TRIPPED_MAX: usize = 20;

/// Is told of code that is about to be executed.
pub type Meeting = fn(&Bound<'_, PyCode>) -> PyResult<()>;

struct State {
    added: Cell<bool>,
    /// What a program has compiled itself is its own too: whoever watches code wants to see it.
    meeting: Cell<Option<Meeting>>,
    armed: Cell<bool>,
    /// We do it ourselves.
    ours: Cell<bool>,
    tripped: RefCell<Vec<String>>,
}

// SAFETY: hooks are called with the interpreter's lock held, and so is everything else here.
unsafe impl Sync for State {}

static STATE: State = State {
    added: Cell::new(false),
    meeting: Cell::new(None),
    armed: Cell::new(false),
    ours: Cell::new(false),
    tripped: RefCell::new(Vec::new()),
};

/// Who is told of code before it is executed.
pub fn meet(meeting: Meeting) {
    STATE.meeting.set(Some(meeting));
}

/// From now on forbidden things are refused, or not.
pub fn arm_audit(on: bool) {
    if on && !STATE.added.replace(true) {
        // SAFETY: the hook is a function of this library, which is never unloaded.
        unsafe { PySys_AddAuditHook(hook, std::ptr::null_mut()) };
    }
    STATE.armed.set(on);
}

/// What was refused since the last call.
pub fn tripped() -> Vec<String> {
    STATE.tripped.take()
}

/// Does something of our own that would be refused.
pub(crate) fn ours<T>(act: impl FnOnce() -> T) -> T {
    let before = STATE.ours.replace(true);
    let done = act();
    STATE.ours.set(before);
    done
}

type Hook = unsafe extern "C" fn(*const c_char, *mut ffi::PyObject, *mut c_void) -> c_int;

unsafe extern "C" {
    fn PySys_AddAuditHook(hook: Hook, data: *mut c_void) -> c_int;
}

unsafe extern "C" fn hook(event: *const c_char, arguments: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    if !STATE.armed.get() || STATE.ours.get() {
        return 0;
    }
    // SAFETY: the interpreter gives an event's name, and calls hooks with its lock held.
    let (event, py) = unsafe { (CStr::from_ptr(event), Python::assume_attached()) };
    let Ok(event) = event.to_str() else { return 0 };
    // SAFETY: a tuple or null.
    let arguments = unsafe { Bound::from_borrowed_ptr_or_opt(py, arguments) };
    if matches!(event, "exec" | "function.__new__") {
        let code = arguments.as_ref().and_then(|all| all.cast_exact::<PyTuple>().ok()?.get_item(0).ok());
        let Some(code) = code.and_then(|code| code.cast_into_exact::<PyCode>().ok()) else { return 0 };
        return match STATE.meeting.get().map_or(Ok(()), |meeting| meeting(&code)) {
            Ok(()) => 0,
            Err(error) => {
                error.restore(py);
                -1
            }
        };
    }
    match refused(event, arguments.as_ref()) {
        Some(what) => {
            refuse(py, what);
            -1
        }
        None => 0,
    }
}

fn refuse(py: Python<'_>, what: String) {
    PyRuntimeError::new_err(format!("{what} is not available while threads are scheduled")).restore(py);
    remember(what);
}

/// Something was seen that only somebody does who wants out.
pub(crate) fn saw(what: &str) {
    if STATE.armed.get() {
        remember(what.to_owned());
    }
}

fn remember(what: String) {
    let mut tripped = STATE.tripped.borrow_mut();
    if tripped.len() < TRIPPED_MAX && !tripped.contains(&what) {
        tripped.push(what);
    }
}

fn refused(event: &str, arguments: Option<&Bound<'_, PyAny>>) -> Option<String> {
    match event {
        "import" => {
            let file = text(arguments, 1).filter(|file| !file.starts_with(LIBRARIES))?;
            Some(format!("the extension module {file}"))
        }
        "open" => text(arguments, 0).filter(|path| path.starts_with(MEMORY.0) && path.ends_with(MEMORY.1)),
        // `types.coroutine` makes code from code, and `asyncio` needs that to be imported.
        "code.__new__" if is_asked_by_library() => None,
        _ if FORBIDDEN.contains(&event) => Some(event.to_owned()),
        _ if FORBIDDEN_FAMILIES.iter().any(|family| event.starts_with(family)) => Some(event.to_owned()),
        _ => None,
    }
}

fn is_asked_by_library() -> bool {
    // SAFETY: hooks are called with the lock held; the frame is borrowed and runs, its code is a new reference.
    unsafe {
        let frame = ffi::PyEval_GetFrame();
        if frame.is_null() {
            return false;
        }
        let code = Bound::from_owned_ptr(Python::assume_attached(), ffi::PyFrame_GetCode(frame).cast());
        code.getattr("co_filename")
            .and_then(|file| file.extract::<String>())
            .is_ok_and(|file| file.starts_with(LIBRARIES))
    }
}

/// An argument of exactly the type `str`: others could have code of their own.
fn text(arguments: Option<&Bound<'_, PyAny>>, at: usize) -> Option<String> {
    let argument = arguments?.cast_exact::<PyTuple>().ok()?.get_item(at).ok()?;
    argument.cast_exact::<PyString>().ok()?.extract().ok()
}
