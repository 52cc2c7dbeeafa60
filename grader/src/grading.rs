//! One grading: build, then each case in a fresh world, then the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::exercise::Exercise;
use crate::report::Report;
use crate::seed::{CaseSeed, Root};
use crate::submission::Submission;
use crate::verdict::Verdict;

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

/// Whatever a grading needs that outlives it: the library files and the launcher. Cheap to share between threads.
#[derive(Debug)]
pub struct Grader {}

impl Grader {
    /// Prepares this machine. `weak` permits a sandbox without cgroups.
    pub fn new(_weak: bool) -> Result<Grader, GraderError> {
        Ok(Grader {})
    }

    /// Grades `submission` in the calling thread. `cancelled` is asked several times a second; once it says yes the
    /// sandboxes are killed and [`GraderError::Cancelled`] comes back.
    pub fn grade(
        &self,
        _exercise: &Exercise,
        _submission: &Submission,
        _request: &Request,
        _events: &mut dyn FnMut(Event),
        _cancelled: &dyn Fn() -> bool,
    ) -> Result<Report, GraderError> {
        Err(GraderError::Sandbox("not on this machine".into()))
    }
}
