//! Whether some order explains a history: linearizability (Herlihy and Wing, 1990).
//!
//! A history says when each operation was begun and when it returned, and what. It is linearizable when its operations
//! can be put into one order that keeps "returned before the other began" and in which a sequential *model* gives every
//! result. The search is Wing and Gong's (1993) with Lowe's memory (2017): which operations are done and in which state
//! the model is decides all that follows, so no such pair is tried twice.
//!
//! The model is a pure function over JSON values, written by the author of a suite; it is asked in batches, each question
//! once. A model may say that an operation is *blocked* in a state: then it cannot be the next in any order.
//!
//! What is learned from a history that fails is made small: the shortest beginning of it that no order explains, without
//! the operations that only look and can be left out.

mod memory;
mod search;

use std::io;

use serde::Serialize;
use serde_json::Value;

pub use self::memory::Memory;
use self::search::Search;
pub use schedules::words::{Operation, Outcome};

/// Longest history.
pub const OPERATIONS_MAX: usize = 2000;
/// Pairs of done operations and state that are looked at before a search gives up.
const PLACES_MAX: usize = 3_000_000;
/// Mark of a result that is an exception, with the name of a class that it is or is below of.
pub const RAISED: &str = "$raised";

/// A sequential specification.
pub trait Model {
    /// What comes of each operation in its state; as many answers as questions.
    fn step(&mut self, questions: &[Question<'_>]) -> io::Result<Vec<Stepped>>;
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Question<'a> {
    pub state: &'a Value,
    pub operation: &'a str,
    pub arguments: &'a [Value],
}

#[derive(Clone, Debug, PartialEq)]
pub enum Stepped {
    Blocked,
    To { state: Value, result: Value },
}

/// What is true of operations that have not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// They never will, for the run is stuck: legal where the model is blocked too.
    Stuck,
    /// Nobody knows whether they took effect.
    Unknown,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    Linearizable,
    /// No order explains it.
    Unexplained(Unexplained),
    /// The search was given up.
    Undecided,
}

/// The smallest part found that no order explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexplained {
    /// Indices of its operations in the history, in the order in which they were begun.
    pub operations: Vec<usize>,
    /// Those of it that did not count as returned yet.
    pub unfinished: Vec<usize>,
    /// The longest order that does explain its operations one after the other.
    pub order: Vec<usize>,
    /// What the model says of each operation that could have come next.
    pub refusals: Vec<Refusal>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub operation: usize,
    /// What the model would have given; `None` where it is blocked.
    pub expected: Option<Value>,
}

/// Looks for an order that explains `history`.
pub fn check<M: Model>(history: &[Operation], pending: Pending, memory: &mut Memory<M>) -> io::Result<Finding> {
    if history.len() > OPERATIONS_MAX {
        return Err(io::Error::other(format!(
            "a history has at most {OPERATIONS_MAX} operations, not {}",
            history.len()
        )));
    }
    let whole = Part::whole(history);
    match find(history, &whole, pending, memory)? {
        Found::Order => Ok(Finding::Linearizable),
        Found::GaveUp => Ok(Finding::Undecided),
        Found::None(search) => Ok(Finding::Unexplained(smallest(history, whole, search, pending, memory)?)),
    }
}

/// Operations of a history, some of which count as not yet returned.
#[derive(Clone, Debug)]
struct Part {
    operations: Vec<usize>,
    /// Returns after this position have not happened yet.
    until: u32,
}

impl Part {
    fn whole(history: &[Operation]) -> Part {
        let mut operations: Vec<usize> = (0..history.len()).collect();
        operations.sort_by_key(|index| history[*index].invoked);
        Part { operations, until: u32::MAX }
    }

    /// What had happened when the operation that returned at `until` did.
    fn up_to(&self, history: &[Operation], until: u32) -> Part {
        let begun = |index: &&usize| history[**index].invoked < until;
        Part { operations: self.operations.iter().filter(begun).copied().collect(), until }
    }

    fn without(&self, index: usize) -> Part {
        let operations = self.operations.iter().filter(|other| **other != index).copied().collect();
        Part { operations, until: self.until }
    }

    fn returned(&self, operation: &Operation) -> Option<u32> {
        operation.returned.filter(|at| *at <= self.until)
    }
}

enum Found {
    Order,
    None(Search),
    GaveUp,
}

fn find<M: Model>(history: &[Operation], part: &Part, pending: Pending, memory: &mut Memory<M>) -> io::Result<Found> {
    let mut search = Search::new(history, part, pending, memory);
    Ok(match search.run(memory, PLACES_MAX)? {
        Some(true) => Found::Order,
        Some(false) => Found::None(search),
        None => Found::GaveUp,
    })
}

/// Cuts what comes after the first moment that no order explains, then leaves out what only looked.
fn smallest<M: Model>(
    history: &[Operation],
    whole: Part,
    search: Search,
    pending: Pending,
    memory: &mut Memory<M>,
) -> io::Result<Unexplained> {
    let (mut part, mut search) = first_failure(history, whole, search, memory)?;
    let pending = if part.until == u32::MAX { pending } else { Pending::Unknown };
    for index in part.operations.clone() {
        let deed = memory.deed(&history[index]);
        if memory.only_looks(deed) {
            let smaller = part.without(index);
            if let Found::None(still) = find(history, &smaller, pending, memory)? {
                (part, search) = (smaller, still);
            }
        }
    }
    let unfinished = |index: &&usize| part.returned(&history[**index]).is_none();
    Ok(Unexplained {
        unfinished: part.operations.iter().filter(unfinished).copied().collect(),
        order: search.longest(),
        refusals: search.refusals(memory)?,
        operations: part.operations,
    })
}

/// A history stays unexplained as it grows, so the first failing beginning is found by halves.
fn first_failure<M: Model>(
    history: &[Operation],
    whole: Part,
    search: Search,
    memory: &mut Memory<M>,
) -> io::Result<(Part, Search)> {
    let mut returns: Vec<u32> = history.iter().filter_map(|operation| operation.returned).collect();
    returns.sort_unstable();
    let (mut from, mut to) = (0, returns.len());
    let mut found = (whole, search);
    while from < to {
        let middle = usize::midpoint(from, to);
        let part = found.0.up_to(history, returns[middle]);
        match find(history, &part, Pending::Unknown, memory)? {
            Found::None(search) => (found, to) = ((part, search), middle),
            Found::Order | Found::GaveUp => from = middle + 1,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
