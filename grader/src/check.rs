//! The acceptance of an exercise: its own programs must behave exactly as the folder says.
//!
//! The reference passes on several seeds, each wrong program fails exactly its set of cases, and the starter fails.
//! `thorough` repeats the reference while every core is busy, and with a fifth of a processor for each sandbox: a suite
//! that depends on the machine's speed shows here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use serde::Serialize;

use crate::exercise::Exercise;
use crate::grading::{Grader, GraderError, Request};
use crate::report::Report;
use crate::seed::Root;
use crate::submission::Submission;

/// Seeds on which a reference must pass, unless more are asked for.
pub const REFERENCE_SEEDS: u8 = 3;
/// With those of the busy and of the slow machine their numbers fit into a byte.
pub const REFERENCE_SEEDS_MAX: u8 = 240;
/// Runs of the reference on a busy machine.
const BUSY_RUNS: usize = 10;
/// Runs of the reference on a slow machine, and how much of a processor that gives each sandbox.
const SLOW_RUNS: usize = 3;
const SLOW_PERCENT: u32 = 20;

/// How hard an exercise is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// On which the reference is graded, from 1 to [`REFERENCE_SEEDS_MAX`].
    pub seeds: u8,
    pub thorough: bool,
}

impl Default for Effort {
    fn default() -> Effort {
        Effort { seeds: REFERENCE_SEEDS, thorough: false }
    }
}

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

/// Checks one exercise, grading several of its programs at a time.
pub fn check(grader: &Grader, exercise: &Exercise, effort: Effort) -> Result<Acceptance, GraderError> {
    let began = Instant::now();
    let (mut reference, mut wrong) = (Tally::default(), Tally::default());
    let mut disagreements = Vec::new();
    let mut starter_fails = false;
    let mut runs = ordinary_runs(exercise, effort.seeds)?;
    let mut findings = grade_all(grader, exercise, &runs)?;
    if effort.thorough {
        let mut seeds = effort.seeds..;
        let busy_runs = reference_runs(exercise, seeds.by_ref().take(BUSY_RUNS))?;
        findings.extend(BusyCores::during(|| grade_all(grader, exercise, &busy_runs))?);
        runs.extend(busy_runs);
        // A machine that cannot be slowed says so in `doctor`.
        if let Some(slowed) = grader.slowed(SLOW_PERCENT) {
            let slow_runs = reference_runs(exercise, seeds.take(SLOW_RUNS))?;
            findings.extend(grade_all(&slowed, exercise, &slow_runs)?);
            runs.extend(slow_runs);
        }
    }
    for (run, disagreement) in runs.iter().zip(findings) {
        match run.part {
            Part::Reference => reference.count(disagreement.is_none()),
            Part::Wrong => wrong.count(disagreement.is_none()),
            Part::Starter => starter_fails = disagreement.is_none(),
        }
        disagreements.extend(disagreement);
    }
    Ok(Acceptance {
        exercise: exercise.id().to_owned(),
        ok: disagreements.is_empty(),
        cases: exercise.manifest().cases.len(),
        reference,
        wrong,
        starter_fails,
        seconds: began.elapsed().as_secs_f64(),
        disagreements,
    })
}

/// One grading of one of the exercise's own programs.
struct Run {
    part: Part,
    /// Folder below `submissions/`, or `starter`.
    program: String,
    submission: Submission,
    root: Root,
    /// The cases that must fail; `None` where any will do.
    expected: Option<BTreeSet<String>>,
}

#[derive(Clone, Copy)]
enum Part {
    Reference,
    Wrong,
    Starter,
}

fn ordinary_runs(exercise: &Exercise, seeds: u8) -> Result<Vec<Run>, GraderError> {
    let mut runs = reference_runs(exercise, 0..seeds)?;
    for wrong in &exercise.manifest().wrong {
        let program = format!("wrong/{}", wrong.name);
        let (submission, expected) = (own(exercise, &program)?, Some(wrong.fails.clone()));
        runs.push(Run { part: Part::Wrong, program, submission, root: root(0), expected });
    }
    let submission = exercise.starter().map_err(|error| GraderError::Request(format!("starter: {error}")))?;
    runs.push(Run { part: Part::Starter, program: "starter".to_owned(), submission, root: root(0), expected: None });
    Ok(runs)
}

fn reference_runs(exercise: &Exercise, seeds: impl Iterator<Item = u8>) -> Result<Vec<Run>, GraderError> {
    let reference = own(exercise, "reference")?;
    let run = |seed| Run {
        part: Part::Reference,
        program: "reference".to_owned(),
        submission: reference.clone(),
        root: root(seed),
        expected: Some(BTreeSet::new()),
    };
    Ok(seeds.map(run).collect())
}

/// What each run disagrees on, in the order of the runs.
fn grade_all(grader: &Grader, exercise: &Exercise, runs: &[Run]) -> Result<Vec<Option<Disagreement>>, GraderError> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        runs.get(index).map(|run| (index, run))
    };
    let work = || {
        while let Some((index, run)) = take() {
            let disagreement = run.grade(grader, exercise);
            found.lock().expect("no thread panics with the lock").insert(index, disagreement);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(work);
        }
    });
    found.into_inner().expect("no thread panics with the lock").into_values().collect()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn own(exercise: &Exercise, name: &str) -> Result<Submission, GraderError> {
    exercise.submission(name).map_err(|error| GraderError::Request(format!("submissions/{name}: {error}")))
}

fn root(seed: u8) -> Root {
    match seed {
        0 => Root::Public,
        number => Root::Server([number; 32]),
    }
}

impl Tally {
    fn count(&mut self, right: bool) {
        self.of += 1;
        self.right += usize::from(right);
    }
}

impl Run {
    fn grade(&self, grader: &Grader, exercise: &Exercise) -> Result<Option<Disagreement>, GraderError> {
        let request = Request { root: self.root.clone(), only: None, seed: None, set: BTreeMap::new(), replay: None };
        let report = grader.grade(exercise, &self.submission, &request, &mut |_| {}, &|| false)?;
        Ok(match &self.expected {
            Some(expected) => self.compare(expected, &report),
            None if report.verdict.passed() => Some(self.passes(exercise)),
            None => None,
        })
    }

    fn passes(&self, exercise: &Exercise) -> Disagreement {
        Disagreement {
            program: self.program.clone(),
            expected: exercise.manifest().cases.iter().map(|case| case.id.clone()).collect(),
            actual: BTreeSet::new(),
            messages: BTreeMap::new(),
            replay: format!("practicum grade {id} {id}/{}", self.program, id = exercise.id()),
        }
    }

    fn compare(&self, expected: &BTreeSet<String>, report: &Report) -> Option<Disagreement> {
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
        let (id, program) = (&report.exercise, &self.program);
        let seed = case.seed.as_deref().unwrap_or_default();
        Some(Disagreement {
            program: program.clone(),
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
    fn during<T>(act: impl FnOnce() -> T) -> T {
        let _busy = BusyCores::start();
        act()
    }

    fn start() -> BusyCores {
        let over = std::sync::Arc::new(AtomicBool::new(false));
        let threads = (0..cores())
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
            self.seconds,
        )
    }
}
