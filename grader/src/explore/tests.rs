//! The search and what is believed, against toys whose schedules can be counted.

use std::collections::HashSet;

use schedules::words::Ran;
use schedules::{Deviation, Plan};

use super::bounded::{Bounded, Certificate};
use super::canary::Canary;
use super::explorer::{Explorer, Found, Task};
use super::lab::Trouble;
use super::portfolio;
use super::search::{Budget, Kind};
use super::shrink::shrink;
use super::toy::{self, Lie, Program, ToyWorker};
use super::trust;

const ENOUGH: usize = 1 << 20;

/// All schedules that a search of that bound runs.
fn searched(program: &Program, bound: u8, budget: usize) -> (Vec<Vec<Deviation>>, Option<Certificate>) {
    let mut bounded = Bounded::new(bound, 1);
    let mut all = Vec::new();
    loop {
        let batch = bounded.take(7, budget - all.len());
        if batch.is_empty() {
            return (all, bounded.certificate());
        }
        for deviations in batch {
            let plan = Plan::Bounded { deviations: deviations.clone() };
            let (_, transcript) = toy::run(program, &plan, 0);
            assert_eq!(transcript.verify(&plan), Ok(()));
            assert_eq!(transcript.schedule().deviations, deviations, "it runs as it was told");
            bounded.ran(&deviations, &transcript.stretches);
            all.push(deviations);
        }
    }
}

fn check_complete(program: &Program, bound: u8) {
    let (all, certificate) = searched(program, bound, ENOUGH);
    let distinct: HashSet<&Vec<Deviation>> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "each comes up once");
    assert_eq!(all.len() as u64, toy::count(program, u32::from(bound)));
    let certificate = certificate.unwrap();
    assert_eq!((certificate.preemptions, certificate.schedules as usize), (bound, all.len()));
}

#[test]
fn a_bounded_search_runs_every_schedule_of_its_bound_once() {
    for program in [toy::racy(2, 2), toy::racy(3, 1), toy::locked(2, 2), toy::locked(3, 1), toy::ring(2), toy::ring(3)]
    {
        for bound in 0..=2 {
            check_complete(&program, bound);
        }
    }
}

#[test]
fn a_search_that_was_cut_off_says_only_what_it_did() {
    let program = toy::racy(3, 3);
    let (none, one) = (toy::count(&program, 0) as u32, toy::count(&program, 1) as usize);
    let (all, certificate) = searched(&program, 2, one - 1);
    assert_eq!(all.len(), one - 1);
    assert_eq!(certificate, Some(Certificate { preemptions: 0, schedules: none }));
    let (_, certificate) = searched(&program, 2, one);
    assert_eq!(certificate, Some(Certificate { preemptions: 1, schedules: one as u32 }));
}

#[test]
fn a_failing_schedule_is_made_small() {
    let program = toy::ring(3);
    let mut fails = |deviations: &[Deviation]| {
        let (ran, transcript) = toy::run(&program, &Plan::Follow { deviations: deviations.to_vec() }, 0);
        Ok::<_, ()>((!ran.facts.is_empty()).then(|| transcript.schedule().deviations))
    };
    let mut found = 0;
    for seed in 0..200 {
        let (ran, transcript) = toy::run(&program, &portfolio::plan(0, seed, 12), 0);
        if ran.facts.is_empty() {
            continue;
        }
        found += 1;
        let small = shrink(transcript.schedule().deviations, &mut fails).unwrap();
        assert!((2..=5).contains(&small.len()), "{small:?}");
        for at in 0..small.len() {
            let fewer = [&small[..at], &small[at + 1..]].concat();
            assert!(fails(&fewer).unwrap().is_none(), "{at} of {small:?} can be left out");
        }
        assert!(fails(&small).unwrap().is_some());
    }
    assert!(found > 10);
}

#[test]
fn every_strategy_is_replayed_by_its_deviations_and_verified() {
    for program in [toy::racy(3, 4), toy::locked(3, 3), toy::ring(4)] {
        for number in 0..400 {
            let plan = portfolio::plan(number, number * 7 + 1, 30);
            let (ran, transcript) = toy::run(&program, &plan, 0);
            assert!(trust::believe(&plan, &ran, &transcript.to_bytes()).is_ok());
            let deviations = transcript.schedule().deviations;
            let (again, _) = toy::run(&program, &Plan::Follow { deviations }, 0);
            assert_eq!((again.outcome, again.facts), (ran.outcome, ran.facts));
        }
    }
}

