//! What is known after a case. Nothing here is a judgement; that is [`crate::verdict`]'s.

use super::{FailureKind, Started};
use crate::exercise::Limits;
use crate::report;

/// What is known after a case: the examiner's word and the kernel's facts.
#[derive(Debug)]
pub struct Facts {
    pub ending: Ending,
    /// What passed on the network, where the case failed.
    pub wire: Option<report::Evidence>,
    /// Programs that were started, in order.
    pub programs: Vec<Started>,
    pub limits: Limits,
    pub usage: report::Usage,
    /// Forks refused at the process limit.
    pub processes_refused: u64,
    /// Whether it had no room left for files.
    pub disk_full: bool,
}

#[derive(Debug)]
pub enum Ending {
    Passed { evidence: Vec<report::Evidence> },
    Failed { kind: FailureKind, message: String, evidence: Vec<report::Evidence> },
    Limit(LimitHit),
}

/// Which limit ended a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitHit {
    Cpu,
    Wall,
    Memory,
    Output,
}
