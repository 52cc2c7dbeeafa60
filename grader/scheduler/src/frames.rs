//! Whose code called: the submission's, a driver's, or the standard library's.
//!
//! Files are told apart by the very text object that names them in their code objects: all code of one source shares it, so
//! the question costs one look. What is neither the submission's nor a driver's is the library.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFrame, PyFrameMethods, PyString};
use schedules::words::Place;

use crate::held::Held;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Submission,
    Driver,
    Library,
}

type File = (Py<PyString>, Side);

/// Texts that name the files of the submission and of drivers.
static FILES: Held<RefCell<Vec<File>>> = Held::new(RefCell::new(Vec::new()));
/// Where a code object keeps the text that names its file, and its own name.
static OFFSETS: Held<Cell<(isize, isize)>> = Held::new(Cell::new((0, 0)));

/// Finds out how code objects are laid out.
pub fn prepare(py: Python<'_>) {
    let offset = |wanted: &CStr| {
        // SAFETY: the type's own table of members, ended by one without a name.
        unsafe {
            let mut member = (*py.get_type::<PyCode>().as_type_ptr()).tp_members;
            while !(*member).name.is_null() {
                if CStr::from_ptr((*member).name) == wanted {
                    return (*member).offset;
                }
                member = member.add(1);
            }
        }
        unreachable!("code objects have a member {wanted:?}")
    };
    OFFSETS.set((offset(c"co_filename"), offset(c"co_name")));
}

/// From here on code that is compiled under this very text is on `side`.
pub fn know(file: &Bound<'_, PyString>, side: Side) {
    FILES.borrow_mut().push((file.clone().unbind(), side));
}

/// Whatever was known of `side` is forgotten.
pub fn forget(_py: Python<'_>, side: Side) {
    let mut files = FILES.borrow_mut();
    let (kept, gone) = std::mem::take(&mut *files).into_iter().partition(|(_, known)| *known != side);
    *files = kept;
    let gone: Vec<File> = gone;
    drop(files);
    drop(gone);
}

fn member(code: *mut ffi::PyCodeObject, offset: isize) -> *mut ffi::PyObject {
    // SAFETY: `code` is a code object and `offset` one of its members that hold an object.
    unsafe { *code.cast::<u8>().offset(offset).cast::<*mut ffi::PyObject>() }
}

/// One frame of the running thread or of one that waits.
struct Walk<'py> {
    py: Python<'py>,
    frame: *mut ffi::PyFrameObject,
}

impl<'py> Walk<'py> {
    fn here(py: Python<'py>) -> Option<Walk<'py>> {
        // SAFETY: borrowed, or null; made our own at once.
        unsafe {
            let frame = ffi::PyEval_GetFrame();
            ffi::Py_XINCREF(frame.cast());
            Walk::of(py, frame)
        }
    }

    /// Takes over a new reference.
    fn of(py: Python<'py>, frame: *mut ffi::PyFrameObject) -> Option<Walk<'py>> {
        if frame.is_null() { None } else { Some(Walk { py, frame }) }
    }

    fn outer(&self) -> Option<Walk<'py>> {
        // SAFETY: a frame that we own a reference to; a new reference or null.
        Walk::of(self.py, unsafe { ffi::PyFrame_GetBack(self.frame) })
    }

    /// Lives as long as the frame.
    fn code(&self) -> *mut ffi::PyCodeObject {
        // SAFETY: as above; the frame keeps its code alive, so ours need not be kept.
        unsafe {
            let code = ffi::PyFrame_GetCode(self.frame);
            ffi::Py_DECREF(code.cast());
            code
        }
    }

    fn side(&self) -> Side {
        let file = member(self.code(), OFFSETS.get().0);
        let files = FILES.borrow();
        files.iter().find(|(known, _)| known.as_ptr() == file).map_or(Side::Library, |(_, side)| *side)
    }

    fn is_named(&self, name: &CStr) -> bool {
        // SAFETY: a code object's name is a text.
        unsafe { ffi::PyUnicode_CompareWithASCIIString(member(self.code(), OFFSETS.get().1), name.as_ptr()) == 0 }
    }

    fn is_in(&self, file: &CStr) -> bool {
        // SAFETY: a code object's file is a text.
        unsafe { ffi::PyUnicode_CompareWithASCIIString(member(self.code(), OFFSETS.get().0), file.as_ptr()) == 0 }
    }

    fn line(&self) -> u32 {
        // SAFETY: a frame that we own a reference to.
        let line: c_int = unsafe { ffi::PyFrame_GetLineNumber(self.frame) };
        u32::try_from(line).unwrap_or(0)
    }

    fn place(&self) -> Place {
        let code = self.object().code();
        let text = |name: &str| code.getattr(name).and_then(|text| text.extract::<String>()).unwrap_or_default();
        let qualified = text("co_qualname");
        let function = qualified.rsplit("<locals>.").next().unwrap_or_default().to_owned();
        Place { file: text("co_filename"), line: self.line(), function }
    }

    fn object(&self) -> Bound<'py, PyFrame> {
        // SAFETY: a frame that we own a reference to.
        unsafe { Bound::from_borrowed_ptr(self.py, self.frame.cast()).cast_into_unchecked() }
    }

    fn qualified(&self) -> String {
        let code = self.object().code();
        code.getattr("co_qualname").and_then(|name| name.extract()).unwrap_or_default()
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        // SAFETY: our own reference; the interpreter's lock is held, as `py` proves.
        unsafe { ffi::Py_DECREF(self.frame.cast()) }
    }
}

