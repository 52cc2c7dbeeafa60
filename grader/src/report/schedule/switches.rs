//! How one thread came to run after another: the transcript's choices, put between the events.
//!
//! A transcript knows why threads changed and not what they did; events are the other way round, and not every stretch of
//! a thread has one. Both are in order of time, so they are read side by side.

use schedules::words::{Act, Event};
use schedules::{Entry, Thread, Transcript, Why, by_default};

use super::ScheduleWhy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    pub from: Thread,
    pub why: ScheduleWhy,
    pub choice: Option<u32>,
}

/// A hand-over in the transcript. One that was no choice, because nobody else could go on, is not in it.
struct Change {
    me: Thread,
    step: u32,
    next: Thread,
    why: ScheduleWhy,
    choice: Option<u32>,
}

pub struct Switches {
    /// For each event how its thread came to run, where it is another than before.
    before: Vec<Option<Switch>>,
    preemptions: u32,
    choices: u32,
}

impl Switches {
    pub fn of(events: &[Event], transcript: &Transcript) -> Switches {
        let (changes, choices) = changes(transcript);
        let mut rest = &changes[..];
        let mut before = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let last = index.checked_sub(1).map(|last| &events[last]).filter(|last| last.thread != event.thread);
            before.push(last.map(|last| {
                let back = events[index..].iter().find(|later| later.thread == last.thread);
                let passed = passed(rest, last, back.map(|back| back.step), event.thread);
                rest = &rest[passed.end..];
                passed.switch
            }));
        }
        let preemptions = changes.iter().filter(|change| change.why == ScheduleWhy::Preempted).count();
        Switches { before, preemptions: preemptions as u32, choices }
    }

    pub fn preemptions(&self) -> u32 {
        self.preemptions
    }

    pub fn choices(&self) -> u32 {
        self.choices
    }

    /// Whether the schedule's own choice made the event's thread run.
    pub fn is_chosen(&self, index: usize) -> bool {
        self.before[index].is_some_and(|switch| switch.choice.is_some() || switch.why == ScheduleWhy::Preempted)
    }

    /// How the thread of the event at `to` came to run after that of the event at `from`, whatever lies between.
    pub fn between(&self, from: usize, to: usize, events: &[Event]) -> Option<Switch> {
        if events[from].thread == events[to].thread {
            return None;
        }
        let mut passed = self.before[from + 1..=to].iter().flatten();
        let first = passed.next()?;
        let choice = passed.fold(first.choice, |choice, switch| switch.choice.or(choice));
        Some(Switch { from: events[from].thread, why: first.why, choice })
    }
}

/// All hand-overs, and how many of them are choices of the schedule.
fn changes(transcript: &Transcript) -> (Vec<Change>, u32) {
    let mut changes = Vec::new();
    let mut choices = 0;
    for entry in &transcript.entries {
        let Entry::Chosen { why, me, step, enabled, next, .. } = entry else { continue };
        if enabled.is_empty() || next == me {
            continue;
        }
        let (why, usual) = match why {
            Why::Point => (ScheduleWhy::Preempted, *me),
            Why::Block => (ScheduleWhy::Blocked, by_default(enabled)),
            Why::Yield => (ScheduleWhy::GaveWay, by_default(enabled)),
        };
        let choice = (*next != usual).then(|| {
            choices += 1;
            choices
        });
        changes.push(Change { me: *me, step: *step, next: *next, why, choice });
    }
    (changes, choices)
}

struct Passed {
    switch: Switch,
    /// How many changes lie behind it.
    end: usize,
}

/// How `next` came to run after the event `last`, whose thread has its own next event at step `back`.
fn passed(changes: &[Change], last: &Event, back: Option<u32>, next: Thread) -> Passed {
    let leaves = |change: &&Change| {
        change.me == last.thread && change.step >= last.step && back.is_none_or(|back| change.step <= back)
    };
    let straight = changes.iter().position(|change| leaves(&change) && change.next == next);
    let Some(start) = straight.or_else(|| changes.iter().position(|change| leaves(&change))) else {
        let why = if last.act == Act::Sleeps { ScheduleWhy::GaveWay } else { ScheduleWhy::Blocked };
        return Passed { switch: Switch { from: last.thread, why, choice: None }, end: 0 };
    };
    // Threads may have run in between without an event.
    let mut end = start + 1;
    while changes[end - 1].next != next && changes.get(end).is_some_and(|change| change.me == changes[end - 1].next) {
        end += 1;
    }
    let choice = changes[start..end].iter().rev().find_map(|change| change.choice);
    Passed { switch: Switch { from: last.thread, why: changes[start].why, choice }, end }
}
