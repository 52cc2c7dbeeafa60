//! `asyncio` as it is imported: executed with the interpreter's own tasks hidden, then changed in a few places.

use std::cell::RefCell;
use std::rc::Rc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

use super::{awaiting, facts};
use crate::held::Held;

/// What is asked for often, and what is made anew before a run.
#[derive(Debug)]
pub struct Library {
    /// `Task`'s own: a step, and one that a future brings about.
    pub step: Py<PyAny>,
    pub wakeup: Py<PyAny>,
    /// What ends a sleep.
    pub ends_sleep: Py<PyAny>,
    pub heappop: Py<PyAny>,
    pub run: Py<PyAny>,
    pub gather: Py<PyAny>,
    count: Py<PyAny>,
    weak_set: Py<PyAny>,
    tasks: Py<PyDict>,
    events: Py<PyDict>,
}

static LIBRARY: Held<RefCell<Option<Rc<Library>>>> = Held::new(RefCell::new(None));

/// By module and class, what is defined there; each text sees the names of the module, those of [`awaiting`], and what it
/// takes the place of with an underscore before its name.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "asyncio.base_events",
        "BaseEventLoop",
        "
def create_task(self, coro, *, name=None, context=None):
    task = _create_task(self, coro, name=name, context=context)
    _created(self, task)
    return task

def _run_once(self):
    _once(self)

def default_exception_handler(self, context):
    _told(context)
",
    ),
    (
        "asyncio.selector_events",
        "BaseSelectorEventLoop",
        "
def _make_self_pipe(self):
    self._ssock = self._csock = None

def _close_self_pipe(self):
    pass

def _write_to_self(self):
    _wake(self)
",
    ),
    (
        "asyncio.runners",
        "",
        "
def _cancel_all_tasks(loop):
    _left(loop)
    __cancel_all_tasks(loop)
",
    ),
    (
        "asyncio.locks",
        "Lock",
        "
async def acquire(self):
    taken = await _acquire(self)
    _taken(self)
    return taken

def release(self):
    _release(self)
    _released(self)
",
    ),
    (
        "asyncio.locks",
        "Event",
        "
def set(self):
    _set(self)
    _was_set()
",
    ),
    (
        "asyncio.locks",
        "Condition",
        "
def notify(self, n=1):
    waiting = sum(not future.done() for future in self._waiters)
    _notify(self, n)
    _notified(self, waiting, n)
",
    ),
];

impl Library {
    pub fn get(_py: Python<'_>) -> PyResult<Rc<Library>> {
        LIBRARY.borrow().clone().ok_or_else(|| PyRuntimeError::new_err("asyncio was not imported"))
    }
}

/// `asyncio.run`, of somebody who needs it whoever has imported it.
pub fn run<'py>(main: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = main.py();
    py.import(intern!(py, "asyncio"))?;
    Library::get(py)?.run.bind(py).call1((main,))
}

/// Where `asyncio` is found: where it lies, with a loader of ours.
pub fn spec<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    if name != "asyncio" {
        return Ok(None);
    }
    let finder = py.import("_frozen_importlib_external")?.getattr("PathFinder")?;
    let spec = finder.call_method1("find_spec", (name,))?;
    if !spec.is_none() {
        let loader = spec.getattr("loader")?.unbind();
        spec.setattr("loader", Bound::new(py, Loader { loader })?)?;
    }
    Ok(Some(spec))
}

#[pyclass(module = "importlib.machinery", name = "SourceFileLoader", frozen)]
#[derive(Debug)]
struct Loader {
    loader: Py<PyAny>,
}

#[pymethods]
impl Loader {
    #[expect(clippy::unused_self, reason = "a loader has this method")]
    fn create_module(&self, py: Python<'_>, spec: &Bound<'_, PyAny>) -> Py<PyAny> {
        let _ = spec;
        py.None()
    }

    fn exec_module(&self, module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        let modules = py.import("sys")?.getattr("modules")?;
        modules.set_item("_asyncio", py.None())?;
        self.loader.bind(py).call_method1("exec_module", (module,))?;
        let library = change(py)?;
        let before = LIBRARY.borrow_mut().replace(Rc::new(library));
        drop(before);
        Ok(())
    }
}

