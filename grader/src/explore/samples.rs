//! Samples: a few of the schedules that showed nothing wrong are run again in a fresh process, where they must show the
//! same.
//!
//! What fails is believed when it has failed twice; this is the like for what does not. A program that behaves only in the
//! process in which it was explored, or that does not do the same each time, is not one of which anything can be said.
//! What the kernel or another process had a say in may differ, and is no sample.

use schedules::Plan;
use schedules::words::Scenario;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::explorer::Task;
use super::lab::{Done, Lab, Trouble, Worker};
use super::outcomes::Seen;
use super::seeds::{Seeds, Use};

/// One of so many is a sample, and at least one of each exploration.
const ONE_OF: u32 = 50;

/// A schedule, and what it showed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    scenario: u16,
    plan: Plan,
    /// [`Seen`] as it was.
    seen: Value,
}

/// The samples of an exploration, chosen while it goes on.
#[derive(Debug, Default)]
pub struct Samples {
    chosen: Vec<Sample>,
    /// The one that was drawn lowest of all.
    lowest: Option<(u32, Sample)>,
}

impl Samples {
    /// `number` is that of the schedule in the exploration.
    pub fn saw(&mut self, seeds: &Seeds, scenario: u16, number: u32, plan: &Plan, done: &Done) {
        let drawn = seeds.get(scenario, Use::Repeat, number);
        let lowest = self.lowest.as_ref().is_none_or(|(lowest, _)| drawn < *lowest);
        let chosen = drawn < u32::MAX / ONE_OF;
        if done.ran.uncontrolled || !lowest && !chosen {
            return;
        }
        let seen = serde_json::to_value(Seen::of(&done.ran)).expect("what came as JSON is JSON");
        let sample = Sample { scenario, plan: plan.clone(), seen };
        if chosen {
            self.chosen.push(sample);
        } else {
            self.lowest = Some((drawn, sample));
        }
    }

    pub fn list(&self) -> Vec<&Sample> {
        match &self.lowest {
            Some((_, lowest)) if self.chosen.is_empty() => vec![lowest],
            _ => self.chosen.iter().collect(),
        }
    }
}

/// What was explored, and its samples.
#[derive(Debug, Deserialize)]
pub struct Explored {
    pub task: Task,
    pub samples: Vec<Sample>,
}

/// Runs all samples of a case again, in one fresh process.
pub fn repeat<W: Worker>(worker: &mut W, explored: &[Explored]) -> Result<(), Trouble> {
    let mut begun = false;
    for Explored { task, samples } in explored {
        let seeds = Seeds::new(task.seed.clone(), task.exploration);
        let mut lab = Lab::new(&mut *worker, seeds.clone(), task.threads_min);
        if begun {
            lab.goes_on();
        }
        for of_one in samples.chunk_by(|one, next| one.scenario == next.scenario) {
            let number = of_one[0].scenario;
            let scenario = task.scenario(&seeds, number)?;
            begun = true;
            again(&mut lab, number, scenario, of_one)?;
        }
    }
    Ok(())
}

fn again<W: Worker>(lab: &mut Lab<W>, number: u16, scenario: Scenario, samples: &[Sample]) -> Result<(), Trouble> {
    lab.open(number, scenario)?;
    let plans: Vec<Plan> = samples.iter().map(|sample| sample.plan.clone()).collect();
    let mut before = samples.iter();
    lab.run(&plans, &mut |_, _, done| {
        let sample = before.next().expect("one for each plan");
        let seen = serde_json::to_value(Seen::of(&done.ran)).expect("what came as JSON is JSON");
        if seen != sample.seen && !done.ran.uncontrolled {
            let why =
                "a schedule that showed nothing wrong showed something else when it was repeated in a fresh process";
            return Err(Trouble::Void(why.to_owned()));
        }
        Ok(true)
    })?;
    Ok(())
}
