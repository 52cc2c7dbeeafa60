//! Which events matter: synchronisation, and accesses to memory that two threads touch while both are there, one of them
//! changing it. What is said again and again is said once, and what is still too much loses its middle.

use std::collections::{BTreeMap, BTreeSet};

use schedules::Thread;
use schedules::words::{Act, Event};

use super::ScheduleGap;
use super::switches::Switches;

/// Events that are shown.
const EVENTS_MAX: usize = 120;
/// Of these, the first ones; the others are the last ones, for that is where it fails.
const FIRST: usize = 40;
/// Events of a loop's turn that are recognised when they come again.
const TURN_MAX: usize = 6;
/// Turns of a loop that are shown, and from how many on not all are.
const TURNS_SHOWN: usize = 2;
const TURNS_MIN: usize = 4;

/// What is shown of a run's events.
pub struct Kept {
    /// In order, by their index among all events.
    pub indexes: Vec<usize>,
    pub gaps: Vec<ScheduleGap>,
}

impl Kept {
    pub fn threads(&self, events: &[Event]) -> impl Iterator<Item = Thread> {
        self.indexes.iter().map(|index| events[*index].thread)
    }
}

pub fn events(events: &[Event], switches: &Switches) -> Kept {
    let contested = contested(events);
    // Both sides of a choice are shown, whatever they are.
    let beside_choice =
        |index: usize| switches.is_chosen(index) || index + 1 < events.len() && switches.is_chosen(index + 1);
    let matters = |index: &usize| {
        let event = &events[*index];
        !is_memory(event.act) || contested.contains(&event.object.as_deref()) || beside_choice(*index)
    };
    let indexes: Vec<usize> = (0..events.len()).filter(matters).collect();
    without_the_middle(without_turns(&indexes, events))
}

fn is_memory(act: Act) -> bool {
    match act {
        Act::Reads | Act::Writes | Act::Calls => true,
        Act::Starts
        | Act::Ends
        | Act::Dies
        | Act::Takes
        | Act::Releases
        | Act::Notifies
        | Act::Sets
        | Act::Looks
        | Act::Waits
        | Act::Wakes
        | Act::TimesOut
        | Act::Sleeps
        | Act::Joins
        | Act::Invokes
        | Act::Returns
        | Act::Notes => false,
    }
}

/// Who touched an object while another thread was there, and whether anybody changed it.
#[derive(Default)]
struct Touched<'a> {
    by: BTreeSet<Thread>,
    changed: bool,
    value: Option<&'a str>,
}

/// Objects that several threads touch and one of them changes. What a thread does alone, before it has started others or
/// after they have ended, is no contest.
fn contested(events: &[Event]) -> BTreeSet<Option<&str>> {
    let mut touched: BTreeMap<Option<&str>, Touched<'_>> = BTreeMap::new();
    let mut last: BTreeMap<Thread, usize> = BTreeMap::new();
    events.iter().enumerate().for_each(|(index, event)| _ = last.insert(event.thread, index));
    let mut seen = BTreeSet::new();
    let mut started = false;
    for (index, event) in events.iter().enumerate() {
        seen.insert(event.thread);
        started |= event.act == Act::Starts && (event.object.is_some() || event.thread != Thread::default());
        started |= seen.len() > 1;
        let others = last.iter().any(|(thread, last)| *thread != event.thread && *last > index);
        if !is_memory(event.act) || !started || !others {
            continue;
        }
        let touched = touched.entry(event.object.as_deref()).or_default();
        touched.by.insert(event.thread);
        // A function that is not Python may change what it is called on. And an attribute that is never set again tells
        // of changes all the same, where what it refers to reads otherwise than before.
        let value = event.value.as_deref();
        touched.changed |=
            event.act != Act::Reads || touched.value.is_some_and(|before| value.is_some_and(|now| now != before));
        touched.value = value.or(touched.value);
    }
    let several =
        touched.into_iter().filter(|(object, touched)| object.is_some() && touched.changed && touched.by.len() > 1);
    several.map(|(object, _)| object).collect()
}

/// Whether two events look the same to whoever reads them.
fn alike(one: &Event, other: &Event) -> bool {
    one.thread == other.thread
        && one.act == other.act
        && one.object == other.object
        && one.value == other.value
        && one.place == other.place
}

/// Loops lose their turns but for the first ones and the last.
fn without_turns(indexes: &[usize], events: &[Event]) -> Kept {
    let mut kept = Kept { indexes: Vec::new(), gaps: Vec::new() };
    let mut at = 0;
    while at < indexes.len() {
        let (turn, turns) = (1..=TURN_MAX)
            .map(|turn| (turn, turns(&indexes[at..], turn, events)))
            .find(|(_, turns)| *turns >= TURNS_MIN)
            .unwrap_or((1, 1));
        let shown = if turns >= TURNS_MIN { TURNS_SHOWN - 1 } else { turns };
        kept.indexes.extend(&indexes[at..at + shown * turn]);
        if shown < turns {
            let again = (turns - TURNS_SHOWN) as u64;
            kept.gaps.push(ScheduleGap { before: kept.indexes.len() as u32, events: again * turn as u64, again });
            kept.indexes.extend(&indexes[at + (turns - 1) * turn..at + turns * turn]);
        }
        at += turns * turn;
    }
    kept
}

/// How often the first `turn` of these come one after the other.
fn turns(indexes: &[usize], turn: usize, events: &[Event]) -> usize {
    if indexes.len() < turn {
        return 0;
    }
    let alike = |pair: (&usize, &usize)| alike(&events[*pair.0], &events[*pair.1]);
    let same = indexes.iter().zip(&indexes[turn..]).take_while(|(one, other)| alike((one, other))).count();
    1 + same / turn
}

fn without_the_middle(mut kept: Kept) -> Kept {
    let count = kept.indexes.len();
    if count <= EVENTS_MAX {
        return kept;
    }
    let missing = FIRST..FIRST + count - EVENTS_MAX;
    kept.indexes.drain(missing.clone());
    let within = |gap: &ScheduleGap| (missing.start..=missing.end).contains(&(gap.before as usize));
    let events = kept.gaps.iter().filter(|gap| within(gap)).map(|gap| gap.events).sum::<u64>() + missing.len() as u64;
    kept.gaps.retain(|gap| !within(gap));
    for gap in kept.gaps.iter_mut().filter(|gap| gap.before as usize > missing.end) {
        gap.before -= missing.len() as u32;
    }
    kept.gaps.push(ScheduleGap { before: missing.start as u32, events, again: 0 });
    kept.gaps.sort_by_key(|gap| gap.before);
    kept
}
