//! Awkward programs: what they do is managed all the same, each run can be followed, and no process is left behind that
//! could not go on.

use std::collections::BTreeSet;
use std::path::Path;

use schedules::Plan;
use schedules::words::{Fact, Ran};
use serde_json::{Value, json};

use crate::worker::{Worker, calm, plan, scenario, text};

/// Schedules of each.
const SCHEDULES: u32 = 40;
const DRIVER: &str = "def run(module):\n    return module.main()\n";
const IMPORTS: &str = "import queue, sched, sys, threading, time\n";

/// Kinds of the facts of a run.
fn kinds(ran: &Ran) -> BTreeSet<String> {
    let kind = |fact: &Fact| serde_json::to_value(fact).unwrap()["kind"].as_str().unwrap().to_owned();
    ran.facts.iter().map(kind).collect()
}

fn worker(program: &str, driver: &str) -> Worker {
    let mut worker = Worker::start(Path::new("/tmp"));
    worker.scenario(&scenario(text(&format!("{IMPORTS}{program}")), driver, "run")).unwrap();
    worker
}

/// In every schedule the program comes to `outcome`, shows facts of `told` kinds only (and in one at least all of them), and
/// the schedule can be followed.
pub fn check(program: &str, outcome: Option<Value>, told: &[&str]) {
    check_driven(program, DRIVER, outcome, told);
}

fn check_driven(program: &str, driver: &str, outcome: Option<Value>, told: &[&str]) {
    let (mut first, mut second) = (worker(program, driver), worker(program, driver));
    let told: BTreeSet<String> = told.iter().map(|kind| (*kind).to_owned()).collect();
    let mut seen = BTreeSet::new();
    for seed in 1..=SCHEDULES {
        let (ran, transcript) = first.run_one(&plan(seed));
        assert!(!ran.spent && !ran.uncontrolled && ran.tripped.is_empty(), "{program}\n{ran:?}");
        assert!(kinds(&ran).is_subset(&told), "{program}\nseed {seed}: {:?}", ran.facts);
        if kinds(&ran).is_empty() || ran.outcome.is_some() {
            assert_eq!(ran.outcome, outcome, "{program}\nseed {seed}: {ran:?}");
        }
        seen.append(&mut kinds(&ran));
        let follow = Plan::Follow { deviations: transcript.schedule().deviations };
        let (again, _) = second.run_one(&follow);
        assert_eq!((&again.facts, &again.outcome), (&ran.facts, &ran.outcome), "{program}\nseed {seed}");
        assert_eq!(again.counts.points, ran.counts.points, "{program}\nseed {seed}");
    }
    assert_eq!(seen, told, "{program}");
}

#[test]
fn a_loop_without_an_end_is_called_so() {
    let started = "\ndef main():\n    thread = threading.Thread(target=loop)\n    thread.start()\n    thread.join()\n";
    check(&format!("def loop():\n    while True:\n        pass\n{started}"), None, &["busy-wait", "livelock"]);
    check(
        &format!("def loop():\n    number = 0\n    while True:\n        number += 1\n{started}"),
        None,
        &["livelock"],
    );
}

#[test]
fn a_daemon_may_wait_for_ever() {
    let program = "
def main():
    tasks, done = queue.Queue(), []
    def work():
        while True:
            done.append(tasks.get())
            tasks.task_done()
    threading.Thread(target=work, daemon=True).start()
    for task in range(3):
        tasks.put(task)
    tasks.join()
    return done
";
    check(program, Some(json!([0, 1, 2])), &[]);
}

#[test]
fn a_thread_that_swallows_the_end_is_given_up_or_heard_out() {
    let program = "
def main():
    tasks = queue.Queue()
    def work():
        for _ in range(50):
            try:
                tasks.get()
            except:
                pass
    threading.Thread(target=work, daemon=True).start()
    return 1
";
    check(program, Some(json!(1)), &[]);
    let deaf = program.replace("for _ in range(50)", "while True");
    let mut worker = worker(&deaf, DRIVER);
    let (ran, _) = worker.run_one(&calm());
    assert!(ran.outcome == Some(json!(1)) || ran.spent, "{ran:?}");
}

#[test]
fn time_passes_when_nobody_can_run() {
    let program = "
def main():
    event = threading.Event()
    begun = time.monotonic()
    came = event.wait(3600)
    return came, round(time.monotonic() - begun)
";
    check(program, Some(json!([false, 3600])), &[]);
    let program = "
def main():
    found = {}
    def work():
        time.sleep(2)
        found['it'] = 1
    thread = threading.Thread(target=work)
    thread.start()
    while 'it' not in found:
        time.sleep(0.1)
    thread.join()
    return 1
";
    check(program, Some(json!(1)), &[]);
    check(
        "def main():\n    end = time.time() + 0.05\n    while time.time() < end:\n        pass\n    return 1\n",
        Some(json!(1)),
        &[],
    );
}

