//! How far a failure reaches: whether it can happen on this very interpreter.
//!
//! Schedules interrupt threads wherever the language allows it. CPython 3.11 with its lock switches them at fewer places,
//! so that much of what is wrong does not show there. Once a failure has been demonstrated, one like it is looked for with
//! threads that are interrupted only at those places. What is found can happen here; what is not found may all the same,
//! so it is said in how many schedules it was looked for.

use std::collections::HashMap;

use schedules::words::{Granularity, Ran, Scenario};
use schedules::{Entry, Transcript, Why};

use super::explorer::Fails;
use super::lab::{Lab, Trouble, Worker};
use super::outcomes::Seen;
use super::search::{Budget, Ended, Search};
use super::seeds::Seeds;

/// How much is searched: most failures that can happen here at all take one or two preemptions.
const BUDGET: Budget = Budget { bounded: 75, portfolio: 75, preemptions: 2, points: 200_000 };

/// Whether a failure of the same kind was seen where threads are switched only as CPython 3.11 with its lock does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Seen,
    NotSeen { schedules: u32 },
}

/// Of a failure that `failed` shows. `None` where the search could not be done: then nothing is known, and what was
/// demonstrated stands.
pub fn of<W: Worker>(
    lab: &mut Lab<W>,
    seeds: &Seeds,
    number: u16,
    scenario: Scenario,
    failed: &Transcript,
    fails: Fails<'_, W>,
) -> Result<Option<Reach>, Trouble> {
    if scenario.granularity == Granularity::Interpreter || preemptions(failed) == 0 {
        return Ok(Some(Reach::Seen));
    }
    let scenario = Scenario { granularity: Granularity::Interpreter, ..scenario };
    let before = lab.schedules;
    let budget = Budget { points: lab.points + BUDGET.points, ..BUDGET };
    let search = Search { seeds, scenario: number, budget, schedules_min: 0 };
    let mut known = HashMap::new();
    let mut look = |worker: &mut W, ran: &Ran| {
        // Few differ, and whether one fails may be the suite's to say.
        let text = serde_json::to_string(&Seen::of(ran)).expect("what came as JSON is JSON");
        match known.get(&text) {
            Some(fails) => Ok(*fails),
            None => {
                let new = fails(worker, ran)?;
                known.insert(text, new);
                Ok(new)
            }
        }
    };
    match search.run(lab, scenario, &mut |worker, _, done, _| look(worker, &done.ran)) {
        Ok(Ended::Found { .. }) => Ok(Some(Reach::Seen)),
        Ok(Ended::Searched(_)) => Ok(Some(Reach::NotSeen { schedules: lab.schedules - before })),
        Err(Trouble::Refused(_) | Trouble::Unknown(_) | Trouble::Ended | Trouble::Failed(_)) => Ok(None),
        Err(trouble @ (Trouble::Void(_) | Trouble::Io(_))) => Err(trouble),
    }
}

/// How often a thread is interrupted. Where none is, they only take turns where they wait, which they do everywhere.
fn preemptions(transcript: &Transcript) -> usize {
    let interrupts = |entry: &&Entry| matches!(entry, Entry::Chosen { why: Why::Point, me, next, .. } if me != next);
    transcript.entries.iter().filter(interrupts).count()
}
