//! What a loop's selector was told to look for, asked of the kernel without waiting there.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::managed::descriptors::{self, Interest};

/// `selectors.EVENT_READ`
const READ: u16 = 1;
/// `selectors.EVENT_WRITE`
const WRITE: u16 = 2;

/// One key of a selector.
struct Selected<'py> {
    key: Bound<'py, PyAny>,
    descriptor: i32,
    events: u16,
}

impl Selected<'_> {
    fn interests(&self) -> impl Iterator<Item = (u16, Interest)> {
        let all = [(READ, Interest::read(self.descriptor)), (WRITE, Interest::write(self.descriptor))];
        all.into_iter().filter(|(event, _)| self.events & event != 0)
    }
}

fn selected<'py>(looped: &Bound<'py, PyAny>) -> PyResult<Vec<Selected<'py>>> {
    let py = looped.py();
    let map = looped.getattr(intern!(py, "_selector"))?.call_method0(intern!(py, "get_map"))?;
    if map.len()? == 0 {
        return Ok(Vec::new());
    }
    let selected = |key: PyResult<Bound<'py, PyAny>>| {
        let key = key?;
        let descriptor = key.getattr(intern!(py, "fd"))?.extract()?;
        let events = key.getattr(intern!(py, "events"))?.extract()?;
        Ok(Selected { key, descriptor, events })
    };
    map.call_method0(intern!(py, "values"))?.try_iter()?.map(selected).collect()
}

/// All of it.
pub fn interests(looped: &Bound<'_, PyAny>) -> PyResult<Vec<Interest>> {
    let selected = selected(looped)?;
    Ok(selected.iter().flat_map(Selected::interests).map(|(_, interest)| interest).collect())
}

/// Makes callbacks ready for which the kernel has something.
pub fn collect(looped: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = looped.py();
    let events = PyList::empty(py);
    for selected in selected(looped)? {
        let come = selected.interests().filter(|(_, interest)| descriptors::is_ready(&[*interest]));
        let come = come.fold(0, |come, (event, _)| come | event);
        if come != 0 {
            events.append((selected.key, come))?;
        }
    }
    if events.is_empty() {
        return Ok(());
    }
    looped.call_method1(intern!(py, "_process_events"), (events,)).map(drop)
}
