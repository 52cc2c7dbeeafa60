//! The acceptance of an exercise: its own programs must behave exactly as the folder says.
//!
//! The reference passes on several seeds, each wrong program fails exactly its set of cases, and the starter fails.
//! `thorough` repeats the reference while every core is busy: a suite that depends on the machine's speed shows here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::exercise::Exercise;
use crate::grading::{Grader, GraderError, Request};
use crate::report::Report;
use crate::seed::Root;
use crate::submission::Submission;

/// Seeds on which a reference must pass.
const REFERENCE_SEEDS: usize = 3;
/// Runs of the reference on a busy machine.
const BUSY_RUNS: usize = 10;

/// What `check` found about one exercise.
#[derive(Debug, Serialize)]
pub struct Acceptance {
    pub exercise: String,
    pub ok: bool,
    pub cases: usize,
    pub reference: Tally,
    pub wrong: Tally,
    pub starter_fails: bool,
    pub seconds: f64,
    pub disagreements: Vec<Disagreement>,
}

/// `right` of `of` runs went as they must.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Tally {
    pub right: usize,
    pub of: usize,
}

/// A program that fails other cases than the folder says.
#[derive(Debug, Serialize)]
pub struct Disagreement {
    /// Folder below `submissions/`, or `starter`.
    pub program: String,
    pub expected: BTreeSet<String>,
    pub actual: BTreeSet<String>,
    /// Messages of the cases that failed unexpectedly.
    pub messages: BTreeMap<String, String>,
    /// Options for `practicum grade` that repeat the first case they disagree on.
    pub replay: String,
}

/// Checks one exercise in the calling thread.
pub fn check(grader: &Grader, exercise: &Exercise, thorough: bool) -> Result<Acceptance, GraderError> {
    let began = Instant::now();
    let mut found = Acceptance {
        exercise: exercise.id().to_owned(),
        ok: false,
        cases: exercise.manifest().cases.len(),
        reference: Tally::default(),
        wrong: Tally::default(),
        starter_fails: false,
        seconds: 0.0,
        disagreements: vec![],
    };
    let run = Run { grader, exercise };
    check_reference(&run, &mut found, thorough)?;
    check_wrong(&run, &mut found)?;
    check_starter(&run, &mut found)?;
    found.ok = found.disagreements.is_empty();
    found.seconds = began.elapsed().as_secs_f64();
    Ok(found)
}

fn check_reference(run: &Run<'_>, found: &mut Acceptance, thorough: bool) -> Result<(), GraderError> {
    let reference = own(run.exercise, "reference")?;
    for seed in 0..REFERENCE_SEEDS {
        let report = run.grade(&reference, &root(seed))?;
        found.reference.count(run.compare("reference", &BTreeSet::new(), &report), &mut found.disagreements);
    }
    if thorough {
        let _busy = BusyCores::start();
        for seed in 0..BUSY_RUNS {
            let report = run.grade(&reference, &root(REFERENCE_SEEDS + seed))?;
            found.reference.count(run.compare("reference", &BTreeSet::new(), &report), &mut found.disagreements);
        }
    }
    Ok(())
}

fn check_wrong(run: &Run<'_>, found: &mut Acceptance) -> Result<(), GraderError> {
    for wrong in &run.exercise.manifest().wrong {
        let name = format!("wrong/{}", wrong.name);
        let report = run.grade(&own(run.exercise, &name)?, &root(0))?;
        found.wrong.count(run.compare(&name, &wrong.fails, &report), &mut found.disagreements);
    }
    Ok(())
}

fn check_starter(run: &Run<'_>, found: &mut Acceptance) -> Result<(), GraderError> {
    let starter = run.exercise.starter().map_err(|error| GraderError::Request(error.to_string()))?;
    let report = run.grade(&starter, &root(0))?;
    found.starter_fails = !report.verdict.passed();
    if report.verdict.passed() {
        found.disagreements.push(Disagreement {
            program: "starter".to_owned(),
            expected: run.exercise.manifest().cases.iter().map(|case| case.id.clone()).collect(),
            actual: BTreeSet::new(),
            messages: BTreeMap::new(),
            replay: String::new(),
        });
    }
    Ok(())
}

fn own(exercise: &Exercise, name: &str) -> Result<Submission, GraderError> {
    exercise.submission(name).map_err(|error| GraderError::Request(format!("submissions/{name}: {error}")))
}

fn root(seed: usize) -> Root {
    match u8::try_from(seed).expect("few seeds") {
        0 => Root::Public,
        number => Root::Server([number; 32]),
    }
}

impl Tally {
    fn count(&mut self, disagreement: Option<Disagreement>, all: &mut Vec<Disagreement>) {
        self.of += 1;
        match disagreement {
            None => self.right += 1,
            Some(disagreement) => all.push(disagreement),
        }
    }
}

struct Run<'a> {
    grader: &'a Grader,
    exercise: &'a Exercise,
}

impl Run<'_> {
    fn grade(&self, submission: &Submission, root: &Root) -> Result<Report, GraderError> {
        let request = Request { root: root.clone(), only: None, seed: None, set: BTreeMap::new() };
        self.grader.grade(self.exercise, submission, &request, &mut |_| {}, &|| false)
    }

    fn compare(&self, program: &str, expected: &BTreeSet<String>, report: &Report) -> Option<Disagreement> {
        let failed = report.cases.iter().filter(|case| !case.verdict.passed());
        let actual: BTreeSet<String> = failed.clone().map(|case| case.id.clone()).collect();
        let first = expected.symmetric_difference(&actual).next()?.clone();
        let case = report.cases.iter().find(|case| case.id == first)?;
        let messages = failed
            .filter(|case| !expected.contains(&case.id))
            .map(|case| {
                (case.id.clone(), format!("{}: {}", case.verdict.label(), case.message.as_deref().unwrap_or("")))
            })
            .collect();
        let id = self.exercise.id();
        let seed = case.seed.as_deref().unwrap_or_default();
        Some(Disagreement {
            program: program.to_owned(),
            expected: expected.clone(),
            actual,
            messages,
            replay: format!("practicum grade {id} {id}/submissions/{program} --case {first} --seed {seed}"),
        })
    }
}

/// Threads that keep every core busy until dropped.
struct BusyCores {
    over: std::sync::Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl BusyCores {
    fn start() -> BusyCores {
        let over = std::sync::Arc::new(AtomicBool::new(false));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..cores)
            .map(|_| {
                let over = over.clone();
                std::thread::spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                })
            })
            .collect();
        BusyCores { over, threads }
    }
}

impl Drop for BusyCores {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Acceptance {
    /// One line for people.
    pub fn line(&self) -> String {
        let word = if self.ok { "ok" } else { "NOT ACCEPTED" };
        let starter = if self.starter_fails { "starter fails" } else { "starter PASSES" };
        format!(
            "{} {word}  {} cases, reference {}/{}, wrong {}/{}, {starter}, {:.1} s",
            self.exercise,
            self.cases,
            self.reference.right,
            self.reference.of,
            self.wrong.right,
            self.wrong.of,
            Duration::from_secs_f64(self.seconds).as_secs_f64(),
        )
    }
}
