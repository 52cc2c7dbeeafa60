//! The loop over orders.

use std::os::fd::{BorrowedFd, RawFd};

use framing::{Framing, HEAD_BYTES_MAX};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use schedules::seal::Seal;
use schedules::words::{Answer, Fact, Order, Ran, Scenario};
use schedules::{Plan, Thread};
use serde_json::{Value, json};

use crate::driver::Work;
use crate::kernel::carrier::{Conditions, conduct};
use crate::kernel::waiting::Points;
use crate::kernel::with;
use crate::managed::{asyncio, descriptors};
use crate::{audit, driver, frames, load, patch, record, report, reset, tracer, values};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// For what stands around a run in its answer.
const HEAD_BYTES_SPARE: usize = 1 << 10;

/// A scenario that can be run.
struct Ready {
    scenario: Scenario,
    module: String,
    work: Py<Performed>,
}

/// Keeps a scenario's work, so that threads can share it.
#[pyclass(frozen)]
struct Performed(crate::held::Held<Work>);

/// Obeys the orders that come over `descriptor`, until there are no more. Does not return.
#[pyfunction]
pub fn serve(py: Python<'_>, descriptor: RawFd) -> PyResult<()> {
    std::panic::set_hook(Box::new(|info| {
        eprintln!("{info}");
        std::process::abort();
    }));
    stay_on_this_core();
    frames::prepare(py);
    tracer::set_sink(&Points);
    tracer::install(py)?;
    patch::apply(py)?;
    reset::remember(py)?;
    let system = py.import("sys")?;
    system.getattr("meta_path")?.call_method1("insert", (0, Bound::new(py, load::Finder)?))?;
    hide(py)?;
    let gc = py.import("gc")?;
    gc.call_method0("disable")?;
    gc.call_method0("collect")?;
    gc.call_method0("freeze")?;
    // SAFETY: whoever started us has given us the descriptor, for as long as we live.
    let channel = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let mut framing = Framing::default();
    let mut ready = None;
    let mut seal: Option<Seal> = None;
    let mut bytes = vec![0; READ_BYTES];
    loop {
        while let Some(message) = framing.next_message()? {
            let order: Order = serde_json::from_value(message.head).map_err(std::io::Error::from)?;
            if let Some(seal) = &mut seal {
                seal.order(&order);
            }
            match order {
                Order::Key(key) => seal = Some(Seal::new(&key)),
                order => obey(py, &mut Answers { channel, seal: &mut seal }, &mut ready, order, &gc)?,
            }
        }
        match rustix::io::read(channel, &mut bytes) {
            Ok(0) => std::process::exit(0),
            Ok(read) => framing.feed(&bytes[..read]),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(std::io::Error::from(error).into()),
        }
    }
}

/// Nobody finds us again: neither as a module nor by the names of the program that has loaded us.
fn hide(py: Python<'_>) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    if modules.contains("scheduler")? {
        modules.del_item("scheduler")?;
    }
    let main = py.import("__main__")?.dict();
    let names: Vec<Bound<'_, PyAny>> = main.keys().iter().collect();
    for name in names {
        if !name.extract::<String>().is_ok_and(|name| name.starts_with("__")) {
            main.del_item(name)?;
        }
    }
    Ok(())
}

/// A hand-over to another core costs several times as much.
fn stay_on_this_core() {
    let mut only = rustix::thread::CpuSet::new();
    only.set(rustix::thread::sched_getcpu());
    let _ = rustix::thread::sched_setaffinity(None, &only);
}

fn obey(
    py: Python<'_>,
    answers: &mut Answers<'_>,
    ready: &mut Option<Ready>,
    order: Order,
    gc: &Bound<'_, PyModule>,
) -> PyResult<()> {
    match order {
        Order::Scenario(scenario) => {
            let (answer, made) = match prepare(py, scenario)? {
                Ok(made) => (Answer::Ready { sources: load::checksum(py) }, Some(made)),
                Err(reason) => (Answer::Refused { reason }, None),
            };
            *ready = made;
            answers.send(&answer, &[])
        }
        Order::Key(_) => Ok(()),
        Order::Run { plans, record } => {
            let Some(ready) = ready.as_ref() else { return Ok(()) };
            for plan in &plans {
                let (ran, transcript) = run(py, ready, plan, record)?;
                let spent = ran.spent;
                answers.send(&Answer::Ran(Box::new(shortened(ran))), &transcript)?;
                if spent {
                    std::process::exit(0);
                }
            }
            // A program may have switched it on.
            gc.call_method0("disable")?;
            gc.call_method0("collect").map(drop)
        }
    }
}

/// A run as it fits into a frame: what tells most is kept longest.
fn shortened(mut ran: Ran) -> Ran {
    let fits = |ran: &Ran| serde_json::to_vec(ran).is_ok_and(|bytes| bytes.len() < HEAD_BYTES_MAX - HEAD_BYTES_SPARE);
    if !fits(&ran) {
        ran.events.clear();
    }
    if !fits(&ran) {
        ran.notes.clear();
        ran.history.clear();
    }
    if !fits(&ran) {
        ran.outcome = Some(json!({"$limit": "size"}));
    }
    ran
}

