//! From a run to its evidence.

use std::collections::BTreeMap;

use schedules::words::{Act, Deadlock, Event, Fact, Place, Ran, Wait};
use schedules::{Thread, Transcript};

use super::select::{self, Kept};
use super::source;
use super::switches::{Switch, Switches};
use super::words;
use super::{
    ScheduleAct, ScheduleEvent, ScheduleEvidence, ScheduleFinding, SchedulePlace, ScheduleSwitch, ScheduleWait,
};
use crate::explore::Reach;
use crate::report::Evidence;

/// Names of objects, files, functions, calls and threads.
pub(super) const NAME_CHARS_MAX: usize = 80;
const VALUE_CHARS_MAX: usize = 120;
/// Rows of the wait-for table.
const WAITS_MAX: usize = 32;
/// Locks that one row names.
const HOLDS_MAX: usize = 8;
/// Threads that one row names.
const HELD_BY_MAX: usize = 8;

/// What a case failed for.
#[derive(Clone, Copy, Debug)]
pub enum Finding<'a> {
    /// The run itself shows it. One of the run's facts, or one like them.
    Fact(&'a Fact),
    /// The suite's check of what was observed.
    Observation,
    /// The suite's model of the operations.
    History,
}

/// A schedule that fails, and everything that is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub finding: Finding<'a>,
    /// The run of the schedule as it is to be shown, recorded.
    pub ran: &'a Ran,
    /// Of that run, verified.
    pub transcript: &'a Transcript,
    /// The submission's sources by path, as [`Place::file`] names them.
    pub sources: &'a BTreeMap<String, String>,
    /// As [`schedules::token::Token::to_text`] gives it.
    pub token: Option<&'a str>,
    /// How many schedules were run, and which of them showed this first, from 1.
    pub schedules: u64,
    pub found_after: u64,
    /// Whether the like was seen with `Granularity::Interpreter`. `None`: not tried.
    pub reach: Option<Reach>,
}

impl Found<'_> {
    pub fn evidence(&self) -> Evidence {
        let switches = Switches::of(&self.ran.events, self.transcript);
        let kept = select::events(&self.ran.events, &switches);
        let (waits, cycle) = self.waiting();
        let mut lanes = Lanes::of(&self.ran.threads, kept.threads(&self.ran.events), waits, cycle);
        let events = self.events(&kept, &switches, &lanes);
        let waits: Vec<ScheduleWait> = waits.iter().map(|wait| lanes.wait(wait)).collect();
        let preemptions = switches.preemptions();
        let schedule = ScheduleEvidence {
            title: words::title(self.kind()).to_owned(),
            finding: self.kind(),
            facts: words::facts(&self.finding, self.ran),
            source: source::lines(&events, &waits, self.sources),
            events,
            left_out: kept.gaps,
            waits,
            cycle: cycle.iter().map(|thread| lanes.index(*thread)).collect(),
            threads: std::mem::take(&mut lanes.names),
            schedules: self.schedules,
            found_after: self.found_after,
            preemptions,
            choices: switches.choices(),
            token: self.token.map(str::to_owned),
            interpreter: self.reach.map(|reach| reach == Reach::Seen),
            reach: words::reach(self.reach, preemptions),
        };
        Evidence::Schedule(Box::new(schedule))
    }

    fn kind(&self) -> ScheduleFinding {
        match self.finding {
            Finding::Observation => ScheduleFinding::Observation,
            Finding::History => ScheduleFinding::History,
            Finding::Fact(fact) => match fact {
                Fact::Deadlock { class: Deadlock::Cycle, .. } => ScheduleFinding::Deadlock,
                Fact::Deadlock { class: Deadlock::LostWakeUp, .. } => ScheduleFinding::LostWakeUp,
                Fact::Deadlock { class: Deadlock::Stuck, .. } => ScheduleFinding::Stuck,
                Fact::Exception { .. } => ScheduleFinding::Exception,
                Fact::Livelock { .. } => ScheduleFinding::Livelock,
                Fact::BusyWait { .. } => ScheduleFinding::BusyWait,
                Fact::Unjoined { .. } => ScheduleFinding::Unjoined,
                Fact::Starvation { .. } => ScheduleFinding::Starvation,
                Fact::OutOfReach { .. } => ScheduleFinding::OutOfReach,
            },
        }
    }

    /// The wait-for table and its ring. A history may be wrong because the run got stuck, so any deadlock is shown.
    fn waiting(&self) -> (&[Wait], &[Thread]) {
        let of_finding = match self.finding {
            Finding::Fact(fact) => table(fact),
            Finding::Observation | Finding::History => None,
        };
        of_finding.or_else(|| self.ran.facts.iter().find_map(table)).unwrap_or_default()
    }

    fn events(&self, kept: &Kept, switches: &Switches, lanes: &Lanes) -> Vec<ScheduleEvent> {
        let mut before = None;
        let shown = |&index: &usize| {
            let event = &self.ran.events[index];
            let switch = before.and_then(|before| switches.between(before, index, &self.ran.events));
            before = Some(index);
            lanes.event(event, switch)
        };
        kept.indexes.iter().map(shown).collect()
    }
}