/// Who lets others go first does not thereby let their time run out.
#[test]
fn a_time_out_comes_only_when_nobody_can_run() {
    let program = "
def main():
    event, lock, told = threading.Event(), threading.Lock(), []
    thread = threading.Thread(target=lambda: told.append(event.wait(1)))
    thread.start()
    time.sleep(0)
    with lock:
        told.append(lock.acquire(False))
    time.sleep(0)
    event.set()
    thread.join()
    return told
";
    check(program, Some(json!([false, true])), &[]);
}

#[test]
fn time_outs_are_those_of_the_library() {
    let program = "
def main():
    told = []
    lock, full, nothing = threading.Lock(), queue.Queue(1), queue.SimpleQueue()
    lock.acquire()
    told.append(lock.acquire(timeout=5))
    told.append(lock.acquire(False))
    full.put(1)
    for attempt in (lambda: full.put(2, timeout=3), lambda: full.put_nowait(2), lambda: nothing.get(timeout=2), nothing.get_nowait):
        try:
            attempt()
        except (queue.Full, queue.Empty) as error:
            told.append(type(error).__name__)
    thread = threading.Thread(target=time.sleep, args=(100,))
    thread.start()
    thread.join(1)
    told.append(thread.is_alive() or time.monotonic() > 1100)
    thread.join()
    told.append(thread.is_alive())
    condition = threading.Condition()
    with condition:
        told.append(condition.wait(1))
        told.append(condition.wait_for(lambda: False, 1))
    told.append(threading.Semaphore(0).acquire(timeout=1))
    return told
";
    let told = json!([false, false, "Full", "Full", "Empty", "Empty", true, false, false, false, false]);
    check(program, Some(told), &[]);
}

#[test]
fn sys_exit_ends_a_thread_quietly() {
    check(
        "def main():\n    thread = threading.Thread(target=sys.exit)\n    thread.start()\n    thread.join()\n    return 1\n",
        Some(json!(1)),
        &[],
    );
    check("def main():\n    sys.exit(3)\n", None, &["exception"]);
}

#[test]
fn what_is_local_to_a_thread_stays_so() {
    let program = "
import contextvars
variable = contextvars.ContextVar('variable', default=0)
def main():
    own, told = threading.local(), []
    def work(number):
        told.append(hasattr(own, 'number') or variable.get() != 0)
        own.number = number
        variable.set(number)
        time.sleep(0.1)
        told.append(own.number != number or variable.get() != number)
    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told, hasattr(own, 'number'), variable.get()
";
    check(program, Some(json!([[false, false, false, false, false, false], false, 0])), &[]);
}

#[test]
fn threads_know_who_they_are() {
    let program = "
class Worker(threading.Thread):
    def __init__(self, told):
        super().__init__(name='worker')
        self.told = told
    def run(self):
        self.told.append((threading.current_thread() is self, self.name, self.ident == threading.get_ident()))
def main():
    told = []
    worker, timer = Worker(told), threading.Timer(5, told.append, ['timer'])
    timer.start()
    worker.start()
    worker.join()
    timer.join()
    plain = threading.Thread(target=lambda: told.append(threading.current_thread().name))
    plain.start()
    plain.join()
    told.append([thread.name for thread in threading.enumerate()])
    told.append(threading.main_thread() is threading.current_thread())
    return sorted(map(str, told))
";
    let told = json!(["(True, 'worker', True)", "Thread-2 (<lambda>)", "True", "['MainThread']", "timer"]);
    check(program, Some(told), &[]);
    let driver = "def run(module):\n    return threads(module.name, module.name)\n";
    let program = "def name():\n    me = threading.current_thread()\n    return me.name, me.daemon\n";
    check_driven(program, driver, Some(json!([["thread-1", false], ["thread-2", false]])), &[]);
}

#[test]
fn pipelines_and_pools_run_over_the_librarys_own_classes() {
    let program = "
def main():
    belt, out = queue.Queue(1), []
    def source():
        yield from range(4)
    def produce():
        for thing in source():
            belt.put(thing)
        belt.put(None)
    def consume():
        for thing in iter(belt.get, None):
            out.append(thing)
    threads = [threading.Thread(target=work) for work in (produce, consume)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out
";
    check(program, Some(json!([0, 1, 2, 3])), &[]);
    let program = "
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
def main():
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(lambda seconds=seconds: (time.sleep(seconds), seconds)[1]) for seconds in (3, 1, 2)]
        done = sorted(future.result() for future in as_completed(futures, timeout=10))
        again = [pool.submit(pow, 2, 3)]
        return done, len(wait(again).done), list(pool.map(abs, [-1, -2]))
";
    check(program, Some(json!([[1, 2, 3], 1, [1, 2]])), &[]);
    // A pool that nobody shuts down ends with the program.
    let program = "
from concurrent.futures import ThreadPoolExecutor
def main():
    return ThreadPoolExecutor(2).submit(pow, 2, 3).result()
";
    check(program, Some(json!(8)), &[]);
}

