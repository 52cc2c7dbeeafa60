//! The submission's programs: how exercise.toml and `--set` name them, and those that run.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::address::Address;
use super::output::Captured;
use super::protocol::Streams;
use crate::channel::Channel;
use crate::exercise::{Manifest, Program};
use crate::report::{Evidence, OutputStream};
use crate::sandbox::{Exit, LIBRARY, Role, Sandbox, environment};
use crate::wire::Listening;

/// Programs that one case may start.
const PROGRAMS_MAX: usize = 256;
/// How messages name the process that calls into a student's modules.
pub const SHIM: &str = "your module";
/// The same for the one that simulates.
pub const SIMULATOR: &str = "the simulator";

/// Programs and vars of an exercise after `--set`.
#[derive(Clone, Debug)]
pub struct Programs {
    vars: BTreeMap<String, toml::Value>,
    programs: BTreeMap<String, Program>,
}

impl Programs {
    /// `set` overrides a var by its name, and a program's file by `PROGRAM.file`.
    pub fn new(manifest: &Manifest, set: &BTreeMap<String, String>) -> Result<Programs, String> {
        let mut programs = Programs { vars: manifest.vars.clone(), programs: manifest.programs.clone() };
        for (name, value) in set {
            programs.set(name, value)?;
        }
        for name in programs.names() {
            for address in programs.listen(name) {
                Address::try_from(address).map_err(|reason| format!("where program {name:?} listens: {reason}"))?;
            }
        }
        Ok(programs)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if let Some(program) = name.strip_suffix(".file").and_then(|program| self.programs.get_mut(program)) {
            program.file = value.to_owned();
            return Ok(());
        }
        let Some(old) = self.vars.get_mut(name) else {
            let known: Vec<String> =
                self.vars.keys().cloned().chain(self.programs.keys().map(|name| format!("{name}.file"))).collect();
            return Err(format!("set {name:?}: this exercise knows only {}", known.join(", ")));
        };
        *old = match old {
            toml::Value::Integer(_) => value
                .parse()
                .map(toml::Value::Integer)
                .map_err(|_| format!("set {name}={value:?}: a number is wanted"))?,
            _ => toml::Value::String(value.to_owned()),
        };
        Ok(())
    }

    pub fn vars(&self) -> serde_json::Value {
        serde_json::to_value(&self.vars).expect("TOML values are JSON values")
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.programs.keys().map(String::as_str)
    }

    pub fn listen(&self, name: &str) -> Vec<String> {
        self.programs.get(name).map(|program| self.filled(&program.listen)).unwrap_or_default()
    }

    /// All addresses on which a program of the exercise is to listen.
    pub fn listening(&self) -> Vec<Listening> {
        let of = |name: &str| -> Vec<Listening> {
            let addresses =
                self.listen(name).into_iter().filter_map(|address| address.trim_start_matches("udp:").parse().ok());
            addresses.map(|address| Listening { program: name.to_owned(), address }).collect()
        };
        self.names().flat_map(of).collect()
    }

    pub fn argv(&self, name: &str, extra: &[String]) -> io::Result<Vec<String>> {
        let program = self
            .programs
            .get(name)
            .ok_or_else(|| io::Error::other(format!("start {name:?}: exercise.toml has no such program")))?;
        let mut argv = Role::Submission.command(&program.file);
        argv.extend(self.filled(&program.argv));
        argv.extend_from_slice(extra);
        Ok(argv)
    }

    /// `{name}` replaced by the var's value.
    fn filled(&self, templates: &[String]) -> Vec<String> {
        let fill = |template: &String| {
            self.vars.iter().fold(template.clone(), |text, (name, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text.replace(&format!("{{{name}}}"), &value)
            })
        };
        templates.iter().map(fill).collect()
    }
}

/// A program that was started, and what is known of it.
#[derive(Debug)]
pub struct Started {
    pub name: String,
    /// The node that it runs in, and the sandbox's name for it there.
    place: (usize, u64),
    pub exit: Option<Exit>,
    /// Whether the examiner signalled it, so that its end says nothing about the program.
    pub signalled: bool,
    output: Vec<Captured>,
}

