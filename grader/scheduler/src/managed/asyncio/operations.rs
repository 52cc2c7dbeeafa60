//! What a driver or a scenario of operations does with tasks in the place of threads.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyList, PyString, PyTuple};
use schedules::words::Call as Asked;
use serde_json::Value;

use super::library::{self, Library};
use crate::frames::{self, Side};
use crate::{driver, load, values};

/// One task for each list of calls; what is raised is an operation's result, and the next one goes on.
const CLIENTS: &str = "
async def client(value, calls):
    for name, arguments in calls:
        entry = begin(name, arguments)
        try:
            result = getattr(value, name)(*arguments)
            if hasattr(result, '__await__'):
                result = await result
        except (Exception, CancelledError) as error:
            end(entry, None, error)
        else:
            end(entry, result, None)

async def main(make, new, lists):
    value = make(*new)
    clients = [create_task(client(value, calls), name=f'task-{number}') for number, calls in enumerate(lists, 1)]
    for task in clients:
        await task
";
/// `inspect.CO_COROUTINE`.
const IS_COROUTINE: u32 = 0x80;

/// Whether one of these operations of `class` is a coroutine function.
pub fn are_coroutines(class: &Bound<'_, PyAny>, threads: &[Vec<Asked>]) -> bool {
    let is_coroutine = |call: &Asked| {
        let operation = class.getattr(call.operation.as_str()).ok()?;
        let flags: u32 = operation.getattr("__code__").ok()?.getattr("co_flags").ok()?.extract().ok()?;
        Some(flags & IS_COROUTINE != 0)
    };
    threads.iter().flatten().any(|call| is_coroutine(call) == Some(true))
}

/// Makes an object and calls its operations from tasks, within `asyncio.run`.
pub fn operate(class: &Bound<'_, PyAny>, new: &Bound<'_, PyTuple>, threads: &[Vec<Asked>]) -> PyResult<()> {
    let py = class.py();
    let asyncio = py.import(intern!(py, "asyncio"))?;
    let module = PyModule::new(py, "operations")?;
    let names = PyDict::new(py);
    names.set_item("begin", wrap_pyfunction!(begin, &module)?)?;
    names.set_item("end", wrap_pyfunction!(end, &module)?)?;
    for name in ["create_task", "CancelledError"] {
        names.set_item(name, asyncio.getattr(name)?)?;
    }
    let code = py.import("builtins")?.call_method1("compile", (CLIENTS, "operations", "exec", 0, true))?;
    frames::know(&code.getattr("co_filename")?.cast_into::<PyString>()?, Side::Driver);
    load::run(code.cast::<PyCode>()?, &names)?;
    let lists = PyList::empty(py);
    for calls in threads {
        let list = PyList::empty(py);
        for call in calls {
            let arguments = call.arguments.iter().map(|value| values::from_json(py, value));
            let arguments = PyTuple::new(py, arguments.collect::<PyResult<Vec<_>>>()?)?;
            list.append((call.operation.as_str(), arguments))?;
        }
        lists.append(list)?;
    }
    let main = names.as_any().get_item("main")?.call1((class, new, lists))?;
    library::run(&main).map(drop)
}

#[pyfunction]
fn begin(py: Python<'_>, name: &str, arguments: &Bound<'_, PyTuple>) -> usize {
    let arguments: Vec<Value> = arguments.iter().map(|argument| values::to_json(&argument)).collect();
    driver::begin(py, name, arguments)
}

#[pyfunction]
fn end(py: Python<'_>, entry: usize, value: Bound<'_, PyAny>, error: Option<Bound<'_, PyAny>>) -> PyResult<()> {
    let result = error.map_or(Ok(value), |error| Err(PyErr::from_value(error)));
    driver::end(py, entry, &result)
}

/// Runs each coroutine as a task; what each returned or raised.
#[pyfunction]
#[pyo3(signature = (*coroutines))]
pub fn tasks<'py>(py: Python<'py>, coroutines: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "asyncio"))?;
    let keywords = PyDict::new(py);
    keywords.set_item("return_exceptions", true)?;
    Library::get(py)?.gather.bind(py).call(coroutines, Some(&keywords))
}
