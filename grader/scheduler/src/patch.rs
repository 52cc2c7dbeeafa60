//! Puts what is managed in the place of the interpreter's own.
//!
//! `_thread`, `time` and `_queue` are changed where they are. What the standard library has made of the old ones is dropped
//! and executed afresh when it is next imported; modules that are too deep to be dropped have their references exchanged.
//! All of this happens once, before any code of a submission. Before each run the tables of `threading` are made new.

use std::cell::RefCell;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyType};

use crate::hashes;
use crate::held::Held;
use crate::managed::condition::Condition;
use crate::managed::lock::{Lock, RLock, allocate_lock};
use crate::managed::queue::SimpleQueue;
use crate::managed::{buffers, clock, files, select, sockets, thread};

/// Modules that keep locks, clocks or threads of their own; so do those below them.
const EXECUTED_AFRESH: [&str; 17] = [
    "threading",
    "_threading_local",
    "queue",
    "sched",
    "logging",
    "concurrent",
    "multiprocessing",
    "asyncio",
    "selectors",
    "socket",
    "socketserver",
    "subprocess",
    "tempfile",
    "zipfile",
    "random",
    "datetime",
    "zoneinfo",
];

/// Twins in C of modules that there are in Python too: these would ask the kernel what time it is.
const HIDDEN: [&str; 2] = ["_datetime", "_zoneinfo"];

/// In the namespace of `threading`: a look at an event is a point, a set of threads is in an order that does not depend on
/// addresses, and a thread that a driver or `_thread` has started has a name and is no daemon unless it should be one.
const THREADING: &str = "
class Event:
    def is_set(self):
        'Return true if and only if the internal flag is true.'
        _look(self._cond)
        return self._flag

class Thread:
    def __hash__(self):
        try:
            return self._number
        except AttributeError:
            self._number = number = _number()
            return number

class _DummyThread:
    def __init__(self):
        name, daemon = _adopted()
        Thread.__init__(self, name=name, daemon=daemon)
        self._started._flag = True
        self._set_ident()
        self._set_native_id()
        with _active_limbo_lock:
            _active[self._ident] = self
";

/// `multiprocessing`'s locks are the kernel's. There is only one process, and its pools of threads
/// (`multiprocessing.dummy`) use them too. In a namespace with the names of `threading`.
const SEMAPHORES: &str = "
class SemLock:
    SEM_VALUE_MAX = 2 ** 31 - 1

    def __init__(self, kind, value, maxvalue, name, unlink):
        # Without a name nobody has to clean up after it, in a process of its own.
        self.kind, self.maxvalue, self.name, self.handle = kind, maxvalue, None, 0
        self._free, self._held, self._holder = Semaphore(value), 0, None

    def acquire(self, block=True, timeout=None):
        if self.kind == 0 and self._is_mine():
            self._held += 1
            return True
        timeout = None if timeout is None or not block else max(timeout, 0)
        taken = self._free.acquire(bool(block), timeout)
        if taken:
            self._held += 1
            self._holder = get_ident()
        return taken

    def release(self):
        if self.kind == 0 and not self._is_mine():
            raise AssertionError('attempt to release recursive lock not owned by thread')
        if self.kind != 0 and self._free._value >= self.maxvalue:
            raise ValueError('semaphore or lock released too many times')
        self._held -= 1
        if self.kind != 0 or self._held == 0:
            self._free.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()

    def _count(self):
        return self._held

    def _is_mine(self):
        return self._held > 0 and self._holder == get_ident()

    def _get_value(self):
        return self._free._value

    def _is_zero(self):
        return self._free._value == 0

    def _after_fork(self):
        self._held = 0
";

/// What is needed again before every run.
#[derive(Debug)]
struct Fresh {
    threading: Py<PyDict>,
    /// Its names as they are after the import.
    names: Py<PyDict>,
    main: Py<PyAny>,
    /// The main thread's fields.
    main_fields: Py<PyDict>,
    thread_class: Py<PyType>,
    count: Py<PyAny>,
    weak_set: Py<PyAny>,
    seed: Py<PyAny>,
}

static FRESH: Held<RefCell<Option<Fresh>>> = Held::new(RefCell::new(None));

