//! What the examiner asks and how it is answered. The Python end is `examiner/practicum/grader.py`.
//!
//! The examiner reads what students make, so its words are checked like a stranger's: ids, names and lengths have caps,
//! and a word that is not in the protocol ends the case as our error, never as points.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::quiet::Still;
use crate::report::Evidence;
use crate::sandbox::Exit;
use crate::sandbox::sockets::State;
use crate::wire::Notes;

/// The first frame, to the examiner.
#[derive(Debug, Serialize)]
pub struct CaseOrder<'a> {
    pub case: &'a str,
    pub seed: String,
    pub vars: serde_json::Value,
    /// By program name.
    pub programs: std::collections::BTreeMap<&'a str, ProgramFacts>,
}

#[derive(Debug, Serialize)]
pub struct ProgramFacts {
    pub listen: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Asked {
    pub id: u64,
    #[serde(flatten)]
    pub ask: Ask,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Start a program of exercise.toml; answered with `process`, and pipes for the streams asked for.
    Start {
        program: String,
        extra: Vec<String>,
        stdin: bool,
        stdout: bool,
    },
    /// Start the shim; answered with `process` and its channel.
    Shim,
    Signal {
        process: u64,
        signal: i32,
    },
    /// Answered once all addresses are in LISTEN, or never will be.
    Ready {
        process: u64,
        addresses: Vec<SocketAddr>,
    },
    /// Answered once the socket that `local` talks to has been read empty, or never will be.
    Drained {
        local: SocketAddr,
        remote: SocketAddr,
    },
    /// Answered once nothing will happen any more.
    Still,
    /// Answered once every program has ended or nothing will happen any more, or after a short patience: whether a
    /// program that fails a case is also about to crash must not depend on the machine's speed.
    Settle,
    /// Answered once the process has ended, or never will.
    Exit {
        process: u64,
    },
    /// The answer to `id` is not wanted any more.
    Forget,
    States {
        address: SocketAddr,
    },
    Usage,
    ResetPeak,
    /// The tail goes into a file of the submission's work folder.
    Write {
        name: String,
    },
    Read {
        name: String,
        limit: usize,
    },
    End(Outcome),
}

/// The examiner's last word.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    Passed,
    Failed {
        kind: FailureKind,
        message: String,
        evidence: Vec<Evidence>,
        #[serde(default)]
        wire: Notes,
    },
    /// The suite's own fault.
    Error {
        reason: String,
    },
}

/// How a case failed, as the library tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    WrongAnswer,
    Deadlock,
    NotReady,
    Crashed,
}

/// An answer; which fields are there depends on what was asked.
#[derive(Debug, Default, Serialize)]
pub struct Answer {
    pub id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub still: Option<Still>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub states: Option<Vec<State>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<bool>,
}

#[derive(Debug, Serialize)]
pub struct UsageFacts {
    pub cpu_ms: u64,
    pub peak_bytes: u64,
}

/// What the examiner is told without asking.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    Exited { process: u64, exit: Exit },
}
