//! Judgement. The sandbox and the examiner state facts; only this module turns facts into a [`Verdict`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is said about a case, or about a whole report (there: passed, or the first failing case's).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Passed,
    WrongAnswer,
    /// A wait that the kernel's facts prove endless.
    Deadlock,
    TimeLimit,
    MemoryLimit,
    OutputLimit,
    /// The program crashed, or never became ready.
    RuntimeError,
    /// A rule of the exercise was broken, such as a banned import.
    RuleBroken,
    BuildError,
    /// Two runs on the same seed disagreed: no points until staff decide.
    Unstable,
}

impl Verdict {
    pub fn passed(self) -> bool {
        self == Verdict::Passed
    }

    /// The words a person reads.
    pub fn label(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::WrongAnswer => "wrong answer",
            Verdict::Deadlock => "deadlock",
            Verdict::TimeLimit => "time limit",
            Verdict::MemoryLimit => "memory limit",
            Verdict::OutputLimit => "output limit",
            Verdict::RuntimeError => "runtime error",
            Verdict::RuleBroken => "rule broken",
            Verdict::BuildError => "build error",
            Verdict::Unstable => "unstable",
        }
    }
}
