//! What runs in sandboxes: for whom, started by which command, and in which environment. All but the simulator are Python
//! interpreters.

use serde::{Deserialize, Serialize};

use super::program::Command;
use super::root::SIMULATOR;
use crate::library::PYTHON;
use crate::simulator;

/// Whose code runs inside a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A student's programs.
    Submission,
    /// A student's modules, called through the shim.
    Module,
    /// A student's files, parsed and not run.
    Build,
    /// The author's suite.
    Examiner,
    /// A student's programs and modules, inside of a simulator.
    Simulator,
}

impl Role {
    /// Arguments up to the program's file, or all of them where it has none.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Role::Submission => &[PYTHON, "-B", "-s", "-u"],
            Role::Module => &[PYTHON, "-B", "-s", "-P", "-u"],
            Role::Build | Role::Examiner => &[PYTHON, "-B", "-s", "-P"],
            Role::Simulator => &[SIMULATOR, simulator::WORD],
        }
    }

    /// The command that runs a Python file.
    pub fn command(self, file: &str) -> Vec<String> {
        self.flags().iter().copied().chain([file]).map(str::to_owned).collect()
    }

    /// Whether an interpreter of this role, before it has read its program's name, is just what `command` starts.
    pub fn starts(self, command: &Command) -> bool {
        let (flags, file) = (self.flags(), command.argv.get(self.flags().len()));
        flags.iter().eq(command.argv.iter().take(flags.len()))
            && file.is_some_and(|file| !file.starts_with('-'))
            && command.environment == environment()
    }

    /// Whether an interpreter that has started already can become its programs.
    pub fn is_python(self) -> bool {
        self != Role::Simulator
    }

    /// Whether its programs tidy up at their end; ours do not.
    pub fn ends_by_itself(self) -> bool {
        matches!(self, Role::Submission | Role::Module)
    }

    /// How its template is told from others.
    pub fn template_name(self) -> &'static str {
        match self {
            Role::Submission => "template-submission",
            Role::Module => "template-module",
            Role::Build => "template-build",
            Role::Examiner => "template-examiner",
            Role::Simulator => "template-simulator",
        }
    }

    pub fn of_template(name: &str) -> Option<Role> {
        [Role::Submission, Role::Module, Role::Build, Role::Examiner, Role::Simulator]
            .into_iter()
            .find(|role| role.template_name() == name)
    }
}

/// The same for every program, so that nothing of the machine shows through (K16).
pub fn environment() -> Vec<(String, String)> {
    [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/work"),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
        ("PYTHONHASHSEED", "0"),
        ("PYTHONUNBUFFERED", "1"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("MALLOC_ARENA_MAX", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
