//! One case: a fresh network, the submission in one sandbox, the examiner in another, and the dialogue between them.
//!
//! ```text
//!              ┌────────────── the case's network (loopback only) ──────────────┐
//!  examiner ═══│═ sockets ═══════════════════════════════════════════ programs  │
//!     ║        └────────────────────────────────────────────────────────────────┘
//!     ╚═ asks ═▶ this module ══ starts, signals, looks at kernel facts, reads output
//! ```
//!
//! The examiner says how the case went; this module only adds what the kernel knows: limits, exits, use. It computes no
//! verdict (see [`crate::verdict`]). A wait is ended by an event, by proof that no event will come, or by the case's
//! wall limit as the last resort.

mod address;
mod examiner;
mod facts;
mod nodes;
mod obeying;
mod output;
mod programs;
pub mod protocol;
mod questions;
mod quiet;

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use serde::Serialize;

pub use self::facts::{Ending, Facts, LimitHit};
use self::nodes::Nodes;
use self::output::Captured;
pub use self::output::OUTPUT_BYTES_MAX;
use self::programs::Running;
pub use self::programs::{Programs, Started};
use self::protocol::{CaseOrder, Event, ProgramFacts};
pub use self::protocol::{FailureKind, Outcome};
use self::questions::Questions;
use crate::channel::Channel;
use crate::exercise::{Case, Exercise, HostName, Lane, Limits};
use crate::grading::GraderError;
use crate::replay::Replay;
use crate::report;
use crate::sandbox::sockets::SocketTable;
use crate::sandbox::{self, Launcher, Network, Notice, Role, Sandbox, SandboxLimits};
use crate::seed::CaseSeed;
use crate::submission::Submission;
use crate::wire::{self, Capture, Notes};

/// Between two looks at CPU use and clocks.
const LIMITS_INTERVAL: Duration = Duration::from_millis(10);
/// A wall limit is at least this many times the CPU limit, so that a slow machine changes no verdict.
const WALL_PER_CPU: u32 = 6;
/// A submission's work folder. What lies in it counts as memory too.
const WORK_BYTES: u64 = 64 << 20;
const WORK_FILES: u64 = 4096;

/// Everything a case needs.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    pub exercise: &'a Exercise,
    pub submission: &'a Submission,
    pub case: &'a Case,
    pub programs: &'a Programs,
    pub limits: Limits,
    pub seed: CaseSeed,
    /// What alone is to be repeated, where something is.
    pub replay: Option<&'a Replay>,
    /// The compiled runtime, in the simulated lane.
    pub runtime: Option<BorrowedFd<'a>>,
    /// Whether a sandbox is for native programs whatever the lane.
    pub native: bool,
}

impl Setup<'_> {
    /// Which interpreter the submission most likely needs first.
    fn role(&self) -> Role {
        let manifest = self.exercise.manifest();
        match manifest.lane {
            Lane::Simulated if !self.native => Role::Simulator,
            _ if manifest.programs.is_empty() => Role::Module,
            _ => Role::Submission,
        }
    }

    /// What the case adds to /etc/hosts.
    fn host_lines(&self) -> Vec<String> {
        let names = self.exercise.manifest().names.iter().chain(&self.case.names);
        names.flat_map(HostName::host_lines).collect()
    }

    /// What the case adds to the addresses of the loopback interface.
    fn addresses(&self) -> Vec<IpAddr> {
        self.exercise.manifest().addresses.iter().chain(&self.case.addresses).copied().collect()
    }
}

/// A case that is ready to begin: both sandboxes stand, the examiner's interpreter starts. Dropping it kills everything.
pub struct World<'a> {
    setup: Setup<'a>,
    table: SocketTable,
    submission: Nodes,
    examiner: Sandbox,
    channel: Channel,
    /// What the examiner writes to its standard streams.
    spoken: Captured,
    running: Running,
    questions: Questions,
    capture: Capture,
    /// What the examiner's last word says about the capture.
    notes: Notes,
    began: Instant,
    limits_checked: Instant,
    /// Where native calls go in the simulated lane.
    native_node: Option<usize>,
    /// The most seen so far of what may become less again.
    disk_bytes: u64,
    disk_full: bool,
}

impl<'a> World<'a> {
    /// Makes the case's network and sandboxes.
    pub fn prepare(launcher: &mut Launcher, setup: Setup<'a>) -> Result<Self, GraderError> {
        let Network { table, packets } = launcher.world_at(&setup.addresses())?;
        let mut submission = Nodes::begin(launcher, setup)?;
        // While that furnishes itself.
        let (examiner, channel, spoken) = examiner::prepare(launcher, setup)?;
        submission.get(0)?.work().fill(setup.submission)?;
        submission.get_mut(0)?.prepared()?;
        let now = Instant::now();
        let (running, questions) = (Running::default(), Questions::default());
        Ok(World {
            setup,
            table,
            submission,
            examiner,
            channel,
            spoken,
            running,
            questions,
            capture: Capture::new(packets.ok()),
            notes: Notes::default(),
            began: now,
            limits_checked: now,
            native_node: None,
            disk_bytes: 0,
            disk_full: false,
        })
    }

