//! The search for a schedule that fails: first all with few preemptions, then a portfolio of strategies.

use schedules::Plan;
use schedules::words::{Fact, Scenario};
use serde::{Deserialize, Serialize};

use super::bounded::{Bounded, Certificate};
use super::lab::{BATCH, Done, Lab, Trouble, Worker};
use super::portfolio::{self, Length};
use super::seeds::{Seeds, Use};

/// How much is searched of each scenario.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Budget {
    /// Of those with few preemptions.
    pub bounded: u32,
    /// By the portfolio.
    pub portfolio: u32,
    pub preemptions: u8,
    /// Points of all schedules together; beyond, no further batch is run.
    pub points: u64,
}

/// The kinds of facts by which a run fails whatever was seen else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Deadlock,
    Exception,
    Livelock,
    BusyWait,
    Unjoined,
    Starvation,
    OutOfReach,
}

impl Kind {
    pub fn of(fact: &Fact) -> Kind {
        match fact {
            Fact::Deadlock { .. } => Kind::Deadlock,
            Fact::Exception { .. } => Kind::Exception,
            Fact::Livelock { .. } => Kind::Livelock,
            Fact::BusyWait { .. } => Kind::BusyWait,
            Fact::Unjoined { .. } => Kind::Unjoined,
            Fact::Starvation { .. } => Kind::Starvation,
            Fact::OutOfReach { .. } => Kind::OutOfReach,
        }
    }
}

/// The first fact of a run by which it fails.
pub fn fatal<'a>(facts: &'a [Fact], kinds: &[Kind]) -> Option<&'a Fact> {
    facts.iter().find(|fact| kinds.contains(&Kind::of(fact)))
}

/// One scenario's search.
#[derive(Debug)]
pub struct Search<'a> {
    pub seeds: &'a Seeds,
    pub scenario: u16,
    pub budget: Budget,
    /// Schedules that run however dear they are.
    pub schedules_min: u32,
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// This run was looked for, the how-manyth of the exploration.
    Found {
        done: Box<Done>,
        found_after: u32,
    },
    Searched(Option<Certificate>),
}

/// Looks at a run, the how-manyth of the exploration; says whether it was looked for.
pub type Look<'a, W> = &'a mut dyn FnMut(&mut W, &Plan, &Done, u32) -> Result<bool, Trouble>;

impl Search<'_> {
    pub fn run<W: Worker>(&self, lab: &mut Lab<W>, scenario: Scenario, look: Look<'_, W>) -> Result<Ended, Trouble> {
        lab.open(self.scenario, scenario)?;
        let mut task = Task { lab, search: self, look, length: Length::default(), found: None, run: 0 };
        let certificate = task.bounded()?;
        task.portfolio()?;
        Ok(match task.found {
            Some((done, found_after)) => Ended::Found { done, found_after },
            None => Ended::Searched(certificate),
        })
    }
}

struct Task<'a, W> {
    lab: &'a mut Lab<W>,
    search: &'a Search<'a>,
    look: Look<'a, W>,
    length: Length,
    found: Option<(Box<Done>, u32)>,
    run: u32,
}

impl<W: Worker> Task<'_, W> {
    fn bounded(&mut self) -> Result<Option<Certificate>, Trouble> {
        let Budget { bounded: most, preemptions, .. } = self.search.budget;
        let mut bounded = Bounded::new(preemptions, self.search.seeds.get(self.search.scenario, Use::Sample, 0));
        let mut left = most as usize;
        while self.goes_on() {
            let batch = bounded.take(BATCH, left);
            if batch.is_empty() {
                break;
            }
            left -= batch.len();
            let plans: Vec<Plan> = batch.into_iter().map(|deviations| Plan::Bounded { deviations }).collect();
            self.batch(&plans, &mut |plan, done| {
                if let Plan::Bounded { deviations } = plan {
                    bounded.ran(deviations, &done.transcript.stretches);
                }
            })?;
        }
        Ok(bounded.certificate())
    }

    fn portfolio(&mut self) -> Result<(), Trouble> {
        let (seeds, scenario) = (self.search.seeds, self.search.scenario);
        let mut number = 0;
        while number < self.search.budget.portfolio && self.goes_on() {
            let end = self.search.budget.portfolio.min(number + BATCH as u32);
            let plan =
                |number| portfolio::plan(number, seeds.get(scenario, Use::Schedule, number), self.length.points());
            let plans: Vec<Plan> = (number..end).map(plan).collect();
            self.batch(&plans, &mut |_, _| {})?;
            number = end;
        }
        Ok(())
    }

    fn goes_on(&self) -> bool {
        self.found.is_none() && (self.run < self.search.schedules_min || self.lab.points < self.search.budget.points)
    }

    fn batch(&mut self, plans: &[Plan], tell: &mut dyn FnMut(&Plan, &Done)) -> Result<(), Trouble> {
        let before = self.lab.schedules;
        let Task { lab, look, length, found, run, .. } = self;
        let mut number = before;
        lab.run(plans, &mut |worker, plan, done| {
            number += 1;
            *run += 1;
            length.saw(done.ran.counts.points);
            tell(plan, &done);
            if look(worker, plan, &done, number)? {
                *found = Some((Box::new(done), number));
            }
            Ok(found.is_none())
        })?;
        Ok(())
    }
}
