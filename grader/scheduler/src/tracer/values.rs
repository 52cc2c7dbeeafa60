//! Values as short text, and what will be found where a program looks: without running any of its code.
//!
//! Only objects of exactly the built-in types are spelt out, as a subclass may have a `__repr__` of its own; of all
//! others the type's name is told. Dictionaries are searched by hand, as a lookup compares keys, and keys are objects.

use std::ffi::CStr;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyModule, PyString, PyTuple};

/// Characters of a text, bytes of bytes.
const LENGTH_MAX: usize = 40;
/// Objects of a list or tuple that is spelt out.
const ITEMS_MAX: usize = 6;
/// Lists in lists.
const DEPTH_MAX: usize = 2;
/// Of longer integers only the type is told.
const BITS_MAX: usize = 128;
/// Larger dictionaries are not searched.
const ENTRIES_MAX: usize = 4096;

pub(super) fn text(py: Python<'_>, object: *mut ffi::PyObject) -> Option<String> {
    // SAFETY: operands are alive or null.
    let object = unsafe { Bound::from_borrowed_ptr_or_opt(py, object) }?;
    Some(spell(&object, DEPTH_MAX))
}

/// `[key]`, where the key can be spelt out.
pub(super) fn subscript(py: Python<'_>, key: *mut ffi::PyObject) -> Option<String> {
    text(py, key).map(|key| format!("[{key}]"))
}

fn spell(object: &Bound<'_, PyAny>, depth: usize) -> String {
    let name = || type_name(object.get_type_ptr());
    if object.is_none() || object.is_exact_instance_of::<PyBool>() || object.is_exact_instance_of::<PyFloat>() {
        // These classes cannot be changed, so that this runs nobody's code.
        return object.repr().map_or_else(|_| name(), |text| text.to_string());
    }
    if object.is_exact_instance_of::<PyInt>() {
        return match object.call_method0("bit_length").and_then(|bits| bits.extract::<usize>()) {
            Ok(..=BITS_MAX) => object.repr().map_or_else(|_| name(), |text| text.to_string()),
            _ => name(),
        };
    }
    if object.is_exact_instance_of::<PyString>() || object.is_exact_instance_of::<PyBytes>() {
        return shortened(object).unwrap_or_else(|_| name());
    }
    if let Ok(list) = object.cast_exact::<PyList>() {
        return items(list.iter(), list.len(), depth).map_or_else(name, |items| format!("[{items}]"));
    }
    if let Ok(tuple) = object.cast_exact::<PyTuple>() {
        let comma = if tuple.len() == 1 { "," } else { "" };
        return items(tuple.iter(), tuple.len(), depth).map_or_else(name, |items| format!("({items}{comma})"));
    }
    name()
}

fn items<'py>(items: impl Iterator<Item = Bound<'py, PyAny>>, count: usize, depth: usize) -> Option<String> {
    if count > ITEMS_MAX || depth == 0 {
        return None;
    }
    Some(items.map(|item| spell(&item, depth - 1)).collect::<Vec<_>>().join(", "))
}

fn shortened(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let length = object.len()?;
    let slice = pyo3::types::PySlice::new(object.py(), 0, LENGTH_MAX as isize, 1);
    let dots = if length > LENGTH_MAX { "…" } else { "" };
    Ok(format!("{}{dots}", object.get_item(slice)?.repr()?))
}

