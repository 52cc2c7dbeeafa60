//! The search for a schedule that fails: all with few preemptions, and a portfolio of strategies.
//!
//! Most mistakes need only one preemption, and what shows them with one is easy to read, so the bounded search goes ahead.
//! Some need so many that it never comes to them, so the portfolio does not wait for its end: a batch of each in turns.

use schedules::Plan;
use schedules::words::{Fact, Scenario};
use serde::{Deserialize, Serialize};

use super::bounded::{Bounded, Certificate};
use super::lab::{BATCH, Done, Lab, Trouble, Worker};
use super::portfolio::{self, Length};
use super::seeds::{Seeds, Use};

/// Schedules by which the bounded search goes ahead.
const AHEAD: u32 = 50;

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
        let bounded = Bounded::new(self.budget.preemptions, self.seeds.get(self.scenario, Use::Sample, 0));
        let length = Length::default();
        let mut task = Task { lab, search: self, look, bounded, of_bounded: 0, of_portfolio: 0, length, found: None };
        while task.of_bounded < AHEAD && task.bounded()? {}
        while task.bounded()? | task.portfolio()? {}
        Ok(match task.found {
            Some((done, found_after)) => Ended::Found { done, found_after },
            None => Ended::Searched(task.bounded.certificate()),
        })
    }
}

struct Task<'a, W> {
    lab: &'a mut Lab<W>,
    search: &'a Search<'a>,
    look: Look<'a, W>,
    bounded: Bounded,
    /// Schedules of either that were run.
    of_bounded: u32,
    of_portfolio: u32,
    length: Length,
    found: Option<(Box<Done>, u32)>,
}

impl<W: Worker> Task<'_, W> {
    /// A batch; `false` where there is none left.
    fn bounded(&mut self) -> Result<bool, Trouble> {
        let left = self.search.budget.bounded - self.of_bounded;
        let batch = if self.goes_on() { self.bounded.take(BATCH, left as usize) } else { vec![] };
        let plans: Vec<Plan> = batch.into_iter().map(|deviations| Plan::Bounded { deviations }).collect();
        self.of_bounded += plans.len() as u32;
        self.batch(&plans)?;
        Ok(!plans.is_empty())
    }

    fn portfolio(&mut self) -> Result<bool, Trouble> {
        let Search { seeds, scenario, budget, .. } = *self.search;
        let from = self.of_portfolio;
        let end = if self.goes_on() { budget.portfolio.min(from + BATCH as u32) } else { from };
        let plan = |number| portfolio::plan(number, seeds.get(scenario, Use::Schedule, number), self.length.points());
        let plans: Vec<Plan> = (from..end).map(plan).collect();
        self.of_portfolio = end;
        self.batch(&plans)?;
        Ok(!plans.is_empty())
    }

    fn goes_on(&self) -> bool {
        let run = self.of_bounded + self.of_portfolio;
        self.found.is_none() && (run < self.search.schedules_min || self.lab.points < self.search.budget.points)
    }

    fn batch(&mut self, plans: &[Plan]) -> Result<(), Trouble> {
        let mut number = self.lab.schedules;
        let Task { lab, look, bounded, length, found, .. } = self;
        lab.run(plans, &mut |worker, plan, done| {
            number += 1;
            length.saw(done.ran.counts.points);
            if let Plan::Bounded { deviations } = plan {
                bounded.ran(deviations, &done.transcript.stretches);
            }
            if look(worker, plan, &done, number)? {
                *found = Some((Box::new(done), number));
            }
            Ok(found.is_none())
        })?;
        Ok(())
    }
}
