//! One grading: build, then each case in a fresh world, then the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::build::{self, Refusal};
use crate::exercise::{Case, Exercise, Lane};
use crate::library::Library;
use crate::report::{Build, CaseReport, LaneFacts, Report, SeedOrigin, Usage};
use crate::sandbox::{Hierarchies, Launcher};
use crate::seed::{CaseSeed, Root};
use crate::submission::Submission;
use crate::suite::{self, Ending, FailureKind, LimitHit, Programs, Setup};
use crate::verdict::{self, Judgement, Verdict};

/// Our fault, not the student's: to be retried, never to become points.
#[derive(Debug, thiserror::Error)]
pub enum GraderError {
    /// The grading was called off (lost lease, shutdown).
    #[error("the grading was cancelled")]
    Cancelled,
    /// This machine lacks a wall of the sandbox.
    #[error("set up the sandbox: {0}")]
    Sandbox(String),
    /// The suite itself failed: an exception that is not the student's, the examiner's death or limit.
    #[error("run the suite of case {case:?}: {reason}")]
    Suite { case: String, reason: String },
    /// What was asked for does not exist (an unknown case, a bad `--set`).
    #[error("{0}")]
    Request(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What to grade and how.
#[derive(Clone, Debug)]
pub struct Request {
    pub root: Root,
    /// Only this case.
    pub only: Option<String>,
    /// In place of the derived seed; needs `only`.
    pub seed: Option<CaseSeed>,
    /// `NAME=VALUE` of `--set`: vars, and `PROGRAM.file`.
    pub set: BTreeMap<String, String>,
}

/// Progress, in order. Every case that starts also finishes unless the grading fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    BuildFinished { ok: bool },
    CaseStarted { case: String },
    CaseFinished { case: String, verdict: Verdict, points: u32 },
}

/// Whatever a grading needs that outlives it: our Python on disk and where the control groups are.
#[derive(Debug)]
pub struct Grader {
    library: Library,
    hierarchies: Hierarchies,
    weaknesses: Vec<String>,
}

impl Grader {
    /// Prepares this machine. Without exact limits (control groups) it refuses, unless `weak` permits that.
    pub fn new(weak: bool) -> Result<Grader, GraderError> {
        let hierarchies = Hierarchies::detect();
        let weaknesses = hierarchies.weaknesses();
        if !weaknesses.is_empty() && !weak {
            let missing = weaknesses.join("; ");
            return Err(GraderError::Sandbox(format!(
                "{missing}. Make the control groups writable (see `practicum doctor`), or accept less with \
                 --allow-weak-sandbox"
            )));
        }
        Ok(Grader { library: Library::lay_out()?, hierarchies, weaknesses })
    }

    /// The interpreter that runs students' programs, such as `3.11.2`.
    pub fn python_version(&self) -> &str {
        &self.library.python_version
    }

    /// A launcher of its own, for self-tests and measurements.
    pub fn launcher(&self) -> Result<Launcher, GraderError> {
        Launcher::start(self.library.path()).map_err(|error| GraderError::Sandbox(error.to_string()))
    }

    pub fn hierarchies(&self) -> &Hierarchies {
        &self.hierarchies
    }

    /// Walls of the sandbox that this machine lacks, in words.
    pub fn weaknesses(&self) -> &[String] {
        &self.weaknesses
    }

