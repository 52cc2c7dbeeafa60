//! What is the same at the beginning of every run, however many were before, and what is refused in all of them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::traps::check;
use crate::worker::{Worker, calm, plan, scenario, text};

const DRIVER: &str = "def run(module):\n    return module.main()\n";

#[test]
fn dates_are_virtual_too() {
    let program = "
import datetime
def main():
    begun, used = datetime.datetime.now(), time.process_time()
    time.sleep(3600)
    assert time.process_time() - used < 1
    told = [(datetime.datetime.now() - begun).seconds, str(datetime.datetime.now(datetime.timezone.utc))[:16]]
    told += [str(datetime.datetime.utcnow())[:16], str(datetime.datetime.today().date()), str(datetime.date.today())]
    told += [time.gmtime().tm_hour, time.localtime().tm_year, time.strftime('%Y-%m-%d'), time.ctime()[:10], time.asctime()[:10]]
    told += [round(time.clock_gettime(time.CLOCK_MONOTONIC)), time.gmtime(0).tm_year, time.strftime('%H', time.gmtime(7200))]
    return told
";
    let minute = "2026-09-21 15:13";
    let day = "2026-09-21";
    let told = json!([3600, minute, minute, day, day, 15, 2026, day, "Mon Sep 21", "Mon Sep 21", 4600, 1970, "02"]);
    check(program, Some(told), &[]);
}

#[test]
fn zones_and_logged_times_are_those_of_the_virtual_clock() {
    let program = "
import datetime, io, logging, zoneinfo
def main():
    text = io.StringIO()
    logging.basicConfig(stream=text, format='%(asctime)s', datefmt='%Y')
    logging.warning('now')
    rome = datetime.datetime.now(zoneinfo.ZoneInfo('UTC'))
    return text.getvalue().strip(), rome.year, rome.utcoffset().seconds
";
    check(program, Some(json!(["2026", 2026, 0])), &[]);
}

#[test]
fn pools_of_multiprocessing_dummy_are_pools_of_threads() {
    let program = "
from multiprocessing.dummy import Lock, Pool, Process, Queue
def main():
    lock, told, done = Lock(), [], Queue()
    def work(number):
        with lock:
            told.append(number)
        return number * number
    with Pool(2) as pool:
        squares = pool.map(work, range(4))
        later = pool.apply_async(work, (9,)).get()
    process = Process(target=done.put, args=(5,))
    process.start()
    process.join()
    return squares, later, sorted(told), done.get()
";
    check(program, Some(json!([[0, 1, 4, 9], 81, [0, 1, 2, 3, 9], 5])), &[]);
}

#[test]
fn threads_of_the_lower_module_are_threads() {
    let program = "
import _thread
def main():
    told, done = [], _thread.allocate_lock()
    done.acquire()
    def work(number, *, more):
        told.append((number, more, _thread.get_ident() != threading.main_thread().ident))
        done.release()
    _thread.start_new_thread(work, (1,), {'more': 2})
    done.acquire()
    return told
";
    check(program, Some(json!([[1, 2, true]])), &[]);
}

#[test]
fn what_a_module_makes_at_its_import_is_made_in_every_run() {
    let program = "
lock, tasks, done, numbers = threading.Lock(), queue.Queue(), threading.Event(), []
local = threading.local()
def work():
    with lock:
        numbers.append(tasks.get())
    done.set()
worker = threading.Thread(target=work)
worker.start()
def main():
    told = [lock.locked() and not worker.is_alive(), done.is_set() and not numbers, hasattr(local, 'mine')]
    local.mine = 1
    tasks.put(7)
    done.wait()
    worker.join()
    lock.acquire()
    return told, numbers, worker.name
";
    check(program, Some(json!([[false, false, false], [7], "Thread-1 (work)"])), &[]);
}

#[test]
fn names_numbers_hashes_and_chance_begin_anew() {
    let program = "
import random, uuid
from concurrent.futures import ThreadPoolExecutor
def main():
    names = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: names.append(threading.current_thread().name))
        thread.start()
        thread.join()
    with ThreadPoolExecutor(1) as pool:
        names.append(pool.submit(lambda: threading.current_thread().name).result())
    order = list({'one', 'two', 'three', 'four', 'five'})
    return names, [hash('text'), order, random.random()]
";
    let mut outcomes = BTreeSet::new();
    for _ in 0..2 {
        let mut worker = Worker::start(Path::new("/tmp"));
        worker.scenario(&scenario(text(&format!("import threading\n{program}")), DRIVER, "run")).unwrap();
        outcomes.extend((1..=20).map(|seed| worker.run_one(&plan(seed)).0.outcome.unwrap_or_default().to_string()));
    }
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    let names = json!(["Thread-1 (<lambda>)", "Thread-2 (<lambda>)", "ThreadPoolExecutor-0_0"]);
    assert!(outcomes.first().unwrap().starts_with(&format!("[{names},")), "{outcomes:?}");
}

