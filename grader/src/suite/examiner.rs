//! The process that runs the author's suite, in a sandbox of its own.

use std::os::fd::{AsFd, OwnedFd};

use super::output::Captured;
use super::{Setup, suite_error};
use crate::channel::Channel;
use crate::exercise::Exercise;
use crate::grading::GraderError;
use crate::report::OutputStream;
use crate::sandbox::{LIBRARY, Launcher, Role, Sandbox, SandboxLimits, environment};
use crate::submission::FileName;

/// What an examiner may use.
pub const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 60, memory_bytes: 768 << 20, processes: 64, work_bytes: 64 << 20, work_files: 4096 };

/// What the examiner gets to see: the suite, its drivers and data, never the programs it is to tell apart.
fn suite_files(exercise: &Exercise) -> impl Iterator<Item = &str> {
    exercise.paths().filter(|path| !path.starts_with("submissions/") && !path.starts_with("starter/"))
}

/// The examiner with the suite's files, its interpreter starting. Its standard streams go into one capture: what it says
/// there is for us, when it dies.
pub fn prepare(launcher: &mut Launcher, setup: Setup<'_>) -> Result<(Sandbox, Channel, Captured), GraderError> {
    let mut examiner = launcher.sandbox(Role::Examiner, LIMITS, &setup.host_lines(), &[])?;
    for path in suite_files(setup.exercise) {
        let name = FileName::parse(path.as_bytes()).map_err(|error| suite_error(setup.case, &error))?;
        examiner.work().write(&name, setup.exercise.file(path).expect("listed just now"))?;
    }
    let (channel, theirs) = Channel::pair()?;
    let (spoken, spoken_end) = Captured::new(OutputStream::Stderr)?;
    let nothing: OwnedFd = std::fs::File::open("/dev/null")?.into();
    let argv = Role::Examiner.command(&format!("{LIBRARY}/examiner/run.py"));
    let descriptors = [nothing.as_fd(), spoken_end.as_fd(), spoken_end.as_fd(), theirs.as_fd()];
    examiner.spawn(&argv, &environment(), &descriptors)?;
    Ok((examiner, channel, spoken))
}
