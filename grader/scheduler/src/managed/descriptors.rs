//! Waiting for descriptors, and what a run leaves of them.
//!
//! An operation that could block becomes two: to wait, as data that the kernel of schedules can look at, until poll(2) has
//! something for the descriptor, and then the real operation, which does not block any more. Loopback and pipes deliver
//! within the system call that sends, so what another thread has sent is there at the next look.
//!
//! Whoever waits holds the open file, as a thread does that waits inside of the kernel: if another thread closes the
//! descriptor meanwhile, the file stays open and the wait goes on. That hangs programs in reality, so it must here.
//!
//! A run's descriptors end with it. Those that are still open belong to objects that something has kept alive; these are
//! closed as objects, so that none of them closes a later run's descriptor when it goes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags};
use schedules::words::Act;

use crate::held::Held;
use crate::kernel::waiting::{self, Woken};
use crate::kernel::{Call, Object, Phase, Wants, with};
use crate::record;

/// Copies for those who wait are numbered from here, so that a program's own numbers do not depend on who waits.
const COPIES_FROM: RawFd = 500;
/// How long a sender waits, in virtual nanoseconds, where the kernel had no place although it said so.
const NAP: u64 = 1_000_000;

/// What to poll a descriptor for: each of these counts, and so errors count only where they are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    pub descriptor: RawFd,
    pub events: PollFlags,
}

/// Whatever ends a wait to read: the end of a stream and errors are read too.
pub const READ: PollFlags = PollFlags::IN.union(BROKEN);
pub const WRITE: PollFlags = PollFlags::OUT.union(BROKEN);
/// What poll(2) says unasked.
pub const BROKEN: PollFlags = PollFlags::ERR.union(PollFlags::HUP).union(PollFlags::NVAL);

impl Interest {
    pub fn read(descriptor: RawFd) -> Interest {
        Interest { descriptor, events: READ }
    }

    pub fn write(descriptor: RawFd) -> Interest {
        Interest { descriptor, events: WRITE }
    }
}

/// Borrows a number for one system call.
fn borrowed<'a>(descriptor: RawFd) -> Option<BorrowedFd<'a>> {
    // SAFETY: for one question; a number that is open no more gets an answer too (EBADF, POLLNVAL).
    (descriptor >= 0).then(|| unsafe { BorrowedFd::borrow_raw(descriptor) })
}

/// Whether there is something for one of these.
pub fn is_ready(interests: &[Interest]) -> bool {
    let descriptors: Vec<Option<BorrowedFd<'_>>> =
        interests.iter().map(|interest| borrowed(interest.descriptor)).collect();
    if descriptors.iter().any(Option::is_none) {
        return true;
    }
    let pairs = descriptors.iter().flatten().zip(interests);
    let mut asked: Vec<PollFd<'_>> = pairs.map(|(fd, interest)| PollFd::new(fd, interest.events)).collect();
    let none = Timespec { tv_sec: 0, tv_nsec: 0 };
    if poll(&mut asked, Some(&none)).is_err() {
        return true;
    }
    asked.iter().zip(interests).any(|(asked, interest)| asked.revents().intersects(interest.events))
}

/// Files that a thread waits for.
#[derive(Debug)]
pub struct Watched {
    interests: Vec<Interest>,
    /// Closed with the wait.
    copies: Vec<OwnedFd>,
}

impl Watched {
    fn new(interests: &[Interest]) -> Watched {
        let mut watched = Watched { interests: Vec::new(), copies: Vec::new() };
        for interest in interests {
            let fd = borrowed(interest.descriptor);
            let copy = fd.and_then(|fd| rustix::io::fcntl_dupfd_cloexec(fd, COPIES_FROM).ok());
            let descriptor = copy.as_ref().map_or(interest.descriptor, AsRawFd::as_raw_fd);
            watched.interests.push(Interest { descriptor, ..*interest });
            watched.copies.extend(copy);
        }
        watched
    }

    pub fn is_ready(&self) -> bool {
        is_ready(&self.interests)
    }
}

/// Waits until there is something for one of these, and says that what comes next may let others go on.
pub fn wait(py: Python<'_>, interests: &[Interest], until: Option<u64>, call: Call) -> PyResult<Woken> {
    if !is_ready(interests) {
        let watched = Rc::new(Watched::new(interests));
        if waiting::block(py, Wants::Descriptors(watched), until, call)? == Woken::TimedOut {
            return Ok(Woken::TimedOut);
        }
    }
    with(py, crate::kernel::Kernel::enables);
    Ok(Woken::Satisfied)
}

/// The kernel had no place although it said so: a while later it may have.
pub fn nap(py: Python<'_>, call: Call) -> PyResult<()> {
    let until = with(py, |kernel| kernel.now) + NAP;
    waiting::block(py, Wants::Time, Some(until), call).map(drop)
}

/// An attempt that must not wait lets others go first if it has failed, so that one who tries again and again gets there.
pub fn attempted<'py>(py: Python<'py>, result: PyResult<Bound<'py, PyAny>>, call: Call) -> PyResult<Bound<'py, PyAny>> {
    if let Err(error) = &result
        && error.is_instance_of::<pyo3::exceptions::PyBlockingIOError>(py)
    {
        record::log(py, Act::Looks, Some(call), Some("would block"));
        waiting::give_way(py)?;
    }
    result
}

