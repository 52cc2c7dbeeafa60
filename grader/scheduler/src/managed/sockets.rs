//! `_socket.socket`: its methods that wait, and those that end a wait.
//!
//! Each call is a point. A blocking one waits until the kernel has something for it; a time-out is one of virtual time; one
//! that must not wait and fails lets others go first. What is asked of the kernel then never blocks: a sender asks for no
//! more than there is place for, and a client that connects waits outside of the call.
//!
//! [`connecting`] has what makes connections.

mod connecting;

use std::cell::RefCell;
use std::ffi::CStr;
use std::os::fd::{BorrowedFd, RawFd};

use pyo3::exceptions::{PyBlockingIOError, PyTimeoutError};
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
    (c"connect", |call| connecting::connect(call, "socket.connect")),
    (c"connect_ex", |call| connecting::connect(call, "socket.connect_ex")),
    (c"bind", connecting::bind),
    (c"listen", connecting::listen),
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
    connecting::measure(py);
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
        let call =
            Call { name, object: Some(Object { kind: "socket", address: object.as_ptr() as usize, own: false }) };
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
