//! One grading: build, then each case in a fresh world, then the report.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::build::{Parse, Refusal};
use crate::exercise::{Case, Exercise, Lane};
use crate::library::Library;
use crate::replay::Replay;
use crate::report::{Build, CaseReport, LaneFacts, Report, SeedOrigin, Usage};
use crate::runtime::{LocalRuntime, RuntimeError, Runtimes};
use crate::sandbox::{Hierarchies, Launcher, Role, Templates};
use crate::seed::{CaseSeed, Root};
use crate::simulator::Shared;
use crate::submission::Submission;
use crate::suite::{self, Ending, FailureKind, LimitHit, Programs, Setup, World};
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
    /// The Python of the simulated lane cannot be had here.
    #[error("prepare the simulated lane: {0}")]
    Runtime(#[from] RuntimeError),
    /// What was asked for does not exist (an unknown case, a bad `--set`).
    #[error("{0}")]
    Request(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl GraderError {
    /// What is left of a submission then says nothing about it.
    pub(crate) fn out_of_memory() -> GraderError {
        GraderError::Sandbox(
            "this machine, or the group that the grader is in, has too little memory: the kernel killed a sandbox that \
             was within its own limit"
                .to_owned(),
        )
    }
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
    /// The token of a schedule or a simulated run: of all that `only` would have, this one alone is repeated and shown.
    pub replay: Option<String>,
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
#[derive(Clone, Debug)]
pub struct Grader {
    library: Arc<Library>,
    templates: Arc<Templates>,
    hierarchies: Hierarchies,
    runtimes: Runtimes,
    /// Compiled runtimes that have been used.
    shared: Shared,
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
        let library = Arc::new(Library::lay_out()?);
        let templates = Arc::new(Templates::start(library.path(), Some(&library.native))?);
        for role in [Role::Build, Role::Examiner] {
            templates.warm_up(role)?;
        }
        let runtimes = Runtimes::new(LocalRuntime::default());
        Ok(Grader { library, templates, hierarchies, runtimes, shared: Shared::default(), weaknesses })
    }

    /// The same with a component of one's choice for the simulated lane.
    pub fn with_runtime(self, local: LocalRuntime) -> Grader {
        Grader { runtimes: Runtimes::new(local), ..self }
    }

    /// Where the simulated lane has its Python from.
    pub fn runtimes(&self) -> &Runtimes {
        &self.runtimes
    }

    /// The interpreter that runs students' programs, such as `3.11.2`.
    pub fn python_version(&self) -> &str {
        self.library.python_version()
    }

    /// The interpreter that runs programs in the exercise's lane.
    fn python_of(&self, exercise: &Exercise) -> &str {
        match exercise.manifest().lane {
            Lane::Native => self.python_version(),
            Lane::Simulated => simulation::PYTHON_VERSION,
        }
    }

    /// A launcher of its own, for self-tests and measurements.
    pub fn launcher(&self) -> Result<Launcher, GraderError> {
        Ok(Launcher::new(&self.templates, &self.hierarchies))
    }

    /// The same without warm interpreters: every program starts its own.
    pub fn cold_launcher(&self) -> Result<Launcher, GraderError> {
        Ok(Launcher::new(&Arc::new(Templates::start(self.library.path(), None)?), &self.hierarchies))
    }

    /// Why programs start interpreters of their own although they should not have to.
    pub fn cold_because(&self) -> Option<String> {
        self.templates.cold_because()
    }

    /// The same on a slow machine: each sandbox gets only `percent` of a processor. `None` where no control group can do
    /// that.
    pub fn slowed(&self, percent: u32) -> Option<Grader> {
        Some(Grader { hierarchies: self.hierarchies.slowed(percent)?, ..self.clone() })
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
        let replay = request.replay.as_deref().map(Replay::parse).transpose().map_err(GraderError::Request)?;
        let runtime = self.runtime(exercise)?;
        let means = (replay.as_ref(), runtime.as_ref().map(AsFd::as_fd));
        let setups = setups(exercise, submission, request, &programs, means)?;
        let mut launcher = self.launcher()?;
        let parse = Parse::start(&mut launcher, submission)?;
        let first = prepare(&mut launcher, setups.first());
        let refusal = parse.finish(exercise, self.python_version())?;
        events(Event::BuildFinished { ok: refusal.is_none() });
        let cases = match &refusal {
            Some(refusal) => setups.iter().map(|setup| refused(setup.case, refusal, setup.seed)).collect(),
            None => self.run_cases(&mut launcher, &setups, first, events, cancelled)?,
        };
        Ok(self.report(exercise, submission, request, refusal, cases))
    }

    /// One case after the other, each in a world of its own. While a case runs, the next world is prepared and the last
    /// one is buried.
    fn run_cases<'a>(
        &self,
        launcher: &mut Launcher,
        setups: &[Setup<'a>],
        first: Prepared<'a>,
        events: &mut dyn FnMut(Event),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<CaseReport>, GraderError> {
        std::thread::scope(|burials| {
            let mut prepared = first;
            let mut reports = Vec::new();
            for (index, setup) in setups.iter().enumerate() {
                let case = || setup.case.id.clone();
                let mut world = prepared.take().expect("one world for each setup")?;
                events(Event::CaseStarted { case: case() });
                let (facts, next) = std::thread::scope(|scope| {
                    let next = scope.spawn(|| prepare(launcher, setups.get(index + 1)));
                    (world.run(cancelled), next.join())
                });
                burials.spawn(|| drop(world));
                prepared = next.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                let report = self.judge_case(launcher, *setup, facts?, cancelled)?;
                events(Event::CaseFinished { case: case(), verdict: report.verdict, points: report.points });
                reports.push(report);
            }
            Ok(reports)
        })
    }

    /// A failure counts only if it happens again on the same seed; disagreement is *unstable*. Deadlocks and CPU limits
    /// are proved the first time, and dear to repeat.
    fn judge_case(
        &self,
        launcher: &mut Launcher,
        setup: Setup<'_>,
        facts: suite::Facts,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<CaseReport, GraderError> {
        let (usage, certain) = (facts.usage, is_certain(&facts));
        let mut judgement = verdict::judge(facts);
        if !judgement.verdict.passed() && !certain {
            let again = World::prepare(launcher, setup)?.run(cancelled)?;
            if verdict::judge(again).verdict.passed() {
                judgement = unstable(judgement);
            }
        }
        Ok(case_report(setup.case, judgement, usage, setup.seed))
    }

    /// The compiled runtime of the simulated lane, where the exercise is of it.
    fn runtime(&self, exercise: &Exercise) -> Result<Option<Arc<File>>, GraderError> {
        match (exercise.manifest().lane, exercise.runtime()) {
            (Lane::Native, _) => Ok(None),
            (Lane::Simulated, Some(runtime)) => {
                let open = || self.runtimes.open(runtime).map_err(GraderError::from);
                self.shared.get(runtime, open).map(Some)
            }
            (Lane::Simulated, None) => Err(RuntimeError::Absent(format!("of {}", exercise.id())).into()),
        }
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
                lane: exercise.manifest().lane,
                python: self.python_of(exercise).to_owned(),
                weaknesses: self.weaknesses.clone(),
            },
        }
    }
}

/// The next case's world; `None` after the last case.
type Prepared<'a> = Option<Result<World<'a>, GraderError>>;

fn prepare<'a>(launcher: &mut Launcher, setup: Option<&Setup<'a>>) -> Prepared<'a> {
    setup.map(|setup| World::prepare(launcher, *setup))
}

