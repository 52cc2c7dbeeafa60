//! `_socket.socket`: its methods that wait, and those that end a wait.
//!
//! Each call is a point. A blocking one waits until the kernel has something for it; a time-out is one of virtual time; one
//! that must not wait and fails lets others go first. What is asked of the kernel then never blocks: a sender asks for no
//! more than there is place for, and a client that connects waits outside of the call.
//!
//! Two things differ from the system's own sockets, so that runs are alike: a port that was used by an earlier run can be
//! bound at once (`SO_REUSEADDR`), and who binds port 0 gets the same one in each run. A backlog is never so small that a
//! client would have to knock again: the kernel lets it do so after a second of real time only.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::os::fd::{BorrowedFd, RawFd};

use pyo3::exceptions::{PyBlockingIOError, PyOSError, PyTimeoutError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PyTuple, PyType};
use rustix::net::{AddressFamily, SocketType, sockopt};
use schedules::words::Act;

use super::descriptors::{self, Interest};
use super::methods::{self, Invocation};
use crate::held::Held;
use crate::kernel::waiting::{self, Woken};
use crate::kernel::{Call, Kernel, Object, with};
use crate::record;

/// `MSG_DONTWAIT`.
const DO_NOT_WAIT: i32 = 0x40;
/// `MSG_WAITALL`.
const WAIT_FOR_ALL: i32 = 0x100;
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

const METHODS: &[(&CStr, methods::Ours)] = &[
    (c"recv", |call| receive(call, "socket.recv", 1)),
    (c"recv_into", |call| receive(call, "socket.recv_into", 2)),
    (c"recvfrom", |call| receive(call, "socket.recvfrom", 1)),
    (c"recvfrom_into", |call| receive(call, "socket.recvfrom_into", 2)),
    (c"recvmsg", |call| receive(call, "socket.recvmsg", 2)),
    (c"recvmsg_into", |call| receive(call, "socket.recvmsg_into", 2)),
    (c"_accept", |call| receive(call, "socket.accept", usize::MAX)),
    (c"send", |call| send(call, "socket.send")),
    (c"sendall", |call| send(call, "socket.sendall")),
    (c"sendto", send_to),
    (c"sendmsg", send_message),
    (c"connect", |call| connect(call, "socket.connect")),
    (c"connect_ex", |call| connect(call, "socket.connect_ex")),
    (c"bind", bind),
    (c"listen", listen),
    (c"shutdown", |call| end(call, "socket.shutdown")),
    (c"close", |call| end(call, "socket.close")),
];

/// The interpreter's own methods.
struct Own {
    fileno: Py<PyAny>,
    gettimeout: Py<PyAny>,
    settimeout: Py<PyAny>,
    send: Py<PyAny>,
    recv: Py<PyAny>,
    recv_into: Py<PyAny>,
}

/// Sizes of a new socket's buffers, to receive and to send: one that has others was given them by its program.
static BUFFERS: Held<Cell<(usize, usize)>> = Held::new(Cell::new((0, 0)));
static OWN: Held<RefCell<Option<Own>>> = Held::new(RefCell::new(None));

pub fn apply(py: Python<'_>) -> PyResult<()> {
    let class = py.import("_socket")?.getattr("socket")?.cast_into::<PyType>()?;
    descriptors::owns(&class)?;
    let own = |name: &str| class.getattr(name).map(Bound::unbind);
    let kept = Own {
        fileno: own("fileno")?,
        gettimeout: own("gettimeout")?,
        settimeout: own("settimeout")?,
        send: own("send")?,
        recv: own("recv")?,
        recv_into: own("recv_into")?,
    };
    if let Ok(fresh) = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None) {
        let sizes = (sockopt::socket_recv_buffer_size(&fresh), sockopt::socket_send_buffer_size(&fresh));
        BUFFERS.set((sizes.0.unwrap_or(0), sizes.1.unwrap_or(0)));
    }
    let before = OWN.borrow_mut().replace(kept);
    drop(before);
    METHODS.iter().try_for_each(|(name, ours)| methods::exchange(&class, name, *ours).map(drop))
}

fn own(py: Python<'_>, which: impl Fn(&Own) -> &Py<PyAny>) -> Py<PyAny> {
    let own = OWN.borrow();
    which(own.as_ref().expect("methods are exchanged after these were kept")).clone_ref(py)
}

/// A socket whose method was called.
struct Socket<'a, 'py> {
    invocation: &'a Invocation<'py>,
    call: Call,
    descriptor: RawFd,
    /// Seconds; `None` without end.
    timeout: Option<f64>,
    /// When the call gives up.
    until: Option<u64>,
}

impl<'a, 'py> Socket<'a, 'py> {
    /// The call is a point.
    fn reach(invocation: &'a Invocation<'py>, name: &'static str) -> PyResult<Socket<'a, 'py>> {
        let (py, object) = (invocation.py(), &invocation.object);
        let call = Call { name, object: Some(Object { kind: "socket", address: object.as_ptr() as usize }) };
        let timeout: Option<f64> = own(py, |own| &own.gettimeout).call1(py, (object,))?.extract(py)?;
        let until = timeout.map(|seconds| super::until(py, seconds)).transpose()?;
        waiting::point(py, true)?;
        // Another thread may have closed it meanwhile.
        let descriptor = own(py, |own| &own.fileno).call1(py, (object,))?.extract(py)?;
        Ok(Socket { invocation, call, descriptor, timeout, until })
    }

