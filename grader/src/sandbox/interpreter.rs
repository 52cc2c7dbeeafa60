//! The Python interpreters that run in sandboxes: for whom, with which flags, and in which environment.

use serde::{Deserialize, Serialize};

use super::program::Command;
use crate::library::PYTHON;

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
}

impl Role {
    /// Arguments up to the program's file.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Role::Submission => &[PYTHON, "-B", "-s", "-u"],
            Role::Module => &[PYTHON, "-B", "-s", "-P", "-u"],
            Role::Build | Role::Examiner => &[PYTHON, "-B", "-s", "-P"],
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
        }
    }

    pub fn of_template(name: &str) -> Option<Role> {
        [Role::Submission, Role::Module, Role::Build, Role::Examiner]
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
