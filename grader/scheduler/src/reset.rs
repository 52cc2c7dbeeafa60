//! What programs change beyond their own modules, put back before every run: the current folder, the standard streams, the
//! limit of recursion, and the loggers, which would keep the handlers of all runs before.

use std::cell::RefCell;
use std::path::PathBuf;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::held::Held;

const STREAMS: [&str; 3] = ["stdin", "stdout", "stderr"];
/// Loggers that modules of the library hold on to.
const LIBRARY_LOGGERS: [&str; 3] = ["concurrent", "asyncio", "multiprocessing"];
/// `logging.WARNING`
const WARNING: u32 = 30;

#[derive(Debug)]
struct Before {
    folder: PathBuf,
    streams: Vec<Py<PyAny>>,
    recursion_limit: Py<PyAny>,
}

static BEFORE: Held<RefCell<Option<Before>>> = Held::new(RefCell::new(None));

/// Remembers how everything is before a program has run.
pub fn remember(py: Python<'_>) -> PyResult<()> {
    let system = py.import("sys")?;
    let streams = STREAMS.iter().map(|name| Ok(system.getattr(*name)?.unbind())).collect::<PyResult<_>>()?;
    let recursion_limit = system.getattr("getrecursionlimit")?.call0()?.unbind();
    let before = Before { folder: std::env::current_dir()?, streams, recursion_limit };
    let none = BEFORE.borrow_mut().replace(before);
    drop(none);
    Ok(())
}

pub fn put_back(py: Python<'_>) -> PyResult<()> {
    let before = BEFORE.borrow();
    let Some(before) = before.as_ref() else { return Ok(()) };
    std::env::set_current_dir(&before.folder)?;
    let system = py.import(intern!(py, "sys"))?;
    for (name, stream) in STREAMS.iter().zip(&before.streams) {
        system.setattr(*name, stream)?;
    }
    system.getattr(intern!(py, "setrecursionlimit"))?.call1((&before.recursion_limit,))?;
    let modules = system.getattr(intern!(py, "modules"))?.cast_into::<PyDict>()?;
    match modules.get_item(intern!(py, "logging"))? {
        Some(logging) => forget_loggers(&logging),
        None => Ok(()),
    }
}

fn forget_loggers(logging: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = logging.py();
    let root = logging.getattr(intern!(py, "root"))?;
    root.setattr(intern!(py, "handlers"), PyList::empty(py))?;
    root.setattr(intern!(py, "filters"), PyList::empty(py))?;
    root.setattr(intern!(py, "level"), WARNING)?;
    let manager = root.getattr(intern!(py, "manager"))?;
    let loggers = manager.getattr(intern!(py, "loggerDict"))?.cast_into::<PyDict>()?;
    for name in loggers.keys() {
        let text: String = name.extract()?;
        if !LIBRARY_LOGGERS.contains(&text.split('.').next().unwrap_or_default()) {
            loggers.del_item(name)?;
        }
    }
    manager.call_method0(intern!(py, "_clear_cache"))?;
    logging.getattr(intern!(py, "_handlerList"))?.call_method0(intern!(py, "clear")).map(drop)
}
