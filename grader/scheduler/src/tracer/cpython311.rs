//! The only part that knows CPython 3.11 from inside: frames, masks by its instructions, and how to be told of them.
//!
//! Three things of the interpreter work together. The trace function is called for each line of a watched frame, and
//! for each instruction where the frame asks for it (`f_trace_opcodes`). Masks lie in the code objects'
//! extra slots. The frame evaluation function (PEP 523) turns tracing off for every frame that needs none, so that the
//! standard library runs at full speed even when it is called by traced code: every Python call has an interpreter
//! frame of its own (`_PyCFrame`) while such a function is set, hence the switch in it is this frame's alone. The price
//! is C stack for each Python call. One kind of call goes round that function, see [`keep_visible`].
//!
//! Layouts are declared here instead of taken from headers, which a build would need. [`check`] compares them with what
//! the interpreter itself says before anything relies on them, and another interpreter is refused.

mod callees;
mod calls;
mod check;
mod lines;
mod masks;
mod site;

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyCode;

use self::lines::Line;
use self::masks::Watched;
pub(super) use self::masks::watch;
pub(super) use self::site::Site;
use super::{STATE, bits};
use crate::audit;

/// `_PyInterpreterFrame`: an activation of a code object.
#[repr(C)]
struct Frame {
    function: *mut ffi::PyObject,
    globals: *mut ffi::PyObject,
    builtins: *mut ffi::PyObject,
    locals: *mut ffi::PyObject,
    code: *mut ffi::PyObject,
    object: *mut FrameObject,
    previous: *mut Frame,
    /// The instruction that is traced.
    instruction: *mut u16,
    /// Where the stack ends, counted from `variables`; true only while traced.
    stacktop: c_int,
    is_entry: bool,
    owner: c_char,
    /// Local variables, cells and the stack.
    variables: [*mut ffi::PyObject; 0],
}

/// `PyFrameObject`, as far as we go.
#[repr(C)]
struct FrameObject {
    head: ffi::PyObject,
    back: *mut FrameObject,
    frame: *mut Frame,
    trace: *mut ffi::PyObject,
    line: c_int,
    trace_lines: c_char,
    trace_opcodes: c_char,
}

/// `_PyCFrame`: an activation of the interpreter's loop.
#[repr(C)]
struct Loop {
    /// 0 or 255.
    use_tracing: u8,
    frame: *mut Frame,
    previous: *mut Loop,
}

/// `PyThreadState`, as far as we go.
#[repr(C)]
struct ThreadState {
    links: [*mut c_void; 2],
    interpreter: *mut ffi::PyInterpreterState,
    initialized: c_int,
    is_static: c_int,
    recursion: [c_int; 3],
    tracing: c_int,
    tracing_what: c_int,
    cframe: *mut Loop,
    profile: Option<ffi::Py_tracefunc>,
    trace: Option<ffi::Py_tracefunc>,
}

type Evaluate = unsafe extern "C" fn(*mut ThreadState, *mut Frame, c_int) -> *mut ffi::PyObject;

// Exported by the interpreter, but not declared by its public headers.
unsafe extern "C" {
    fn _PyEval_EvalFrameDefault(state: *mut ThreadState, frame: *mut Frame, throwing: c_int) -> *mut ffi::PyObject;
    fn _PyInterpreterState_SetEvalFrameFunc(interpreter: *mut ffi::PyInterpreterState, evaluate: Evaluate);
}

/// What a program does that changes what its frames report.
const HIDING: &str = "hiding a frame";

struct Hooks {
    /// Which extra slot of code objects is ours; negative until the interpreter was checked.
    slot: Cell<ffi::Py_ssize_t>,
    /// The last code that was looked up and what it has: most instructions follow one of the same code.
    code: Cell<*mut ffi::PyObject>,
    watched: Cell<*const Watched>,
    /// The frame whose last call was not of Python.
    called: Cell<*const Frame>,
}

// SAFETY: used with the interpreter's lock held only.
unsafe impl Sync for Hooks {}

