//! What a report shows of a schedule that fails, from the exploration that finds it.
//!
//! A folder here holds a program with a mistake, a driver, and in `evidence.json` what is made of the schedule that shows the
//! mistake; the tests of the command line and of the web begin with that. `PRACTICUM_GOLDEN=write` writes it anew.

use std::collections::BTreeMap;
use std::path::Path;

use grader::report::Evidence;
use grader::report::schedule::{Finding, ScheduleEvidence, ScheduleFinding, ScheduleWhy};
use serde_json::{Value, json};

use crate::bench::{BUDGET, Bench};

#[track_caller]
fn check(name: &str, file: &str, right: &Value) -> ScheduleEvidence {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedules").join(name);
    let shown = Bench::new(folder.clone()).mistake(file, 1, right, BUDGET);
    let sources = BTreeMap::from([(file.to_owned(), std::fs::read_to_string(folder.join(file)).unwrap())]);
    let evidence = shown.evidence(Finding::Observation, &sources);
    agree(&folder.join("evidence.json"), &format!("{}\n", serde_json::to_string_pretty(&evidence).unwrap()));
    let Evidence::Schedule(schedule) = evidence else { panic!("another kind of evidence") };
    *schedule
}

#[track_caller]
fn agree(golden: &Path, said: &str) {
    if std::env::var("PRACTICUM_GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::write(golden, said).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    assert!(said == expected, "{} says otherwise:\n{expected}\nnow it reads:\n{said}", golden.display());
}

#[test]
fn a_lost_update_shows_who_was_interrupted() {
    let schedule = check("lost_update", "counter.py", &json!(4));
    let switch = schedule.events.iter().find_map(|event| event.switch.filter(|switch| switch.choice.is_some()));
    let switch = switch.unwrap();
    assert_eq!((switch.why, schedule.threads[switch.from as usize].as_str()), (ScheduleWhy::Preempted, "Thread-1"));
    assert_eq!((schedule.preemptions, schedule.choices), (1, 1));
}

#[test]
fn crossed_locks_show_their_ring() {
    let schedule = check("crossed_locks", "bank.py", &json!(20));
    assert_eq!(schedule.cycle, [1, 2]);
    assert_eq!(schedule.finding, ScheduleFinding::Deadlock);
}

#[test]
fn a_missed_notification_shows_where_it_was_given() {
    let schedule = check("missed_notification", "latch.py", &json!("open"));
    assert_eq!(schedule.waits[1].missed.as_ref().map(|place| place.line), Some(10));
    assert_eq!((schedule.preemptions, schedule.choices), (0, 1));
}

#[test]
fn a_loop_that_looks_is_told_once() {
    let schedule = check("busy_wait", "mailbox.py", &json!("hello"));
    assert!(schedule.left_out.iter().any(|gap| gap.again > 90 && gap.events == gap.again), "{:?}", schedule.left_out);
}

#[test]
fn a_thread_that_dies_says_of_what() {
    let schedule = check("dying_thread", "box.py", &json!([]));
    assert_eq!(schedule.facts, ["IndexError (pop from empty list) ended consumer-1, at line 18 of box.py."]);
}