/// Rows and ring, if the fact has any.
fn table(fact: &Fact) -> Option<(&[Wait], &[Thread])> {
    match fact {
        Fact::Deadlock { waits, cycle, .. } => {
            let cycle = if cycle.len() <= WAITS_MAX { &cycle[..] } else { &[] };
            Some((&waits[..waits.len().min(WAITS_MAX)], cycle))
        }
        Fact::Exception { .. }
        | Fact::Livelock { .. }
        | Fact::BusyWait { .. }
        | Fact::Unjoined { .. }
        | Fact::Starvation { .. }
        | Fact::OutOfReach { .. } => None,
    }
}

/// The threads that occur, by number.
struct Lanes {
    threads: Vec<Thread>,
    names: Vec<String>,
}

impl Lanes {
    fn of(names: &[String], acting: impl Iterator<Item = Thread>, waits: &[Wait], cycle: &[Thread]) -> Lanes {
        let waiting = waits
            .iter()
            .flat_map(|wait| std::iter::once(wait.thread).chain(wait.held_by.iter().copied().take(HELD_BY_MAX)));
        let mut threads: Vec<Thread> = acting.chain(waiting).chain(cycle.iter().copied()).collect();
        threads.sort_unstable();
        threads.dedup();
        let names = threads.iter().map(|thread| words::name(names, *thread)).collect();
        Lanes { threads, names }
    }

    fn index(&self, thread: Thread) -> u32 {
        self.threads.binary_search(&thread).expect("each thread that occurs has a lane") as u32
    }

    fn event(&self, event: &Event, switch: Option<Switch>) -> ScheduleEvent {
        ScheduleEvent {
            thread: self.index(event.thread),
            step: event.step,
            act: act(event.act),
            object: event.object.as_deref().map(|object| words::cut(object, NAME_CHARS_MAX)),
            value: event.value.as_deref().map(|value| words::cut(value, VALUE_CHARS_MAX)),
            place: event.place.as_ref().map(place),
            switch: switch.map(|switch| ScheduleSwitch {
                from: self.index(switch.from),
                why: switch.why,
                choice: switch.choice,
            }),
        }
    }

    fn wait(&self, wait: &Wait) -> ScheduleWait {
        ScheduleWait {
            thread: self.index(wait.thread),
            call: words::cut(&wait.call, NAME_CHARS_MAX),
            object: wait.object.as_deref().map(|object| words::cut(object, NAME_CHARS_MAX)),
            held_by: wait.held_by.iter().take(HELD_BY_MAX).map(|thread| self.index(*thread)).collect(),
            holds: wait.holds.iter().take(HOLDS_MAX).map(|lock| words::cut(lock, NAME_CHARS_MAX)).collect(),
            place: wait.place.as_ref().map(place),
            missed: wait.missed.as_ref().map(place),
        }
    }
}

fn place(place: &Place) -> SchedulePlace {
    SchedulePlace {
        file: words::cut(&place.file, NAME_CHARS_MAX),
        line: place.line,
        function: words::cut(&place.function, NAME_CHARS_MAX),
    }
}

fn act(act: Act) -> ScheduleAct {
    match act {
        Act::Starts => ScheduleAct::Starts,
        Act::Ends => ScheduleAct::Ends,
        Act::Dies => ScheduleAct::Dies,
        Act::Reads => ScheduleAct::Reads,
        Act::Writes => ScheduleAct::Writes,
        Act::Calls => ScheduleAct::Calls,
        Act::Takes => ScheduleAct::Takes,
        Act::Releases => ScheduleAct::Releases,
        Act::Notifies => ScheduleAct::Notifies,
        Act::Sets => ScheduleAct::Sets,
        Act::Looks => ScheduleAct::Looks,
        Act::Waits => ScheduleAct::Waits,
        Act::Wakes => ScheduleAct::Wakes,
        Act::TimesOut => ScheduleAct::TimesOut,
        Act::Sleeps => ScheduleAct::Sleeps,
        Act::Joins => ScheduleAct::Joins,
        Act::Invokes => ScheduleAct::Invokes,
        Act::Returns => ScheduleAct::Returns,
        Act::Notes => ScheduleAct::Notes,
    }
}
