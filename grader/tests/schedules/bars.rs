//! What the search must achieve on the zoo, run as an exercise runs it: the default budget of one exploration, every
//! failure repeated in fresh processes, and never a word against a right program.
//!
//! A few seeds are tried with every `cargo test`; `make soak` tries all of them.

use std::path::Path;

use grader::explore::{Budget, Explored, Explorer, Found, Shown, Task, repeat};
use serde_json::Value;

use crate::bench::{BUDGET, Bench};

const SEEDS_MAX: u32 = 20;
/// Each mistake is found within so many schedules, whatever the seed.
const FOUND_WITHIN: u32 = 300;
/// Schedules of right programs, all together.
const PEACEFUL_MIN: u32 = 20_000;
const ZOO: [&str; 14] = [
    "abba",
    "bank",
    "bounded_buffer",
    "busy_wait",
    "counter",
    "double_checked",
    "if_wait",
    "lost_notify",
    "philosophers",
    "pool_starvation",
    "queue_empty",
    "readers_writer",
    "sleep_sync",
    "unjoined",
];

fn bench(name: &str) -> Bench {
    Bench::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zoo").join(name))
}

fn task(name: &str, file: &str, seed: u32, budget: Budget) -> Task {
    bench(name).task(file, seed, budget)
}

fn explorer(name: &str, task: Task) -> Explorer<Bench> {
    bench(name).explorer(task)
}

/// What the right program of each comes to.
fn right(name: &str) -> Value {
    let budget = Budget { bounded: 1, portfolio: 0, ..BUDGET };
    let mut explorer = explorer(name, task(name, "right.py", 0, budget));
    assert!(matches!(explorer.explore(), Ok(Found::Explored(_))), "{name}");
    explorer.outcome(0).unwrap().seen.value[0].clone()
}

/// The schedule in a fresh process shows the same.
fn repeats(name: &str, seed: u32, shown: &Shown) {
    let token = shown.token.as_ref().unwrap_or_else(|| panic!("{name}, seed {seed}: too long for a token"));
    let again = explorer(name, task(name, "bug.py", seed, BUDGET)).replay(token).unwrap();
    assert_eq!(again.seen(), shown.seen(), "{name}, seed {seed}");
}

/// For each mistake how late it was found with the latest seed, and with how many seeds this interpreter failed so.
fn all_mistakes(seeds: std::ops::Range<u32>, budget: Budget) {
    for name in ZOO {
        let right = right(name);
        let (mut found, mut seen) = (vec![], 0);
        for seed in seeds.clone() {
            let shown = bench(name).mistake("bug.py", seed, &right, budget);
            assert!(shown.found_after <= FOUND_WITHIN, "{name}, seed {seed}: found after {}", shown.found_after);
            found.push(shown.found_after);
            seen += u32::from(shown.reach == Some(grader::explore::Reach::Seen));
            (0..3).for_each(|_| repeats(name, seed, &shown));
        }
        found.sort_unstable();
        let (middle, last) = (found[found.len() / 2], found[found.len() - 1]);
        eprintln!(
            "{name}: found after {middle}, at the latest {last}; reaches this interpreter with {seen} of {} seeds",
            found.len()
        );
    }
}

/// How many schedules were run, their samples included.
fn all_right(seeds: std::ops::Range<u32>) -> u32 {
    let mut schedules = 0;
    for name in ZOO {
        let (right, mut samples) = (right(name), 0);
        let before = schedules;
        for seed in seeds.clone() {
            let task = task(name, "right.py", seed, BUDGET);
            let mut explorer = explorer(name, task.clone());
            let found = explorer.explore();
            assert!(matches!(found, Ok(Found::Explored(_))), "{name}, seed {seed}: {found:?}");
            let all: Vec<&Value> = explorer.outcomes().flat_map(|outcome| &outcome.seen.value).collect();
            assert!(!all.is_empty() && all.iter().all(|value| **value == right), "{name}, seed {seed}: {all:?}");
            schedules += explorer.schedules();
            let explored = Explored { task, samples: explorer.samples().into_iter().cloned().collect() };
            samples += explored.samples.len();
            repeat(&mut bench(name), &[explored]).unwrap_or_else(|trouble| panic!("{name}, {seed}: {trouble:?}"));
        }
        eprintln!("{name}: {} schedules of the right program, {samples} of them repeated", schedules - before);
    }
    schedules
}

#[test]
fn every_mistake_is_found_and_repeats() {
    all_mistakes(0..1, BUDGET);
}

#[test]
fn no_right_program_is_blamed() {
    let schedules = all_right(0..1);
    assert!(schedules > 14 * 300, "{schedules}");
}

#[test]
#[ignore = "takes minutes: make soak"]
fn every_mistake_is_found_with_every_seed() {
    all_mistakes(0..SEEDS_MAX, BUDGET);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn no_right_program_is_blamed_with_any_seed() {
    let schedules = all_right(0..SEEDS_MAX);
    assert!(schedules >= PEACEFUL_MIN, "{schedules}");
    eprintln!("{schedules} schedules of right programs");
}
