//! What a run does with the module under test: a driver's function, or operations on an object.
//!
//! A driver sees a few names that need no import and cannot be reached from the submission. Its threads and those of
//! operations are started here, not through anything that a submission could have replaced.

use std::cell::RefCell;
use std::rc::Rc;

use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyList, PyModule, PyString, PyTuple};
use schedules::words::{Act, Body, Call as Asked, Fact, Operation, Outcome};
use serde_json::Value;

use crate::frames::{self, Side};
use crate::kernel::waiting::{self, point};
use crate::kernel::{Call, Origin, Phase, State, Wants, numbered, with};
use crate::managed::{asyncio, thread};
use crate::{Abort, load, patch, record, report, values};

/// What the main thread does.
#[derive(Debug)]
pub enum Work {
    Driver { code: Py<PyCode>, function: String, arguments: serde_json::Map<String, Value> },
    Operations { class: String, new: Vec<Value>, threads: Vec<Vec<Asked>> },
}

impl Work {
    /// Compiles a driver. An error here is the exercise's, not the student's.
    pub fn of(py: Python<'_>, body: &Body) -> PyResult<Work> {
        Ok(match body {
            Body::Driver { name, source, function, arguments } => {
                let builtins = py.import("builtins")?;
                let code = builtins.call_method1("compile", (source, PyString::new(py, name), "exec", 0, true))?;
                frames::know(&code.getattr("co_filename")?.cast_into::<PyString>()?, Side::Driver);
                let lines = PyString::new(py, source).call_method1("splitlines", (true,))?;
                let cache = py.import("linecache")?.getattr("cache")?;
                cache.set_item(name, (source.len(), py.None(), lines, name))?;
                let code = code.cast_into::<PyCode>()?.unbind();
                Work::Driver { code, function: function.clone(), arguments: arguments.clone() }
            }
            Body::Operations { class, new, threads } => {
                Work::Operations { class: class.clone(), new: new.clone(), threads: threads.clone() }
            }
        })
    }

    /// The main thread's life; what came out of it.
    pub fn perform(&self, py: Python<'_>, module: &str) -> PyResult<Option<Value>> {
        let module = load::load(py, module)?;
        match self {
            Work::Driver { code, function, arguments } => {
                let names = PyDict::new(py);
                names.set_item("__name__", "driver")?;
                give_names(&names)?;
                load::run(code.bind(py), &names)?;
                let keywords = PyDict::new(py);
                for (name, value) in arguments {
                    keywords.set_item(name, values::from_json(py, value)?)?;
                }
                let function = names.get_item(function)?.ok_or_else(|| no_such(function))?;
                let mut result = function.call((module,), Some(&keywords))?;
                if result.get_type().name()? == "coroutine" {
                    result = asyncio::run(&result)?;
                }
                Ok(Some(values::to_json(&result)))
            }
            Work::Operations { class, new, threads } => {
                let new = PyTuple::new(
                    py,
                    new.iter().map(|value| values::from_json(py, value)).collect::<PyResult<Vec<_>>>()?,
                )?;
                let class = module.getattr(class.as_str())?;
                if asyncio::are_coroutines(&class, threads) {
                    return asyncio::operate(&class, &new, threads).map(|()| None);
                }
                let object = class.call1(new)?;
                operate(&object, threads).map(|()| None)
            }
        }
    }
}

fn no_such(function: &str) -> PyErr {
    pyo3::exceptions::PyNameError::new_err(format!("the driver has no function {function}"))
}

/// The main thread has done its work: as an interpreter does at its end, it waits for whoever is no daemon.
pub fn leave(py: Python<'_>) -> PyResult<()> {
    asyncio::leave(py);
    let (left, pools) = living(py)?;
    let direct = |thread: &usize| with(py, |kernel| kernel.threads[*thread].origin == Origin::Program { direct: true });
    let unjoined: Vec<usize> = left.iter().copied().filter(direct).collect();
    if !unjoined.is_empty() {
        let threads = unjoined.into_iter().map(numbered).collect();
        with(py, |kernel| kernel.tell(Fact::Unjoined { threads }));
    }
    if pools {
        patch::dismiss_pools(py)?;
    }
    let (left, _) = living(py)?;
    if !left.is_empty() {
        thread::join(py, left, "the end of the program")?;
    }
    asyncio::close(py);
    Ok(())
}

