//! Where schedules are run and believed: batches of plans go to a worker, and what comes back is checked before anybody
//! looks at it.

use schedules::token::Token;
use schedules::words::{Ran, Scenario};
use schedules::{Deviation, Plan, Transcript};

use super::canary::Canary;
use super::seeds::{Seeds, Use};
use super::trust;

/// Plans that a worker knows of at a time.
pub const BATCH: usize = 25;
/// Batches between two canaries, at most.
const CANARY_BATCHES: u32 = 8;
/// Workers that one exploration may use up: each is left by a thread that cannot be ended.
const WORKERS_MAX: u32 = 24;

/// The process beside the student's code, as far as it is obeyed.
pub trait Worker {
    /// Another process in place of the one that there is.
    fn fresh(&mut self) -> Result<(), Trouble>;
    /// What is run from here on; returns the sum of its sources.
    fn open(&mut self, scenario: &Scenario) -> Result<u32, Trouble>;
    /// Orders these.
    fn order(&mut self, plans: &[Plan], record: bool) -> Result<(), Trouble>;
    /// What the next one of them came to, and its transcript as it was sent.
    fn next(&mut self) -> Result<(Ran, Vec<u8>), Trouble>;
}

/// Why an exploration does not go on.
#[derive(Debug)]
pub enum Trouble {
    /// The student's module cannot be run, in words.
    Refused(String),
    /// The schedule to repeat is none of this exploration's, in words.
    Unknown(String),
    /// The worker has ended in the middle of what it was to do.
    Ended,
    /// The worker's word cannot be believed, in words.
    Void(String),
    /// The student's fault, in words.
    Failed(String),
    /// Ours.
    Io(std::io::Error),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Trouble {
        Trouble::Io(error)
    }
}

/// A schedule that was carried out, and believed.
#[derive(Clone, Debug)]
pub struct Done {
    pub ran: Ran,
    pub transcript: Transcript,
}

/// Runs schedules of one scenario at a time.
#[derive(Debug)]
pub struct Lab<W> {
    worker: W,
    seeds: Seeds,
    /// Managed threads that every run must have had, the main one included.
    threads_min: u32,
    number: u16,
    scenario: Option<Scenario>,
    sources: u32,
    workers: u32,
    /// Batches until the next canary.
    canary_in: u32,
    canaries: u32,
    /// Which plan is being carried out.
    at: Option<Plan>,
    pub schedules: u32,
    pub points: u64,
}

impl<W: Worker> Worker for &mut W {
    fn fresh(&mut self) -> Result<(), Trouble> {
        W::fresh(self)
    }

    fn open(&mut self, scenario: &Scenario) -> Result<u32, Trouble> {
        W::open(self, scenario)
    }

    fn order(&mut self, plans: &[Plan], record: bool) -> Result<(), Trouble> {
        W::order(self, plans, record)
    }

    fn next(&mut self) -> Result<(Ran, Vec<u8>), Trouble> {
        W::next(self)
    }
}

impl<W: Worker> Lab<W> {
    pub fn new(worker: W, seeds: Seeds, threads_min: u32) -> Lab<W> {
        let canary_in = seeds.get(0, Use::Canary, 0) % CANARY_BATCHES;
        Lab {
            worker,
            seeds,
            threads_min,
            number: 0,
            scenario: None,
            sources: 0,
            workers: 0,
            canary_in,
            canaries: 0,
            at: None,
            schedules: 0,
            points: 0,
        }
    }

    /// Begins with the worker that is there, which has been another lab's.
    pub fn goes_on(&mut self) {
        self.workers = 1;
    }

    /// From here on the schedules are of this scenario.
    pub fn open(&mut self, number: u16, scenario: Scenario) -> Result<(), Trouble> {
        self.number = number;
        self.scenario = Some(scenario);
        if self.workers == 0 { self.fresh() } else { self.reopen() }
    }

    /// The same, and in another process.
    pub fn open_afresh(&mut self, number: u16, scenario: Scenario) -> Result<(), Trouble> {
        self.number = number;
        self.scenario = Some(scenario);
        self.fresh()
    }