    /// Grades `submission` in the calling thread. `cancelled` is asked several times a second; once it says yes the
    /// sandboxes are killed and [`GraderError::Cancelled`] comes back.
    pub fn grade(
        &self,
        exercise: &Exercise,
        submission: &Submission,
        request: &Request,
        events: &mut dyn FnMut(Event),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Report, GraderError> {
        let programs = Programs::new(exercise.manifest(), &request.set).map_err(GraderError::Request)?;
        let cases = wanted(exercise, request)?;
        let mut launcher = self.launcher()?;
        let refusal = build::build(&mut launcher, &self.hierarchies, exercise, submission, self.python_version())?;
        events(Event::BuildFinished { ok: refusal.is_none() });
        let mut reports = Vec::new();
        for case in cases {
            events(Event::CaseStarted { case: case.id.clone() });
            let seed = request
                .seed
                .unwrap_or_else(|| request.root.case_seed(exercise.suite_hash(), submission.hash(), &case.id));
            let report = match &refusal {
                Some(refusal) => refused(case, refusal, seed),
                None => {
                    let limits = case.limits_in(exercise.manifest().limits);
                    let setup = Setup { exercise, submission, case, programs: &programs, limits, seed };
                    self.run_case(&mut launcher, setup, cancelled)?
                }
            };
            events(Event::CaseFinished { case: case.id.clone(), verdict: report.verdict, points: report.points });
            reports.push(report);
        }
        Ok(self.report(exercise, submission, request, refusal, reports))
    }

    /// A failure counts only if it happens again on the same seed; disagreement is *unstable*. Deadlocks and CPU limits
    /// are proved the first time, and dear to repeat.
    fn run_case(
        &self,
        launcher: &mut Launcher,
        setup: Setup<'_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<CaseReport, GraderError> {
        let facts = suite::run(launcher, &self.hierarchies, setup, cancelled)?;
        let (usage, certain) = (facts.usage, is_certain(&facts));
        let mut judgement = verdict::judge(facts);
        if !judgement.verdict.passed() && !certain {
            let again = verdict::judge(suite::run(launcher, &self.hierarchies, setup, cancelled)?);
            if again.verdict.passed() {
                judgement = unstable(judgement);
            }
        }
        Ok(case_report(setup.case, judgement, usage, setup.seed))
    }

    fn report(
        &self,
        exercise: &Exercise,
        submission: &Submission,
        request: &Request,
        refusal: Option<Refusal>,
        cases: Vec<CaseReport>,
    ) -> Report {
        Report {
            exercise: exercise.id().to_owned(),
            suite_hash: exercise.suite_hash().to_owned(),
            submission_hash: submission.hash().to_owned(),
            seed: if request.seed.is_some() { SeedOrigin::Given } else { request.root.origin() },
            verdict: cases.iter().map(|case| case.verdict).find(|verdict| !verdict.passed()).unwrap_or(Verdict::Passed),
            points: cases.iter().map(|case| case.points).sum(),
            points_max: cases.iter().map(|case| case.points_max).sum(),
            build: Build { ok: refusal.is_none(), message: refusal.map(|refusal| refusal.message).unwrap_or_default() },
            cases,
            lane: LaneFacts {
                lane: Lane::Native,
                python: self.python_version().to_owned(),
                weaknesses: self.weaknesses.clone(),
            },
        }
    }
}

fn wanted<'a>(exercise: &'a Exercise, request: &Request) -> Result<Vec<&'a Case>, GraderError> {
    let cases = &exercise.manifest().cases;
    let Some(only) = &request.only else {
        return Ok(cases.iter().collect());
    };
    match cases.iter().find(|case| case.id == *only) {
        Some(case) => Ok(vec![case]),
        None => {
            let known: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
            Err(GraderError::Request(format!("case {only:?}: {} has only {}", exercise.id(), known.join(", "))))
        }
    }
}

fn is_certain(facts: &suite::Facts) -> bool {
    match &facts.ending {
        Ending::Limit(LimitHit::Cpu) | Ending::Failed { kind: FailureKind::Deadlock, .. } => true,
        Ending::Limit(LimitHit::Wall | LimitHit::Memory | LimitHit::Output) | Ending::Failed { .. } => false,
        Ending::Passed => true,
    }
}

fn unstable(first: Judgement) -> Judgement {
    let message = first.message.unwrap_or_default();
    Judgement {
        verdict: Verdict::Unstable,
        message: Some(format!(
            "this case failed once and passed once on the same input, so it gives no points until staff decide. The \
             failure: {message}"
        )),
        evidence: first.evidence,
    }
}

fn refused(case: &Case, refusal: &Refusal, seed: CaseSeed) -> CaseReport {
    let judgement = Judgement { verdict: refusal.verdict, message: None, evidence: vec![] };
    case_report(case, judgement, Usage::default(), seed)
}

fn case_report(case: &Case, judgement: Judgement, usage: Usage, seed: CaseSeed) -> CaseReport {
    let passed = judgement.verdict.passed();
    CaseReport {
        id: case.id.clone(),
        title: case.title.clone(),
        points: if passed { case.points } else { 0 },
        points_max: case.points,
        verdict: judgement.verdict,
        visibility: case.visibility,
        message: judgement.message,
        hint: if passed { None } else { case.hint.clone() },
        evidence: judgement.evidence,
        usage,
        seed: Some(seed.to_string()),
    }
}