/// What each case that is asked for needs.
fn setups<'a>(
    exercise: &'a Exercise,
    submission: &'a Submission,
    request: &'a Request,
    programs: &'a Programs,
    (replay, runtime): (Option<&'a Replay>, Option<BorrowedFd<'a>>),
) -> Result<Vec<Setup<'a>>, GraderError> {
    let derived = |case: &Case| request.root.case_seed(exercise.files_hash(), submission.hash(), &case.id);
    let setup = |case: &'a Case| Setup {
        exercise,
        submission,
        case,
        programs,
        limits: exercise.manifest().limits.changed(case.limits),
        seed: request.seed.unwrap_or_else(|| derived(case)),
        replay,
        runtime,
        native: false,
    };
    let wanted = |case: &&Case| request.only.as_ref().is_none_or(|only| case.id == *only);
    let cases = &exercise.manifest().cases;
    let setups: Vec<Setup<'a>> = cases.iter().filter(wanted).map(setup).collect();
    if setups.is_empty() {
        let known: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        let only = request.only.as_deref().unwrap_or_default();
        return Err(GraderError::Request(format!("case {only:?}: {} has only {}", exercise.id(), known.join(", "))));
    }
    Ok(setups)
}

fn is_certain(facts: &suite::Facts) -> bool {
    match &facts.ending {
        Ending::Limit(LimitHit::Cpu) | Ending::Failed { kind: FailureKind::Deadlock, .. } => true,
        Ending::Limit(LimitHit::Wall | LimitHit::Memory | LimitHit::Output) | Ending::Failed { .. } => false,
        Ending::Passed { .. } => true,
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
    // The case was not tried, so its hint would mislead.
    CaseReport { hint: None, ..case_report(case, judgement, Usage::default(), seed) }
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
