//! A process that runs schedules, and what it is asked here.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use framing::Framing;
use schedules::words::{Answer, Body, Granularity, Limits, Order, Ran, Scenario, Subject};
use schedules::{Plan, Transcript};
use serde_json::{Map, Value};

/// As the shim of a sandbox will do it: the module is loaded from where it lies, under a name that no import finds.
const START: &str = "
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
loader = ExtensionFileLoader('scheduler', sys.argv.pop())
module = module_from_spec(spec_from_loader('scheduler', loader))
loader.exec_module(module)
module.serve(0)
";

pub struct Worker {
    process: Child,
    channel: UnixStream,
    framing: Framing,
}

impl Worker {
    pub fn start(folder: &Path) -> Worker {
        let (channel, theirs) = UnixStream::pair().unwrap();
        let process = Command::new("/usr/bin/python3")
            .args(["-B", "-s", "-P", "-u", "-c", START])
            .arg(module())
            .env_clear()
            .env("PYTHONHASHSEED", "0")
            .current_dir(folder)
            .stdin(std::os::fd::OwnedFd::from(theirs))
            .spawn()
            .unwrap();
        Worker { process, channel, framing: Framing::default() }
    }

    fn order(&mut self, order: &Order) {
        let bytes = framing::encode(order, &[], 0).unwrap();
        self.channel.write_all(&bytes).unwrap();
    }

    fn answer(&mut self) -> (Answer, Vec<u8>) {
        let mut bytes = [0; 1 << 16];
        loop {
            if let Some(message) = self.framing.next_message().unwrap() {
                return (serde_json::from_value(message.head).unwrap(), message.tail);
            }
            let read = self.channel.read(&mut bytes).unwrap();
            assert!(read > 0, "the process ended: {:?}", self.process.wait());
            self.framing.feed(&bytes[..read]);
        }
    }

    /// The checksum of the sources, or why they cannot be run.
    pub fn scenario(&mut self, scenario: &Scenario) -> Result<u32, String> {
        self.order(&Order::Scenario(scenario.clone()));
        match self.answer().0 {
            Answer::Ready { sources } => Ok(sources),
            Answer::Refused { reason } => Err(reason),
            Answer::Ran(ran) => panic!("{ran:?}"),
        }
    }

    pub fn order_runs(&mut self, plans: &[Plan], record: bool) {
        self.order(&Order::Run { plans: plans.to_vec(), record });
    }

    /// The next run, and its transcript as it came.
    pub fn ran(&mut self) -> (Ran, Vec<u8>) {
        match self.answer() {
            (Answer::Ran(ran), tail) => (*ran, tail),
            other => panic!("no run: {other:?}"),
        }
    }

    /// Runs `plans` and verifies each transcript.
    pub fn run(&mut self, plans: &[Plan], record: bool) -> Vec<(Ran, Transcript)> {
        self.order_runs(plans, record);
        let mut runs = Vec::new();
        for plan in plans {
            let (ran, tail) = self.ran();
            let transcript = Transcript::from_bytes(&tail).expect("a transcript");
            if let Err(lie) = transcript.verify(plan) {
                panic!("{plan:?}: {lie:?}\n{transcript:#?}");
            }
            runs.push((ran, transcript));
        }
        runs
    }

    pub fn run_one(&mut self, plan: &Plan) -> (Ran, Transcript) {
        self.run(std::slice::from_ref(plan), false).pop().unwrap()
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How many are open in the process.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }

    /// CPU time that the process has used, in seconds.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / 100.0
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Cargo puts it beside the programs, and tests one folder below.
fn module() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let module = test.ancestors().nth(2).unwrap().join("libscheduler.so");
    assert!(module.is_file(), "{} is missing: build the whole workspace", module.display());
    module
}

/// A driver's scenario with everything else as it is by default.
pub fn scenario(subject: Subject, driver: &str, function: &str) -> Scenario {
    let (name, source) = ("driver.py".to_owned(), driver.to_owned());
    let body = Body::Driver { name, source, function: function.to_owned(), arguments: Map::<String, Value>::new() };
    Scenario {
        subject,
        body,
        granularity: Granularity::Shared,
        sleepers_may_wake: true,
        limits: Limits::default(),
        seed: 1,
    }
}

pub fn text(text: &str) -> Subject {
    Subject::Text { name: "student.py".to_owned(), text: text.to_owned() }
}

/// A portfolio of strategies.
pub fn plan(seed: u32) -> Plan {
    match seed % 8 {
        0 | 6 => Plan::Walk { seed, synchronisation: 500, memory: 100 },
        3 => Plan::Walk { seed, synchronisation: 300, memory: 20 },
        2 | 7 => Plan::Pos { seed },
        1 => Plan::Pct { seed, depth: 2, points: 40 },
        4 => Plan::Pct { seed, depth: 1, points: 40 },
        _ => Plan::Pct { seed, depth: 3, points: 40 },
    }
}

/// By default.
pub fn calm() -> Plan {
    Plan::Follow { deviations: Vec::new() }
}
