//! What the examiner may ask for, done: programs, sandboxes, files, facts. What takes an event is deferred
//! ([`super::questions`]).

use std::io;
use std::os::fd::OwnedFd;

use super::programs::Running;
use super::protocol::{AboutFile, Answer, Ask, Asked, FilesAsk, Outcome, Streams, UsageFacts};
use super::questions::{Awaits, Patience};
use super::{Setup, World, suite_error};
use crate::channel::{Frame, TAIL_BYTES_MAX};
use crate::exercise::Lane;
use crate::grading::GraderError;
use crate::sandbox::Sandbox;
use crate::sandbox::sockets::{Protocol, is_at};
use crate::sandbox::tasks;
use crate::submission::FileName;

/// What is answered at once: fields, bytes, descriptors.
#[derive(Default)]
struct Reply {
    answer: Answer,
    tail: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// [`Running::start_shim`] and its like.
type StartOurs = fn(&mut Running, (usize, &mut Sandbox)) -> io::Result<(u64, OwnedFd)>;

impl Reply {
    /// A process, and the channel to it.
    fn started(answer: Answer, (process, channel): (u64, OwnedFd)) -> Reply {
        Reply { answer: Answer { process: Some(process), ..answer }, tail: vec![], descriptors: vec![channel] }
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Reply {
        Reply { answer, ..Reply::default() }
    }
}

impl World<'_> {
    /// Does what the examiner asks; `Some` at its last word.
    pub(super) fn obey(&mut self, frame: Frame) -> Result<Option<Outcome>, GraderError> {
        let Asked { id, ask } = frame.head().map_err(|error| self.wrong(&error))?;
        let done = || Answer { id, ..Answer::default() };
        let reply: Reply = match ask {
            Ask::End(outcome) => return Ok(Some(outcome)),
            Ask::Ready { process, addresses } => return self.defer(id, Awaits::Ready { process, addresses }),
            Ask::Drained { local, remote } => return self.defer(id, Awaits::Drained { local, remote }),
            Ask::DrainedUdp { address } => return self.defer(id, Awaits::DrainedUdp { address }),
            Ask::DrainedUnix { inode } => return self.defer(id, Awaits::DrainedUnix { inode }),
            Ask::Exit { process } => return self.defer(id, Awaits::Exit { process }),
            Ask::Still => return self.defer(id, Awaits::Still),
            Ask::Settle => return self.defer(id, Awaits::Settled(Patience::with(&self.submission))),
            // A question that was answered meanwhile was answered for nothing; the examiner knows.
            Ask::Forget if !self.questions.forget(id) => return Ok(None),
            Ask::Forget => done().into(),
            Ask::Start { node, program, extra, streams } => {
                let started = self.start(node, &program, &extra, streams);
                let (process, descriptors) = started.map_err(|error| self.wrong(&error))?;
                Reply { answer: Answer { process: Some(process), ..done() }, tail: vec![], descriptors }
            }
            Ask::Shim => Reply::started(done(), self.start_natively(Running::start_shim)?),
            Ask::Scheduler => Reply::started(done(), self.start_natively(Running::start_scheduler)?),
            Ask::Simulator => Reply::started(done(), self.start_simulator()?),
            Ask::Node => {
                let node = self.submission.add(self.setup).map_err(|error| self.wrong(&error))?;
                Answer { node: Some(node), ..done() }.into()
            }
            Ask::Signal { process, signal } => {
                if let Some((node, id)) = self.running.signalled(process) {
                    self.submission.get_mut(node)?.signal(id, signal)?;
                }
                done().into()
            }
            Ask::States { address } => {
                let sockets = self.table.sockets(Protocol::Tcp)?;
                let states = sockets.iter().filter(|socket| is_at(socket.local, address)).map(|socket| socket.state);
                Answer { states: Some(states.collect()), ..done() }.into()
            }
            Ask::Usage { node } => {
                let usage = self.submission.get(node)?.usage();
                let usage = UsageFacts { cpu_ms: usage.cpu_us / 1000, peak_bytes: usage.peak_bytes };
                Answer { usage: Some(usage), ..done() }.into()
            }
            Ask::ResetPeak { node } => {
                self.submission.get(node)?.reset_peak();
                done().into()
            }
            Ask::Processes { node } => {
                let processes = tasks::processes(&self.submission.get(node)?.processes_and_zombies());
                Answer { processes: Some(processes), ..done() }.into()
            }
            Ask::List { node } => {
                let files = self.submission.get(node)?.work().files(None)?;
                Answer { files: Some(files), ..done() }.into()
            }
            Ask::Files(ask) => self.obey_about_files(ask, &frame, done()),
        };
        let Reply { answer, tail, descriptors } = reply;
        self.tell(&answer, &tail, &descriptors)?;
        Ok(None)
    }

