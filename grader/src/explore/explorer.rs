//! One exploration: all of its scenarios, and what is shown of them.

use std::collections::BTreeMap;

use schedules::token::Token;
use schedules::words::{Fact, Ran, Scenario};
use schedules::{Deviation, Plan};
use serde::Deserialize;

use super::bounded::Certificate;
use super::lab::{Done, Lab, Trouble, Worker};
use super::outcomes::{CHARS_MAX, Outcome, Outcomes, Seen};
use super::reach::{self, Reach};
use super::samples::{Sample, Samples};
use super::search::{Budget, Ended, Kind, Search, fatal};
use super::seeds::{Seeds, Use};
use super::shrink::shrink;
use crate::report::Evidence;
use crate::report::schedule::{self, Finding};

/// Schedules of each scenario that run however dear they are.
const SCHEDULES_MIN: u32 = 50;

/// What is to be explored.
#[derive(Clone, Debug, Deserialize)]
pub struct Task {
    /// The case's.
    pub seed: String,
    /// Which exploration of the case, from 0.
    pub exploration: u16,
    /// Their seeds are set here.
    pub scenarios: Vec<Scenario>,
    pub budget: Budget,
    /// The facts by which a run fails.
    pub fatal: Vec<Kind>,
    /// Threads that every run must have had.
    pub threads_min: u32,
}

impl Task {
    /// The scenario of that number, its seed set.
    pub fn scenario(&self, seeds: &Seeds, number: u16) -> Result<Scenario, Trouble> {
        let why = || format!("the schedule to repeat is of scenario {number}, which there is not here");
        let scenario = self.scenarios.get(usize::from(number)).ok_or_else(|| Trouble::Unknown(why()))?;
        Ok(Scenario { seed: seeds.get(number, Use::Random, 0), ..scenario.clone() })
    }
}

/// A schedule that was carried out in a fresh process, recorded.
#[derive(Debug)]
pub struct Shown {
    pub done: Done,
    /// What it fails by, unless that is for others to say.
    pub fact: Option<Fact>,
    pub token: Option<String>,
    pub schedules: u32,
    pub found_after: u32,
    /// Whether this very interpreter was seen to fail so; `None` where that was not tried.
    pub reach: Option<Reach>,
}

/// What an exploration came to.
#[derive(Debug)]
pub enum Found {
    /// A run fails by a fact.
    Failed(Box<Shown>),
    /// None does. The bound that was done for each scenario.
    Explored(Vec<Option<Certificate>>),
}

/// Whether a run fails.
pub type Fails<'a, W> = &'a mut dyn FnMut(&mut W, &Ran) -> Result<bool, Trouble>;

#[derive(Debug)]
pub struct Explorer<W> {
    task: Task,
    seeds: Seeds,
    lab: Lab<W>,
    outcomes: Outcomes,
    samples: Samples,
}

impl<W: Worker> Explorer<W> {
    pub fn new(task: Task, worker: W) -> Explorer<W> {
        let seeds = Seeds::new(task.seed.clone(), task.exploration);
        let lab = Lab::new(worker, seeds.clone(), task.threads_min);
        Explorer { task, seeds, lab, outcomes: Outcomes::default(), samples: Samples::default() }
    }

    pub fn worker(&mut self) -> &mut W {
        self.lab.worker()
    }

    pub fn schedules(&self) -> u32 {
        self.lab.schedules
    }