impl Started {
    /// What it wrote, standard error first.
    pub fn output(&self) -> Vec<Evidence> {
        self.output.iter().filter_map(|captured| captured.evidence(&self.name)).collect()
    }

    /// How much it wrote to the streams that are captured.
    pub fn output_bytes(&self) -> u64 {
        self.output.iter().map(Captured::written).sum()
    }

    /// Whether it ended by itself, and badly.
    pub fn crashed(&self) -> bool {
        !self.signalled && matches!(self.exit, Some(Exit::Exited(1..) | Exit::Signalled(_)))
    }
}

/// All programs of a case.
#[derive(Debug, Default)]
pub struct Running {
    started: Vec<Started>,
}

impl Running {
    /// Starts a program; returns its process and the examiner's ends of the streams that were asked for.
    pub fn start(
        &mut self,
        node: (usize, &mut Sandbox),
        name: &str,
        argv: &[String],
        streams: Streams,
    ) -> io::Result<(u64, Vec<OwnedFd>)> {
        let mut captured = Vec::new();
        let mut ours = Vec::new();
        let input = match streams.stdin {
            true => {
                let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
                ours.push(write);
                read
            }
            false => nothing()?,
        };
        let mut output = |wanted, stream| match wanted {
            true => {
                let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
                ours.push(read);
                io::Result::Ok(write)
            }
            false => {
                let (kept, end) = Captured::new(stream)?;
                captured.insert(0, kept);
                Ok(end)
            }
        };
        let stdout = output(streams.stdout, OutputStream::Stdout)?;
        let stderr = output(streams.stderr, OutputStream::Stderr)?;
        let descriptors = [input.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let process = self.spawn(node, name, argv, &descriptors, captured)?;
        Ok((process, ours))
    }

    /// Starts an interpreter for calls into the student's modules; returns its process and the other end of its channel.
    pub fn start_shim(&mut self, node: (usize, &mut Sandbox)) -> io::Result<(u64, OwnedFd)> {
        self.start_ours(node, "start.py")
    }

    /// The same for what runs a module under schedules.
    pub fn start_scheduler(&mut self, node: (usize, &mut Sandbox)) -> io::Result<(u64, OwnedFd)> {
        self.start_ours(node, "schedule.py")
    }

    /// Starts what simulates, by this compiled runtime.
    pub fn start_simulator(
        &mut self,
        node: (usize, &mut Sandbox),
        runtime: BorrowedFd<'_>,
    ) -> io::Result<(u64, OwnedFd)> {
        let argv = Role::Simulator.flags().iter().copied().map(str::to_owned).collect::<Vec<_>>();
        self.start_with_channel(node, SIMULATOR, &argv, &[runtime])
    }

    fn start_ours(&mut self, node: (usize, &mut Sandbox), file: &str) -> io::Result<(u64, OwnedFd)> {
        self.start_with_channel(node, SHIM, &Role::Module.command(&format!("{LIBRARY}/shim/{file}")), &[])
    }

    /// A program of ours with its channel as descriptor 3, and then `further` ones.
    fn start_with_channel(
        &mut self,
        node: (usize, &mut Sandbox),
        name: &str,
        argv: &[String],
        further: &[BorrowedFd<'_>],
    ) -> io::Result<(u64, OwnedFd)> {
        let (stderr, stderr_end) = Captured::new(OutputStream::Stderr)?;
        let (stdout, stdout_end) = Captured::new(OutputStream::Stdout)?;
        let (channel, theirs) = Channel::pair()?;
        let ours = channel.as_fd().try_clone_to_owned()?;
        let input = nothing()?;
        let streams = [input.as_fd(), stdout_end.as_fd(), stderr_end.as_fd(), theirs.as_fd()];
        let process = self.spawn(node, name, argv, &[&streams, further].concat(), vec![stderr, stdout])?;
        Ok((process, ours))
    }

    fn spawn(
        &mut self,
        (node, sandbox): (usize, &mut Sandbox),
        name: &str,
        argv: &[String],
        descriptors: &[BorrowedFd<'_>],
        output: Vec<Captured>,
    ) -> io::Result<u64> {
        if self.started.len() == PROGRAMS_MAX {
            return Err(io::Error::other(format!("start {name:?}: more than {PROGRAMS_MAX} programs in one case")));
        }
        let place = (node, sandbox.spawn(argv, &environment(), descriptors)?);
        self.started.push(Started { name: name.to_owned(), place, exit: None, signalled: false, output });
        Ok(self.started.len() as u64)
    }

    pub fn pipes(&self) -> impl Iterator<Item = &OwnedFd> {
        self.started.iter().flat_map(|started| &started.output).filter_map(Captured::pipe)
    }

    /// Takes in what was written; `true` when some program wrote too much.
    pub fn drain_output(&mut self) -> bool {
        self.started
            .iter_mut()
            .flat_map(|started| &mut started.output)
            .fold(false, |flood, output| output.drain() | flood)
    }

    /// What ended at a place; returns its process.
    pub fn ended(&mut self, place: (usize, u64), exit: Exit) -> Option<u64> {
        let index = self.started.iter().position(|started| started.place == place)?;
        self.started[index].exit = Some(exit);
        Some(index as u64 + 1)
    }

    /// Notes that a process was signalled; returns where it is.
    pub fn signalled(&mut self, process: u64) -> Option<(usize, u64)> {
        let started = self.started.get_mut(index(process)?)?;
        started.signalled = true;
        Some(started.place)
    }

    pub fn exit(&self, process: u64) -> Option<Exit> {
        self.started.get(index(process)?)?.exit
    }

    /// The node that a process runs in.
    pub fn node(&self, process: u64) -> Option<usize> {
        Some(self.started.get(index(process)?)?.place.0)
    }

    /// Whether no program is left whose end is not known.
    pub fn all_ended(&self) -> bool {
        self.started.iter().all(|started| started.exit.is_some())
    }

    pub fn into_started(self) -> Vec<Started> {
        self.started
    }
}

/// Processes are numbered from 1, in the order of their start.
fn index(process: u64) -> Option<usize> {
    usize::try_from(process).ok()?.checked_sub(1)
}

fn nothing() -> io::Result<OwnedFd> {
    Ok(std::fs::File::open("/dev/null")?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(set: &[(&str, &str)]) -> Result<Programs, String> {
        let manifest = toml::from_str(
            "title = 't'\nsection = 1\nlane = 'native'\nfiles = ['a.py']\n[vars]\nhost = '127.0.0.1'\nport = 7000\n\
             [programs.server]\nfile = 'a.py'\nargv = ['{host}', '--port={port}']\nlisten = ['{host}:{port}']\n\
             [[case]]\nid = 'c'\npoints = 1\ntitle = 't'\n",
        );
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Programs::new(&manifest.unwrap(), &set)
    }

    fn check(set: &[(&str, &str)], argv: &[&str], listen: &str) {
        let programs = programs(set).unwrap();
        assert_eq!(programs.argv("server", &["more".to_owned()]).unwrap()[4..], *argv);
        assert_eq!(programs.listen("server"), [listen]);
    }

    #[test]
    fn vars_fill_arguments_and_addresses() {
        check(&[], &["a.py", "127.0.0.1", "--port=7000", "more"], "127.0.0.1:7000");
    }

    #[test]
    fn settings_override_vars_and_files() {
        let set = [("port", "1664"), ("host", "127.0.0.2"), ("server.file", "my.py")];
        check(&set, &["my.py", "127.0.0.2", "--port=1664", "more"], "127.0.0.2:1664");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let refused = programs(&[("host", "localhost")]).unwrap_err();
        let words = "\"localhost:7000\" is no ADDRESS:PORT, such as 127.0.0.1:7000 or udp:[::1]:7000";
        assert_eq!(refused, format!("where program \"server\" listens: {words}"));
    }

    #[test]
    fn a_setting_that_means_nothing_is_refused_with_what_there_is() {
        let refused = |set| programs(&[set]).unwrap_err();
        assert_eq!(refused(("prot", "1")), "set \"prot\": this exercise knows only host, port, server.file");
        assert_eq!(refused(("port", "x")), "set port=\"x\": a number is wanted");
        assert_eq!(
            refused(("client.file", "x")),
            "set \"client.file\": this exercise knows only host, port, server.file"
        );
    }
}