/// Who makes a lock.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    pub is_library: bool,
    /// It is made while a module of the library is imported.
    pub is_import: bool,
}

pub fn maker(py: Python<'_>) -> Maker {
    let mut walk = Walk::here(py);
    let mut maker = Maker { is_library: false, is_import: false };
    let mut first = true;
    while let Some(frame) = walk {
        if frame.side() != Side::Library {
            break;
        }
        // The factory `threading.RLock` makes no part of anything, nor does what `dataclasses` has written for a class.
        let makes_for_another = first && frame.is_named(c"RLock") || frame.is_in(c"<string>");
        if !makes_for_another {
            maker.is_library = true;
        }
        first = false;
        if frame.is_named(c"<module>") || frame.is_in(c"<frozen importlib._bootstrap>") {
            maker.is_import = true;
            break;
        }
        walk = frame.outer();
    }
    maker
}

/// Whether the code that runs is the submission's or a driver's.
pub fn called_directly(py: Python<'_>) -> bool {
    Walk::here(py).is_some_and(|frame| frame.side() != Side::Library)
}

/// Whether the code that runs is a function of the library that the submission or a driver has called.
pub fn library_called_directly(py: Python<'_>) -> bool {
    Walk::here(py).and_then(|frame| frame.outer()).is_some_and(|frame| frame.side() != Side::Library)
}

/// Whether the submission's own code starts a thread, by `Thread.start` or without it.
pub fn started_directly(py: Python<'_>, by_method: bool) -> bool {
    let caller = if by_method { Walk::here(py).and_then(|start| start.outer()) } else { Walk::here(py) };
    caller.is_some_and(|frame| frame.side() == Side::Submission)
}

/// Where in the submission the running thread is.
pub fn place(py: Python<'_>) -> Option<Place> {
    place_from(Walk::here(py))
}

fn place_from(mut walk: Option<Walk<'_>>) -> Option<Place> {
    while let Some(frame) = walk {
        if frame.side() == Side::Submission {
            return Some(frame.place());
        }
        walk = frame.outer();
    }
    None
}

/// What a thread is doing, as its program would say it.
#[derive(Debug, Default)]
pub struct Doing<'py> {
    /// The function of the library that the program has called, such as `Queue.get`, and the object that it belongs to.
    pub call: Option<(String, Option<Bound<'py, PyAny>>)>,
    pub place: Option<Place>,
}

/// The same for one that waits, whose innermost frame this is; takes over a new reference.
pub fn doing<'py>(py: Python<'py>, frame: *mut ffi::PyFrameObject) -> Doing<'py> {
    let mut walk = Walk::of(py, frame);
    let mut outermost: Option<Walk<'py>> = None;
    while let Some(frame) = walk.take() {
        if frame.side() != Side::Library {
            let call = outermost.map(|frame| call_of(&frame));
            return Doing { call, place: place_from(Some(frame)) };
        }
        let outer = frame.outer();
        // A thread's own beginnings are nobody's call; what is below them, in a thread of the library's own, may be.
        let begins = [c"_bootstrap", c"_bootstrap_inner", c"_worker"].iter().any(|name| frame.is_named(name))
            || frame.is_named(c"run") && frame.qualified() == "Thread.run";
        if !begins {
            outermost = Some(frame);
        }
        walk = outer;
    }
    Doing { call: outermost.map(|frame| call_of(&frame)), place: None }
}

/// The same for the running thread.
pub fn doing_here(py: Python<'_>) -> Doing<'_> {
    match Walk::here(py) {
        Some(walk) => {
            let frame = walk.frame;
            // SAFETY: the walk's own reference is dropped with it.
            unsafe { ffi::Py_INCREF(frame.cast()) };
            doing(py, frame)
        }
        None => Doing::default(),
    }
}

fn call_of<'py>(frame: &Walk<'py>) -> (String, Option<Bound<'py, PyAny>>) {
    let locals = frame.object().getattr("f_locals");
    let object = locals.and_then(|locals| locals.get_item("self")).ok();
    (frame.qualified(), object)
}

/// Whether the submission's own code makes a task, be it through the library's functions for that.
pub fn created_directly(py: Python<'_>) -> bool {
    let mut walk = Walk::here(py);
    while let Some(frame) = walk {
        match frame.side() {
            Side::Submission => return true,
            Side::Driver => return false,
            Side::Library if ["create_task", "ensure_future"].iter().any(|name| frame.qualified().ends_with(name)) => {}
            Side::Library if frame.is_named(c"_ensure_future") => {}
            Side::Library => return false,
        }
        walk = frame.outer();
    }
    false
}

/// What a frame object shows of one that does not run: whose it is, its function, and where it is.
pub fn at_rest(frame: &Bound<'_, PyAny>) -> Option<(Side, String, Place)> {
    let frame = frame.cast::<PyFrame>().ok()?;
    let walk = Walk::of(frame.py(), frame.clone().into_ptr().cast())?;
    Some((walk.side(), walk.qualified(), walk.place()))
}

/// Where `frame`, a frame object, is, if that is in the submission.
pub fn place_of(frame: &Bound<'_, PyAny>, line: u32) -> Option<Place> {
    let frame = frame.cast::<PyFrame>().ok()?;
    let walk = Walk::of(frame.py(), frame.clone().into_ptr().cast())?;
    (walk.side() == Side::Submission).then(|| Place { line, ..walk.place() })
}