    fn py(&self) -> Python<'py> {
        self.invocation.py()
    }

    fn waits(&self) -> bool {
        self.timeout != Some(0.0)
    }

    fn raw(&self) -> Option<BorrowedFd<'_>> {
        // SAFETY: for one question; a number that is open no more gets EBADF.
        (self.descriptor >= 0).then(|| unsafe { BorrowedFd::borrow_raw(self.descriptor) })
    }

    fn is_stream(&self) -> bool {
        self.raw().is_some_and(|raw| sockopt::socket_type(raw) == Ok(SocketType::STREAM))
    }

    fn is_of_the_internet(&self) -> bool {
        let family = self.raw().and_then(|raw| sockopt::socket_domain(raw).ok());
        family == Some(AddressFamily::INET) || family == Some(AddressFamily::INET6)
    }

    fn wait(&self, interest: Interest) -> PyResult<()> {
        match descriptors::wait(self.py(), &[interest], self.until, self.call)? {
            Woken::Satisfied => Ok(()),
            Woken::TimedOut => Err(PyTimeoutError::new_err("timed out")),
        }
    }

    /// Tries `operation` until the kernel takes it.
    fn send_when_possible<T>(&self, operation: impl Fn() -> PyResult<T>) -> PyResult<T> {
        let interest = Interest::write(self.descriptor);
        if self.is_of_the_internet() && !descriptors::is_ready(&[interest]) {
            // When there is place again depends on acknowledgements, which come by the kernel's own clock.
            with(self.py(), |kernel| kernel.told.uncontrolled = true);
        }
        loop {
            self.wait(interest)?;
            match operation() {
                Err(error) if error.is_instance_of::<PyBlockingIOError>(self.py()) => {
                    descriptors::nap(self.py(), self.call)?;
                }
                result => return result,
            }
        }
    }

    fn log(&self, what: &str) {
        let name = self.call.name.trim_start_matches("socket.");
        record::log(self.py(), Act::Calls, Some(self.call), Some(format!("{name} {what}").trim_end()));
    }
}

/// What to say of a result.
fn size(result: &Bound<'_, PyAny>) -> String {
    let first = result.cast::<PyTuple>().ok().and_then(|tuple| tuple.get_item(0).ok());
    let bytes = first.as_ref().unwrap_or(result);
    let count = bytes.cast::<PyBytes>().map(|bytes| bytes.as_bytes().len()).ok();
    count.or_else(|| bytes.extract().ok()).map(bytes_in_words).unwrap_or_default()
}

