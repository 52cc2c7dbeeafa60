//! What a program's objects are called in tables and traces: by their own names where the program made them, else by the
//! object that the library made them for, with the call that the program made.

use std::path::Path;

use schedules::words::{Act, Deadlock, Event, Fact, Ran, Wait};

use crate::worker::{Worker, calm, scenario, text};

const DRIVER: &str = "def run(module):\n    return module.main()\n";
const IMPORTS: &str = "import contextlib, dataclasses, queue, threading, time\n";

/// The default schedule, recorded.
fn recorded(program: &str) -> Ran {
    let mut worker = Worker::start(Path::new("/tmp"));
    worker.scenario(&scenario(text(&format!("{IMPORTS}{program}")), DRIVER, "run")).unwrap();
    worker.run(&[calm()], true).pop().unwrap().0
}

fn table(ran: &Ran) -> (Deadlock, &[Wait]) {
    let found = ran.facts.iter().find_map(|fact| match fact {
        Fact::Deadlock { class, waits, .. } => Some((*class, waits.as_slice())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{ran:?}"))
}

/// The events of these acts: what each is about, and what is said of it.
fn told(ran: &Ran, acts: &[Act]) -> Vec<(Act, String)> {
    let said = |event: &Event| {
        let parts = [event.object.as_deref(), event.value.as_deref()];
        (event.act, parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
    };
    ran.events.iter().filter(|event| acts.contains(&event.act)).map(said).collect()
}

#[test]
fn a_programs_lock_keeps_its_name_whoever_takes_it() {
    let ran = recorded(
        "
def main():
    lock = threading.Lock()
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock)
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock)
        stack.enter_context(lock)
",
    );
    let (_, waits) = table(&ran);
    let row = |wait: &Wait| (wait.call.clone(), wait.object.clone().unwrap(), wait.holds.clone());
    assert_eq!(row(&waits[0]), ("Lock.acquire".into(), "Lock#1".into(), vec!["Lock#1".to_owned()]));
    let lock = |act| (act, "Lock#1".to_owned());
    let expected = [Act::Takes, Act::Releases, Act::Takes, Act::Waits].map(lock);
    assert_eq!(told(&ran, &[Act::Takes, Act::Releases, Act::Waits]), expected);
}

#[test]
fn a_programs_condition_waits_by_its_name_and_may_miss_its_notification() {
    let ran = recorded(
        "
def main():
    condition = threading.Condition()
    with condition:
        condition.notify()
    with contextlib.ExitStack() as stack:
        stack.enter_context(condition)
        stack.callback(condition.wait)
",
    );
    let (class, waits) = table(&ran);
    assert_eq!((class, waits[0].call.as_str(), waits[0].object.as_deref()), {
        (Deadlock::LostWakeUp, "Condition.wait", Some("Condition#1"))
    });
    assert_eq!(waits[0].missed.as_ref().map(|place| place.line), Some(6));
}

#[test]
fn a_lock_that_a_dataclass_makes_is_the_programs() {
    let ran = recorded(
        "
@dataclasses.dataclass
class Account:
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
def main():
    account = Account()
    with account.lock, account.lock:
        pass
",
    );
    let (_, waits) = table(&ran);
    assert_eq!(
        (waits[0].object.as_deref(), waits[0].holds.as_slice()),
        (Some("Lock#1"), ["Lock#1".to_owned()].as_slice())
    );
}

#[test]
fn what_the_library_makes_is_named_by_what_it_is_made_for() {
    let ran = recorded(
        "
class Tasks(queue.Queue):
    pass
def main():
    tasks, waiting = Tasks(), threading.Event()
    tasks.put(1)
    tasks.get()
    threading.Thread(target=waiting.wait, name='waiter').start()
    tasks.get()
",
    );
    let (_, waits) = table(&ran);
    let rows: Vec<_> = waits.iter().map(|wait| (wait.call.as_str(), wait.object.as_deref())).collect();
    assert_eq!(rows, [("Queue.get", Some("Tasks#1")), ("Event.wait", Some("Event#1"))]);
    let tasks = |act, call: &str| (act, format!("Tasks#1: {call}"));
    let expected = [tasks(Act::Releases, "Queue.put"), tasks(Act::Takes, "Queue.get")];
    let seen = told(&ran, &[Act::Takes, Act::Releases]);
    assert_eq!(seen[..2], expected, "{seen:?}");
}

#[test]
fn waits_for_threads_and_time_say_for_which_and_for_how_long() {
    let mut worker = Worker::start(Path::new("/tmp"));
    let driver = "
import time
def run(module):
    return threads(lambda: time.sleep(1.5), settle)
";
    worker.scenario(&scenario(text("pass\n"), driver, "run")).unwrap();
    let ran = worker.run(&[calm()], true).pop().unwrap().0;
    let expected = [
        (Act::Waits, "thread-1, thread-2".to_owned()),
        (Act::Sleeps, "1.5 s".to_owned()),
        (Act::Waits, "the others".to_owned()),
        (Act::Wakes, "the others".to_owned()),
        (Act::Wakes, "thread-1, thread-2".to_owned()),
    ];
    assert_eq!(told(&ran, &[Act::Waits, Act::Wakes, Act::Sleeps]), expected);
}