static HOOKS: Hooks = Hooks {
    slot: Cell::new(-1),
    code: Cell::new(ptr::null_mut()),
    watched: Cell::new(ptr::null()),
    called: Cell::new(ptr::null()),
};

pub(super) fn attach(py: Python<'_>) -> PyResult<()> {
    if HOOKS.slot.get() < 0 {
        prepare(py)?;
    }
    set_trace(py, Some(trace));
    Ok(())
}

pub(super) fn detach(py: Python<'_>) {
    set_trace(py, None);
}

/// Once per process.
fn prepare(py: Python<'_>) -> PyResult<()> {
    check::interpreter(py)?;
    // SAFETY: the interpreter is the one whose functions these are, and its lock is held.
    let slot = unsafe { ffi::PyUnstable_Eval_RequestCodeExtraIndex(forget) };
    if slot < 0 {
        return Err(PyRuntimeError::new_err("code objects have no extra slot left"));
    }
    HOOKS.slot.set(slot);
    // SAFETY: as above.
    unsafe { _PyInterpreterState_SetEvalFrameFunc(ffi::PyInterpreterState_Get(), evaluate) };
    Ok(())
}

fn set_trace(_py: Python<'_>, function: Option<ffi::Py_tracefunc>) {
    // SAFETY: the lock is held (`_py`), and the function needs no object.
    audit::ours(|| unsafe { ffi::PyEval_SetTrace(function, ptr::null_mut()) });
}

pub(super) fn is_watched(code: &Bound<'_, PyCode>) -> bool {
    watched(code.as_ptr()).is_some()
}

/// `code` is alive, and so is its mask as long as nobody watches it anew, which nobody does while it runs.
#[inline]
fn watched<'a>(code: *mut ffi::PyObject) -> Option<&'a Watched> {
    if HOOKS.code.get() != code {
        let mut extra = ptr::null_mut();
        // SAFETY: `code` is a code object; without a slot nothing is found.
        let failed = unsafe { ffi::PyUnstable_Code_GetExtra(code, HOOKS.slot.get(), &mut extra) } < 0;
        HOOKS.code.set(code);
        HOOKS.watched.set(if failed { ptr::null() } else { extra.cast_const().cast() });
    }
    // SAFETY: what our slot holds is null or came from `keep`, and is forgotten with its code.
    unsafe { HOOKS.watched.get().as_ref() }
}

/// Puts a mask into its code object.
fn keep(py: Python<'_>, code: &Bound<'_, PyCode>, watched: Watched) -> PyResult<()> {
    HOOKS.code.set(ptr::null_mut());
    let extra = Box::into_raw(Box::new(watched));
    // SAFETY: the slot is ours and `forget` frees what was in it.
    if unsafe { ffi::PyUnstable_Code_SetExtra(code.as_ptr(), HOOKS.slot.get(), extra.cast()) } < 0 {
        // SAFETY: the box was not taken.
        drop(unsafe { Box::from_raw(extra) });
        return Err(PyErr::fetch(py));
    }
    Ok(())
}

/// The code object dies or gets another mask.
unsafe extern "C" fn forget(extra: *mut c_void) {
    HOOKS.code.set(ptr::null_mut());
    if !extra.is_null() {
        // SAFETY: only `keep` fills the slot.
        drop(unsafe { Box::from_raw(extra.cast::<Watched>()) });
    }
}

/// Runs a frame, with tracing on if it is watched and off if not.
unsafe extern "C" fn evaluate(state: *mut ThreadState, frame: *mut Frame, throwing: c_int) -> *mut ffi::PyObject {
    // SAFETY: the interpreter gives its own live state and frame; layouts were checked.
    unsafe {
        let ours = (*state).trace.is_some_and(|function| ptr::fn_addr_eq(function, trace as ffi::Py_tracefunc));
        if !ours {
            return _PyEval_EvalFrameDefault(state, frame, throwing);
        }
        let around = (*state).cframe;
        let before = (*around).use_tracing;
        let traced = watched((*frame).code).is_some_and(|watched| watched.is_traced(STATE.recording.get()));
        // The frame's own loop starts with what the one around it has.
        (*around).use_tracing = if traced { u8::MAX } else { 0 };
        let result = _PyEval_EvalFrameDefault(state, frame, throwing);
        (*around).use_tracing = before;
        result
    }
}