    /// Names the schedule that was being carried out when there was trouble.
    pub fn token_of_trouble(&self) -> Option<String> {
        self.lab.token_of_trouble()
    }

    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter()
    }

    /// Of those that did not fail, once all were run.
    pub fn samples(&self) -> Vec<&Sample> {
        self.samples.list()
    }

    pub fn outcome(&self, index: usize) -> Option<&Outcome> {
        self.outcomes.get(index)
    }

    /// Searches every scenario, until a run fails by a fact.
    pub fn explore(&mut self) -> Result<Found, Trouble> {
        let mut certificates = Vec::new();
        for number in 0..self.task.scenarios.len() {
            let number = number as u16;
            let scenario = self.scenario(number)?;
            let Explorer { task, seeds, lab, outcomes, samples } = self;
            let search = Search { seeds, scenario: number, budget: task.budget, schedules_min: SCHEDULES_MIN };
            let look = &mut |_: &mut W, plan: &Plan, done: &Done, number_of_run| {
                if fatal(&done.ran.facts, &task.fatal).is_some() {
                    return Ok(true);
                }
                if !outcomes.saw(number, done, number_of_run) {
                    return Err(too_much());
                }
                samples.saw(seeds, number, number_of_run, plan, done);
                Ok(false)
            };
            match search.run(lab, scenario, look)? {
                Ended::Searched(certificate) => certificates.push(certificate),
                Ended::Found { done, found_after } => {
                    let kind = fatal(&done.ran.facts, &self.task.fatal).map(Kind::of);
                    let kinds: Vec<Kind> = kind.into_iter().collect();
                    let deviations = done.transcript.schedule().deviations;
                    let mut fails = |_: &mut W, ran: &Ran| Ok(fatal(&ran.facts, &kinds).is_some());
                    let shown = self.demonstrate(number, deviations, found_after, &mut fails)?;
                    let fact = fatal(&shown.done.ran.facts, &kinds).cloned();
                    return Ok(Found::Failed(Box::new(Shown { fact, ..shown })));
                }
            }
        }
        Ok(Found::Explored(certificates))
    }

    /// Shows a schedule for an outcome that `fails`.
    pub fn show(&mut self, index: usize, fails: Fails<'_, W>) -> Result<Shown, Trouble> {
        let outcome = self.outcomes.get(index).ok_or_else(|| std::io::Error::other("there is no such outcome"))?;
        let (scenario, deviations, found_after) = (outcome.scenario, outcome.deviations.clone(), outcome.found_after);
        self.demonstrate(scenario, deviations, found_after, fails)
    }

    /// Runs the one schedule that a token names.
    pub fn replay(&mut self, token: &str) -> Result<Shown, Trouble> {
        let token = Token::parse(token).map_err(Trouble::Unknown)?;
        let scenario = self.scenario(token.scenario)?;
        self.lab.open(token.scenario, scenario)?;
        if self.lab.sources() != token.sources {
            let why = "the schedule to repeat is one of other files: its steps mean other places in these";
            return Err(Trouble::Unknown(why.to_owned()));
        }
        let done = self.lab.record(&token.plan)?;
        let fact = fatal(&done.ran.facts, &self.task.fatal).cloned();
        let schedule = Plan::Follow { deviations: done.transcript.schedule().deviations };
        Ok(Shown { fact, token: self.lab.token(schedule), schedules: 1, found_after: 1, reach: None, done })
    }

    fn scenario(&self, number: u16) -> Result<Scenario, Trouble> {
        self.task.scenario(&self.seeds, number)
    }

    /// Has the schedule fail again in a fresh process, makes it small, and records that in another one. Then it is tried
    /// whether this very interpreter fails so.
    fn demonstrate(
        &mut self,
        scenario: u16,
        deviations: Vec<Deviation>,
        found_after: u32,
        fails: Fails<'_, W>,
    ) -> Result<Shown, Trouble> {
        let schedules = self.lab.schedules;
        let opened = self.scenario(scenario)?;
        self.lab.open_afresh(scenario, opened)?;
        let done = self.lab.follow(&deviations)?;
        if !fails(self.lab.worker(), &done.ran)? {
            return Err(not_again());
        }
        let lab = &mut self.lab;
        let small = shrink(deviations.clone(), &mut |fewer| {
            let done = lab.follow(fewer)?;
            Ok::<_, Trouble>(fails(lab.worker(), &done.ran)?.then(|| done.transcript.schedule().deviations))
        })?;
        for deviations in [small, deviations] {
            let plan = Plan::Follow { deviations };
            self.lab.fresh()?;
            let done = self.lab.record(&plan)?;
            if fails(self.lab.worker(), &done.ran)? {
                let token = self.lab.token(plan);
                let reach = self.reach(scenario, &done, fails)?;
                return Ok(Shown { done, fact: None, token, schedules, found_after, reach });
            }
        }
        Err(not_again())
    }

    fn reach(&mut self, scenario: u16, done: &Done, fails: Fails<'_, W>) -> Result<Option<Reach>, Trouble> {
        let opened = self.scenario(scenario)?;
        reach::of(&mut self.lab, &self.seeds, scenario, opened, &done.transcript, fails)
    }
}

fn too_much() -> Trouble {
    let why = "what the schedules showed is too much to be compared";
    Trouble::Failed(format!("{why}: more than {CHARS_MAX} characters"))
}

fn not_again() -> Trouble {
    Trouble::Void("a schedule failed, and did not fail again when it was repeated in a fresh process".to_owned())
}

impl Shown {
    /// For a report: what it fails by, or without a fact what is said `otherwise`. `sources` are the submission's, by path.
    pub fn evidence(&self, otherwise: Finding<'_>, sources: &BTreeMap<String, String>) -> Evidence {
        let found = schedule::Found {
            finding: self.fact.as_ref().map_or(otherwise, Finding::Fact),
            ran: &self.done.ran,
            transcript: &self.done.transcript,
            sources,
            token: self.token.as_deref(),
            schedules: u64::from(self.schedules),
            found_after: u64::from(self.found_after),
            reach: self.reach,
        };
        found.evidence()
    }

    pub fn seen(&self) -> Seen {
        Seen::of(&self.done.ran)
    }
}
