//! The report: what one grading found. It is kept whole, and leaves the house only through [`Report::seen_by`].

mod history;
pub mod schedule;
mod wire;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::history::{HistoryOperation, HistoryRefusal};
pub use self::schedule::ScheduleEvidence;
pub use self::wire::{
    Answered, WireAway, WireDeed, WireDivergence, WireEvent, WireFate, WireGap, WireLane, WireMark, WireRun, WireSpan,
};
use crate::exercise::{Lane, Visibility};
use crate::verdict::Verdict;

/// One grading's result. Points are integers; a case earns all of its points or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The exercise's id, such as `net-02-echo-server`.
    pub exercise: String,
    /// SHA-256 of the exercise as graded, in lower-case hex.
    pub suite_hash: String,
    /// SHA-256 of the submission's files, in lower-case hex.
    pub submission_hash: String,
    /// Where the case seeds come from: `public` for the constant that `grade` and `check` use, `server` for a key.
    pub seed: SeedOrigin,
    /// Passed, or the first failing case's verdict.
    pub verdict: Verdict,
    pub points: u32,
    pub points_max: u32,
    pub build: Build,
    pub cases: Vec<CaseReport>,
    pub lane: LaneFacts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeedOrigin {
    Public,
    Server,
    /// Given by hand to repeat one case.
    Given,
}

/// What was found before any case ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Build {
    pub ok: bool,
    /// What the student reads when the build failed; empty otherwise.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CaseReport {
    pub id: String,
    pub title: String,
    pub points: u32,
    pub points_max: u32,
    pub verdict: Verdict,
    pub visibility: Visibility,
    /// What went wrong, in words meant for the student. `None` where the case passed or where it may not be seen.
    pub message: Option<String>,
    /// The author's pointer towards the cure, shown with a failure.
    pub hint: Option<String>,
    pub evidence: Vec<Evidence>,
    pub usage: Usage,
    /// The case's seed in hex: repeats the case with `grade --case ID --seed SEED`. Staff only.
    pub seed: Option<String>,
}

/// What is shown to explain a verdict. Texts are student-made data: escape them wherever they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Evidence {
    /// Two byte strings that should have been equal, base64, cut to a window around the first difference.
    Bytes {
        title: String,
        got: String,
        want: String,
        /// Index of the first byte shown, in the whole value.
        offset: u64,
        got_length: u64,
        want_length: u64,
        /// Index of the first differing byte, in the whole value.
        first_difference: u64,
        /// What parts of the wanted bytes are called, in order: those of which something is shown.
        #[serde(default)]
        #[schema(required)]
        fields: Vec<Field>,
    },
    /// Two texts that should have been equal.
    Diff { title: String, got: String, want: String },
    /// A Python traceback of the student's program.
    Traceback { text: String },
    /// The tail of what a program wrote.
    Output { program: String, stream: OutputStream, text: String, truncated: bool },
    /// Operations that overlap in time, and that no order explains.
    History {
        title: String,
        /// Those that matter, in the order in which they were begun.
        operations: Vec<HistoryOperation>,
        /// Indexes of operations: the longest order that explains them one after the other.
        order: Vec<u32>,
        /// What could not come next, and why.
        refusals: Vec<HistoryRefusal>,
    },
    /// What passed on the case's network, in order.
    Wire {
        title: String,
        lanes: Vec<WireLane>,
        events: Vec<WireEvent>,
        left_out: Vec<WireGap>,
        /// Connections of which nothing is shown, because there would be too many lanes.
        connections_left_out: u64,
        divergence: Option<WireDivergence>,
        /// The packets as a pcapng file, base64, as far as they were kept; `null` where there were none.
        capture: Option<String>,
        /// Of a simulated network; `null` for a real one.
        #[serde(default)]
        #[schema(required)]
        run: Option<WireRun>,
    },
    /// A schedule of the submission's threads that fails.
    Schedule(Box<ScheduleEvidence>),
}

/// Bytes of a message that have a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Field {
    pub name: String,
    /// Index of the first byte, in the whole value.
    pub from: u64,
    /// Of the first byte that is no longer part of it.
    pub to: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutputStream {
    Stdout,
    Stderr,
}

/// What the submission's sandbox used, the whole process tree counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    pub cpu_ms: u64,
    pub wall_ms: u64,
    /// Highest memory use in bytes; 0 where the kernel does not tell.
    pub peak_bytes: u64,
    /// Most processes and threads at a time; 0 where the kernel does not tell.
    #[serde(default)]
    #[schema(required)]
    pub processes_peak: u64,
    /// Written to standard output and standard error.
    #[serde(default)]
    #[schema(required)]
    pub output_bytes: u64,
    /// Most that was seen to lie in the folders that it may write to, what was handed in included.
    #[serde(default)]
    #[schema(required)]
    pub disk_bytes: u64,
}

/// The conditions under which the cases ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LaneFacts {
    pub lane: Lane,
    /// The interpreter, such as `3.11.2`.
    pub python: String,
    /// Walls of the sandbox that are missing on this machine, in words; empty when all stand.
    pub weaknesses: Vec<String>,
}

/// Who is about to read a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The submission's author. An assignment that has closed opens its after-due cases.
    Student { assignment_closed: bool },
    /// Assistants, instructors and admins: everything.
    Staff,
}

impl Report {
    /// The report as `reader` may see it. The only way out of the house.
    ///
    /// Of a hidden case a student sees title, verdict and points; no message, hint, evidence, usage or seed.
    #[must_use]
    pub fn seen_by(mut self, reader: Reader) -> Report {
        let Reader::Student { assignment_closed } = reader else {
            return self;
        };
        for case in &mut self.cases {
            case.seed = None;
            let open = match case.visibility {
                Visibility::Visible => true,
                Visibility::AfterDue => assignment_closed,
                Visibility::Hidden => false,
            };
            if !open {
                case.message = None;
                case.hint = None;
                case.evidence.clear();
                case.usage = Usage::default();
            }
        }
        self
    }
}