/// Futures are hashed and sorted by the order in which they were made, not by where they lie.
#[test]
fn sets_of_the_librarys_objects_have_one_order() {
    let program = "
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
def main():
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(pow, number, 2) for number in range(6)]
        wait(futures)
        first = [futures.index(future) for future in as_completed(futures)]
        second = [futures.index(future) for future in wait(futures).done]
    kinds = [threading.Lock, threading.RLock, threading.Condition, Future, lambda: threading.Thread(target=print)]
    things = [[kind() for _ in range(12)] for kind in kinds]
    return first, second, [[row.index(thing) for thing in set(row)] for row in things]
";
    let orders: BTreeSet<String> = (0..3)
        .map(|_| {
            let mut worker = Worker::start(Path::new("/tmp"));
            worker.scenario(&scenario(text(&format!("import threading\n{program}")), DRIVER, "run")).unwrap();
            worker.run_one(&calm()).0.outcome.unwrap().to_string()
        })
        .collect();
    assert_eq!(orders.len(), 1, "{orders:?}");
}

/// A process that has run many schedules lays objects out otherwise than a fresh one does.
#[test]
fn sets_of_a_programs_own_objects_have_one_order() {
    let program = "
import collections, weakref
class Plain: pass
class Narrow: __slots__ = ()
class Slots: __slots__ = ('one',)
class Other(Plain): pass
class Trouble(Exception): pass
class Ready(threading.Event): pass
def main():
    things = [kind() for _ in range(20) for kind in (Plain, Narrow, Slots, Other, Trouble, Ready)]
    whole, weak = set(things), weakref.WeakSet(thing for thing in things if not isinstance(thing, (Narrow, Slots)))
    assert len(whole) == len(things) and all(thing in whole for thing in things) and len(weak) == 80
    assert all(hash(thing) == object.__hash__(thing) == hash(thing) for thing in things)
    for _ in range(50):
        passing = {Plain() for _ in range(20)}
    at = {thing: place for place, thing in enumerate(things)}
    return [at[thing] for thing in whole], [at[thing] for thing in weak], [at[thing] for thing in whole - set(things[::2])]
";
    let mut orders = BTreeSet::new();
    for runs in [1, 7, 30] {
        let mut worker = Worker::start(Path::new("/tmp"));
        worker.scenario(&scenario(text(&format!("import threading\n{program}")), DRIVER, "run")).unwrap();
        let told = (0..runs).map(|_| worker.run_one(&calm()).0);
        orders.extend(told.map(|ran| ran.outcome.unwrap_or_else(|| panic!("{:?}", ran.facts)).to_string()));
    }
    assert_eq!(orders.len(), 1);
}

/// Nothing is collected inside a run, when that would depend on what was before; what has no more references goes at once.
#[test]
fn collecting_happens_between_runs_only() {
    let program = "
import gc, weakref
class Node:
    def __init__(self, told):
        self.told = told
    def __del__(self):
        self.told.append('gone')
def main():
    told, rings = [], []
    one = Node(told)
    del one
    for _ in range(2000):
        ring = Node(rings)
        ring.itself = ring
    del ring
    seen = len(rings)
    return told, seen, gc.isenabled()
";
    check(program, Some(json!([["gone"], 0, false])), &[]);
}

#[test]
fn what_would_leave_the_scheduler_is_refused_and_told() {
    let attempts = [
        "import sys\n    sys.settrace(print)",
        "import sys\n    sys.setprofile(print)",
        "threading.settrace(print)\n    threading.Thread(target=print).start()",
        "import ctypes\n    ctypes.pythonapi.PyGILState_Ensure()",
        "main.__code__.replace(co_name='other')",
        "import gc\n    gc.get_objects()",
        "import os\n    os.fork()",
        "import subprocess\n    subprocess.run(['/bin/true'])",
        "import multiprocessing\n    process = multiprocessing.Process(target=print)\n    process.start()",
        "open('/proc/self/mem', 'rb')",
    ];
    for attempt in attempts {
        let mut worker = Worker::start(Path::new("/tmp"));
        let program = format!("import threading\ndef main():\n    {attempt}\n");
        worker.scenario(&scenario(text(&program), DRIVER, "run")).unwrap();
        let (ran, _) = worker.run_one(&calm());
        assert!(!ran.tripped.is_empty() && !ran.facts.is_empty(), "{attempt}: {ran:?}");
        assert_eq!(ran.outcome.unwrap_or(Value::Null), Value::Null);
    }
}
