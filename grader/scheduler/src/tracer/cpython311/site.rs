//! An instruction that is about to be carried out, with what it is about: read from the frame's stack.
//!
//! Nothing here runs the program's code: types are compared by address, and values are looked up by [`values`].

use std::ffi::{CStr, c_char};
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

use super::callees::{self, can_change};
use super::masks::{self, Instruction, Watched};
use super::{Frame, FrameObject, HIDING, HOOKS};
use crate::audit;
use crate::tracer::{Access, Act, Callee, Place, values};

pub(in super::super) struct Site<'a> {
    object: *mut FrameObject,
    frame: *mut Frame,
    watched: &'a Watched,
    index: usize,
}

const BY_LINES: c_char = 1;
const BY_INSTRUCTIONS: c_char = 2;

impl<'a> Site<'a> {
    pub(super) fn new(object: *mut FrameObject, frame: *mut Frame, watched: &'a Watched, index: usize) -> Site<'a> {
        Site { object, frame, watched, index }
    }

    /// From here on instructions are reported, or lines only. The interpreter takes any number for yes; ours tells us
    /// later what we wanted.
    pub(super) fn report(&self, instructions: bool) {
        // SAFETY: plain fields of a live object.
        unsafe {
            (*self.object).trace_lines = if instructions { BY_INSTRUCTIONS } else { BY_LINES };
            (*self.object).trace_opcodes = instructions.into();
        }
    }

    pub(super) fn report_instructions_only(&self) {
        // SAFETY: plain fields of a live object.
        unsafe {
            (*self.object).trace_lines = 0;
            (*self.object).trace_opcodes = 1;
        }
    }

    /// A program may reach its frames and change there what is reported.
    #[inline]
    pub(super) fn look_for_hiding(&self, reports_lines: bool) {
        // SAFETY: plain fields of a live object.
        let (lines, instructions) = unsafe { ((*self.object).trace_lines, (*self.object).trace_opcodes) };
        // A generator that never began to run has asked for nothing yet.
        let asked_for_instructions = if reports_lines { lines == BY_INSTRUCTIONS } else { lines == 0 };
        if asked_for_instructions && instructions == 0 || reports_lines && lines == 0 {
            audit::saw(HIDING);
        }
    }

    fn instruction(&self) -> Instruction {
        self.watched.instructions[self.index]
    }

    /// The `n`th from the top of the stack, which is 1.
    pub(super) fn stack(&self, n: u32) -> *mut ffi::PyObject {
        // SAFETY: the instruction takes at least so many operands; the trace function is called with the stack stored.
        unsafe { *self.variables().offset((*self.frame).stacktop as isize - n as isize) }
    }

    fn variable(&self) -> *mut ffi::PyObject {
        // SAFETY: the instruction names one of the frame's variables.
        unsafe { *self.variables().add(self.instruction().argument as usize) }
    }

    fn variables(&self) -> *const *mut ffi::PyObject {
        // SAFETY: the frame runs.
        unsafe { (&raw const (*self.frame).variables).cast() }
    }

    pub fn stores_another(&self) -> bool {
        let old = self.variable();
        !old.is_null() && old != self.stack(1)
    }

    pub fn container_can_change(&self) -> bool {
        can_change(self.container())
    }

    fn container(&self) -> *mut ffi::PyObject {
        if self.instruction().operation == masks::CONTAINS_OP { self.stack(1) } else { self.stack(2) }
    }

    /// Whether a jump back is taken; a condition that only the program's own code could tell counts as yes.
    pub fn jumps(&self) -> bool {
        let top = self.stack(1);
        // SAFETY: addresses of objects that live forever.
        let (no, yes, none) = unsafe { (ffi::Py_False(), ffi::Py_True(), ffi::Py_None()) };
        match self.instruction().operation {
            masks::POP_JUMP_BACKWARD_IF_TRUE => top != no,
            masks::POP_JUMP_BACKWARD_IF_FALSE => top != yes,
            masks::POP_JUMP_BACKWARD_IF_NONE => top == none,
            masks::POP_JUMP_BACKWARD_IF_NOT_NONE => top != none,
            _ => true,
        }
    }

    /// What is called, and the first operand after it if it is called as a method.
    fn called(&self) -> (*mut ffi::PyObject, *mut ffi::PyObject) {
        let arguments = self.instruction().argument;
        let (method, object) = (self.stack(arguments + 2), self.stack(arguments + 1));
        if method.is_null() { (object, ptr::null_mut()) } else { (method, object) }
    }

    pub fn note_callee(&self) {
        let (callee, _) = self.called();
        // SAFETY: a live object.
        let python = unsafe { ffi::PyFunction_Check(callee) } != 0;
        HOOKS.called.set(if python { ptr::null() } else { self.frame });
    }

    /// Asked once after each call.
    pub fn called_other_than_python(&self) -> bool {
        HOOKS.called.get() == self.frame.cast_const() && {
            HOOKS.called.set(ptr::null());
            true
        }
    }

    pub fn callee(&self) -> Callee {
        let (callee, object) = self.called();
        // SAFETY: operands are alive.
        unsafe { callees::callee(callee, object, || self.arguments().any(can_change)) }
    }

    /// The last first.
    fn arguments(&self) -> impl DoubleEndedIterator<Item = *mut ffi::PyObject> {
        (1..=self.instruction().argument).map(|n| self.stack(n))
    }

    pub fn place(&self, _py: Python<'_>) -> Place {
        // SAFETY: the frame's object and code are alive, and these are the code's own attributes.
        unsafe {
            let line = ffi::PyFrame_GetLineNumber(self.object.cast());
            Place {
                file: attribute((*self.frame).code, c"co_filename"),
                line: u32::try_from(line).unwrap_or(0),
                function: attribute((*self.frame).code, c"co_qualname"),
            }
        }
    }

    pub fn access<'py>(&self, py: Python<'py>) -> Option<Access<'py>> {
        let name = |at: u32| self.name(py, at);
        let argument = self.instruction().argument;
        let top = |n: u32| self.stack(n);
        let (object, name, act, value) = match self.instruction().operation {
            masks::LOAD_ATTR | masks::LOAD_METHOD => {
                let name = name(argument)?;
                let value = values::attribute(py, top(1), &name);
                (top(1), Some(text_of_bound(&name)), Act::Reads, value)
            }
            masks::STORE_ATTR => (top(1), Some(text_of_bound(&name(argument)?)), Act::Writes, values::text(py, top(2))),
            masks::DELETE_ATTR => (top(1), Some(text_of_bound(&name(argument)?)), Act::Writes, None),
            masks::LOAD_GLOBAL => {
                let name = name(argument >> 1)?;
                // SAFETY: the frame runs.
                let value = values::item(py, unsafe { (*self.frame).globals }, name.as_ptr());
                return self.global(py, &name, Act::Reads, value);
            }
            masks::STORE_GLOBAL => return self.global(py, &name(argument)?, Act::Writes, values::text(py, top(1))),
            masks::DELETE_GLOBAL => return self.global(py, &name(argument)?, Act::Writes, None),
            masks::LOAD_DEREF | masks::LOAD_CLASSDEREF => {
                (self.variable(), self.variable_name(py), Act::Reads, values::cell(py, self.variable()))
            }
            masks::STORE_DEREF => (self.variable(), self.variable_name(py), Act::Writes, values::text(py, top(1))),
            masks::DELETE_DEREF => (self.variable(), self.variable_name(py), Act::Writes, None),
            masks::BINARY_SUBSCR => {
                (top(2), values::subscript(py, top(1)), Act::Reads, values::item(py, top(2), top(1)))
            }
            masks::STORE_SUBSCR => (top(2), values::subscript(py, top(1)), Act::Writes, values::text(py, top(3))),
            masks::DELETE_SUBSCR => (top(2), values::subscript(py, top(1)), Act::Writes, None),
            masks::CONTAINS_OP => (top(1), values::subscript(py, top(2)), Act::Reads, None),
            masks::PRECALL => self.call(py)?,
            _ => return None,
        };
        // SAFETY: operands are alive.
        let object = unsafe { Bound::from_borrowed_ptr_or_opt(py, object) }?;
        Some(Access { object, name, act, value, place: self.place(py) })
    }
}

