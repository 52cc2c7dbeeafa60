//! A run is told by its deviations: whatever the strategy, following them does the same again, and a bounded search over
//! what each run offers comes to its end.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;

use schedules::words::{Ran, Subject};
use schedules::{Deviation, Plan, Transcript, Why};

use crate::worker::{Worker, plan, scenario};

const ZOO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zoo");

fn start(name: &str, file: &str) -> Worker {
    let folder = Path::new(ZOO).join(name);
    let driver = std::fs::read_to_string(folder.join("driver.py")).unwrap();
    let mut worker = Worker::start(&folder);
    worker.scenario(&scenario(Subject::File(file.to_owned()), &driver, "run")).unwrap();
    worker
}

/// All that a run says but for how much work it was.
fn essence(ran: &Ran) -> String {
    format!("{:?} {:?} {:?} {:?} {:?}", ran.facts, ran.outcome, ran.threads, ran.counts.points, ran.counts.nanoseconds)
}

#[test]
fn every_run_can_be_followed() {
    for entry in std::fs::read_dir(ZOO).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        for file in ["bug.py", "right.py"] {
            let mut worker = start(&name, file);
            let mut other = start(&name, file);
            for seed in 1..=40 {
                let (ran, transcript) = worker.run_one(&plan(seed));
                let schedule = transcript.schedule();
                let (again, followed) = other.run_one(&Plan::Follow { deviations: schedule.deviations.clone() });
                assert_eq!(essence(&again), essence(&ran), "{name}/{file}, seed {seed}: {schedule:?}");
                assert_eq!(followed.schedule(), schedule, "{name}/{file}, seed {seed}");
            }
        }
    }
}

/// All schedules with at most `preemptions`, breadth first; how many there are, and whether `wrong` was seen.
pub fn search(worker: &mut Worker, preemptions: usize, most: usize, wrong: impl Fn(&Ran) -> bool) -> (usize, bool) {
    let mut open: VecDeque<(usize, Vec<Deviation>)> = VecDeque::from([(0, Vec::new())]);
    let mut seen = BTreeSet::new();
    let mut runs = 0;
    while let Some((used, deviations)) = open.pop_front() {
        let (ran, transcript): (Ran, Transcript) = worker.run_one(&Plan::Bounded { deviations: deviations.clone() });
        runs += 1;
        assert!(runs <= most, "more than {most} schedules");
        let told: Vec<_> = transcript.entries.iter().map(|entry| format!("{entry:?}")).collect();
        assert!(seen.insert(told), "the same run twice: {deviations:?}");
        if wrong(&ran) {
            return (runs, true);
        }
        for stretch in &transcript.stretches {
            let used = used + usize::from(stretch.why == Why::Point);
            for step in (stretch.from..=stretch.to).filter(|_| used <= preemptions) {
                for next in &stretch.others {
                    let further = Deviation { thread: stretch.thread, step, next: *next };
                    open.push_back((used, [deviations.as_slice(), &[further]].concat()));
                }
            }
        }
    }
    (runs, false)
}

#[test]
fn a_bounded_search_ends_and_finds_what_one_preemption_shows() {
    let unhappy = |ran: &Ran| !ran.facts.is_empty() || ran.outcome.is_none();
    for (name, most) in [("abba", 200), ("lost_notify", 200), ("queue_empty", 500), ("readers_writer", 2_000)] {
        let wrong = |ran: &Ran| {
            unhappy(ran)
                || ran.outcome.as_ref().is_some_and(|met| name == "readers_writer" && met != &serde_json::json!([]))
        };
        let (runs, found) = search(&mut start(name, "bug.py"), 1, most, wrong);
        assert!(found, "{name}: not among {runs}");
        eprintln!("{name}: found as number {runs}");
    }
    for name in ["abba", "bank", "counter"] {
        let (runs, found) = search(&mut start(name, "right.py"), 1, 2_000, unhappy);
        assert!(!found, "{name}");
        eprintln!("{name}: all {runs} schedules with at most one preemption");
    }
}