/// Threads that run and are no daemons, and whether the library has started some.
fn living(py: Python<'_>) -> PyResult<(Vec<usize>, bool)> {
    let running = with(py, |kernel| {
        let threads = kernel.threads.iter().enumerate().skip(1);
        let alive = threads
            .filter(|(_, thread)| thread.host.is_none() && matches!(thread.state, State::Runs | State::Waits(_)));
        let row = |(number, thread): (usize, &crate::kernel::Managed)| {
            (number, thread.origin, thread.object.as_ref().map(|object| object.clone_ref(py)))
        };
        alive.map(row).collect::<Vec<_>>()
    });
    let pools = running.iter().any(|(_, origin, _)| *origin == Origin::Program { direct: false });
    let mut left = Vec::new();
    for (number, origin, object) in running {
        let daemon = match (object, origin) {
            (Some(object), _) => object.bind(py).getattr("_daemonic")?.is_truthy()?,
            // What `_thread` has started is not waited for.
            (None, Origin::Program { .. }) => true,
            (None, Origin::Ours) => false,
        };
        if !daemon {
            left.push(number);
        }
    }
    Ok((left, pools))
}

/// Starts one thread for each list of calls, and waits for all.
fn operate(object: &Bound<'_, PyAny>, threads: &[Vec<Asked>]) -> PyResult<()> {
    let py = object.py();
    let mut started = Vec::new();
    for (number, calls) in threads.iter().enumerate() {
        let (object, calls) = (object.clone().unbind(), calls.clone());
        let body = move |py: Python<'_>| {
            for call in &calls {
                let arguments = call.arguments.iter().map(|value| values::from_json(py, value));
                let arguments = PyTuple::new(py, arguments.collect::<PyResult<Vec<_>>>()?)?;
                let operation = object.bind(py).getattr(call.operation.as_str());
                let told = call.arguments.clone();
                // What is raised is the operation's result, and the next one goes on.
                match recorded(py, &call.operation, told, || operation?.call1(arguments)) {
                    Err(error) if error.is_instance_of::<Abort>(py) => return Err(error),
                    Ok(_) | Err(_) => {}
                }
            }
            Ok(())
        };
        started.push(thread::start(py, format!("thread-{}", number + 1), Origin::Ours, Box::new(body))?);
    }
    thread::join(py, started, "the end of all operations")
}

/// One call of the history.
fn recorded<'py>(
    py: Python<'py>,
    name: &str,
    arguments: Vec<Value>,
    call: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let entry = begin(py, name, arguments);
    let result = call();
    match &result {
        Err(error) if error.is_instance_of::<Abort>(py) => {}
        Ok(_) | Err(_) => end(py, entry, &result)?,
    }
    result
}

/// An operation of the history begins; its place there.
pub fn begin(py: Python<'_>, name: &str, arguments: Vec<Value>) -> usize {
    let shown = shown(name, &arguments);
    let entry = with(py, |kernel| {
        let (thread, invoked) = (numbered(kernel.current), kernel.told.position);
        kernel.told.position += 1;
        let operation = name.to_owned();
        kernel.told.history.push(Operation { thread, operation, arguments, invoked, returned: None, result: None });
        kernel.told.history.len() - 1
    });
    record::log(py, Act::Invokes, None, Some(&shown));
    entry
}