/// Where answers go, and what they are sealed with.
struct Answers<'a> {
    channel: BorrowedFd<'a>,
    seal: &'a mut Option<Seal>,
}

impl Answers<'_> {
    fn send(&mut self, answer: &Answer, tail: &[u8]) -> PyResult<()> {
        let sealed = self.seal.as_mut().map(|seal| seal.answer(answer, tail));
        let bytes = match sealed {
            Some(sealed) => framing::encode(answer, &[&sealed, tail].concat(), 0)?,
            None => framing::encode(answer, tail, 0)?,
        };
        let mut left = bytes.as_slice();
        while !left.is_empty() {
            match rustix::io::write(self.channel, left) {
                Ok(written) => left = &left[written..],
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => std::process::exit(0),
            }
        }
        Ok(())
    }
}

/// Compiles, and runs once by default, so that imports have been made and what is missing is seen.
fn prepare(py: Python<'_>, scenario: Scenario) -> PyResult<Result<Ready, String>> {
    let module = match load::begin(py, &scenario.subject, scenario.granularity)? {
        Ok(module) => module,
        Err(reason) => return Ok(Err(reason)),
    };
    let work = Work::of(py, &scenario.body)?;
    let work = Py::new(py, Performed(crate::held::Held::new(work)))?;
    let ready = Ready { scenario, module, work };
    let (ran, _) = run(py, &ready, &Plan::Follow { deviations: Vec::new() }, false)?;
    let reason = missing(&ready, &ran).or_else(|| out_of_reach(&ran));
    Ok(reason.map_or(Ok(ready), Err))
}

/// A process in which somebody waits for good outside of our reach runs nothing more.
fn out_of_reach(ran: &Ran) -> Option<String> {
    let place = ran.facts.iter().find_map(|fact| match fact {
        Fact::OutOfReach { place, .. } => Some(place.as_ref()),
        _ => None,
    })?;
    let place = place.map_or_else(|| "it".to_owned(), |place| format!("{}, line {},", place.file, place.line));
    Some(format!("{place} waits for something that cannot be scheduled, and nothing else can run meanwhile"))
}

/// Why there is nothing to run, if the class is not there.
fn missing(ready: &Ready, ran: &Ran) -> Option<String> {
    let schedules::words::Body::Operations { class, .. } = &ready.scenario.body else { return None };
    let wanted = format!("module '{}' has no attribute '{class}'", ready.module);
    let lacks = |fact: &Fact| matches!(fact, Fact::Exception { thread: Thread(0), raised } if raised.text == wanted);
    ran.facts.iter().any(lacks).then(|| format!("{}.py has no class {class}", ready.module.replace('.', "/")))
}

/// One run and its transcript.
fn run(py: Python<'_>, ready: &Ready, plan: &Plan, recording: bool) -> PyResult<(Ran, Vec<u8>)> {
    let scenario = &ready.scenario;
    values::begin();
    record::begin();
    reset::put_back(py)?;
    patch::refresh(py, scenario.seed)?;
    asyncio::refresh(py)?;
    let outcome = std::rc::Rc::new(std::cell::RefCell::new(None::<Value>));
    let (work, module, told) = (ready.work.clone_ref(py), ready.module.clone(), std::rc::Rc::clone(&outcome));
    let main = move |py: Python<'_>| {
        let outcome = work.get().0.perform(py, &module);
        match outcome {
            Ok(value) => {
                *told.borrow_mut() = value;
                driver::leave(py)
            }
            Err(error) if error.is_instance_of::<pyo3::exceptions::PySystemExit>(py) => {
                report::died(py, &error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    };
    let conditions =
        Conditions { plan, limits: scenario.limits, sleepers_may_wake: scenario.sleepers_may_wake, recording };
    descriptors::begin(py)?;
    audit::meet(load::met);
    audit::arm_audit(true);
    conduct(py, &conditions, Box::new(main));
    asyncio::forget(py);
    audit::arm_audit(false);
    load::unload(py)?;
    let (threads, told, transcript, spins) = with(py, |kernel| {
        let threads = std::mem::take(&mut kernel.threads);
        let told = std::mem::take(&mut kernel.told);
        let transcript = std::mem::take(&mut kernel.transcript);
        (threads, told, transcript, std::mem::take(&mut kernel.spins))
    });
    let mut facts = told.facts;
    let waits = spins.into_iter().map(|((thread, place), times)| Fact::BusyWait { thread, place: Some(place), times });
    facts.extend(waits);
    let name = |thread: &crate::kernel::Managed| {
        let own = thread.object.as_ref().and_then(|object| object.bind(py).getattr(intern!(py, "_name")).ok());
        own.and_then(|name| name.extract().ok()).unwrap_or_else(|| thread.name.clone())
    };
    let ran = Ran {
        facts,
        outcome: outcome.take(),
        notes: told.notes,
        history: told.history,
        threads: threads.iter().map(name).collect(),
        counts: told.counts,
        tripped: audit::tripped(),
        uncontrolled: told.uncontrolled,
        spent: told.spent,
        events: told.events,
    };
    drop(threads);
    descriptors::end(py)?;
    Ok((ran, transcript.to_bytes()))
}
