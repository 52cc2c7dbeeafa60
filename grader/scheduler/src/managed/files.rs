//! `os.read` and `os.write`, and the files that Python opens, where they are about pipes and the like.
//!
//! Regular files never wait for another thread and are left alone. So is what a program writes to its standard output and
//! error: whether these are pipes is not its business. A pipe that has any place takes a page without waiting, so more is
//! written page by page.

use std::cell::RefCell;
use std::os::fd::RawFd;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyModule, PySlice, PyType};
use schedules::words::Act;

use super::descriptors::{self, Interest, Stream};
use super::methods::{self, Invocation};
use crate::held::Held;
use crate::kernel::waiting;
use crate::kernel::{Call, Kernel, with};
use crate::record;

/// `PIPE_BUF`: what is not larger is written as a whole.
const PAGE_BYTES: usize = 4096;
/// What is read at once of a stream that is read to its end.
const READ_BYTES: usize = 64 << 10;
/// Descriptors from here on are a program's own.
const STANDARD: RawFd = 3;

/// The interpreter's own functions.
struct Own {
    read: Py<PyAny>,
    write: Py<PyAny>,
    close: Py<PyAny>,
    fileno: Py<PyAny>,
    read_file: Py<PyAny>,
    write_file: Py<PyAny>,
}

static OWN: Held<RefCell<Option<Own>>> = Held::new(RefCell::new(None));

/// Returns what is to be in the place of which function of `posix`.
pub fn apply<'py>(py: Python<'py>, posix: &Bound<'py, PyModule>) -> PyResult<[(&'static str, Bound<'py, PyAny>); 3]> {
    let file = py.import("_io")?.getattr("FileIO")?.cast_into::<PyType>()?;
    descriptors::owns(&file)?;
    let own = |of: &Bound<'py, PyAny>, name: &str| of.getattr(name).map(Bound::unbind);
    let (functions, methods) = (posix.as_any(), file.as_any());
    let kept = Own {
        read: own(functions, "read")?,
        write: own(functions, "write")?,
        close: own(functions, "close")?,
        fileno: own(methods, "fileno")?,
        read_file: own(methods, "read")?,
        write_file: own(methods, "write")?,
    };
    let before = OWN.borrow_mut().replace(kept);
    drop(before);
    methods::exchange(&file, c"read", read_file)?;
    methods::exchange(&file, c"readinto", |call| once(call, "FileIO.readinto"))?;
    methods::exchange(&file, c"readall", read_all)?;
    methods::exchange(&file, c"write", write_file)?;
    methods::exchange(&file, c"close", close_file)?;
    Ok([
        ("read", wrap_pyfunction!(read, posix)?.into_any()),
        ("write", wrap_pyfunction!(write, posix)?.into_any()),
        ("close", wrap_pyfunction!(close, posix)?.into_any()),
    ])
}

fn own(py: Python<'_>, which: impl Fn(&Own) -> &Py<PyAny>) -> Bound<'_, PyAny> {
    let own = OWN.borrow();
    which(own.as_ref().expect("functions are exchanged after these were kept")).clone_ref(py).into_bound(py)
}

/// Reads once, from a stream that may have to be waited for.
fn reading<'py>(
    py: Python<'py>,
    stream: Stream,
    call: Call,
    read: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    waiting::point(py, true)?;
    if !stream.blocks {
        with(py, Kernel::enables);
        return descriptors::attempted(py, read(), call);
    }
    descriptors::wait(py, &[Interest::read(stream.descriptor)], None, call)?;
    let result = read()?;
    record::log(py, Act::Calls, Some(call), Some("read"));
    Ok(result)
}

/// Writes all of `data`, page by page, or what there is place for if the stream does not wait.
fn writing<'py>(
    py: Python<'py>,
    stream: Stream,
    call: Call,
    data: &Bound<'py, PyAny>,
    write: impl Fn(&Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let bytes = PyMemoryView::from(data).and_then(|bytes| bytes.call_method1("cast", ("B",)));
    waiting::point(py, true)?;
    let (Ok(bytes), true) = (bytes, stream.blocks) else {
        with(py, Kernel::enables);
        return descriptors::attempted(py, write(data), call);
    };
    let (length, mut written) = (bytes.len()?, 0);
    loop {
        descriptors::wait(py, &[Interest::write(stream.descriptor)], None, call)?;
        let end = length.min(written + PAGE_BYTES);
        let page = bytes.get_item(PySlice::new(py, written as isize, end as isize, 1))?;
        written += write(&page)?.extract::<usize>()?;
        if written >= length {
            break;
        }
    }
    record::log(py, Act::Calls, Some(call), Some("write"));
    Ok(written.into_pyobject(py)?.into_any())
}