unsafe extern "C" fn trace(
    _: *mut ffi::PyObject,
    object: *mut ffi::PyFrameObject,
    what: c_int,
    _: *mut ffi::PyObject,
) -> c_int {
    let object: *mut FrameObject = object.cast();
    // SAFETY: the interpreter gives a live frame object of a running frame; layouts were checked.
    let frame = unsafe { (*object).frame };
    // SAFETY: likewise.
    let Some(watched) = watched(unsafe { (*frame).code }) else { return 0 };
    // SAFETY: the instruction lies in the code that has this mask.
    let index = unsafe { watched.index(frame) };
    let site = Site::new(object, frame, watched, index);
    match what {
        ffi::PyTrace_OPCODE => opcode(&site, watched.mask(index)),
        ffi::PyTrace_LINE => match watched.line(index) {
            Some(this) => line(&site, this),
            None => {
                audit::saw(HIDING);
                0
            }
        },
        ffi::PyTrace_CALL => {
            // Set at each entry, as a generator may be resumed anywhere.
            match watched.line(index) {
                Some(line) => site.report(line.needs & needed() != 0),
                None => site.report_instructions_only(),
            }
            let mask = watched.mask(index);
            if mask == 0 || !STATE.enabled.get() { 0 } else { answer(|py| super::instruction(py, &site, mask)) }
        }
        ffi::PyTrace_RETURN => {
            site.look_for_hiding(watched.line(index).is_some());
            0
        }
        _ => 0,
    }
}

/// What makes a line be reported by instructions now.
fn needed() -> u8 {
    let told = if STATE.recording.get() { lines::TOLD } else { 0 };
    let suspected = if super::suspects() { lines::SUSPECTED } else { 0 };
    lines::ALWAYS | told | suspected
}

#[inline]
fn opcode(site: &Site, mask: u16) -> c_int {
    if mask & bits::DEFINES != 0 {
        keep_visible(site.stack(1));
    }
    if !STATE.enabled.get() {
        return 0;
    }
    STATE.instructions.set(STATE.instructions.get() + 1);
    if mask == 0 { 0 } else { answer(|py| super::instruction(py, site, mask)) }
}

#[inline]
fn line(site: &Site, line: &Line) -> c_int {
    site.look_for_hiding(true);
    if !STATE.enabled.get() {
        site.report(line.needs & needed() != 0);
        return 0;
    }
    let spin = line.head != 0 && super::jumped_back();
    let by_instructions = line.needs & needed() != 0;
    site.report(by_instructions);
    if !by_instructions {
        STATE.instructions.set(STATE.instructions.get() + u64::from(line.weight));
    }
    if spin || super::has_too_many_instructions() { answer(|py| super::line(py, site, line.head, spin)) } else { 0 }
}

/// Takes care that a method `__getitem__` is called like others. Untraced code that uses a subscript often would
/// otherwise be changed to run the method in its own loop, where nothing is traced; the interpreter does so only for
/// functions whose version has at most 16 bits, and gives a version only to those that have none.
fn keep_visible(function: *mut ffi::PyObject) {
    // SAFETY: a live object, of the type that is checked.
    unsafe {
        if ffi::PyFunction_Check(function) != 0 {
            (*function.cast::<ffi::PyFunctionObject>()).func_version = u32::MAX;
        }
    }
}

fn answer(step: impl FnOnce(Python<'_>) -> PyResult<()>) -> c_int {
    // SAFETY: the interpreter calls its trace function with the lock held.
    let py = unsafe { Python::assume_attached() };
    match step(py) {
        Ok(()) => 0,
        Err(error) => {
            error.restore(py);
            -1
        }
    }
}
