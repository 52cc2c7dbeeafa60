//! One search for an order.

use std::collections::HashSet;
use std::io;

use serde_json::Value;

use super::memory::{Deed, Effect, Memory, State, canonical};
use super::{Model, Operation, Outcome, Part, Pending, RAISED, Refusal};

/// Operations that are done, a bit for each.
type Done = Box<[u64]>;

#[derive(Debug)]
struct Item {
    /// In the history.
    index: usize,
    deed: Deed,
    invoked: u32,
    /// `None` while it is under way.
    returned: Option<Returned>,
}

#[derive(Debug)]
struct Returned {
    at: u32,
    outcome: Outcome,
}

/// An order so far, and what has not been tried after it.
#[derive(Debug)]
struct Place {
    state: State,
    untried: Vec<(usize, State)>,
}

#[derive(Debug)]
pub struct Search {
    items: Vec<Item>,
    pending: Pending,
    /// Chosen so far.
    order: Vec<usize>,
    done: Done,
    seen: HashSet<(Done, State)>,
    /// The longest order that came about, and the state after it.
    longest: (Vec<usize>, State),
}

impl Search {
    pub fn new<M: Model>(history: &[Operation], part: &Part, pending: Pending, memory: &mut Memory<M>) -> Search {
        let item = |index: &usize| {
            let operation = &history[*index];
            let returned = part.returned(operation).zip(operation.result.as_ref().map(canonical_outcome));
            Item {
                index: *index,
                deed: memory.deed(operation),
                invoked: operation.invoked,
                returned: returned.map(|(at, outcome)| Returned { at, outcome }),
            }
        };
        let items: Vec<Item> = part.operations.iter().map(item).collect();
        Search {
            done: vec![0; items.len().div_ceil(64)].into(),
            items,
            pending,
            order: Vec::new(),
            seen: HashSet::new(),
            longest: (Vec::new(), memory.initial()),
        }
    }

    /// Whether there is an order; `None` when that would take more than `places_max`.
    pub fn run<M: Model>(&mut self, memory: &mut Memory<M>, places_max: usize) -> io::Result<Option<bool>> {
        let mut path = vec![self.place(memory.initial(), memory)?];
        loop {
            let place = path.last_mut().expect("the empty order is there until the end");
            if self.is_complete() && self.may_end_in(place.state, memory)? {
                return Ok(Some(true));
            }
            let next = loop {
                let Some((item, state)) = place.untried.pop() else { break None };
                self.mark(item, true);
                if self.seen.insert((self.done.clone(), state)) {
                    break Some((item, state));
                }
                self.mark(item, false);
            };
            match next {
                Some((item, state)) => {
                    self.order.push(item);
                    if self.order.len() > self.longest.0.len() {
                        self.longest = (self.order.clone(), state);
                    }
                    if self.seen.len() > places_max {
                        return Ok(None);
                    }
                    path.push(self.place(state, memory)?);
                }
                None => {
                    path.pop();
                    let Some(item) = self.order.pop() else { return Ok(Some(false)) };
                    self.mark(item, false);
                }
            }
        }
    }

    /// What can come next in a state.
    fn place<M: Model>(&self, state: State, memory: &mut Memory<M>) -> io::Result<Place> {
        let candidates = self.candidates();
        memory.learn(state, candidates.iter().map(|item| self.items[*item].deed))?;
        let fits = |item: usize| match memory.effect(state, self.items[item].deed) {
            Effect::Blocked => None,
            Effect::To(next, result) => {
                let returned = self.items[item].returned.as_ref();
                returned
                    .is_none_or(|returned| is_result(&returned.outcome, memory.result(result)))
                    .then_some((item, next))
            }
        };
        // Taken from the end: what returned first is tried first, what has not returned last.
        let mut untried: Vec<(usize, State)> = candidates.into_iter().filter_map(fits).collect();
        untried.sort_by_key(|(item, _)| {
            std::cmp::Reverse(self.items[*item].returned.as_ref().map_or(u32::MAX, |returned| returned.at))
        });
        Ok(Place { state, untried })
    }

    /// Operations that no operation left had returned before.
    fn candidates(&self) -> Vec<usize> {
        let left = |item: &usize| !self.is_done(*item);
        let first_return = (0..self.items.len())
            .filter(left)
            .filter_map(|item| self.items[item].returned.as_ref())
            .map(|returned| returned.at)
            .min()
            .unwrap_or(u32::MAX);
        let may_come = |item: &usize| {
            let item = &self.items[*item];
            // What is stuck has not taken effect: it would have returned.
            item.invoked < first_return && (item.returned.is_some() || self.pending == Pending::Unknown)
        };
        (0..self.items.len()).filter(left).filter(may_come).collect()
    }

    fn is_complete(&self) -> bool {
        (0..self.items.len()).all(|item| self.is_done(item) || self.items[item].returned.is_none())
    }

    /// Whether what is under way may stay so.
    fn may_end_in<M: Model>(&self, state: State, memory: &mut Memory<M>) -> io::Result<bool> {
        if self.pending == Pending::Unknown {
            return Ok(true);
        }
        let stuck = || (0..self.items.len()).filter(|item| !self.is_done(*item)).map(|item| self.items[item].deed);
        memory.learn(state, stuck())?;
        Ok(stuck().all(|deed| matches!(memory.effect(state, deed), Effect::Blocked)))
    }

    /// The longest order that came about, as indices in the history.
    pub fn longest(&self) -> Vec<usize> {
        self.longest.0.iter().map(|item| self.items[*item].index).collect()
    }

    /// Why nothing could come after the longest order.
    pub fn refusals<M: Model>(&mut self, memory: &mut Memory<M>) -> io::Result<Vec<Refusal>> {
        let (order, state) = self.longest.clone();
        self.done.fill(0);
        order.iter().for_each(|item| self.mark(*item, true));
        let returned = |item: &usize| self.items[*item].returned.is_some();
        let mut next: Vec<usize> = self.candidates().into_iter().filter(returned).collect();
        if next.is_empty() {
            // All that returned is explained: what is stuck should not be.
            next = (0..self.items.len()).filter(|item| !self.is_done(*item)).collect();
        }
        memory.learn(state, next.iter().map(|item| self.items[*item].deed))?;
        let refusal = |item: usize| {
            let expected = match memory.effect(state, self.items[item].deed) {
                Effect::Blocked => None,
                Effect::To(_, result) => Some(memory.result(result).clone()),
            };
            Refusal { operation: self.items[item].index, expected }
        };
        Ok(next.into_iter().map(refusal).collect())
    }

    fn is_done(&self, item: usize) -> bool {
        self.done[item / 64] & (1 << (item % 64)) != 0
    }

    fn mark(&mut self, item: usize, done: bool) {
        let bit = 1 << (item % 64);
        match done {
            true => self.done[item / 64] |= bit,
            false => self.done[item / 64] &= !bit,
        }
    }
}

fn canonical_outcome(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Value(value) => Outcome::Value(canonical(value.clone())),
        Outcome::Raised(raised) => Outcome::Raised(raised.clone()),
    }
}

/// Whether what came back is what the model says.
fn is_result(outcome: &Outcome, expected: &Value) -> bool {
    let class = expected.as_object().filter(|object| object.len() == 1).and_then(|object| object.get(RAISED));
    match (outcome, class) {
        (Outcome::Raised(raised), Some(class)) => {
            raised.classes.iter().any(|name| Some(name.as_str()) == class.as_str())
        }
        (Outcome::Value(value), None) => value == expected,
        (Outcome::Raised(_), None) | (Outcome::Value(_), Some(_)) => false,
    }
}