    /// Goes on in another process.
    pub fn fresh(&mut self) -> Result<(), Trouble> {
        if self.workers == WORKERS_MAX {
            let why = "too many schedules ended with a thread that cannot be ended, because it catches everything";
            return Err(Trouble::Failed(why.to_owned()));
        }
        self.workers += 1;
        self.worker.fresh()?;
        self.reopen()
    }

    fn reopen(&mut self) -> Result<(), Trouble> {
        let scenario = self.scenario.as_ref().expect("a scenario was opened");
        self.sources = self.worker.open(scenario)?;
        Ok(())
    }

    pub fn worker(&mut self) -> &mut W {
        &mut self.worker
    }

    /// Of what the scenario runs.
    pub fn sources(&self) -> u32 {
        self.sources
    }

    /// Names a schedule of this scenario, if that is short enough to be named.
    pub fn token(&self, plan: Plan) -> Option<String> {
        let exploration = self.seeds.exploration();
        Token { exploration, scenario: self.number, sources: self.sources, plan }.to_text()
    }

    /// Names the schedule that was being carried out when there was trouble.
    pub fn token_of_trouble(&self) -> Option<String> {
        self.at.clone().and_then(|plan| self.token(plan))
    }

    /// Runs the plans in turn and shows each to `see`, until that says `false`; then a fresh worker is needed.
    pub fn run(
        &mut self,
        plans: &[Plan],
        see: &mut dyn FnMut(&mut W, &Plan, Done) -> Result<bool, Trouble>,
    ) -> Result<bool, Trouble> {
        let mut left = plans;
        while !left.is_empty() {
            let (batch, _) = left.split_at(left.len().min(BATCH));
            self.release_canary()?;
            self.worker.order(batch, false)?;
            for plan in batch {
                let done = self.next(plan)?;
                left = &left[1..];
                self.schedules += 1;
                self.points += u64::from(done.ran.counts.points);
                let spent = done.ran.spent;
                if !see(&mut self.worker, plan, done)? {
                    // What else was ordered is not wanted any more, so neither is the worker.
                    self.at = None;
                    return Ok(false);
                }
                if spent {
                    self.fresh()?;
                    break;
                }
            }
            self.at = None;
        }
        Ok(true)
    }

    /// Runs one, all of it told.
    pub fn record(&mut self, plan: &Plan) -> Result<Done, Trouble> {
        self.single(plan, true)
    }

    /// Runs the default but for these.
    pub fn follow(&mut self, deviations: &[Deviation]) -> Result<Done, Trouble> {
        self.single(&Plan::Follow { deviations: deviations.to_vec() }, false)
    }

    fn single(&mut self, plan: &Plan, record: bool) -> Result<Done, Trouble> {
        self.worker.order(std::slice::from_ref(plan), record)?;
        let done = self.next(plan)?;
        self.at = None;
        if done.ran.spent {
            self.fresh()?;
        }
        Ok(done)
    }

    fn next(&mut self, plan: &Plan) -> Result<Done, Trouble> {
        self.at = Some(plan.clone());
        let (ran, bytes) = self.worker.next()?;
        let transcript = trust::believe(plan, &ran, &bytes).map_err(Trouble::Void)?;
        let (threads, wanted) = (ran.counts.threads, self.threads_min);
        if ran.outcome.is_some() && threads < wanted {
            let ours = "the one that all begins with included";
            return Err(Trouble::Failed(format!("only {threads} threads ran where at least {wanted} must, {ours}")));
        }
        Ok(Done { ran, transcript })
    }

    /// Every so often a program of ours is run like the student's.
    fn release_canary(&mut self) -> Result<(), Trouble> {
        if self.canary_in > 0 {
            self.canary_in -= 1;
            return Ok(());
        }
        self.canaries += 1;
        let seed = |number: u32| self.seeds.get(self.number, Use::Canary, self.canaries * 4 + number);
        self.canary_in = 1 + seed(0) % CANARY_BATCHES;
        let canary = Canary::new([seed(1), seed(2)], seed(3));
        self.worker.open(&canary.scenario)?;
        let plans = canary.plans();
        self.worker.order(&plans, false)?;
        for plan in &plans {
            let (ran, bytes) = self.worker.next()?;
            let transcript = trust::believe(plan, &ran, &bytes).map_err(Trouble::Void)?;
            canary.judge(&ran, &transcript).map_err(Trouble::Void)?;
        }
        self.reopen()
    }
}