    /// Runs the case to its end. Whatever was started is killed when this returns, and gone when this is dropped.
    pub fn run(&mut self, cancelled: &dyn Fn() -> bool) -> Result<Facts, GraderError> {
        self.began = Instant::now();
        self.tell(&self.order(), b"", &[])?;
        let ending = self.serve(cancelled).or_else(|error| self.dead_of_memory(error))?;
        Ok(self.finish(ending))
    }

    /// A sandbox whose memory ran out answers nothing any more: what failed because of that is no fault of ours.
    fn dead_of_memory(&mut self, error: GraderError) -> Result<Ending, GraderError> {
        match ran_out_of_memory(self.used())? {
            true if !matches!(error, GraderError::Cancelled) => Ok(Ending::Limit(LimitHit::Memory)),
            _ => Err(error),
        }
    }

    fn order(&self) -> CaseOrder<'a> {
        let programs = self.setup.programs;
        CaseOrder {
            case: &self.setup.case.id,
            seed: self.setup.seed.to_string(),
            vars: programs.vars(),
            replay: self.setup.replay.map(Into::into),
            native_too: self.setup.exercise.manifest().native_too,
            programs: programs.names().map(|name| (name, ProgramFacts { listen: programs.listen(name) })).collect(),
        }
    }

    fn serve(&mut self, cancelled: &dyn Fn() -> bool) -> Result<Ending, GraderError> {
        loop {
            if cancelled() {
                return Err(GraderError::Cancelled);
            }
            self.wait()?;
            self.capture.drain();
            self.spoken.drain();
            if self.running.drain_output() {
                return Ok(Ending::Limit(LimitHit::Output));
            }
            self.take_notices()?;
            while let Some(frame) = self.channel.try_receive().map_err(|error| suite_error(self.setup.case, &error))? {
                if let Some(outcome) = self.obey(frame)? {
                    return self.conclude(outcome);
                }
            }
            if self.channel.ended() {
                return Err(self.examiner_died());
            }
            self.answer_questions()?;
            if let Some(limit) = self.limit_hit()? {
                return Ok(Ending::Limit(limit));
            }
        }
    }

    /// Sleeps until something may have happened.
    fn wait(&self) -> io::Result<()> {
        let tick = self.questions.interval().unwrap_or(LIMITS_INTERVAL);
        let mut sources = vec![
            PollFd::new(&self.channel, PollFlags::IN),
            PollFd::from_borrowed_fd(self.examiner.notices(), PollFlags::IN),
        ];
        sources.extend(self.submission.notices().map(|notices| PollFd::from_borrowed_fd(notices, PollFlags::IN)));
        sources.extend(self.running.pipes().chain(self.spoken.pipe()).map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let timeout = Timespec { tv_sec: 0, tv_nsec: tick.as_nanos() as i64 };
        match rustix::event::poll(&mut sources, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Programs that have ended.
    fn take_notices(&mut self) -> io::Result<()> {
        while let Some((node, notice)) = self.submission.try_notice()? {
            match notice {
                Notice::Exited { id, exit } => {
                    if let Some(process) = self.running.ended((node, id), exit) {
                        self.tell(&Event::Exited { process, exit }, b"", &[])?;
                    }
                }
                Notice::Gone => return Err(io::Error::other("the submission's sandbox died")),
                _ => {}
            }
        }
        // Its channel tells when it has died.
        while !matches!(self.examiner.try_notice()?, None | Some(Notice::Gone)) {}
        Ok(())
    }

    /// An examiner that has said its last word is gone before we have read it: not hearing us is no error.
    fn tell(&self, head: &impl Serialize, tail: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        match self.channel.send(head, tail, &descriptors) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    fn answer_questions(&mut self) -> io::Result<()> {
        for answer in self.questions.answers(&self.table, &self.submission, &self.examiner, &self.running)? {
            self.tell(&answer, b"", &[])?;
        }
        Ok(())
    }

    fn limit_hit(&mut self) -> Result<Option<LimitHit>, GraderError> {
        if self.limits_checked.elapsed() < LIMITS_INTERVAL {
            return Ok(None);
        }
        self.limits_checked = Instant::now();
        let (used, limits) = (self.used(), self.setup.limits);
        if ran_out_of_memory(used)? {
            return Ok(Some(LimitHit::Memory));
        }
        if self.submission.cpu_us_max() > u64::from(limits.cpu_s) * 1_000_000 {
            return Ok(Some(LimitHit::Cpu));
        }
        if self.examiner.usage().cpu_us > u64::from(examiner::LIMITS.cpu_s) * 1_000_000 {
            return Err(suite_error(self.setup.case, &"the examiner used up its CPU time"));
        }
        if self.began.elapsed() > wall_limit(limits) {
            // With nobody left to wait for, it is the suite that hangs.
            return match self.submission.deserted() {
                true => Err(suite_error(self.setup.case, &"the examiner waits for nobody")),
                false => Ok(Some(LimitHit::Wall)),
            };
        }
        Ok(None)
    }

    /// The examiner's word, unless a limit was broken on the way.
    fn conclude(&mut self, outcome: Outcome) -> Result<Ending, GraderError> {
        self.take_notices()?;
        let used = self.used();
        if ran_out_of_memory(used)? {
            return Ok(Ending::Limit(LimitHit::Memory));
        }
        if self.submission.cpu_us_max() > u64::from(self.setup.limits.cpu_s) * 1_000_000 {
            return Ok(Ending::Limit(LimitHit::Cpu));
        }
        match outcome {
            Outcome::Passed { evidence } => Ok(Ending::Passed { evidence }),
            Outcome::Failed { kind, message, evidence, wire } => {
                self.notes = wire;
                Ok(Ending::Failed { kind, message, evidence })
            }
            Outcome::NotRepeated { reason } => {
                Err(GraderError::Request(format!("replay in case {:?}: {reason}", self.setup.case.id)))
            }
            Outcome::Error { reason } => Err(suite_error(self.setup.case, &reason)),
        }
    }

    fn examiner_died(&mut self) -> GraderError {
        self.spoken.drain();
        let kills = self.examiner.usage().memory_kills;
        let reason = if kills > 0 { "the examiner ran out of memory" } else { "the examiner died" };
        suite_error(self.setup.case, &format!("{reason}: {}", self.spoken.text()))
    }

    fn finish(&mut self, ending: Ending) -> Facts {
        let wall_ms = self.began.elapsed().as_millis() as u64;
        let wire = self.seen_on_the_wire(&ending);
        self.submission.kill();
        self.running.drain_output();
        let used = self.used();
        let programs = std::mem::take(&mut self.running).into_started();
        Facts {
            ending,
            wire,
            usage: report::Usage {
                cpu_ms: used.cpu_us / 1000,
                wall_ms,
                peak_bytes: used.peak_bytes,
                processes_peak: used.processes_peak,
                output_bytes: programs.iter().map(Started::output_bytes).sum(),
                disk_bytes: self.disk_bytes,
            },
            programs,
            limits: self.setup.limits,
            processes_refused: used.processes_refused,
            disk_full: self.disk_full,
        }
    }

    /// Before anything is killed, which would be seen too. The socket is closed now, beside what else there is to end.
    fn seen_on_the_wire(&mut self, ending: &Ending) -> Option<report::Evidence> {
        let mut capture = std::mem::take(&mut self.capture);
        if matches!(ending, Ending::Passed { .. }) {
            return None;
        }
        capture.drain();
        wire::evidence(capture, &self.notes, &self.setup.programs.listening())
    }

    /// What the submission has used so far.
    fn used(&mut self) -> sandbox::Usage {
        let used = self.submission.usage();
        self.disk_bytes = self.disk_bytes.max(used.disk_bytes);
        self.disk_full |= used.disk_full;
        used
    }
}

/// Whether the submission needed more memory than its limit; an error where others had taken what it needed.
fn ran_out_of_memory(used: sandbox::Usage) -> Result<bool, GraderError> {
    match used.foreign_kills {
        0 => Ok(used.memory_kills > 0),
        _ => Err(GraderError::out_of_memory()),
    }
}

pub(crate) fn sandbox_limits(limits: Limits) -> SandboxLimits {
    SandboxLimits {
        cpu_s: limits.cpu_s,
        memory_bytes: u64::from(limits.memory_mib) << 20,
        processes: limits.processes,
        work_bytes: WORK_BYTES,
        work_files: WORK_FILES,
    }
}

pub fn wall_limit(limits: Limits) -> Duration {
    Duration::from_secs(u64::from(limits.wall_s.max(limits.cpu_s * WALL_PER_CPU)))
}

fn suite_error(case: &Case, reason: &dyn std::fmt::Display) -> GraderError {
    GraderError::Suite { case: case.id.clone(), reason: reason.to_string() }
}
