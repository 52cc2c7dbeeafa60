//! Our own side: a worker as a submission's sandbox would run it, and this process as its explorer.

use std::fs;
use std::path::Path;

use grader::explore::portfolio::{self, Length};
use rustix::time::{ClockId, clock_gettime};
use schedules::Plan;
use schedules::words::{Ran, Subject};
use serde_json::Value;

use crate::worker::{Worker, calm, scenario};
use crate::{Done, Order, driver};

/// Plans that a worker knows of at a time; while something is searched one, so that its price is known.
const BATCH: u32 = 25;

/// What the driver of a program returns when nothing goes wrong.
pub fn right(folder: &Path) -> Value {
    let (ran, _) = open(folder, "right.py").run_one(&calm());
    assert!(ran.facts.is_empty(), "{ran:?}");
    ran.outcome.expect("an outcome")
}

/// Explores with the default portfolio; every transcript is verified, as an explorer does.
pub fn run(order: &Order) -> Done {
    let mut worker = open(order.folder, order.subject);
    let (mut done, mut length) = (Done::default(), Length::default());
    let before = cpu_s(&worker);
    let is_wrong = |ran: &Ran| !ran.facts.is_empty() || ran.outcome.as_ref().is_some_and(|seen| seen != order.right);
    while done.cpu_s < order.cpu_s && !(order.until_wrong && done.wrong.is_some()) {
        let points = length.points();
        let numbers = done.runs..done.runs + if order.until_wrong { 1 } else { BATCH };
        let plans: Vec<Plan> = numbers.map(|number| portfolio::plan(number, order.seed + number, points)).collect();
        let runs = worker.run(&plans, false);
        for (ran, _) in &runs {
            done.runs += 1;
            length.saw(ran.counts.points);
            if done.wrong.is_none() && is_wrong(ran) {
                done.wrong = Some((format!("{:?}", ran.facts), done.runs));
            }
        }
        done.cpu_s = cpu_s(&worker) - before;
        if runs.iter().any(|(ran, _)| ran.spent) {
            break;
        }
    }
    done
}

fn open(folder: &Path, subject: &str) -> Worker {
    let driver = fs::read_to_string(driver(folder)).expect("a driver");
    let mut worker = Worker::start(folder);
    worker.scenario(&scenario(Subject::File(subject.to_owned()), &driver, "run")).expect("a program that runs");
    worker
}

/// Of the worker and of this process.
fn cpu_s(worker: &Worker) -> f64 {
    let mine = clock_gettime(ClockId::ProcessCPUTime);
    mine.tv_sec as f64 + mine.tv_nsec as f64 / 1e9 + theirs_s(worker)
}

/// Of the worker alone, all its threads; finer than the clock ticks of `stat`.
pub fn theirs_s(worker: &Worker) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", worker.id())).expect("a process");
    let spent_ns = |task: fs::DirEntry| {
        let told = fs::read_to_string(task.path().join("schedstat")).ok()?;
        told.split(' ').next()?.parse::<f64>().ok()
    };
    tasks.filter_map(|task| spent_ns(task.ok()?)).sum::<f64>() / 1e9
}
