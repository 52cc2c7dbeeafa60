//! What one of our schedules consists of: programs that differ in one thing only, and the difference of their costs.

use std::path::Path;

use rustix::time::{ClockId, clock_gettime};
use schedules::Plan;
use schedules::words::Counts;

use crate::ours::theirs_s;
use crate::table::median;
use crate::worker::{Worker, calm, scenario, text};

const BATCHES: usize = 24;
const BATCH: usize = 25;

const NOTHING: &str = "def run(module):\n    return None\n";
const TWO_THREADS: &str = "def run(module):\n    threads(lambda: None, lambda: None)\n";
const PAUSES: &str = "
def run(module):
    def work():
        for _ in range(50):
            pause()
    threads(work, work)
";
const WORK: &str = "def run(module):\n    module.work()\n";
const TURNS: u32 = 2000;
const LOCALS: &str = "def work():\n    for number in range(2000):\n        twice = number + number\n";
const SHARED: &str = "
class Thing:
    def __init__(self):
        self.value = 0
    def bump(self):
        self.value = 1
        for number in range(1000):
            self.value
def work():
    Thing().bump()
";
const LOCKS: &str = "
import threading
def work():
    lock = threading.Lock()
    for number in range(500):
        with lock:
            pass
";
/// A module such as students write: two classes, a few functions, two imports.
const MODULE: &str = "
import queue
import threading
class Account:
    def __init__(self, balance):
        self.balance = balance
        self.lock = threading.Lock()
    def deposit(self, amount):
        with self.lock:
            self.balance += amount
    def withdraw(self, amount):
        with self.lock:
            self.balance -= amount
class Bank:
    def __init__(self):
        self.accounts = {}
        self.orders = queue.Queue()
    def open(self, name):
        self.accounts[name] = Account(0)
    def transfer(self, source, target, amount):
        self.accounts[source].withdraw(amount)
        self.accounts[target].deposit(amount)
def serve(bank):
    while order := bank.orders.get():
        bank.transfer(*order)
";

/// A program whose schedules are measured.
struct Probe {
    worker: Worker,
    plan: Plan,
    /// Microseconds for each schedule, batch by batch: of the worker, and of its explorer.
    costs_us: Vec<(f64, f64)>,
    counts: Counts,
}

impl Probe {
    fn new(subject: &str, driver: &str, plan: Plan) -> Probe {
        let mut worker = Worker::start(Path::new("/"));
        worker.scenario(&scenario(text(subject), driver, "run")).expect("a program that runs");
        Probe { worker, plan, costs_us: Vec::new(), counts: Counts::default() }
    }

    fn run_batch(&mut self) {
        let mine_us = || {
            let spent = clock_gettime(ClockId::ProcessCPUTime);
            spent.tv_sec as f64 * 1e6 + spent.tv_nsec as f64 / 1e3
        };
        let plans = vec![self.plan.clone(); BATCH];
        let before = (theirs_s(&self.worker) * 1e6, mine_us());
        let runs = self.worker.run(&plans, false);
        let spent = (theirs_s(&self.worker) * 1e6 - before.0, mine_us() - before.1);
        self.costs_us.push((spent.0 / BATCH as f64, spent.1 / BATCH as f64));
        self.counts = runs.last().expect("a run").0.counts;
    }

    fn worker_us(&self) -> f64 {
        median(self.costs_us.iter().map(|costs| costs.0)).expect("a batch")
    }

    fn explorer_us(&self) -> f64 {
        median(self.costs_us.iter().map(|costs| costs.1)).expect("a batch")
    }
}

pub fn measure() {
    let restless = || Plan::Walk { seed: 1, synchronisation: 1000, memory: 1000 };
    let mut probes = [
        Probe::new("", NOTHING, calm()),
        Probe::new(MODULE, NOTHING, calm()),
        Probe::new("", TWO_THREADS, calm()),
        Probe::new("", PAUSES, calm()),
        Probe::new("", PAUSES, restless()),
        Probe::new(LOCALS, WORK, calm()),
        Probe::new(SHARED, WORK, calm()),
        Probe::new(LOCKS, WORK, calm()),
    ];
    for _ in 0..BATCHES {
        probes.iter_mut().for_each(Probe::run_batch);
    }
    let [nothing, module, threads, pauses, restless, locals, shared, locks] = &probes;
    let base = nothing.worker_us();
    println!("\nparts of a schedule, in µs of CPU (medians of {BATCHES} batches of {BATCH})");
    let say = |what: &str, us: f64| println!("  {what:58}{us:10.3}");
    say("a schedule of nothing, in the worker", base);
    say("and in its explorer: order, answer, verification", nothing.explorer_us());
    say("executing a module of two classes", module.worker_us() - base);
    say("a thread: start, end, join", (threads.worker_us() - base) / 2.0);
    let switches = f64::from(restless.counts.switches - pauses.counts.switches);
    say("a hand-over to another thread", (restless.worker_us() - pauses.worker_us()) / switches);
    say("a turn of a loop that touches nothing shared", (locals.worker_us() - base) / f64::from(TURNS));
    say("a point in memory where nothing happens", per_point(shared, base));
    say("a point at a lock where nothing happens", per_point(locks, base));
}

/// Of a program that does little else, by its points.
fn per_point(probe: &Probe, base: f64) -> f64 {
    (probe.worker_us() - base) / f64::from(probe.counts.points.max(1))
}