fn change(py: Python<'_>) -> PyResult<Library> {
    for (module, class, text) in CHANGES {
        define(&py.import(*module)?, class, text)?;
    }
    let futures = py.import("asyncio.futures")?;
    let tasks = py.import("asyncio.tasks")?;
    let task = tasks.getattr("Task")?;
    // A set of tasks is in an order that does not depend on addresses.
    let hash = py.import("threading")?.getattr("Thread")?.getattr("__hash__")?;
    futures.getattr("Future")?.setattr("__hash__", hash)?;
    py.import("warnings")?.setattr("_warn_unawaited_coroutine", Bound::new(py, facts::Unawaited)?)?;
    Ok(Library {
        step: task.getattr("_Task__step")?.unbind(),
        wakeup: task.getattr("_Task__wakeup")?.unbind(),
        ends_sleep: futures.getattr("_set_result_unless_cancelled")?.unbind(),
        heappop: py.import("heapq")?.getattr("heappop")?.unbind(),
        run: py.import("asyncio.runners")?.getattr("run")?.unbind(),
        gather: tasks.getattr("gather")?.unbind(),
        count: py.import("itertools")?.getattr("count")?.unbind(),
        weak_set: py.import("_weakrefset")?.getattr("WeakSet")?.unbind(),
        tasks: tasks.dict().unbind(),
        events: py.import("asyncio.events")?.dict().unbind(),
    })
}

/// Functions and methods in the place of others, called with the same frames around them.
fn define(module: &Bound<'_, PyModule>, class: &str, text: &str) -> PyResult<()> {
    let py = module.py();
    let names = module.dict().copy()?;
    awaiting::give(&names, module)?;
    names.set_item("_created", wrap_pyfunction!(super::_created, module)?)?;
    names.set_item("_once", wrap_pyfunction!(super::_once, module)?)?;
    names.set_item("_wake", wrap_pyfunction!(super::_wake, module)?)?;
    names.set_item("_told", wrap_pyfunction!(facts::_told, module)?)?;
    names.set_item("_left", wrap_pyfunction!(facts::_left, module)?)?;
    let file: String = module.getattr("__file__")?.extract()?;
    let source = if class.is_empty() { text.to_owned() } else { format!("class {class}:\n{}", indented(text)) };
    let builtins = py.import("builtins")?;
    let code = builtins.call_method1("compile", (source, file, "exec", 0, true))?;
    let made = PyDict::new(py);
    builtins.call_method1("exec", (code, &names, &made))?;
    let (target, made) = if class.is_empty() {
        (module.clone().into_any(), made)
    } else {
        let made = made.as_any().get_item(class)?.getattr("__dict__")?;
        let own = PyDict::new(py);
        own.update(&made.cast_into()?)?;
        (module.getattr(class)?, own)
    };
    for (name, new) in made.iter() {
        let name: String = name.extract()?;
        if !new.is_callable() || name == "__weakref__" {
            continue;
        }
        if let Some(old) = target.getattr_opt(name.as_str())? {
            names.set_item(format!("_{name}"), old)?;
        }
        target.setattr(name, new)?;
    }
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Before a run, if anybody has imported it.
pub fn refresh(py: Python<'_>) -> PyResult<()> {
    let Some(library) = LIBRARY.borrow().clone() else { return Ok(()) };
    let tasks = library.tasks.bind(py);
    let count = library.count.bind(py).call1((1,))?.getattr(intern!(py, "__next__"))?;
    tasks.set_item(intern!(py, "_task_name_counter"), count)?;
    tasks.set_item(intern!(py, "_all_tasks"), library.weak_set.call0(py)?)?;
    if let Some(current) = tasks.get_item(intern!(py, "_current_tasks"))? {
        current.call_method0(intern!(py, "clear"))?;
    }
    library.events.bind(py).set_item(intern!(py, "_event_loop_policy"), py.None())
}