pub fn apply(py: Python<'_>) -> PyResult<()> {
    hashes::apply(py)?;
    let old = exchange(py)?;
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let below =
        |name: &str, root: &str| name == root || name.strip_prefix(root).is_some_and(|rest| rest.starts_with('.'));
    let mut kept = Vec::new();
    for (name, module) in modules.copy()?.iter() {
        let text: String = name.extract()?;
        if EXECUTED_AFRESH.iter().any(|root| below(&text, root)) {
            modules.del_item(name)?;
        } else {
            kept.push(module);
        }
    }
    for name in HIDDEN {
        modules.set_item(name, py.None())?;
    }
    // So that their own references are exchanged too.
    for name in ["functools", "reprlib", "traceback", "linecache", "contextvars", "weakref", "importlib.util", "types"]
    {
        kept.push(py.import(name)?.into_any());
    }
    for module in kept {
        if let Ok(module) = module.cast_into::<PyModule>() {
            renew(&module, &old)?;
        }
    }
    let fresh = prepare(py)?;
    let before = FRESH.borrow_mut().replace(fresh);
    drop(before);
    Ok(())
}

/// Changes the modules written in C; returns what was there, each with what is there now.
fn exchange(py: Python<'_>) -> PyResult<Vec<(Py<PyAny>, Py<PyAny>)>> {
    let mut old = Vec::new();
    let mut put = |module: &Bound<'_, PyModule>, name: &str, new: Bound<'_, PyAny>| -> PyResult<()> {
        if let Some(was) = module.getattr_opt(name)? {
            old.push((was.unbind(), new.clone().unbind()));
        }
        module.setattr(name, new)
    };
    let threads = py.import("_thread")?;
    let lock = wrap_pyfunction!(allocate_lock, &threads)?.into_any();
    put(&threads, "allocate_lock", lock.clone())?;
    put(&threads, "allocate", lock)?;
    put(&threads, "LockType", py.get_type::<Lock>().into_any())?;
    put(&threads, "RLock", py.get_type::<RLock>().into_any())?;
    let start = wrap_pyfunction!(thread::start_new_thread, &threads)?.into_any();
    put(&threads, "start_new_thread", start.clone())?;
    put(&threads, "start_new", start)?;
    put(&threads, "get_ident", wrap_pyfunction!(thread::get_ident, &threads)?.into_any())?;
    put(&threads, "get_native_id", wrap_pyfunction!(thread::get_native_id, &threads)?.into_any())?;
    put(&threads, "_count", wrap_pyfunction!(thread::_count, &threads)?.into_any())?;
    put(&threads, "_set_sentinel", wrap_pyfunction!(thread::_set_sentinel, &threads)?.into_any())?;
    put(&threads, "_excepthook", wrap_pyfunction!(thread::_excepthook, &threads)?.into_any())?;
    let time = py.import("time")?;
    for (name, ours) in clock::functions(&time)? {
        put(&time, name, ours)?;
    }
    let queue = py.import("_queue")?;
    put(&queue, "SimpleQueue", py.get_type::<SimpleQueue>().into_any())?;
    sockets::apply(py)?;
    buffers::apply(py)?;
    put(&py.import("select")?, "select", select::apply(py)?)?;
    let posix = py.import("posix")?;
    for (name, ours) in files::apply(py, &posix)? {
        put(&posix, name, ours)?;
    }
    Ok(old)
}

fn renew(module: &Bound<'_, PyModule>, old: &[(Py<PyAny>, Py<PyAny>)]) -> PyResult<()> {
    for (name, value) in module.dict().copy()?.iter() {
        if let Some((_, new)) = old.iter().find(|(was, _)| was.is(&value)) {
            module.dict().set_item(name, new)?;
        }
    }
    Ok(())
}