/// Whether a program's thread calls while threads are scheduled. After the run, waits are refused: that is `Err`.
pub fn is_managed(py: Python<'_>) -> PyResult<bool> {
    match with(py, |kernel| kernel.phase) {
        Phase::Idle => Ok(false),
        Phase::Running => Ok(true),
        Phase::Unwinding => Err(waiting::abort(py)),
    }
}

pub fn is_running(py: Python<'_>) -> bool {
    with(py, |kernel| kernel.phase) == Phase::Running
}

/// A pipe or the like that `os.read` and files are about.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    pub descriptor: RawFd,
    /// Whether operations wait.
    pub blocks: bool,
    /// Both ends of a pipe have the same.
    inode: usize,
}

impl Stream {
    /// Files, folders and devices never wait, or not for another thread.
    pub fn of(descriptor: RawFd) -> Option<Stream> {
        let fd = borrowed(descriptor)?;
        let stat = rustix::fs::fstat(fd).ok()?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile | FileType::Directory | FileType::BlockDevice | FileType::CharacterDevice => None,
            _ => {
                let blocks = !rustix::fs::fcntl_getfl(fd).ok()?.contains(OFlags::NONBLOCK);
                Some(Stream { descriptor, blocks, inode: stat.st_ino as usize })
            }
        }
    }

    pub fn call(&self, name: &'static str) -> Call {
        Call { name, object: Some(Object { kind: "pipe", address: self.inode, own: false }) }
    }
}

/// What was open before the first run is no program's own.
static BEFORE: Held<RefCell<BTreeSet<RawFd>>> = Held::new(RefCell::new(BTreeSet::new()));
/// Types whose objects own a descriptor.
static OWNERS: Held<RefCell<Vec<Owner>>> = Held::new(RefCell::new(Vec::new()));
/// The next port for who asks for any.
static PORT: Held<Cell<u16>> = Held::new(Cell::new(0));
/// The first of them: below those that the kernel gives to clients.
const PORTS_FROM: u16 = 20_000;

/// A port for who asks for any: the same in each run.
pub fn next_port(_py: Python<'_>) -> u16 {
    let port = PORT.get();
    PORT.set(port + 1);
    port
}

/// A type whose objects own a descriptor, with its own methods: a subclass may have others.
#[derive(Debug)]
struct Owner {
    class: Py<PyType>,
    fileno: Py<PyAny>,
    close: Py<PyAny>,
}

impl Owner {
    fn is_of(&self, object: &Bound<'_, PyAny>) -> bool {
        let class = self.class.bind(object.py()).as_type_ptr();
        // SAFETY: an object and a type; this looks at the object's own type and runs no code of a program.
        unsafe { ffi::PyObject_TypeCheck(object.as_ptr(), class) != 0 }
    }
}

/// Objects of `class` own a descriptor.
pub fn owns(class: &Bound<'_, PyType>) -> PyResult<()> {
    let (fileno, close) = (class.getattr("fileno")?.unbind(), class.getattr("close")?.unbind());
    OWNERS.borrow_mut().push(Owner { class: class.clone().unbind(), fileno, close });
    Ok(())
}

/// Before a run.
pub fn begin(py: Python<'_>) -> PyResult<()> {
    // What a run opens it does not keep, so this remains true.
    if BEFORE.borrow().is_empty() {
        BEFORE.replace(open());
    }
    super::buffers::begin(py);
    PORT.set(PORTS_FROM);
    py.import("_socket")?.call_method1("setdefaulttimeout", (py.None(),)).map(drop)
}

/// After a run: closes what it has left open.
pub fn end(py: Python<'_>) -> PyResult<()> {
    let left = |before: &BTreeSet<RawFd>| open().difference(before).copied().collect::<BTreeSet<RawFd>>();
    let leftovers = left(&BEFORE.borrow());
    if leftovers.is_empty() {
        return Ok(());
    }
    let objects = py.import("gc")?.call_method0("get_objects")?.cast_into::<PyList>()?;
    for object in objects.iter() {
        if let Some(owner) = OWNERS.borrow().iter().find(|owner| owner.is_of(&object)) {
            let descriptor = owner.fileno.call1(py, (&object,)).and_then(|fd| fd.extract::<RawFd>(py));
            if descriptor.is_ok_and(|descriptor| leftovers.contains(&descriptor)) {
                // Whether it could say so or not: it is closed.
                let _ = owner.close.call1(py, (&object,));
            }
        }
    }
    drop(objects);
    for descriptor in left(&BEFORE.borrow()) {
        // SAFETY: opened by the run, whose threads have ended; no object of it is left that would close it too.
        unsafe { rustix::io::close(descriptor) };
    }
    Ok(())
}

/// All descriptors of this process.
fn open() -> BTreeSet<RawFd> {
    let is_open = |fd: &RawFd| borrowed(*fd).is_some_and(|fd| rustix::io::fcntl_getfd(fd).is_ok());
    match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => {
            let names = entries.flatten().map(|entry| entry.file_name());
            let numbers: Vec<RawFd> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
            // The folder itself was open while it was read.
            numbers.into_iter().filter(is_open).collect()
        }
        Err(_) => (0..2 * COPIES_FROM).filter(is_open).collect(),
    }
}
