//! Whether this is the interpreter whose insides are declared: asked before they are used.
//!
//! A small function is traced once, and everything that the tracer reads from memory is compared with what the
//! interpreter's public functions say about the same thing.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::ptr;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{FrameObject, ThreadState, set_trace};

const VERSION: &[u8] = b"3.11.";
/// Traced are: load, store, load, return.
const INSTRUCTIONS: u32 = 4;
const PROBE: &CStr = c"def probe(value):\n    kept = value\n    return kept\n";

struct Probe {
    /// The argument of the call.
    value: Cell<*mut ffi::PyObject>,
    instructions: Cell<u32>,
    agrees: Cell<bool>,
}

// SAFETY: used with the interpreter's lock held only.
unsafe impl Sync for Probe {}

static SEEN: Probe = Probe { value: Cell::new(ptr::null_mut()), instructions: Cell::new(0), agrees: Cell::new(true) };

pub(super) fn interpreter(py: Python<'_>) -> PyResult<()> {
    // SAFETY: a static string.
    let version = unsafe { CStr::from_ptr(ffi::Py_GetVersion()) };
    let flags: String = py.import("sys")?.getattr("abiflags")?.extract()?;
    if !version.to_bytes().starts_with(VERSION) || !flags.is_empty() {
        return Err(refusal(&version.to_string_lossy()));
    }
    let globals = PyDict::new(py);
    py.run(PROBE, Some(&globals), None)?;
    let function = globals.get_item("probe")?.expect("the probe defines it");
    let value = PyDict::new(py);
    SEEN.value.set(value.as_ptr());
    set_trace(py, Some(probe));
    let returned = function.call1((&value,));
    set_trace(py, None);
    if returned?.is(&value) && SEEN.agrees.get() && SEEN.instructions.get() == INSTRUCTIONS {
        Ok(())
    } else {
        Err(refusal(&version.to_string_lossy()))
    }
}

fn refusal(version: &str) -> PyErr {
    PyRuntimeError::new_err(format!("this is not the CPython 3.11 that the tracer knows: {version}"))
}

unsafe extern "C" fn probe(
    _: *mut ffi::PyObject,
    object: *mut ffi::PyFrameObject,
    what: c_int,
    _: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: the interpreter gives a live frame object; a wrong layout is found before anything is followed that is
    // not a pointer in each build of 3.11.
    unsafe {
        match what {
            ffi::PyTrace_CALL => {
                let object: *mut FrameObject = object.cast();
                let untouched = (*object).trace.is_null() && (*object).trace_lines == 1 && (*object).trace_opcodes == 0;
                SEEN.agrees.set(SEEN.agrees.get() && untouched);
                (*object).trace_lines = 0;
                (*object).trace_opcodes = 1;
            }
            ffi::PyTrace_OPCODE => {
                SEEN.instructions.set(SEEN.instructions.get() + 1);
                SEEN.agrees.set(SEEN.agrees.get() && frame_agrees(object) && state_agrees(object));
            }
            ffi::PyTrace_LINE => SEEN.agrees.set(false),
            _ => {}
        }
    }
    0
}

/// # Safety
/// `public` is the object of the frame that is traced.
unsafe fn frame_agrees(public: *mut ffi::PyFrameObject) -> bool {
    // SAFETY: see above; the public functions return new references.
    unsafe {
        let frame = (*public.cast::<FrameObject>()).frame;
        let code: *mut ffi::PyObject = ffi::PyFrame_GetCode(public).cast();
        let globals = ffi::PyFrame_GetGlobals(public);
        let text = ffi::PyObject_GetAttrString(code, c"co_code".as_ptr());
        let index = ffi::PyFrame_GetLasti(public) as usize / size_of::<u16>();
        let word = *ffi::PyBytes_AsString(text).cast::<u16>().add(index);
        let same = (*frame).code == code
            && (*frame).globals == globals
            && ptr::eq((*frame).object.cast(), public)
            && super::masks::first_word(code).add(index) == (*frame).instruction
            // The first instruction after RESUME loads the argument, the second stores it.
            && (SEEN.instructions.get() != 2 || word as u8 == super::masks::STORE_FAST)
            && operands_agree(frame);
        ffi::Py_DECREF(code);
        ffi::Py_DECREF(globals);
        ffi::Py_DECREF(text);
        same
    }
}

/// # Safety
/// `frame` is the frame that is traced, after `frame_agrees` has compared its head.
unsafe fn operands_agree(frame: *mut super::Frame) -> bool {
    // SAFETY: the probe has two variables and needs one place on the stack.
    unsafe {
        let variables = &raw const (*frame).variables as *const *mut ffi::PyObject;
        let (argument, kept) = (*variables, *variables.add(1));
        let value = SEEN.value.get();
        argument == value
            && match SEEN.instructions.get() {
                1 => (*frame).stacktop == 2 && kept.is_null(),
                2 => (*frame).stacktop == 3 && kept.is_null() && *variables.add(2) == value,
                3 => (*frame).stacktop == 2 && kept == value,
                _ => (*frame).stacktop == 3 && *variables.add(2) == value,
            }
    }
}

/// # Safety
/// `public` is the object of the frame that is traced.
unsafe fn state_agrees(public: *mut ffi::PyFrameObject) -> bool {
    // SAFETY: the thread's own state, and the loop that runs the frame.
    unsafe {
        let state: *mut ThreadState = ffi::PyThreadState_Get().cast();
        (*state).interpreter == ffi::PyThreadState_GetInterpreter(state.cast())
            && (*state).tracing == 1
            && (*state).tracing_what == ffi::PyTrace_OPCODE
            && (*state).profile.is_none()
            && (*state).trace.is_some_and(|function| ptr::fn_addr_eq(function, probe as ffi::Py_tracefunc))
            && (*(*state).cframe).frame == (*public.cast::<FrameObject>()).frame
            && (*(*state).cframe).use_tracing == 0
    }
}
