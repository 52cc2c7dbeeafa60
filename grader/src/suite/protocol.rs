//! What the examiner asks and how it is answered. The Python end is `examiner/practicum/grader.py`.
//!
//! The examiner reads what students make, so its words are checked like a stranger's: ids, names and lengths have caps,
//! and a word that is not in the protocol ends the case as our error, never as points.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::quiet::Still;
use crate::replay;
use crate::report::Evidence;
use crate::sandbox::sockets::State;
use crate::sandbox::tasks::Process;
use crate::sandbox::{Exit, Kind};
use crate::wire::Notes;

/// The first frame, to the examiner.
#[derive(Debug, Serialize)]
pub struct CaseOrder<'a> {
    pub case: &'a str,
    pub seed: String,
    pub vars: serde_json::Value,
    /// By program name.
    pub programs: std::collections::BTreeMap<&'a str, ProgramFacts>,
    /// The one schedule or simulated run that is to be repeated, of all that the case would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay<'a>>,
    /// Whether what the simulated lane lacks is done natively.
    pub native_too: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replay<'a> {
    Schedule {
        token: &'a str,
        /// Which exploration of the case it is of.
        exploration: u16,
    },
    Simulation(&'a replay::Simulation),
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
        node: usize,
        program: String,
        extra: Vec<String>,
        #[serde(flatten)]
        streams: Streams,
    },
    /// Start the shim; answered with `process` and its channel.
    Shim,
    /// Start what runs a student's module under schedules; answered with `process` and its channel.
    Scheduler,
    /// Start what runs a student's programs on a simulated network; answered with `process` and its channel.
    Simulator,
    /// A further sandbox for the submission; answered with its number, `node`. The first one's is 0.
    Node,
    Signal {
        process: u64,
        signal: i32,
    },
    /// Answered once all addresses are in LISTEN, or bound, or never will be.
    Ready {
        process: u64,
        addresses: Vec<Address>,
    },
    /// Answered once the socket that `local` talks to has been read empty, or never will be.
    Drained {
        local: SocketAddr,
        remote: SocketAddr,
    },
    /// The same for the UDP socket that is bound there.
    DrainedUdp {
        address: SocketAddr,
    },
    /// The same for what was sent on the unix socket with that inode.
    DrainedUnix {
        inode: u32,
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
    Usage {
        node: usize,
    },
    ResetPeak {
        node: usize,
    },
    Processes {
        node: usize,
    },
    Files(FilesAsk),
    /// Names of all that lies in the work folder.
    List {
        node: usize,
    },
    End(Outcome),
}

/// Something about a name in a work folder.
#[derive(Debug, Deserialize)]
pub struct FilesAsk {
    pub node: usize,
    /// Checked like a student's, which it may be.
    pub name: String,
    #[serde(flatten)]
    pub about: AboutFile,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum AboutFile {
    /// The tail becomes the file's content.
    Write,
    /// The tail overwrites bytes of the file from there on, in place; answered with whether it has them all.
    Patch {
        offset: u64,
    },
    /// Answered with the content in the tail.
    Read {
        limit: usize,
    },
    /// Whatever is no folder.
    Remove,
    /// A symbolic link.
    Link {
        target: String,
    },
    /// Names of all that lies below the folder of that name.
    List,
    Kind,
    /// The socket that comes along is connected to the unix socket of that name; it is of the case's network, which the
    /// grader is not in.
    Connect,
}

/// Which standard streams of a program are pipes of the examiner's.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Streams {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

/// The examiner's last word.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    Passed {
        /// What was asked to be shown whether it fails or not.
        #[serde(default)]
        evidence: Vec<Evidence>,
    },
    Failed {
        kind: FailureKind,
        message: String,
        evidence: Vec<Evidence>,
        #[serde(default)]
        wire: Notes,
    },
    /// What is to be repeated is none of the case's: whoever asked for it is told, and no program is judged.
    NotRepeated { reason: String },
    /// The suite's own fault.
    Error { reason: String },
}

/// How a case failed, as the library tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    WrongAnswer,
    Deadlock,
    NotReady,
    Crashed,
    TimeLimit,
    MemoryLimit,
    OutputLimit,
    /// A program needed what its lane lacks.
    RuleBroken,
    /// What was seen of the program cannot be relied on, so nothing is said about it until staff have looked.
    Void,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<Vec<Process>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Why there is no connection: `full`, or the kernel's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
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
