//! Explorations as the product runs them, over workers of a folder and outside of any sandbox.

use std::path::PathBuf;

use grader::explore::{Budget, Explorer, Found, Kind, Seen, Shown, Task, Trouble};
use schedules::Plan;
use schedules::words::{Ran, Scenario, Subject};
use serde_json::Value;

use crate::worker::{Worker, scenario};

/// As the library has it for a driver's scene.
pub const BUDGET: Budget = Budget { bounded: 300, portfolio: 300, preemptions: 1, points: 4_000_000 };

/// Starts workers in a folder.
pub struct Bench {
    pub folder: PathBuf,
    worker: Option<Worker>,
}

impl Bench {
    pub fn new(folder: PathBuf) -> Bench {
        Bench { folder, worker: None }
    }

    /// An exploration of `file` by the folder's `driver.py`.
    pub fn task(&self, file: &str, seed: u32, budget: Budget) -> Task {
        let driver = std::fs::read_to_string(self.folder.join("driver.py")).unwrap();
        let fatal =
            vec![Kind::Deadlock, Kind::Exception, Kind::Livelock, Kind::BusyWait, Kind::OutOfReach, Kind::Unjoined];
        Task {
            seed: format!("{seed:064x}"),
            exploration: 0,
            scenarios: vec![scenario(Subject::File(file.to_owned()), &driver, "run")],
            budget,
            fatal,
            threads_min: 1,
        }
    }

    pub fn explorer(self, task: Task) -> Explorer<Bench> {
        Explorer::new(task, self)
    }

    /// The mistake of a program, demonstrated: by a fact, or by an outcome that is not the `right` one.
    pub fn mistake(self, file: &str, seed: u32, right: &Value, budget: Budget) -> Shown {
        let told = format!("{}, seed {seed}", self.folder.display());
        let task = self.task(file, seed, budget);
        let mut explorer = self.explorer(task);
        if let Found::Failed(shown) = explorer.explore().unwrap_or_else(|trouble| panic!("{told}: {trouble:?}")) {
            return *shown;
        }
        let is_wrong = |value: &[Value]| value.first().is_some_and(|value| value != right);
        let wrong = explorer.outcomes().position(|outcome| is_wrong(&outcome.seen.value));
        let wrong = wrong.unwrap_or_else(|| panic!("{told}: not found"));
        let found_after = explorer.outcome(wrong).unwrap().found_after;
        let shown = explorer.show(wrong, &mut |_, ran: &Ran| Ok(is_wrong(&Seen::of(ran).value)));
        Shown { found_after, ..shown.unwrap_or_else(|trouble| panic!("{told}: {trouble:?}")) }
    }

    fn worker(&mut self) -> &mut Worker {
        self.worker.as_mut().expect("a fresh one was asked for")
    }
}

impl grader::explore::Worker for Bench {
    fn fresh(&mut self) -> Result<(), Trouble> {
        self.worker = Some(Worker::start(&self.folder));
        Ok(())
    }

    fn open(&mut self, scenario: &Scenario) -> Result<u32, Trouble> {
        self.worker().scenario(scenario).map_err(Trouble::Refused)
    }

    fn order(&mut self, plans: &[Plan], record: bool) -> Result<(), Trouble> {
        self.worker().order_runs(plans, record);
        Ok(())
    }

    fn next(&mut self) -> Result<(Ran, Vec<u8>), Trouble> {
        Ok(self.worker().ran())
    }
}
