//! Fourteen mistakes, each beside a program without it (`zoo/`): the mistake is found, replayed and found again, and the
//! other program is left in peace.

use std::path::PathBuf;

use schedules::Plan;
use schedules::words::{Deadlock, Fact, Granularity, Ran, Scenario, Subject};
use serde_json::{Value, json};

use crate::worker::{Worker, plan, scenario};

/// Schedules in which a right program must do nothing wrong.
const PEACEFUL: u32 = 200;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/zoo").join(name)
}

/// Finds the mistake within `within` schedules of a portfolio; `told` says whether a run shows it by its facts.
fn check(name: &str, right: &Value, within: u32, told: fn(&Fact) -> bool) {
    let driver = std::fs::read_to_string(folder(name).join("driver.py")).unwrap();
    let mut worker = Worker::start(&folder(name));
    let is_wrong = |ran: &Ran| ran.facts.iter().any(told) || ran.outcome.as_ref().is_some_and(|seen| seen != right);

    worker.scenario(&scenario(Subject::File("bug.py".to_owned()), &driver, "run")).unwrap();
    let found = (1..=within).find_map(|seed| {
        let (ran, transcript) = worker.run_one(&plan(seed));
        is_wrong(&ran).then_some((seed, ran, transcript))
    });
    let (seed, ran, transcript) = found.unwrap_or_else(|| panic!("{name}: not found"));
    let follow = Plan::Follow { deviations: transcript.schedule().deviations };
    let (again, _) = Worker::start_with(&folder(name), &driver).run_one(&follow);
    assert_eq!((&again.facts, &again.outcome), (&ran.facts, &ran.outcome), "{name}: replay of {follow:?}");

    worker.scenario(&scenario(Subject::File("right.py".to_owned()), &driver, "run")).unwrap();
    let plans: Vec<Plan> = (1..=PEACEFUL).map(plan).collect();
    let before = worker.cpu_s();
    for batch in plans.chunks(25) {
        for ((ran, _), plan) in worker.run(batch, false).into_iter().zip(batch) {
            assert_eq!((ran.facts.as_slice(), ran.outcome.as_ref()), ([].as_slice(), Some(right)), "{name}: {plan:?}");
        }
    }
    let each_us = (worker.cpu_s() - before) * 1e6 / f64::from(PEACEFUL);
    eprintln!("{name}: found with seed {seed}; {each_us:.0} µs of CPU for one schedule of the right program");
}

impl Worker {
    fn start_with(folder: &std::path::Path, driver: &str) -> Worker {
        let mut worker = Worker::start(folder);
        worker.scenario(&scenario(Subject::File("bug.py".to_owned()), driver, "run")).unwrap();
        worker
    }
}

fn is_deadlock(fact: &Fact, wanted: Deadlock) -> bool {
    matches!(fact, Fact::Deadlock { class, .. } if *class == wanted)
}

#[test]
fn an_increment_that_is_not_one_step_is_found() {
    check("counter", &json!(10), 200, |_| false);
}

#[test]
fn a_check_before_the_lock_is_found() {
    check("bank", &json!(true), 200, |_| false);
}

#[test]
fn two_locks_in_two_orders_are_found() {
    check("abba", &json!([5, 5]), 200, |fact| is_deadlock(fact, Deadlock::Cycle));
}

#[test]
fn philosophers_who_all_take_the_same_side_first_are_found() {
    check("philosophers", &json!([2, 2, 2, 2, 2]), 400, |fact| is_deadlock(fact, Deadlock::Cycle));
}

#[test]
fn an_if_around_a_wait_is_found() {
    check("if_wait", &json!(["a", "b"]), 2_000, |fact| matches!(fact, Fact::Exception { .. }));
}

#[test]
fn a_notification_without_state_is_found() {
    check("lost_notify", &json!(2), 200, |fact| is_deadlock(fact, Deadlock::LostWakeUp));
}

#[test]
fn a_notification_that_wakes_the_wrong_one_is_found() {
    check("bounded_buffer", &json!(["a", "b", "c", "d"]), 400, |fact| is_deadlock(fact, Deadlock::LostWakeUp));
}

#[test]
fn a_double_check_that_checks_once_is_found() {
    check("double_checked", &json!([1, 1]), 200, |_| false);
}

#[test]
fn a_queue_that_was_not_empty_a_moment_ago_is_found() {
    check("queue_empty", &json!([0, 1, 2]), 200, |fact| is_deadlock(fact, Deadlock::Stuck));
}

#[test]
fn a_sleep_in_place_of_a_join_is_found() {
    check("sleep_sync", &json!([49]), 200, |fact| matches!(fact, Fact::Unjoined { .. }));
}

#[test]
fn a_busy_wait_is_found() {
    check("busy_wait", &json!(["book", null]), 400, |fact| matches!(fact, Fact::BusyWait { .. }));
}

#[test]
fn a_reader_who_counts_before_the_room_is_his_is_found() {
    check("readers_writer", &json!([]), 400, |_| false);
}

#[test]
fn a_pool_whose_tasks_wait_for_its_tasks_is_found() {
    check("pool_starvation", &json!(30), 200, |fact| is_deadlock(fact, Deadlock::Stuck));
}

#[test]
fn a_thread_that_nobody_joins_is_found() {
    check("unjoined", &json!([0, 1, 2]), 200, |fact| matches!(fact, Fact::Unjoined { .. }));
}

/// Where this interpreter really switches, an increment happens not to be interrupted; a check before a lock is.
#[test]
fn granularities_differ_in_what_they_find() {
    let found = |name: &str, granularity: Granularity, wrong: &Value| {
        let driver = std::fs::read_to_string(folder(name).join("driver.py")).unwrap();
        let mut worker = Worker::start(&folder(name));
        let asked = scenario(Subject::File("bug.py".to_owned()), &driver, "run");
        worker.scenario(&Scenario { granularity, ..asked }).unwrap();
        (1..=300).any(|seed| worker.run_one(&plan(seed)).0.outcome.is_some_and(|seen| seen != *wrong))
    };
    assert!(!found("counter", Granularity::Interpreter, &json!(10)));
    assert!(!found("counter", Granularity::Synchronisation, &json!(10)));
    assert!(found("bank", Granularity::Interpreter, &json!(true)));
    assert!(found("bank", Granularity::Synchronisation, &json!(true)));
}