/// It ends.
pub fn end(py: Python<'_>, entry: usize, result: &PyResult<Bound<'_, PyAny>>) -> PyResult<()> {
    let outcome = match result {
        Ok(value) => Outcome::Value(values::to_json(value)),
        Err(error) => Outcome::Raised(report::raised(py, error, false)),
    };
    let told = match &outcome {
        Outcome::Value(value) => format!("-> {value}"),
        Outcome::Raised(raised) => format!("raises {}", raised.classes.first().map_or("", String::as_str)),
    };
    if with(py, |kernel| kernel.phase) != Phase::Running {
        return Err(waiting::abort(py));
    }
    let shown = with(py, |kernel| {
        let position = kernel.told.position;
        kernel.told.position += 1;
        let operation = kernel.told.history.get_mut(entry)?;
        operation.returned = Some(position);
        operation.result = Some(outcome);
        Some(format!("{} {told}", shown(&operation.operation, &operation.arguments)))
    });
    record::log(py, Act::Returns, None, shown.as_deref());
    Ok(())
}

fn shown(name: &str, arguments: &[Value]) -> String {
    let told: Vec<String> = arguments.iter().map(Value::to_string).collect();
    format!("{name}({})", told.join(", "))
}

/// The names that a driver sees.
fn give_names(names: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = names.py();
    let module = PyModule::new(py, "driver")?;
    names.set_item("threads", wrap_pyfunction!(threads, &module)?)?;
    names.set_item("pause", wrap_pyfunction!(pause, &module)?)?;
    names.set_item("note", wrap_pyfunction!(note, &module)?)?;
    names.set_item("call", wrap_pyfunction!(call, &module)?)?;
    names.set_item("settle", wrap_pyfunction!(settle, &module)?)?;
    names.set_item("tasks", wrap_pyfunction!(asyncio::tasks, &module)?)?;
    names.set_item("clock", wrap_pyfunction!(clock, &module)?)
}

/// One managed thread for each function, started in order; waits for all and returns what each returned or raised.
#[pyfunction]
#[pyo3(signature = (*functions))]
fn threads<'py>(py: Python<'py>, functions: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyList>> {
    let results: Rc<RefCell<Vec<Option<Py<PyAny>>>>> = Rc::default();
    let mut started = Vec::new();
    for (number, function) in functions.iter().enumerate() {
        results.borrow_mut().push(None);
        let (function, results) = (function.unbind(), Rc::clone(&results));
        let body = move |py: Python<'_>| {
            let result = match function.bind(py).call0() {
                Ok(value) => value.unbind(),
                Err(error) if error.is_instance_of::<Abort>(py) => return Err(error),
                Err(error) => error.into_value(py).into_any(),
            };
            results.borrow_mut()[number] = Some(result);
            Ok(())
        };
        let name = with(py, |kernel| format!("thread-{}", kernel.threads.len()));
        started.push(thread::start(py, name, Origin::Ours, Box::new(body))?);
    }
    thread::join(py, started, "threads")?;
    let results = results.take().into_iter().map(|result| result.unwrap_or_else(|| py.None()));
    PyList::new(py, results)
}

/// An explicit point.
#[pyfunction]
fn pause(py: Python<'_>) -> PyResult<()> {
    point(py, true)
}

/// Adds to this run's notes.
#[pyfunction]
fn note(py: Python<'_>, value: &Bound<'_, PyAny>) {
    let value = values::to_json(value);
    record::log(py, Act::Notes, None, Some(&value.to_string()));
    with(py, |kernel| {
        let thread = numbered(kernel.current);
        kernel.told.notes.push((thread, value));
    });
}

/// Calls a function as an operation of the history.
#[pyfunction]
#[pyo3(signature = (name, function, *arguments))]
fn call<'py>(
    py: Python<'py>,
    name: &str,
    function: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let told = arguments.iter().map(|argument| values::to_json(&argument)).collect();
    recorded(py, name, told, || function.call1(arguments))
}

/// Returns when nobody else can go on without time passing.
#[pyfunction]
fn settle(py: Python<'_>) -> PyResult<()> {
    waiting::block(py, Wants::Stillness, None, Call { name: "settle", object: None }).map(drop)
}

/// Virtual seconds since the run began.
#[pyfunction]
fn clock(py: Python<'_>) -> f64 {
    with(py, |kernel| (kernel.now - crate::kernel::START) as f64 / 1e9)
}