    /// What a program may have made of its folders is no error of ours: it is told, and the library knows whose it is.
    fn obey_about_files(&self, ask: FilesAsk, frame: &Frame, done: Answer) -> Reply {
        let words = |error: io::Error| match error.kind() {
            io::ErrorKind::WouldBlock => "full".to_owned(),
            _ => error.to_string(),
        };
        let id = done.id;
        self.about_file(ask, frame, done)
            .unwrap_or_else(|error| Answer { id, refused: Some(words(error)), ..Answer::default() }.into())
    }

    fn about_file(&self, ask: FilesAsk, frame: &Frame, done: Answer) -> io::Result<Reply> {
        let FilesAsk { node, name, about } = ask;
        let work = self.submission.get(node)?.work();
        let name = FileName::parse(name.as_bytes()).map_err(io::Error::other)?;
        let answer = match about {
            AboutFile::Write => {
                work.write(&name, &frame.tail)?;
                done
            }
            AboutFile::Patch { offset } => Answer { found: Some(work.patch(&name, offset, &frame.tail)?), ..done },
            AboutFile::Read { limit } => {
                let content = work.read(&name, limit.min(TAIL_BYTES_MAX))?;
                let answer = Answer { found: Some(content.is_some()), ..done };
                return Ok(Reply { answer, tail: content.unwrap_or_default(), descriptors: vec![] });
            }
            AboutFile::Remove => Answer { found: Some(work.remove(&name)?), ..done },
            AboutFile::Link { target } => {
                work.link(&name, &target)?;
                done
            }
            AboutFile::List => Answer { files: Some(work.files(Some(&name))?), ..done },
            AboutFile::Kind => Answer { kind: work.kind(&name), ..done },
            AboutFile::Connect => {
                let socket = frame.descriptors.first().ok_or_else(|| io::Error::other("a socket is to come along"))?;
                work.connect(socket, &name)?;
                done
            }
        };
        Ok(answer.into())
    }

    fn start(
        &mut self,
        node: usize,
        program: &str,
        extra: &[String],
        streams: Streams,
    ) -> io::Result<(u64, Vec<OwnedFd>)> {
        let argv = self.setup.programs.argv(program, extra)?;
        self.running.start((node, self.submission.get_mut(node)?), program, &argv, streams)
    }

    /// Starts something of ours beside a student's modules.
    fn start_natively(&mut self, start: StartOurs) -> Result<(u64, OwnedFd), GraderError> {
        let node = self.native_node()?;
        Ok(start(&mut self.running, (node, self.submission.get_mut(node)?))?)
    }

    fn start_simulator(&mut self) -> Result<(u64, OwnedFd), GraderError> {
        let runtime = self.setup.runtime.ok_or_else(|| self.wrong(&"its lane in exercise.toml is not simulated"))?;
        Ok(self.running.start_simulator((0, self.submission.get_mut(0)?), runtime)?)
    }

    /// Where a student's modules are called. In the simulated lane that is a sandbox of its own, made when it is needed.
    fn native_node(&mut self) -> Result<usize, GraderError> {
        let manifest = self.setup.exercise.manifest();
        match (manifest.lane, self.native_node) {
            (Lane::Native, _) => Ok(0),
            (Lane::Simulated, Some(node)) => Ok(node),
            (Lane::Simulated, None) if !manifest.native_too => {
                Err(self.wrong(&"native calls need native_too in exercise.toml"))
            }
            (Lane::Simulated, None) => {
                let node = self.submission.add(Setup { native: true, ..self.setup })?;
                self.native_node = Some(node);
                Ok(node)
            }
        }
    }

    fn defer(&mut self, id: u64, awaits: Awaits) -> Result<Option<Outcome>, GraderError> {
        self.questions.ask(id, awaits).map_err(|reason| self.wrong(&reason))?;
        Ok(None)
    }

    fn wrong(&self, reason: &dyn std::fmt::Display) -> GraderError {
        suite_error(self.setup.case, reason)
    }
}