/// Bytes that come from anywhere are refused or believed, and nothing else.
#[test]
fn a_mutilated_transcript_ends_nothing() {
    let program = toy::locked(3, 2);
    let mut random = schedules::Random::new(5);
    let mut refused = 0;
    for number in 0..3000 {
        let plan = portfolio::plan(number, number, 30);
        let (ran, transcript) = toy::run(&program, &plan, 0);
        let mut bytes = transcript.to_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes.truncate(at + 1),
                _ => bytes.insert(at, random.below(256) as u8),
            }
        }
        match trust::believe(&plan, &ran, &bytes) {
            Ok(transcript) => drop(transcript.schedule()),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 2000, "{refused}");
}

fn task(fatal: Vec<Kind>) -> Task {
    let budget = Budget { bounded: 100, portfolio: 200, preemptions: 1, points: 1 << 40 };
    let scenarios = vec![toy::scenario("Toy")];
    Task { seed: "5eed".to_owned(), exploration: 0, scenarios, budget, fatal, threads_min: 2 }
}

fn explorer(program: Program, lie: Lie) -> Explorer<ToyWorker> {
    Explorer::new(task(vec![Kind::Deadlock]), ToyWorker::new("Toy", program, lie))
}

#[test]
fn a_deadlock_is_found_made_small_and_named() {
    let mut explorer = explorer(toy::ring(2), Lie::None);
    let Found::Failed(shown) = explorer.explore().unwrap() else { panic!("there is one") };
    assert_eq!(shown.done.transcript.schedule().deviations.len(), 1);
    let workers = explorer.worker().workers;
    let mut again = Explorer::new(task(vec![Kind::Deadlock]), ToyWorker::new("Toy", toy::ring(2), Lie::None));
    let replayed = again.replay(shown.token.as_ref().unwrap()).unwrap();
    assert_eq!(replayed.seen(), shown.seen());
    assert_eq!(workers, 3);
}

#[test]
fn outcomes_are_kept_once_each_with_its_simplest_schedule() {
    let mut explorer = explorer(toy::racy(2, 2), Lie::None);
    let Found::Explored(certificates) = explorer.explore().unwrap() else { panic!("nothing fails by a fact") };
    let certificate = certificates[0].unwrap();
    assert_eq!(u64::from(certificate.schedules), toy::count(&toy::racy(2, 2), 1));
    let mut values: Vec<(u64, usize)> =
        explorer.outcomes().map(|it| (it.seen.value[0].as_u64().unwrap(), it.deviations.len())).collect();
    values.sort_unstable();
    assert_eq!(values, [(2, 1), (3, 2), (4, 0)]);
    let lost = explorer.outcomes().position(|it| it.seen.value == [serde_json::Value::from(2)]).unwrap();
    let shown = explorer.show(lost, &mut |_: &mut ToyWorker, ran: &Ran| Ok(ran.outcome == Some(2.into()))).unwrap();
    assert_eq!(shown.seen().value, [serde_json::Value::from(2)]);
}

#[track_caller]
fn check_void(program: Program, lie: Lie, words: &str) {
    match explorer(program, lie).explore() {
        Err(Trouble::Void(reason)) => assert!(reason.contains(words), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_does_not_carry_out_the_plans_is_not_believed() {
    check_void(toy::racy(2, 3), Lie::IgnoresPlans, "otherwise");
    check_void(toy::racy(2, 3), Lie::HidesOutcomes, "whose outcome is known");
    check_void(toy::racy(2, 3), Lie::HidesStretches, "does not say so");
    check_void(toy::racy(2, 3), Lie::Trips, "sys.settrace");
    check_void(toy::ring(2), Lie::OnlyAtFirst, "did not fail again");
    assert!(matches!(explorer(toy::racy(2, 3), Lie::Ends).explore(), Err(Trouble::Ended)));
}

#[test]
fn too_few_threads_are_the_programs_failure() {
    let lonely = explorer(vec![], Lie::None).explore();
    assert!(matches!(lonely, Err(Trouble::Failed(reason)) if reason.starts_with("only 1 threads")), "…");
}

#[test]
fn the_canarys_outcome_follows_from_its_transcript() {
    let mut outcomes = HashSet::new();
    for seed in 0..300 {
        let canary = Canary::new([seed * 77_777, seed * 31_337], seed);
        let mut worker = ToyWorker::new("Toy", vec![], Lie::None);
        super::lab::Worker::open(&mut worker, &canary.scenario).unwrap();
        super::lab::Worker::order(&mut worker, &canary.plans(), false).unwrap();
        let (ran, bytes) = super::lab::Worker::next(&mut worker).unwrap();
        let transcript = trust::believe(&canary.plans()[0], &ran, &bytes).unwrap();
        assert_eq!(canary.judge(&ran, &transcript), Ok(()));
        outcomes.insert(ran.outcome.unwrap().to_string());
    }
    assert!(outcomes.len() > 250);
}
