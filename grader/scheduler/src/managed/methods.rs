//! Exchanges methods of types that are written in C, where they are.
//!
//! `_socket.socket` stays the type that it is, and so does whatever was made of it: only what its methods do is ours. So
//! there is no other type that a program could call to get around, and subclasses need nothing. The interpreter's own
//! methods are kept here, out of everybody's reach, and called by ours. The types' dictionaries are read-only for Python;
//! here they are changed as the interpreter itself does it.

use std::cell::RefCell;
use std::ffi::{CStr, CString};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::held::Held;

/// What is done in place of a method.
pub type Ours = for<'py> fn(&Invocation<'py>) -> PyResult<Bound<'py, PyAny>>;

/// One call of a method.
#[derive(Clone, Debug)]
pub struct Invocation<'py> {
    pub object: Bound<'py, PyAny>,
    pub arguments: Bound<'py, PyTuple>,
    pub named: Option<Bound<'py, PyDict>>,
    /// The interpreter's own method.
    pub own: Bound<'py, PyAny>,
}

impl<'py> Invocation<'py> {
    pub fn py(&self) -> Python<'py> {
        self.object.py()
    }

    /// Does what was asked for.
    pub fn go_on(&self) -> PyResult<Bound<'py, PyAny>> {
        self.go_on_with(self.arguments.iter().collect())
    }

    /// The same with other arguments.
    pub fn go_on_with(&self, mut arguments: Vec<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        arguments.insert(0, self.object.clone());
        self.own.call(PyTuple::new(self.py(), arguments)?, self.named.as_ref())
    }

    /// An argument, by its place or name.
    pub fn argument(&self, at: usize, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        match (self.arguments.get_item(at), &self.named) {
            (Ok(argument), _) => Ok(Some(argument)),
            (Err(_), Some(named)) => named.get_item(name),
            (Err(_), None) => Ok(None),
        }
    }
}

/// A method that was exchanged.
struct Exchanged {
    own: Py<PyAny>,
    ours: Ours,
}

/// In the order of [`ENTRIES`].
static EXCHANGED: Held<RefCell<Vec<Exchanged>>> = Held::new(RefCell::new(Vec::new()));

/// Puts `ours` in the place of `class`'s method `name`; returns what was there, as an unbound method.
pub fn exchange(class: &Bound<'_, PyType>, name: &'static CStr, ours: Ours) -> PyResult<Py<PyAny>> {
    let py = class.py();
    let own = class.getattr(&*name.to_string_lossy())?;
    let number = EXCHANGED.borrow().len();
    EXCHANGED.borrow_mut().push(Exchanged { own: own.clone().unbind(), ours });
    let text = own.getattr("__doc__")?.extract::<String>().unwrap_or_default();
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionWithKeywords: ENTRIES[number] },
        ml_flags: ffi::METH_VARARGS | ffi::METH_KEYWORDS,
        ml_doc: CString::new(text)?.into_raw(),
    }));
    let class = class.as_type_ptr();
    // SAFETY: a type, and a definition that lives for ever; the type is told that its dictionary has changed.
    unsafe {
        let method = ffi::PyDescr_NewMethod(class, definition);
        let method = Bound::from_owned_ptr_or_err(py, method)?;
        if ffi::PyDict_SetItemString((*class).tp_dict, name.as_ptr(), method.as_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        ffi::PyType_Modified(class);
    }
    Ok(own.unbind())
}

/// Objects of `class` give their items as those of `base` do.
pub fn iterate_as(class: &Bound<'_, PyType>, base: &Bound<'_, PyType>) {
    // SAFETY: two types that live for ever, whose slots nobody looks at without the interpreter's lock.
    unsafe { (*class.as_type_ptr()).tp_iternext = (*base.as_type_ptr()).tp_iternext };
}

/// What the interpreter calls for the method that was exchanged as number `N`.
unsafe extern "C" fn entry<const N: usize>(
    object: *mut ffi::PyObject,
    arguments: *mut ffi::PyObject,
    named: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls with its lock held: an object of the type, a tuple, and a dictionary or null.
    let (py, object, arguments, named) = unsafe {
        let py = Python::assume_attached();
        let named = Bound::from_borrowed_ptr_or_opt(py, named).map(|named| named.cast_into_unchecked::<PyDict>());
        let arguments = Bound::from_borrowed_ptr(py, arguments).cast_into_unchecked::<PyTuple>();
        (py, Bound::from_borrowed_ptr(py, object), arguments, named)
    };
    let (own, ours) = {
        let exchanged = EXCHANGED.borrow();
        (exchanged[N].own.clone_ref(py).into_bound(py), exchanged[N].ours)
    };
    match ours(&Invocation { object, arguments, named, own }) {
        Ok(result) => result.into_ptr(),
        Err(error) => {
            error.restore(py);
            std::ptr::null_mut()
        }
    }
}

macro_rules! entries {
    ($($number:literal)*) => { [$(entry::<$number>),*] };
}

/// As many as there may be methods: each has its own, as C knows no closures.
static ENTRIES: [ffi::PyCFunctionWithKeywords; 60] = entries!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29
    30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59
);