#[test]
fn logging_barriers_and_schedulers_work() {
    let program = "
import io, logging
def main():
    text = io.StringIO()
    log = logging.getLogger('zoo')
    log.handlers[:] = [logging.StreamHandler(text)]
    threads = [threading.Thread(target=log.warning, args=('line %d', number)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(text.getvalue().split())
";
    check(program, Some(json!(["0", "1", "2", "line", "line", "line"])), &[]);
    let program = "
def main():
    barrier, told = threading.Barrier(3, action=lambda: told.append('all')), []
    def work():
        barrier.wait()
        told.append('on')
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told
";
    check(program, Some(json!(["all", "on", "on", "on"])), &[]);
    let program = "
def main():
    told, clock = [], sched.scheduler(time.monotonic, time.sleep)
    clock.enter(5, 1, told.append, ('later',))
    clock.enter(2, 1, told.append, ('sooner',))
    clock.run()
    return told
";
    check(program, Some(json!(["sooner", "later"])), &[]);
}

#[test]
fn a_pulse_releases_those_who_wait() {
    let program = "
def main():
    event, told = threading.Event(), []
    thread = threading.Thread(target=lambda: told.append(event.wait()))
    thread.start()
    while not event._cond._waiters:
        time.sleep(0.1)
    event.set()
    event.clear()
    thread.join()
    return told
";
    check(program, Some(json!([true])), &[]);
}

#[test]
fn a_lock_in_a_library_class_is_managed() {
    let program = "
import functools
class Thing:
    made = 0
    @functools.cached_property
    def value(self):
        Thing.made += 1
        time.sleep(1)
        return Thing.made
def main():
    thing, told = Thing(), []
    threads = [threading.Thread(target=lambda: told.append(thing.value)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told
";
    check(program, Some(json!([1, 1])), &[]);
}

#[test]
fn chance_is_the_same_in_every_run() {
    let program = "
import random
def main():
    return random.randrange(10 ** 6), random.random() == random.random()
";
    let mut one = worker(program, DRIVER);
    let outcomes: BTreeSet<String> = (1..9).map(|seed| format!("{:?}", one.run_one(&plan(seed)).0.outcome)).collect();
    assert_eq!(outcomes.len(), 1);
}

#[test]
fn a_lock_taken_twice_waits_for_itself() {
    let program = "
def main():
    lock = threading.Lock()
    with lock:
        with lock:
            return 1
";
    check(program, None, &["deadlock"]);
    check("def main():\n    lock = threading.RLock()\n    with lock, lock:\n        return 1\n", Some(json!(1)), &[]);
}

#[test]
fn a_driver_notes_settles_and_reads_the_clock() {
    let program = "
class Room:
    def __init__(self):
        self.places = threading.Semaphore(2)
    def enter(self):
        self.places.acquire()
";
    let driver = "
import threading
def run(module):
    room, inside = module.Room(), []
    def guest(number):
        room.enter()
        inside.append(number)
        note(number)
    guests = [threading.Thread(target=guest, args=(number,)) for number in range(3)]
    for thread in guests:
        thread.start()
    settle()
    seen = len(inside)
    room.places.release()
    for thread in guests:
        thread.join()
    return seen, clock()
";
    check_driven(program, driver, Some(json!([2, 0.0])), &[]);
    let (ran, _) = worker(program, driver).run_one(&calm());
    assert_eq!(ran.notes.len(), 3);
}

#[test]
fn what_a_program_leaves_behind_is_put_back() {
    let program = "
import io, logging, os, sys
def main():
    told = [len(logging.getLogger('zoo').handlers), len(logging.getLogger().handlers), os.getcwd(), sys.getrecursionlimit(), sys.stdout is sys.__stdout__]
    logging.basicConfig(stream=io.StringIO())
    logging.getLogger('zoo').addHandler(logging.StreamHandler(io.StringIO()))
    os.chdir('/')
    sys.setrecursionlimit(500)
    sys.stdout = io.StringIO()
    return told
";
    check(program, Some(json!([0, 0, "/tmp", 1000, true])), &[]);
}

#[test]
fn a_class_may_be_made_of_a_condition() {
    let program = "
class Turnstile(threading.Condition):
    def __init__(self, places, lock):
        super().__init__(lock)
        self.places = places
class Plain(threading.Condition):
    def __init__(self, places):
        super().__init__()
        self.places = places
def main():
    lock = threading.Lock()
    turnstile, plain, given = Turnstile(1, lock), Plain(lock), threading.Condition(lock)
    def leave():
        with turnstile:
            turnstile.places += 1
            turnstile.notify()
    thread = threading.Thread(target=leave)
    with turnstile:
        taken = lock.locked()
        thread.start()
        turnstile.wait_for(lambda: turnstile.places == 2)
    thread.join()
    with plain:
        free = not lock.locked()
    return taken, free, turnstile._lock is lock, given._lock is lock
";
    check(program, Some(json!([true, true, true, true])), &[]);
}
