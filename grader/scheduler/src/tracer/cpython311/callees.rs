//! What a call does, as far as other threads could notice.
//!
//! Python functions have points of their own, and so have the kernel's native ones. What is left are C functions, and
//! of these matter the ones that are about something that can change. Which of them change it is known by name, for the
//! busy-wait detector only: a loop of nothing but looks is one.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use pyo3::ffi;

use super::site::text_of;
use crate::tracer::Callee;

/// Functions that tell nothing of what can change.
const UNSHARED: &[&str] = &[
    "isinstance",
    "issubclass",
    "callable",
    "id",
    "ord",
    "chr",
    "hex",
    "oct",
    "bin",
    "abs",
    "round",
    "divmod",
    "__build_class__",
    "__new__",
    "__init__",
];
/// Functions that are about their arguments and nothing else.
const OF_ARGUMENTS: &[&str] = &["len", "min", "max", "sum", "any", "all", "repr", "hash", "sorted", "format"];
/// Functions and methods after which something is different.
const CHANGES: &[&str] = &[
    "append",
    "appendleft",
    "extend",
    "extendleft",
    "insert",
    "pop",
    "popleft",
    "popitem",
    "remove",
    "discard",
    "clear",
    "add",
    "update",
    "setdefault",
    "sort",
    "reverse",
    "rotate",
    "next",
    "send",
    "throw",
    "close",
    "write",
    "writelines",
    "read",
    "readline",
    "readlines",
    "recv",
    "recv_into",
    "recvfrom",
    "sendall",
    "sendto",
    "heappush",
    "heappop",
    "heapify",
    "setattr",
    "delattr",
    "__setitem__",
    "__delitem__",
    "__setattr__",
    "__delattr__",
    "__next__",
    "random",
    "exec",
];

#[derive(Clone, Copy)]
enum Kind {
    Unshared,
    OfArguments,
    Looks,
    Changes,
}

/// What is known of C functions, by where their definition is: it costs a look at names and libraries.
struct Known([Cell<(*const ffi::PyMethodDef, Kind)>; 256]);

// SAFETY: used with the interpreter's lock held only.
unsafe impl Sync for Known {}

static KNOWN: Known = Known([const { Cell::new((ptr::null(), Kind::Unshared)) }; 256]);

/// # Safety
/// `callee` is alive; `object` is the one that it is a method of, or null.
pub(super) unsafe fn callee(
    callee: *mut ffi::PyObject,
    object: *mut ffi::PyObject,
    any_argument_can_change: impl Fn() -> bool,
) -> Callee {
    // SAFETY: the checks say which layout an object has.
    let kind = unsafe {
        let of = ffi::Py_TYPE(callee);
        if of == &raw mut ffi::PyFunction_Type {
            Kind::Unshared
        } else if of == &raw mut ffi::PyMethodDescr_Type && !object.is_null() && can_change(object) {
            known((*callee.cast::<ffi::PyMethodDescrObject>()).d_method)
        } else if ffi::PyCFunction_Check(callee) != 0 {
            let function = callee.cast::<ffi::PyCFunctionObject>();
            let bound = (*function).m_self;
            let fixed = !bound.is_null() && !can_change(bound);
            if fixed { Kind::Unshared } else { known((*function).m_ml) }
        } else if of == &raw mut ffi::PyWrapperDescr_Type && !object.is_null() && can_change(object) {
            by_name(&String::from_utf8_lossy(&text_of((*callee.cast::<ffi::PyDescrObject>()).d_name)))
        } else if copies(callee) {
            Kind::OfArguments
        } else {
            Kind::Unshared
        }
    };
    match kind {
        Kind::OfArguments if any_argument_can_change() => Callee::Looks,
        Kind::Unshared | Kind::OfArguments => Callee::Unshared,
        Kind::Looks => Callee::Looks,
        Kind::Changes => Callee::Changes,
    }
}

/// # Safety
/// `definition` is a C function's.
unsafe fn known(definition: *const ffi::PyMethodDef) -> Kind {
    let place = &KNOWN.0[definition.addr() / align_of::<ffi::PyMethodDef>() % KNOWN.0.len()];
    let (found, kind) = place.get();
    if found == definition {
        return kind;
    }
    // SAFETY: a definition lives as long as its functions and has a name; all kinds of functions lie in the same place.
    let (name, address) = unsafe {
        (CStr::from_ptr((*definition).ml_name), (&raw const (*definition).ml_meth).cast::<*const c_void>().read())
    };
    let kind = if is_our_own(address) { Kind::Unshared } else { by_name(&name.to_string_lossy()) };
    place.set((definition, kind));
    kind
}

fn by_name(name: &str) -> Kind {
    if CHANGES.contains(&name) {
        Kind::Changes
    } else if UNSHARED.contains(&name) {
        Kind::Unshared
    } else if OF_ARGUMENTS.contains(&name) {
        Kind::OfArguments
    } else {
        Kind::Looks
    }
}

/// Objects of these types never change, though what they hold may.
pub(super) fn can_change(object: *mut ffi::PyObject) -> bool {
    // SAFETY: a live object, and addresses of types that live forever.
    unsafe {
        let fixed = [
            &raw mut ffi::PyUnicode_Type,
            &raw mut ffi::PyLong_Type,
            &raw mut ffi::PyTuple_Type,
            &raw mut ffi::PyBytes_Type,
            &raw mut ffi::PyFloat_Type,
            &raw mut ffi::PyBool_Type,
            &raw mut ffi::PyFrozenSet_Type,
            &raw mut ffi::PyRange_Type,
            &raw mut ffi::PyType_Type,
        ];
        !fixed.contains(&ffi::Py_TYPE(object)) && object != ffi::Py_None()
    }
}

/// Types that, called, look through their argument.
fn copies(callee: *mut ffi::PyObject) -> bool {
    let types = [
        &raw mut ffi::PyList_Type,
        &raw mut ffi::PyTuple_Type,
        &raw mut ffi::PySet_Type,
        &raw mut ffi::PyFrozenSet_Type,
        &raw mut ffi::PyDict_Type,
        &raw mut ffi::PyBytes_Type,
        &raw mut ffi::PyByteArray_Type,
    ];
    types.contains(&callee.cast())
}

/// What `dladdr` says of an address.
#[repr(C)]
struct Symbol {
    file: *const c_char,
    base: *mut c_void,
    name: *const c_char,
    address: *mut c_void,
}

unsafe extern "C" {
    fn dladdr(address: *const c_void, symbol: *mut Symbol) -> c_int;
}

/// Whether a function is of this library.
fn is_our_own(function: *const c_void) -> bool {
    let own = is_our_own as fn(*const c_void) -> bool as *const c_void;
    library(function).is_some_and(|found| Some(found) == library(own))
}

fn library(address: *const c_void) -> Option<*mut c_void> {
    let mut symbol = Symbol { file: ptr::null(), base: ptr::null_mut(), name: ptr::null(), address: ptr::null_mut() };
    // SAFETY: any address may be asked about.
    (unsafe { dladdr(address, &mut symbol) } != 0).then_some(symbol.base)
}
