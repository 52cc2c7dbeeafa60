//! `exercise.toml`: the facts of an exercise. Unknown keys are errors, so that a typing mistake never silently becomes
//! a default.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::sandbox::packages;
use crate::submission::FileName;

/// Where and how programs of this exercise run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    Native,
    Simulated,
}

/// Who may see why a case failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    #[default]
    Visible,
    /// Title, verdict and points only.
    Hidden,
    /// Hidden until the assignment closes.
    AfterDue,
}

/// `exercise.toml`, word for word.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub title: String,
    /// Section of the course, from 1.
    pub section: u8,
    /// Slide topics, such as `1-29`.
    #[serde(default)]
    pub topics: Vec<String>,
    pub lane: Lane,
    /// Whether calls that need what the simulated lane lacks are made natively, where their cost is not known.
    #[serde(default)]
    pub native_too: bool,
    /// Files that a student must hand in.
    pub files: Vec<String>,
    /// Modules that are absent in this exercise's sandbox.
    #[serde(default)]
    pub ban: Vec<String>,
    /// Distribution packages beyond the standard library, which the submission may import.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Further host names inside the case.
    #[serde(default)]
    pub names: Vec<HostName>,
    /// Further addresses of the case's loopback interface, beside 127.0.0.0/8 and ::1.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// Whether a student may replay failing schedules at home.
    #[serde(default)]
    pub open: bool,
    /// Values for `{name}` in `programs`; `--set` overrides them.
    #[serde(default)]
    pub vars: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub programs: BTreeMap<String, Program>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default, rename = "case")]
    pub cases: Vec<Case>,
    #[serde(default, rename = "wrong")]
    pub wrong: Vec<Wrong>,
}

/// A program that a suite starts by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    pub file: String,
    #[serde(default)]
    pub argv: Vec<String>,
    /// What it listens on once it is ready: `HOST:PORT` by TCP, `udp:HOST:PORT`, or `unix:NAME` in its work folder.
    #[serde(default)]
    pub listen: Vec<String>,
}

/// A host name and its addresses in order: `shop.test` (which is 127.0.0.1) or `mirror.test 127.0.0.2 127.0.0.3`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostName {
    pub name: String,
    pub addresses: Vec<IpAddr>,
}

impl TryFrom<String> for HostName {
    type Error = String;

    fn try_from(text: String) -> Result<HostName, String> {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let fine = name.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        });
        if !fine {
            return Err(format!("name {name:?}: lower-case letters, digits and hyphens between dots are wanted"));
        }
        let parse = |word: &str| word.parse().map_err(|_| format!("name {name:?}: {word:?} is no address"));
        let mut addresses: Vec<IpAddr> = words.map(parse).collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            addresses.push(Ipv4Addr::LOCALHOST.into());
        }
        Ok(HostName { name, addresses })
    }
}

impl HostName {
    /// Its lines in /etc/hosts.
    pub fn host_lines(&self) -> impl Iterator<Item = String> {
        self.addresses.iter().map(|address| format!("{address} {}", self.name))
    }
}

/// What one case's submission sandbox may use. A wall limit below six times the CPU limit is raised to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub cpu_s: u32,
    pub wall_s: u32,
    pub memory_mib: u32,
    /// Processes and threads together.
    pub processes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { cpu_s: 5, wall_s: 30, memory_mib: 128, processes: 16 }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    pub points: u32,
    pub title: String,
    #[serde(default)]
    pub visibility: Visibility,
    /// At least one mature independent program breaks it, so the statement says it word for word.
    #[serde(default)]
    pub strict: bool,
    /// The sentence of the statement that this case tests.
    #[serde(default)]
    pub requirement: Option<String>,
    #[serde(default)]
    pub hint: Option<String>,
    /// Where this case's limits differ from the exercise's.
    #[serde(default)]
    pub limits: LimitChanges,
    /// Names and addresses in this case alone.
    #[serde(default)]
    pub names: Vec<HostName>,
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// Limits that a case has of its own.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitChanges {
    pub cpu_s: Option<u32>,
    pub wall_s: Option<u32>,
    pub memory_mib: Option<u32>,
    pub processes: Option<u32>,
}

impl Limits {
    /// These limits with the changes made.
    #[must_use]
    pub fn changed(self, changes: LimitChanges) -> Limits {
        Limits {
            cpu_s: changes.cpu_s.unwrap_or(self.cpu_s),
            wall_s: changes.wall_s.unwrap_or(self.wall_s),
            memory_mib: changes.memory_mib.unwrap_or(self.memory_mib),
            processes: changes.processes.unwrap_or(self.processes),
        }
    }
}

/// A wrong program in `submissions/wrong/` and the exact set of cases that it must fail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrong {
    pub name: String,
    pub fails: BTreeSet<String>,
}

impl Manifest {
    /// Whether ids are unique, points are given and names are names.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.cases.is_empty() {
            return Err("exercise.toml: it has no [[case]]".into());
        }
        let mut ids = BTreeSet::new();
        for case in &self.cases {
            check_id("exercise.toml: case id", &case.id)?;
            if !ids.insert(case.id.as_str()) {
                return Err(format!("exercise.toml: case {:?} is there twice", case.id));
            }
            if case.points == 0 {
                return Err(format!("exercise.toml: case {:?} gives no points", case.id));
            }
        }
        let mut names = BTreeSet::new();
        for wrong in &self.wrong {
            if !names.insert(wrong.name.as_str()) {
                return Err(format!("exercise.toml: wrong program {:?} is there twice", wrong.name));
            }
            if let Some(stranger) = wrong.fails.iter().find(|id| !ids.contains(id.as_str())) {
                return Err(format!(
                    "exercise.toml: wrong program {:?} names the unknown case {stranger:?}",
                    wrong.name
                ));
            }
            if wrong.fails.is_empty() {
                return Err(format!("exercise.toml: wrong program {:?} fails nothing", wrong.name));
            }
        }
        if self.native_too && self.lane == Lane::Native {
            return Err("exercise.toml: native_too says something about the simulated lane alone".into());
        }
        if self.lane == Lane::Simulated && !self.programs.is_empty() {
            return Err(
                "exercise.toml: suites in the simulated lane say themselves what they run, in place of programs".into(),
            );
        }
        for file in &self.files {
            FileName::parse(file.as_bytes()).map_err(|error| format!("exercise.toml: files: {error}"))?;
        }
        self.packages.iter().try_for_each(|name| packages::check(name))?;
        for (name, program) in &self.programs {
            if !self.files.contains(&program.file) {
                return Err(format!("exercise.toml: program {name:?} runs {:?}, which is not in files", program.file));
            }
        }
        Ok(())
    }
}

/// Ids are lower-case words and digits joined by single hyphens: they stand in URLs, file names and Python names.
pub(super) fn check_id(what: &str, id: &str) -> Result<(), String> {
    let fine = id.len() <= 64
        && id
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    if fine {
        Ok(())
    } else {
        Err(format!("{what} {id:?}: lower-case letters and digits joined by single hyphens are wanted"))
    }
}
