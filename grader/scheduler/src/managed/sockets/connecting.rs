//! Connecting, binding and listening.
//!
//! Some things differ from the system's own sockets, so that runs are alike: a port that was used by an earlier run can be
//! bound at once (`SO_REUSEADDR`), who binds port 0 gets the same one in each run, and nothing of TCP waits for a clock of
//! its own. A backlog is never so small that a client would have to knock again: the kernel lets it do so after a second of
//! real time only.

use std::cell::Cell;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rustix::net::{AddressFamily, SocketType, sockopt};

use super::{Socket, own};
use crate::held::Held;
use crate::kernel::{Kernel, with};
use crate::managed::descriptors::{self, Interest};
use crate::managed::methods::Invocation;

/// Shortest queue of clients that were not accepted yet.
const BACKLOG_MIN: i32 = 128;
/// What a connection takes before it makes the sender wait; the kernel keeps twice as much for each direction.
const BUFFER_BYTES: usize = 200 << 10;
/// Knows no clock.
const CONGESTION: &str = "reno";
/// How many ports are tried for who asks for any.
const PORTS_TRIED_MAX: usize = 64;
/// `EINPROGRESS`, `EAGAIN` and `EADDRINUSE`.
const IN_PROGRESS: i32 = 115;
const AGAIN: i32 = 11;
const ADDRESS_IN_USE: i32 = 98;

/// Sizes of a new socket's buffers, to receive and to send: one that has others was given them by its program.
static BUFFERS: Held<Cell<(usize, usize)>> = Held::new(Cell::new((0, 0)));

/// Looks how a new socket is.
pub fn measure(_py: Python<'_>) {
    if let Ok(fresh) = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None) {
        let sizes = (sockopt::socket_recv_buffer_size(&fresh), sockopt::socket_send_buffer_size(&fresh));
        BUFFERS.set((sizes.0.unwrap_or(0), sizes.1.unwrap_or(0)));
    }
}

/// `connect` and `connect_ex`.
pub fn connect<'py>(invocation: &Invocation<'py>, name: &'static str) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if !descriptors::is_managed(py)? {
        return invocation.go_on();
    }
    let socket = Socket::reach(invocation, name)?;
    prepare(&socket);
    with(py, Kernel::enables);
    if !socket.waits() {
        return invocation.go_on();
    }
    let result = loop {
        let result = unhurried(&socket, invocation)?;
        match code(&result) {
            Some(IN_PROGRESS) => {
                socket.wait(Interest::write(socket.descriptor))?;
                break finished(&socket, name)?;
            }
            // A queue of a Unix socket that is full.
            Some(AGAIN) => descriptors::nap(py, socket.call)?,
            Some(_) | None => break result,
        }
    };
    socket.log("");
    result
}

/// Begins to connect; the outer error is ours.
fn unhurried<'py>(socket: &Socket<'_, 'py>, invocation: &Invocation<'py>) -> PyResult<PyResult<Bound<'py, PyAny>>> {
    let (py, settimeout) = (socket.py(), own(socket.py(), |own| &own.settimeout));
    settimeout.call1(py, (&invocation.object, 0.0))?;
    let result = invocation.go_on();
    settimeout.call1(py, (&invocation.object, socket.timeout))?;
    Ok(result)
}

/// The error's number that a call raised or returned.
fn code(result: &PyResult<Bound<'_, PyAny>>) -> Option<i32> {
    match result {
        Ok(value) => value.extract().ok(),
        Err(_) => error_code(result),
    }
}

fn error_code(result: &PyResult<Bound<'_, PyAny>>) -> Option<i32> {
    let Err(error) = result else { return None };
    Python::attach(|py| error.value(py).getattr("errno").and_then(|code| code.extract()).ok())
}

/// What has become of a connection.
fn finished<'py>(socket: &Socket<'_, 'py>, name: &str) -> PyResult<PyResult<Bound<'py, PyAny>>> {
    let py = socket.py();
    let failed = match socket.raw().map(sockopt::socket_error) {
        Some(Ok(Ok(()))) => 0,
        Some(Ok(Err(error)) | Err(error)) => error.raw_os_error(),
        None => rustix::io::Errno::BADF.raw_os_error(),
    };
    Ok(if name == "socket.connect_ex" {
        Ok(failed.into_pyobject(py)?.into_any())
    } else if failed == 0 {
        Ok(py.None().into_bound(py))
    } else {
        let text = py.import("os")?.call_method1("strerror", (failed,))?;
        Err(PyOSError::new_err((failed, text.unbind())))
    })
}

/// Makes a socket of TCP the same in each run; those that it accepts have it from there. One that is closed already says so
/// itself, so errors here are nobody's.
fn prepare(socket: &Socket<'_, '_>) {
    let Some(raw) = socket.raw().filter(|_| socket.is_stream() && socket.is_of_the_internet()) else { return };
    // What an earlier run has left of connections keeps nobody from their ports.
    let _ = sockopt::set_socket_reuseaddr(raw, true);
    // Nothing waits for an acknowledgement that the other side puts off, in real time.
    let _ = sockopt::set_tcp_nodelay(raw, true);
    // Otherwise they grow by how fast data came.
    let fresh = BUFFERS.get();
    if sockopt::socket_recv_buffer_size(raw) == Ok(fresh.0) {
        let _ = sockopt::set_socket_recv_buffer_size(raw, BUFFER_BYTES);
    }
    if sockopt::socket_send_buffer_size(raw) == Ok(fresh.1) {
        let _ = sockopt::set_socket_send_buffer_size(raw, BUFFER_BYTES);
    }
    let _ = sockopt::set_tcp_congestion(raw, CONGESTION);
}

pub fn bind<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if !descriptors::is_managed(py)? {
        return invocation.go_on();
    }
    let socket = Socket::reach(invocation, "socket.bind")?;
    with(py, Kernel::enables);
    prepare(&socket);
    let address = invocation.arguments.get_item(0).ok().and_then(|address| address.cast_into::<PyTuple>().ok());
    let any_port = |address: &Bound<'_, PyTuple>| {
        address.get_item(1).and_then(|port| port.extract::<u16>()).is_ok_and(|port| port == 0)
    };
    if let Some(address) = address.filter(|_| socket.is_of_the_internet()).filter(any_port) {
        for _ in 0..PORTS_TRIED_MAX {
            let mut parts: Vec<Bound<'py, PyAny>> = address.iter().collect();
            parts[1] = descriptors::next_port(py).into_pyobject(py)?.into_any();
            let result = invocation.go_on_with(vec![PyTuple::new(py, parts)?.into_any()]);
            if error_code(&result) != Some(ADDRESS_IN_USE) {
                return result;
            }
        }
    }
    invocation.go_on()
}

pub fn listen<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if !descriptors::is_managed(py)? {
        return invocation.go_on();
    }
    let socket = Socket::reach(invocation, "socket.listen")?;
    with(py, Kernel::enables);
    prepare(&socket);
    let asked = invocation.arguments.get_item(0).ok().and_then(|backlog| backlog.extract::<i32>().ok());
    let result = match asked {
        Some(backlog) => invocation.go_on_with(vec![backlog.max(BACKLOG_MIN).into_pyobject(py)?.into_any()]),
        None => invocation.go_on(),
    };
    socket.log("");
    result
}
