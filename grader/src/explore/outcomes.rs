//! What was seen, each once: of schedules that showed the same, the simplest is kept.

use std::collections::HashMap;

use schedules::Deviation;
use schedules::words::{Fact, Operation, Ran};
use serde::Serialize;
use serde_json::Value;

use super::lab::Done;

/// Characters of all outcomes together that are kept; more is the module's fault, for tiny scenarios see little.
pub const CHARS_MAX: usize = 16 << 20;

/// Something that was seen, and a schedule that shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub scenario: u16,
    pub deviations: Vec<Deviation>,
    /// The how-manyth schedule of the exploration showed it first, from 1.
    pub found_after: u32,
    pub seen: Seen,
}

/// What is judged of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// What the driver returned, in a list; an empty one where it did not return.
    pub value: Vec<Value>,
    /// Names of threads, and what they noted.
    pub notes: Vec<(String, Value)>,
    pub history: Vec<Operation>,
    pub facts: Vec<Fact>,
    /// By number.
    pub threads: Vec<String>,
}

impl Seen {
    pub fn of(ran: &Ran) -> Seen {
        let name = |thread: usize| ran.threads.get(thread).cloned().unwrap_or_default();
        Seen {
            value: ran.outcome.iter().cloned().collect(),
            notes: ran.notes.iter().map(|(thread, value)| (name(usize::from(thread.0)), value.clone())).collect(),
            history: ran.history.clone(),
            facts: ran.facts.clone(),
            threads: ran.threads.clone(),
        }
    }
}

/// All outcomes of an exploration.
#[derive(Debug, Default)]
pub struct Outcomes {
    list: Vec<Outcome>,
    /// Where in the list it is, by scenario and text.
    places: HashMap<(u16, String), usize>,
    chars: usize,
}

impl Outcomes {
    /// Takes one in; `false` when there is no room for it.
    pub fn saw(&mut self, scenario: u16, done: &Done, found_after: u32) -> bool {
        let seen = Seen::of(&done.ran);
        let text = serde_json::to_string(&seen).expect("what came as JSON is JSON");
        let deviations = done.transcript.schedule().deviations;
        let size = text.len();
        match self.places.entry((scenario, text)) {
            std::collections::hash_map::Entry::Occupied(place) => {
                let known = &mut self.list[*place.get()];
                if deviations.len() < known.deviations.len() {
                    known.deviations = deviations;
                }
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                self.chars += size;
                if self.chars > CHARS_MAX {
                    return false;
                }
                place.insert(self.list.len());
                self.list.push(Outcome { scenario, deviations, found_after, seen });
            }
        }
        true
    }

    pub fn get(&self, index: usize) -> Option<&Outcome> {
        self.list.get(index)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Outcome> {
        self.list.iter()
    }
}