fn bytes_in_words(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

fn flags(invocation: &Invocation<'_>, at: usize) -> PyResult<i32> {
    invocation.argument(at, "flags")?.map_or(Ok(0), |flags| flags.extract())
}

/// All that read, and `accept`.
fn receive<'py>(invocation: &Invocation<'py>, name: &'static str, flags_at: usize) -> PyResult<Bound<'py, PyAny>> {
    if !descriptors::is_managed(invocation.py())? {
        return invocation.go_on();
    }
    let flags = flags(invocation, flags_at)?;
    let socket = Socket::reach(invocation, name)?;
    if !socket.waits() || flags & DO_NOT_WAIT != 0 {
        with(socket.py(), Kernel::enables);
        return descriptors::attempted(socket.py(), invocation.go_on(), socket.call);
    }
    let result = if flags & WAIT_FOR_ALL != 0 && socket.is_stream() {
        receive_all(&socket, flags & !WAIT_FOR_ALL)?
    } else {
        socket.wait(Interest::read(socket.descriptor))?;
        invocation.go_on()?
    };
    socket.log(&if flags_at == usize::MAX { String::new() } else { size(&result) });
    Ok(result)
}

/// With `MSG_WAITALL` the kernel itself would wait for the rest.
fn receive_all<'py>(socket: &Socket<'_, 'py>, flags: i32) -> PyResult<Bound<'py, PyAny>> {
    let (py, invocation) = (socket.py(), socket.invocation);
    let into = match socket.call.name {
        "socket.recv_into" => true,
        "socket.recv" => false,
        _ => {
            socket.wait(Interest::read(socket.descriptor))?;
            return invocation.go_on();
        }
    };
    let buffer = invocation.argument(0, "buffer")?;
    let buffer = buffer.filter(|_| into).map(|buffer| PyMemoryView::from(&buffer)?.call_method1("cast", ("B",)));
    let buffer = buffer.transpose()?;
    let wanted: Option<usize> =
        invocation.argument(usize::from(into), "nbytes")?.map(|wanted| wanted.extract()).transpose()?;
    let wanted = match (&buffer, wanted) {
        (Some(buffer), None | Some(0)) => buffer.len()?,
        (_, wanted) => wanted.unwrap_or(0),
    };
    let (mut read, mut bytes) = (0, Vec::new());
    while read < wanted {
        socket.wait(Interest::read(socket.descriptor))?;
        let more = match &buffer {
            Some(buffer) => {
                let rest = buffer.get_item(pyo3::types::PySlice::new(py, read as isize, wanted as isize, 1))?;
                let call = (&invocation.object, rest, 0, flags);
                own(py, |own| &own.recv_into).call1(py, call)?.extract::<usize>(py)?
            }
            None => {
                let more = own(py, |own| &own.recv).call1(py, (&invocation.object, wanted - read, flags))?;
                let more = more.extract::<Vec<u8>>(py)?;
                bytes.extend_from_slice(&more);
                more.len()
            }
        };
        if more == 0 {
            break;
        }
        read += more;
    }
    if into { Ok(read.into_pyobject(py)?.into_any()) } else { Ok(PyBytes::new(py, &bytes).into_any()) }
}

/// `send` and `sendall`.
fn send<'py>(invocation: &Invocation<'py>, name: &'static str) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if !descriptors::is_managed(py)? {
        return invocation.go_on();
    }
    let flags = flags(invocation, 1)?;
    let socket = Socket::reach(invocation, name)?;
    let bytes = invocation.argument(0, "data")?.and_then(|data| PyMemoryView::from(&data).ok());
    let bytes = bytes.and_then(|bytes| bytes.call_method1("cast", ("B",)).ok());
    let waits = socket.waits() && flags & DO_NOT_WAIT == 0;
    let (Some(bytes), true) = (bytes, waits) else {
        with(py, Kernel::enables);
        return descriptors::attempted(py, invocation.go_on(), socket.call);
    };
    let all = name == "socket.sendall";
    // The kernel itself waits until it has taken all of a stream, unless there is a time-out.
    let whole = all || (socket.timeout.is_none() && socket.is_stream());
    let (length, mut sent) = (bytes.len()?, 0);
    loop {
        let rest = bytes.get_item(pyo3::types::PySlice::new(py, sent as isize, length as isize, 1))?;
        let more: usize = socket.send_when_possible(|| {
            own(py, |own| &own.send).call1(py, (&invocation.object, &rest, flags | DO_NOT_WAIT))?.extract(py)
        })?;
        sent += more;
        if sent >= length || !whole {
            break;
        }
    }
    socket.log(&bytes_in_words(sent));
    if all { Ok(py.None().into_bound(py)) } else { Ok(sent.into_pyobject(py)?.into_any()) }
}

/// `sendto(data[, flags], address)`.
fn send_to<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    let count = invocation.arguments.len();
    send_with_flags(invocation, "socket.sendto", (count == 3).then_some(1), |arguments, flags| {
        if count == 3 {
            arguments[1] = flags;
        } else if count == 2 {
            arguments.insert(1, flags);
        }
    })
}

/// `sendmsg(buffers[, ancillary[, flags[, address]]])`.
fn send_message<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
    send_with_flags(invocation, "socket.sendmsg", Some(2), |arguments, flags| {
        if arguments.len() == 1 {
            arguments.push(PyTuple::empty(flags.py()).into_any());
        }
        if arguments.len() == 2 {
            arguments.push(flags);
        } else if arguments.len() > 2 {
            arguments[2] = flags;
        }
    })
}

fn send_with_flags<'py>(
    invocation: &Invocation<'py>,
    name: &'static str,
    flags_at: Option<usize>,
    put: impl Fn(&mut Vec<Bound<'py, PyAny>>, Bound<'py, PyAny>),
) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if !descriptors::is_managed(py)? {
        return invocation.go_on();
    }
    let flags = flags_at.map_or(Ok(0), |at| flags(invocation, at))?;
    let socket = Socket::reach(invocation, name)?;
    if !socket.waits() || flags & DO_NOT_WAIT != 0 {
        with(py, Kernel::enables);
        return descriptors::attempted(py, invocation.go_on(), socket.call);
    }
    let mut arguments: Vec<Bound<'py, PyAny>> = invocation.arguments.iter().collect();
    put(&mut arguments, (flags | DO_NOT_WAIT).into_pyobject(py)?.into_any());
    let result = socket.send_when_possible(|| invocation.go_on_with(arguments.clone()))?;
    socket.log(&size(&result));
    Ok(result)
}

/// `connect` and `connect_ex`.
fn connect<'py>(invocation: &Invocation<'py>, name: &'static str) -> PyResult<Bound<'py, PyAny>> {
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

fn bind<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
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

fn listen<'py>(invocation: &Invocation<'py>) -> PyResult<Bound<'py, PyAny>> {
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

/// `shutdown` and `close`: others may see the end. Both are possible after the run too.
fn end<'py>(invocation: &Invocation<'py>, name: &'static str) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if !descriptors::is_running(py) {
        return invocation.go_on();
    }
    let socket = Socket::reach(invocation, name)?;
    with(py, Kernel::enables);
    if socket.descriptor >= 0 {
        socket.log("");
    }
    invocation.go_on()
}