type Told = (*mut ffi::PyObject, Option<String>, Act, Option<String>);

impl Site<'_> {
    /// Of a method its object, of a function the first argument that can change.
    fn call(&self, py: Python<'_>) -> Option<Told> {
        let (callee, object) = self.called();
        // SAFETY: live objects; the checks say which layout an object has.
        let (bound, name) = unsafe {
            if ffi::PyCFunction_Check(callee) != 0 {
                let function = callee.cast::<ffi::PyCFunctionObject>();
                ((*function).m_self, CStr::from_ptr((*(*function).m_ml).ml_name).to_string_lossy().into_owned())
            } else if ffi::PyType_Check(callee) != 0 {
                (ptr::null_mut(), values::type_name(callee.cast()))
            } else {
                let name = text_of((*callee.cast::<ffi::PyDescrObject>()).d_name);
                (object, String::from_utf8_lossy(&name).into_owned())
            }
        };
        // SAFETY: a live object or null.
        let of_module = bound.is_null() || unsafe { ffi::PyModule_Check(bound) } != 0;
        let count = self.instruction().argument;
        let argument = self.arguments().rev().find(|argument| can_change(*argument));
        let value = (!of_module && count == 1).then(|| values::text(py, self.stack(1))).flatten();
        let object = if of_module { argument.unwrap_or(bound) } else { bound };
        (!object.is_null()).then_some((object, Some(name), Act::Calls, value))
    }

    /// The object is the module, if the globals are one's.
    fn global<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
        act: Act,
        value: Option<String>,
    ) -> Option<Access<'py>> {
        // SAFETY: the frame runs.
        let globals = unsafe { Bound::from_borrowed_ptr(py, (*self.frame).globals) };
        let object = values::module_of(py, &globals).unwrap_or(globals);
        Some(Access { object, name: Some(text_of_bound(name)), act, value, place: self.place(py) })
    }

    fn name<'py>(&self, py: Python<'py>, at: u32) -> Option<Bound<'py, PyAny>> {
        // SAFETY: the code is alive; its names are a tuple.
        let code = unsafe { Bound::from_borrowed_ptr(py, (*self.frame).code) };
        code.getattr("co_names").and_then(|names| names.get_item(at)).ok()
    }

    fn variable_name(&self, py: Python<'_>) -> Option<String> {
        // SAFETY: the code is alive; 3.11 has this method for `dis`.
        let code = unsafe { Bound::from_borrowed_ptr(py, (*self.frame).code) };
        code.call_method1("_varname_from_oparg", (self.instruction().argument,)).ok()?.extract().ok()
    }
}

/// # Safety
/// `object` has this attribute and no code of the program's to get it.
unsafe fn attribute(object: *mut ffi::PyObject, name: &CStr) -> String {
    // SAFETY: as said; the new reference is given back.
    unsafe {
        let value = ffi::PyObject_GetAttrString(object, name.as_ptr());
        if value.is_null() {
            ffi::PyErr_Clear();
            return String::new();
        }
        let text = String::from_utf8_lossy(&text_of(value)).into_owned();
        ffi::Py_DECREF(value);
        text
    }
}

fn text_of_bound(name: &Bound<'_, PyAny>) -> String {
    // SAFETY: a live object.
    String::from_utf8_lossy(&unsafe { text_of(name.as_ptr()) }).into_owned()
}

/// # Safety
/// `object` is alive.
pub(super) unsafe fn text_of(object: *mut ffi::PyObject) -> Vec<u8> {
    let mut length = 0;
    // SAFETY: as said; a text's bytes live as long as the text.
    unsafe {
        let bytes = ffi::PyUnicode_AsUTF8AndSize(object, &mut length);
        if bytes.is_null() {
            ffi::PyErr_Clear();
            return Vec::new();
        }
        std::slice::from_raw_parts(bytes.cast(), length as usize).to_vec()
    }
}
