//! Judgement. The sandbox and the examiner state facts; only this module turns facts into a [`Verdict`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::exercise::Limits;
use crate::report::Evidence;
use crate::sandbox::Exit;
use crate::suite::{self, Ending, Facts, FailureKind, LimitHit, Started};

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
    /// Two runs on the same seed disagreed, or what was seen cannot be relied on: no points until staff decide.
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

/// What is said about one case, before points are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// `None` where the case passed.
    pub message: Option<String>,
    pub evidence: Vec<Evidence>,
}

/// Turns the facts of one run of a case into a judgement.
///
/// A limit that was broken says more than what the examiner saw of its consequences, and so does a crash.
pub fn judge(facts: Facts) -> Judgement {
    let output: Vec<Evidence> = facts.programs.iter().flat_map(Started::output).collect();
    let (verdict, mut message, mut evidence) = match facts.ending {
        Ending::Passed { mut evidence } => {
            evidence.truncate(EVIDENCE_MAX);
            return Judgement { verdict: Verdict::Passed, message: None, evidence };
        }
        Ending::Limit(limit) => {
            let (verdict, message) = broken_limit(limit, facts.limits);
            (verdict, message, vec![])
        }
        Ending::Failed { kind, message, evidence } => {
            let crash = facts.programs.iter().find(|program| program.crashed());
            let (verdict, message) = failure(kind, message, crash);
            (verdict, message, evidence)
        }
    };
    evidence.truncate(EVIDENCE_MAX);
    evidence.extend(facts.wire);
    evidence.extend(output);
    if facts.processes_refused > 0 {
        message += &format!(" (it tried to have more than {} processes and threads)", facts.limits.processes);
    }
    if facts.disk_full {
        message += " (it had no room left for files)";
    }
    Judgement { verdict, message: Some(message), evidence }
}

/// Pieces of evidence that a suite may show for one case.
const EVIDENCE_MAX: usize = 16;

fn broken_limit(limit: LimitHit, limits: Limits) -> (Verdict, String) {
    match limit {
        LimitHit::Cpu => {
            (Verdict::TimeLimit, format!("the program used more than {} s of processor time", limits.cpu_s))
        }
        LimitHit::Wall => {
            let seconds = suite::wall_limit(limits).as_secs();
            (Verdict::TimeLimit, format!("the case was not over after {seconds} s"))
        }
        LimitHit::Memory => {
            (Verdict::MemoryLimit, format!("the program needed more than {} MiB of memory", limits.memory_mib))
        }
        LimitHit::Output => {
            (Verdict::OutputLimit, format!("the program wrote more than {} bytes of output", suite::OUTPUT_BYTES_MAX))
        }
    }
}

fn failure(kind: FailureKind, message: String, crash: Option<&Started>) -> (Verdict, String) {
    match (kind, crash) {
        (FailureKind::NotReady | FailureKind::Crashed, _) => (Verdict::RuntimeError, message),
        (FailureKind::Void, _) => (Verdict::Unstable, format!("{UNRELIABLE}: {message}")),
        (FailureKind::TimeLimit, _) => (Verdict::TimeLimit, message),
        (FailureKind::MemoryLimit, _) => (Verdict::MemoryLimit, message),
        (FailureKind::OutputLimit, _) => (Verdict::OutputLimit, message),
        (FailureKind::RuleBroken, _) => (Verdict::RuleBroken, message),
        (FailureKind::WrongAnswer | FailureKind::Deadlock, Some(program)) => {
            (Verdict::RuntimeError, format!("{message}; {} had ended {}", program.name, exit_words(program.exit)))
        }
        (FailureKind::WrongAnswer, None) => (Verdict::WrongAnswer, message),
        (FailureKind::Deadlock, None) => (Verdict::Deadlock, message),
    }
}

/// Completed by the reason.
const UNRELIABLE: &str = "what was seen of this program cannot be relied on, so it gives no points until staff decide";

fn exit_words(exit: Option<Exit>) -> String {
    match exit {
        Some(Exit::Exited(code)) => format!("with exit code {code}"),
        Some(Exit::Signalled(signal)) => format!("by signal {signal}"),
        None => "in an unknown way".to_owned(),
    }
}