/// The last part of a type's name.
pub(super) fn type_name(of: *mut ffi::PyTypeObject) -> String {
    // SAFETY: a type's name lives as long as the type.
    let name = unsafe { CStr::from_ptr((*of).tp_name) }.to_string_lossy();
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

unsafe extern "C" {
    /// Where an object's dictionary is, or null if objects of its type have none.
    fn _PyObject_GetDictPtr(object: *mut ffi::PyObject) -> *mut *mut ffi::PyObject;
}

/// What an attribute has, if it lies in a slot, in the object's dictionary or in its class.
pub(super) fn attribute(py: Python<'_>, object: *mut ffi::PyObject, name: &Bound<'_, PyAny>) -> Option<String> {
    // SAFETY: a live object.
    unsafe {
        if ffi::PyModule_Check(object) != 0 {
            return item(py, ffi::PyModule_GetDict(object), name.as_ptr());
        }
        let of = ffi::Py_TYPE(object);
        if of == &raw mut ffi::PyType_Type {
            return text(py, class_attribute(object.cast(), name));
        }
        let lookup = PyString::new(py, "__getattribute__");
        let generic = ffi::PyObject_GenericGetAttr as ffi::getattrofunc;
        // With a `__getattr__` the ordinary way comes first, too.
        let ordinary = (*of).tp_getattro.is_some_and(|get| ptr::fn_addr_eq(get, generic))
            || class_attribute(of, &lookup) == class_attribute(&raw mut ffi::PyBaseObject_Type, &lookup);
        if !ordinary {
            return None;
        }
        let found = class_attribute(of, name);
        if !found.is_null() && (*ffi::Py_TYPE(found)).tp_descr_set.is_some() {
            return slot(py, object, found);
        }
        let dictionary = _PyObject_GetDictPtr(object);
        let own =
            if dictionary.is_null() || (*dictionary).is_null() { None } else { item(py, *dictionary, name.as_ptr()) };
        // What a method or the like becomes is not what the class has.
        let plain = !found.is_null() && (*ffi::Py_TYPE(found)).tp_descr_get.is_none();
        own.or_else(|| plain.then(|| text(py, found)).flatten())
    }
}

/// # Safety
/// `of` is a type that is ready.
unsafe fn class_attribute(of: *mut ffi::PyTypeObject, name: &Bound<'_, PyAny>) -> *mut ffi::PyObject {
    unsafe extern "C" {
        /// Looks through a type and its bases; borrowed, and no error is set.
        fn _PyType_Lookup(of: *mut ffi::PyTypeObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
    }
    // SAFETY: as said; the name is text.
    unsafe { _PyType_Lookup(of, name.as_ptr()) }
}

/// # Safety
/// `descriptor` was found in the class of `object`.
unsafe fn slot(py: Python<'_>, object: *mut ffi::PyObject, descriptor: *mut ffi::PyObject) -> Option<String> {
    // SAFETY: a member's descriptor reads from the object's memory and runs nothing; it gives a new reference.
    unsafe {
        let of = ffi::Py_TYPE(descriptor);
        if of != &raw mut ffi::PyMemberDescr_Type {
            return None;
        }
        let get = (*of).tp_descr_get?;
        match Bound::from_owned_ptr_or_err(py, get(descriptor, object, ffi::Py_TYPE(object).cast())) {
            Ok(value) => Some(spell(&value, DEPTH_MAX)),
            Err(_) => None,
        }
    }
}

/// What a container of exactly a built-in type has at a key of such a type.
pub(super) fn item(py: Python<'_>, container: *mut ffi::PyObject, key: *mut ffi::PyObject) -> Option<String> {
    // SAFETY: operands are alive.
    let (container, key) = unsafe { (Bound::from_borrowed_ptr(py, container), Bound::from_borrowed_ptr(py, key)) };
    if let Ok(dictionary) = container.cast_exact::<PyDict>() {
        return entry(dictionary, &key).map(|value| spell(&value, DEPTH_MAX));
    }
    let index = key.cast_exact::<PyInt>().ok()?.extract::<isize>().ok()?;
    let at = |length: usize| usize::try_from(if index < 0 { index + length as isize } else { index }).ok();
    if let Ok(list) = container.cast_exact::<PyList>() {
        return list.get_item(at(list.len())?).ok().map(|value| spell(&value, DEPTH_MAX));
    }
    let tuple = container.cast_exact::<PyTuple>().ok()?;
    tuple.get_item(at(tuple.len())?).ok().map(|value| spell(&value, DEPTH_MAX))
}

fn entry<'py>(dictionary: &Bound<'py, PyDict>, key: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    if dictionary.len() > ENTRIES_MAX || !is_plain(key) {
        return None;
    }
    dictionary
        .iter()
        .find(|(other, _)| {
            other.is(key) || is_plain(other) && other.get_type().is(key.get_type()) && equals(other, key)
        })
        .map(|(_, value)| value)
}

/// Texts, integers and tuples of those compare without anybody's code.
fn is_plain(key: &Bound<'_, PyAny>) -> bool {
    key.is_exact_instance_of::<PyString>()
        || key.is_exact_instance_of::<PyInt>()
        || key.cast_exact::<PyTuple>().is_ok_and(|tuple| tuple.iter().all(|part| is_plain(&part)))
}

fn equals(one: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> bool {
    one.eq(other).unwrap_or(false)
}

/// What a cell holds.
pub(super) fn cell(py: Python<'_>, cell: *mut ffi::PyObject) -> Option<String> {
    unsafe extern "C" {
        /// A new reference, or null without an error if the cell is empty.
        fn PyCell_Get(cell: *mut ffi::PyObject) -> *mut ffi::PyObject;
    }
    // SAFETY: a cell that is alive.
    let value = unsafe { Bound::from_owned_ptr_or_opt(py, PyCell_Get(cell)) }?;
    Some(spell(&value, DEPTH_MAX))
}

/// The module whose globals these are.
pub(super) fn module_of<'py>(py: Python<'py>, globals: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let name = globals
        .cast_exact::<PyDict>()
        .ok()
        .and_then(|globals| entry(globals, PyString::new(py, "__name__").as_any()))?;
    if !is_plain(&name) {
        return None;
    }
    // SAFETY: borrowed; the interpreter keeps its dictionary of modules.
    let modules = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyImport_GetModuleDict()) }?;
    let module = entry(modules.cast_exact::<PyDict>().ok()?, &name)?;
    let same = module.cast_exact::<PyModule>().is_ok_and(|module| module.dict().is(globals));
    same.then_some(module)
}
