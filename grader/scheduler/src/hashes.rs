//! Hashes of a program's own objects: numbers in the order in which they were first asked for.
//!
//! CPython makes them of addresses, and a set's or dictionary's order of them: then a schedule that was found in a process
//! that has run many would not always come out the same in a fresh one. A class that a program defines takes its hash from
//! the descriptor `object.__hash__`, so that is where ours is put; classes that were there before keep theirs.
//!
//! A number lasts as long as its object, however many runs that is: what frees objects of such a class tells us. What
//! remains bound to addresses: hashes of functions, classes and plain `object()`s, and `id`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyAny as Object;

use crate::held::Held;
use crate::kernel::{self, with};

/// By address, of objects that live.
static NUMBERS: Held<RefCell<Option<HashMap<usize, u64>>>> = Held::new(RefCell::new(None));

/// A descriptor of a slot, as CPython 3.11 has it.
#[repr(C)]
struct Wrapper {
    head: ffi::PyObject,
    class: *mut ffi::PyTypeObject,
    name: *mut ffi::PyObject,
    qualified: *mut ffi::PyObject,
    base: *mut c_void,
    wrapped: Option<ffi::hashfunc>,
}

/// From here on classes are made with our hash.
pub fn apply(py: Python<'_>) -> PyResult<()> {
    NUMBERS.borrow_mut().get_or_insert_default();
    let descriptor = py.get_type::<Object>().getattr("__dict__")?.get_item("__hash__")?;
    // SAFETY: `object.__hash__` is a descriptor of a slot, which lives as long as the interpreter; that it is laid out as we
    // think is seen from the function that it wraps.
    unsafe {
        let wrapper = descriptor.as_ptr().cast::<Wrapper>();
        let usual = ffi::PyBaseObject_Type.tp_hash;
        if usual.is_some() && (*wrapper).wrapped.map(|f| f as usize) == usual.map(|f| f as usize) {
            (*wrapper).wrapped = Some(number);
        }
    }
    Ok(())
}

unsafe extern "C" fn number(object: *mut ffi::PyObject) -> ffi::Py_hash_t {
    // SAFETY: a hash is asked for with the interpreter's lock held, of an object that lives.
    let (py, is_told) = unsafe { (Python::assume_attached(), is_told_of_its_end(object)) };
    if !is_told {
        return by_address(object);
    }
    let known = NUMBERS.borrow().as_ref().and_then(|numbers| numbers.get(&(object as usize)).copied());
    let number = known.unwrap_or_else(|| {
        let number = with(py, kernel::Kernel::number);
        NUMBERS.borrow_mut().get_or_insert_default().insert(object as usize, number);
        number
    });
    number as ffi::Py_hash_t
}

/// As CPython does it.
fn by_address(object: *mut ffi::PyObject) -> ffi::Py_hash_t {
    let hash = (object as usize).rotate_right(4) as ffi::Py_hash_t;
    if hash == -1 { -2 } else { hash }
}

/// Whether we shall hear when the object is freed; asks for it where that is possible.
///
/// # Safety
///
/// With the interpreter's lock held, for an object that lives.
unsafe fn is_told_of_its_end(object: *mut ffi::PyObject) -> bool {
    // SAFETY: its class lives as long as the object, and one on the heap may be written to.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if (*class).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE == 0 {
            return false;
        }
        let frees = (*class).tp_free.map_or(0, |free| free as usize);
        let usual = if ffi::PyType_IS_GC(class) != 0 { ffi::PyObject_GC_Del } else { ffi::PyObject_Free };
        if frees == usual as usize {
            (*class).tp_free = Some(free);
        }
        frees == usual as usize || frees == free as *const () as usize
    }
}

unsafe extern "C" fn free(object: *mut c_void) {
    if let Some(numbers) = NUMBERS.borrow_mut().as_mut() {
        numbers.remove(&(object as usize));
    }
    // SAFETY: whoever frees an object holds the lock, and the object still knows its class, which says how it was made.
    unsafe {
        match ffi::PyType_IS_GC(ffi::Py_TYPE(object.cast())) != 0 {
            true => ffi::PyObject_GC_Del(object),
            false => ffi::PyObject_Free(object),
        }
    }
}
