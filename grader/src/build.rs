//! Before any case: does every file parse, and is nothing imported or used that is banned?
//!
//! The files are parsed, not run, by the system's Python in a sandbox without a network: syntax that it does not know is
//! a build error everywhere. What the parser found is a fact; the rules are judged here.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use serde::Deserialize;

use crate::exercise::Exercise;
use crate::grading::GraderError;
use crate::sandbox::{Exit, LIBRARY, Launcher, Notice, Role, Sandbox, SandboxLimits, Usage, environment};
use crate::submission::Submission;
use crate::verdict::Verdict;

const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 10, memory_bytes: 256 << 20, processes: 4, work_bytes: 8 << 20, work_files: 1024 };
/// Last resort when the parser neither ends nor uses its CPU time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest list of facts that is read.
const FACTS_BYTES_MAX: u64 = 4 << 20;

/// What is wrong with a submission before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `BuildError` or `RuleBroken`.
    pub verdict: Verdict,
    pub message: String,
}

#[derive(Debug, Deserialize)]
struct Facts {
    errors: Vec<SyntaxFact>,
    imports: Vec<NameFact>,
}

#[derive(Debug, Deserialize)]
struct SyntaxFact {
    file: String,
    line: u64,
    column: u64,
    text: String,
    message: String,
}

#[derive(Debug, Deserialize)]
struct NameFact {
    file: String,
    line: u64,
    /// A module, or a name in one: `threading.Barrier`.
    name: String,
}

/// A parser at work.
#[derive(Debug)]
pub struct Parse {
    sandbox: Sandbox,
    facts: OwnedFd,
}

impl Parse {
    /// Starts parsing the submission's files.
    pub fn start(launcher: &mut Launcher, submission: &Submission) -> Result<Parse, GraderError> {
        let mut sandbox = launcher.sandbox(Role::Build, LIMITS, &[], &[])?;
        sandbox.work().fill(submission)?;
        let nothing: OwnedFd = std::fs::File::options().read(true).write(true).open("/dev/null")?.into();
        let (facts, facts_end) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(io::Error::from)?;
        let argv = Role::Build.command(&format!("{LIBRARY}/shim/build.py"));
        let descriptors = [nothing.as_fd(), nothing.as_fd(), nothing.as_fd(), facts_end.as_fd()];
        sandbox.spawn(&argv, &environment(), &descriptors)?;
        Ok(Parse { sandbox, facts })
    }

    /// What is wrong with the submission; `None` when nothing is.
    pub fn finish(self, exercise: &Exercise, python_version: &str) -> Result<Option<Refusal>, GraderError> {
        let (exit, text, used) = self.wait()?;
        if used.foreign_kills > 0 {
            return Err(GraderError::out_of_memory());
        }
        let used_up = used.memory_kills > 0 || used.cpu_us >= u64::from(LIMITS.cpu_s) * 1_000_000;
        if exit.is_none() && !used_up {
            return Err(GraderError::Sandbox("the parser was killed before it had used what it may".to_owned()));
        }
        let facts: Option<Facts> = serde_json::from_slice(&text).ok();
        Ok(match facts {
            Some(facts) if exit == Some(Exit::Exited(0)) => judge(&facts, &exercise.manifest().ban, python_version),
            // A parser that dies or never ends was given something made for that.
            _ => Some(Refusal {
                verdict: Verdict::BuildError,
                message: "Python gave up on parsing the files: they need too much memory or time".to_owned(),
            }),
        })
    }

    /// How it ended, if by itself, and what it found.
    fn wait(mut self) -> Result<(Option<Exit>, Vec<u8>, Usage), GraderError> {
        let _killer = self.sandbox.killer_after(PATIENCE)?;
        let mut text = Vec::new();
        std::fs::File::from(self.facts).take(FACTS_BYTES_MAX).read_to_end(&mut text)?;
        let exit = loop {
            match self.sandbox.next_notice()? {
                Notice::Exited { exit, .. } => break Some(exit),
                // Killed: by the kernel for its memory, or by us for its time, which a slow machine may not have given it.
                Notice::Gone => break None,
                _ => {}
            }
        };
        Ok((exit, text, self.sandbox.usage()))
    }
}

fn judge(facts: &Facts, bans: &[String], python_version: &str) -> Option<Refusal> {
    if !facts.errors.is_empty() {
        let mut message = String::new();
        for error in &facts.errors {
            let line = if error.line == 0 { String::new() } else { format!(", line {}", error.line) };
            let _ = writeln!(message, "{}{line}: {}", error.file, error.message);
            if !error.text.trim().is_empty() {
                let caret = " ".repeat(usize::try_from(error.column).unwrap_or(1).clamp(1, 200) - 1);
                let _ = writeln!(message, "    {}\n    {caret}^", error.text);
            }
        }
        let _ = write!(message, "Programs are run by Python {python_version}.");
        return Some(Refusal { verdict: Verdict::BuildError, message });
    }
    // Each ban once in a file, where it is broken first: what was imported is used too.
    let mut told = HashSet::new();
    let broken: Vec<String> = facts
        .imports
        .iter()
        .filter_map(|import| Some((import, bans.iter().find(|ban| is_part_of(&import.name, ban))?)))
        .filter(|(import, ban)| told.insert((&import.file, *ban)))
        .map(|(import, ban)| {
            let kind = if ban.contains('.') { "" } else { "module " };
            format!("{}, line {}: {kind}{ban:?} is not allowed in this exercise", import.file, import.line)
        })
        .collect();
    (!broken.is_empty()).then(|| Refusal { verdict: Verdict::RuleBroken, message: broken.join("\n") })
}

/// `concurrent.futures.thread` is part of `concurrent.futures`.
fn is_part_of(module: &str, ban: &str) -> bool {
    module.strip_prefix(ban).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
