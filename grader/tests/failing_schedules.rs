//! What a report chooses to show of a schedule: events that are made up here, each for one rule, and runs that nobody would
//! show. What it makes of real runs is in `schedules/evidence.rs`.

use std::collections::BTreeMap;

use grader::report::Evidence;
use grader::report::schedule::{Finding, Found, ScheduleEvidence, ScheduleGap, ScheduleWhy};
use schedules::words::{Act, Deadlock, Event, Fact, Place, Ran, Wait};
use schedules::{Candidate, Entry, Thread, Transcript, Why};

fn inside(evidence: Evidence) -> ScheduleEvidence {
    let Evidence::Schedule(schedule) = evidence else { panic!("another kind of evidence") };
    *schedule
}

/// Evidence of events alone.
fn shown(events: Vec<Event>, entries: Vec<Entry>) -> ScheduleEvidence {
    let ran = Ran { events, threads: vec!["main".to_owned(), "a".to_owned(), "b".to_owned()], ..Ran::default() };
    of(&ran, Finding::Observation, entries)
}

fn of(ran: &Ran, finding: Finding<'_>, entries: Vec<Entry>) -> ScheduleEvidence {
    let transcript = Transcript { entries, stretches: vec![] };
    let sources = BTreeMap::from([("m.py".to_owned(), "x = 1\n".repeat(2000))]);
    let found = Found {
        finding,
        ran,
        transcript: &transcript,
        sources: &sources,
        token: None,
        schedules: 2,
        found_after: 1,
        reach: None,
    };
    inside(found.evidence())
}

fn event(thread: u16, step: u32, act: Act, object: &str) -> Event {
    let place = Some(Place { file: "m.py".to_owned(), line: step, function: "f".to_owned() });
    Event { thread: Thread(thread), step, act, object: Some(object.to_owned()), value: None, place }
}

fn chosen(why: Why, me: u16, step: u32, enabled: &[u16], next: u16) -> Entry {
    let enabled = enabled.iter().map(|thread| Candidate { thread: Thread(*thread), sleeps_until: None }).collect();
    Entry::Chosen { why, me: Thread(me), step, total: step, left: 0, enabled, next: Thread(next) }
}

fn objects(schedule: &ScheduleEvidence) -> Vec<&str> {
    schedule.events.iter().filter_map(|event| event.object.as_deref()).collect()
}

#[test]
fn memory_that_nobody_else_changes_is_left_out() {
    let schedule = shown(
        vec![
            event(0, 1, Act::Writes, "before anybody started"),
            event(0, 2, Act::Starts, "a"),
            event(1, 1, Act::Reads, "before anybody started"),
            event(1, 2, Act::Writes, "mine"),
            event(1, 3, Act::Reads, "only read"),
            event(2, 1, Act::Reads, "only read"),
            event(1, 4, Act::Writes, "shared"),
            event(2, 2, Act::Reads, "shared"),
            event(1, 5, Act::Takes, "Lock#1"),
            event(2, 3, Act::Ends, "b"),
            event(1, 6, Act::Ends, "a"),
            event(0, 3, Act::Reads, "mine"),
        ],
        vec![],
    );
    assert_eq!(objects(&schedule), ["a", "shared", "shared", "Lock#1", "b", "a"]);
}

#[test]
fn both_sides_of_a_choice_are_shown_whatever_they_are() {
    let schedule = shown(
        vec![
            event(1, 1, Act::Reads, "here"),
            event(1, 2, Act::Reads, "interrupted after this"),
            event(2, 1, Act::Reads, "and then this"),
            event(2, 2, Act::Reads, "there"),
        ],
        vec![chosen(Why::Point, 1, 3, &[1, 2], 2)],
    );
    assert_eq!(objects(&schedule), ["interrupted after this", "and then this"]);
}

#[test]
fn a_switch_is_found_although_threads_without_events_ran_in_between() {
    let schedule = shown(
        vec![
            event(1, 1, Act::Takes, "Lock#1"),
            event(2, 1, Act::Takes, "Lock#2"),
            event(1, 7, Act::Takes, "Lock#3"),
            event(2, 2, Act::Takes, "Lock#4"),
        ],
        vec![
            chosen(Why::Block, 0, 4, &[1, 2], 1),
            chosen(Why::Point, 1, 2, &[1, 2, 3], 3),
            chosen(Why::Block, 3, 9, &[1, 2], 2),
            chosen(Why::Point, 1, 8, &[1, 2], 2),
        ],
    );
    let told: Vec<_> = schedule.events.iter().map(|event| event.switch.map(|it| (it.why, it.choice))).collect();
    let forced = Some((ScheduleWhy::Blocked, None));
    let preempted = |choice| Some((ScheduleWhy::Preempted, Some(choice)));
    assert_eq!(told, [None, preempted(2), forced, preempted(3)]);
}

#[test]
fn turns_of_a_loop_are_told_by_their_number() {
    let turn = |_| [event(1, 1, Act::Takes, "Lock#1"), event(1, 2, Act::Looks, "Event#1")];
    let mut events: Vec<Event> = (0..9).flat_map(turn).collect();
    events.push(event(1, 3, Act::Takes, "Lock#1"));
    let schedule = shown(events, vec![]);
    assert_eq!(objects(&schedule), ["Lock#1", "Event#1", "Lock#1", "Event#1", "Lock#1"]);
    assert_eq!(schedule.left_out, [ScheduleGap { before: 2, events: 14, again: 7 }]);
}

#[test]
fn a_long_run_loses_its_middle() {
    let events: Vec<Event> = (0..1000).map(|at| event(1, at, Act::Takes, "Lock#1")).collect();
    let schedule = shown(events, vec![]);
    assert_eq!((schedule.events[39].step, schedule.events[40].step), (39, 920));
    assert_eq!(schedule.left_out, [ScheduleGap { before: 40, events: 880, again: 0 }]);
}

/// The process that says what ran lies beside student code.
#[test]
fn whatever_is_said_of_a_run_its_evidence_stays_small() {
    let long = "é".repeat(5_000);
    let place = Some(Place { file: long.clone(), line: u32::MAX, function: long.clone() });
    let wait = Wait {
        thread: Thread(7),
        call: long.clone(),
        object: Some(long.clone()),
        held_by: (0..u16::MAX).map(Thread).collect(),
        holds: vec![long.clone(); 20],
        place: place.clone(),
        missed: place.clone(),
    };
    let fact =
        Fact::Deadlock { class: Deadlock::Cycle, waits: vec![wait; 100], cycle: (0..u16::MAX).map(Thread).collect() };
    let events = (0..10_000u32).map(|at| Event {
        thread: Thread((at % 60_000) as u16),
        step: at,
        act: Act::Notes,
        object: Some(long.clone()),
        value: Some(long.clone()),
        place: place.clone(),
    });
    let ran = Ran {
        facts: vec![fact.clone()],
        threads: vec![long.clone(); 3],
        events: events.take(500).collect(),
        ..Ran::default()
    };
    let schedule = of(&ran, Finding::Fact(&fact), vec![chosen(Why::Point, 9, 9, &[], 5)]);
    assert!(serde_json::to_vec(&schedule).unwrap().len() < 300_000);
    assert!(schedule.cycle.is_empty(), "a ring of more threads than the table has rows");
    let known = |thread: &u32| (*thread as usize) < schedule.threads.len();
    assert!(schedule.waits.iter().all(|wait| wait.held_by.iter().all(known)));
}