fn prepare(py: Python<'_>) -> PyResult<Fresh> {
    let threading = py.import("threading")?;
    let names = threading.dict();
    names.set_item("_look", wrap_pyfunction!(thread::_look, &threading)?)?;
    names.set_item("_number", wrap_pyfunction!(thread::_number, &threading)?)?;
    names.set_item("_adopted", wrap_pyfunction!(thread::_adopted, &threading)?)?;
    names.set_item("Condition", py.get_type::<Condition>())?;
    let made = PyDict::new(py);
    let file: String = threading.getattr("__file__")?.extract()?;
    let builtins = py.import("builtins")?;
    let code = builtins.call_method1("compile", (THREADING, file, "exec"))?;
    builtins.call_method1("exec", (code, &names, &made))?;
    for (class, method) in [("Event", "is_set"), ("Thread", "__hash__"), ("_DummyThread", "__init__")] {
        let new = made.as_any().get_item(class)?.getattr("__dict__")?.get_item(method)?;
        threading.getattr(class)?.setattr(method, new)?;
    }
    let code = builtins.call_method1("compile", (SEMAPHORES, "/usr/lib/python3.11/multiprocessing", "exec"))?;
    let around = names.copy()?;
    around.set_item("__name__", "_multiprocessing")?;
    builtins.call_method1("exec", (code, &around))?;
    py.import("_multiprocessing")?.setattr("SemLock", around.get_item("SemLock")?)?;
    // Its other spelling warns and calls the first.
    let main = threading.getattr("_main_thread")?;
    let main_fields = main.getattr("__dict__")?.cast_into::<PyDict>()?.copy()?;
    Ok(Fresh {
        names: names.copy()?.unbind(),
        threading: names.unbind(),
        main: main.unbind(),
        main_fields: main_fields.unbind(),
        thread_class: threading.getattr("Thread")?.cast_into::<PyType>()?.unbind(),
        count: py.import("itertools")?.getattr("count")?.unbind(),
        weak_set: py.import("_weakrefset")?.getattr("WeakSet")?.unbind(),
        seed: py.import("random")?.getattr("seed")?.unbind(),
    })
}

/// Whether `object` is a `threading.Thread`.
pub fn is_thread(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = FRESH.borrow().as_ref().map(|fresh| fresh.thread_class.clone_ref(object.py()));
    class.map_or(Ok(false), |class| object.is_instance(class.bind(object.py())))
}

/// Makes tables new, so that every run begins with the same.
pub fn refresh(py: Python<'_>, seed: u32) -> PyResult<()> {
    let fresh = FRESH.borrow();
    let Some(fresh) = fresh.as_ref() else { return Ok(()) };
    let names = fresh.threading.bind(py);
    names.update(fresh.names.bind(py).as_mapping())?;
    let table = |name| names.as_any().get_item(name)?.cast_into::<PyDict>().map_err(PyErr::from);
    let active = table(intern!(py, "_active"))?;
    active.clear();
    active.set_item(thread::ident(0), &fresh.main)?;
    table(intern!(py, "_limbo"))?.clear();
    names.as_any().get_item(intern!(py, "_shutdown_locks"))?.call_method0(intern!(py, "clear"))?;
    names.set_item(intern!(py, "_dangling"), fresh.weak_set.call0(py)?)?;
    names.set_item(intern!(py, "_counter"), counter(py, &fresh.count, 1)?)?;
    let main = fresh.main.bind(py).getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    main.clear();
    main.update(fresh.main_fields.bind(py).as_mapping())?;
    fresh.seed.call1(py, (seed,))?;
    if let Some(pool) = pool(py)? {
        pool.setattr(intern!(py, "_shutdown"), false)?;
        pool.getattr(intern!(py, "_threads_queues"))?.call_method0(intern!(py, "clear"))?;
        let executor = pool.getattr(intern!(py, "ThreadPoolExecutor"))?;
        executor.setattr(intern!(py, "_counter"), counter(py, &fresh.count, 0)?)?;
        // Futures are kept in sets too, and sorted by what the module calls their identity.
        let base = pool.getattr(intern!(py, "_base"))?;
        let future = base.getattr(intern!(py, "Future"))?;
        let hash = fresh.thread_class.bind(py).getattr(intern!(py, "__hash__"))?;
        if !future.getattr(intern!(py, "__hash__"))?.is(&hash) {
            future.setattr(intern!(py, "__hash__"), hash)?;
            base.setattr(intern!(py, "id"), py.import("builtins")?.getattr("hash")?)?;
        }
    }
    Ok(())
}

fn counter<'py>(py: Python<'py>, count: &Py<PyAny>, from: u32) -> PyResult<Bound<'py, PyAny>> {
    count.bind(py).call1((from,))?.getattr(intern!(py, "__next__"))
}

/// `concurrent.futures.thread`, if anybody has imported it.
fn pool(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?.cast_into::<PyDict>()?;
    modules.get_item(intern!(py, "concurrent.futures.thread"))
}

/// What the interpreter does before it waits for its threads at the end: idle threads of pools are told to end.
pub fn dismiss_pools(py: Python<'_>) -> PyResult<()> {
    match pool(py)? {
        Some(pool) => pool.call_method0(intern!(py, "_python_exit")).map(drop),
        None => Ok(()),
    }
}
