//! Buffered files, such as a socket's `makefile` gives: one thread at a time is in each.
//!
//! CPython guards a buffer with a lock of its own, and keeps that while it waits for its raw file. Who comes meanwhile would
//! wait for that lock, out of the scheduler's sight, and everybody with him. So whoever calls a buffer's method waits before,
//! as for any lock, until nobody else is in one.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

use pyo3::prelude::*;
use pyo3::types::PyType;

use super::methods::{self, Invocation};
use crate::held::Held;
use crate::kernel::waiting;
use crate::kernel::{Call, Kernel, Object, Phase, Wants, with};

macro_rules! guarded {
    ($class:literal: $($method:literal)*) => {
        ($class, &[$((
            // The interpreter wants it with a zero byte.
            match CStr::from_bytes_with_nul(concat!($method, "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => panic!("a name has no zero byte"),
            },
            (|call| alone(call, concat!($class, ".", $method), $class)) as methods::Ours,
        )),*])
    };
}

type Methods = &'static [(&'static CStr, methods::Ours)];

const CLASSES: [(&str, Methods); 3] = [
    guarded!("BufferedReader": "read" "read1" "readinto" "readinto1" "readline" "peek" "seek" "tell" "truncate" "close"),
    guarded!("BufferedWriter": "write" "flush" "seek" "tell" "truncate" "close"),
    guarded!("BufferedRandom": "read" "read1" "readinto" "readinto1" "readline" "peek" "write" "flush" "seek" "tell"
        "truncate" "close"),
];

/// Who is in a buffer's method.
struct Busy {
    thread: usize,
    /// How many of its methods call one another.
    depth: u32,
    /// 1 once nobody is: what others wait for.
    free: Rc<Cell<usize>>,
}

/// By address.
static BUSY: Held<RefCell<Option<HashMap<usize, Busy>>>> = Held::new(RefCell::new(None));

pub fn apply(py: Python<'_>) -> PyResult<()> {
    let module = py.import("_io")?;
    let base = module.getattr("_IOBase")?.cast_into::<PyType>()?;
    for (name, guarded) in CLASSES {
        let class = module.getattr(name)?.cast_into::<PyType>()?;
        guarded.iter().try_for_each(|(method, ours)| methods::exchange(&class, method, *ours).map(drop))?;
        // To iterate is to read lines, by the method.
        methods::iterate_as(&class, &base);
    }
    begin(py);
    Ok(())
}

/// Before a run: nobody is in any.
pub fn begin(_py: Python<'_>) {
    BUSY.replace(Some(HashMap::new()));
}

fn alone<'py>(invocation: &Invocation<'py>, name: &'static str, kind: &'static str) -> PyResult<Bound<'py, PyAny>> {
    let py = invocation.py();
    if with(py, |kernel| kernel.phase) == Phase::Idle {
        return invocation.go_on();
    }
    let address = invocation.object.as_ptr() as usize;
    while let Some(free) = enter(py, address) {
        let call = Call { name, object: Some(Object { kind, address, own: false }) };
        waiting::block(py, Wants::Item(free), None, call)?;
    }
    let result = invocation.go_on();
    leave(py, address);
    result
}

/// What is to be waited for, if another thread is in.
fn enter(py: Python<'_>, address: usize) -> Option<Rc<Cell<usize>>> {
    let me = with(py, |kernel| kernel.current);
    let mut all = BUSY.borrow_mut();
    let busy = all.get_or_insert_default().entry(address).or_insert_with(|| Busy {
        thread: me,
        depth: 0,
        free: Rc::new(Cell::new(0)),
    });
    if busy.thread != me {
        return Some(Rc::clone(&busy.free));
    }
    busy.depth += 1;
    None
}

fn leave(py: Python<'_>, address: usize) {
    let mut all = BUSY.borrow_mut();
    let all = all.get_or_insert_default();
    let Some(busy) = all.get_mut(&address) else { return };
    busy.depth -= 1;
    if busy.depth == 0 {
        busy.free.set(1);
        if Rc::strong_count(&busy.free) > 1 && with(py, |kernel| kernel.phase) == Phase::Running {
            with(py, Kernel::enables);
        }
        all.remove(&address);
    }
}