fn stream(number: &Bound<'_, PyAny>) -> Option<Stream> {
    Stream::of(number.extract().ok()?)
}

#[pyfunction]
#[pyo3(signature = (fd, length, /))]
fn read<'py>(py: Python<'py>, fd: Bound<'py, PyAny>, length: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let own = own(py, |own| &own.read);
    match stream(&fd) {
        Some(stream) if descriptors::is_managed(py)? => {
            reading(py, stream, stream.call("os.read"), || own.call1((fd, length)))
        }
        Some(_) | None => own.call1((fd, length)),
    }
}

#[pyfunction]
#[pyo3(signature = (fd, data, /))]
fn write<'py>(py: Python<'py>, fd: Bound<'py, PyAny>, data: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let own = own(py, |own| &own.write);
    match stream(&fd).filter(|stream| stream.descriptor >= STANDARD) {
        Some(stream) if descriptors::is_managed(py)? => {
            writing(py, stream, stream.call("os.write"), &data, |page| own.call1((&fd, page)))
        }
        Some(_) | None => own.call1((fd, data)),
    }
}

#[pyfunction]
fn close<'py>(py: Python<'py>, fd: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if descriptors::is_running(py) && stream(&fd).is_some() {
        waiting::point(py, true)?;
        with(py, Kernel::enables);
    }
    own(py, |own| &own.close).call1((fd,))
}

/// The stream that a file is, if it is one and threads are scheduled.
fn stream_of(invocation: &Invocation<'_>) -> PyResult<Option<Stream>> {
    let py = invocation.py();
    if with(py, |kernel| kernel.phase) == crate::kernel::Phase::Idle {
        return Ok(None);
    }
    // One that is closed says so when it is used.
    let Ok(number) = own(py, |own| &own.fileno).call1((&invocation.object,)) else { return Ok(None) };
    match stream(&number) {
        Some(stream) => Ok(descriptors::is_managed(py)?.then_some(stream)),
        None => Ok(None),
    }
}

fn once<'py>(invocation: &Invocation<'py>, name: &'static str) -> PyResult<Bound<'py, PyAny>> {
    match stream_of(invocation)? {
        Some(stream) => reading(invocation.py(), stream, stream.call(name), || invocation.go_on()),
        None => invocation.go_on(),
    }
}

fn read_file<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let size = invocation.argument(0, "size")?.and_then(|size| size.extract::<i64>().ok());
    if size.is_some_and(|size| size >= 0) { once(invocation, "FileIO.read") } else { read_all(invocation) }
}

/// To the end of the stream.
fn read_all<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    let Some(stream) = stream_of(invocation)?.filter(|stream| stream.blocks) else { return invocation.go_on() };
    let own = own(py, |own| &own.read_file);
    let mut bytes = Vec::new();
    loop {
        let read = || own.call1((&invocation.object, READ_BYTES));
        let more = reading(py, stream, stream.call("FileIO.read"), read)?.extract::<Vec<u8>>()?;
        if more.is_empty() {
            return Ok(PyBytes::new(py, &bytes).into_any());
        }
        bytes.extend(more);
    }
}

fn write_file<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let (py, data) = (invocation.py(), invocation.argument(0, "b")?);
    match (stream_of(invocation)?.filter(|stream| stream.descriptor >= STANDARD), data) {
        (Some(stream), Some(data)) => {
            let own = own(py, |own| &own.write_file);
            let write = |page: &Bound<'py, PyAny>| own.call1((&invocation.object, page));
            writing(py, stream, stream.call("FileIO.write"), &data, write)
        }
        _ => invocation.go_on(),
    }
}

fn close_file<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if descriptors::is_running(py) && stream_of(invocation)?.is_some() {
        waiting::point(py, true)?;
        with(py, Kernel::enables);
    }
    invocation.go_on()
}
