//! An exercise: one folder, read whole, checked once, identified by the hash of its bytes.
//!
//! The folder's `exercise.toml` holds facts only; unknown keys are errors, so that a typing mistake never silently
//! becomes a default. An [`Exercise`] in hand is proof that ids are unique, points add up and every file it names
//! exists. It can be packed into one archive for the database and read back from it, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::submission::{FileName, Submission, SubmissionError};

/// Largest exercise folder, in bytes of content.
pub const EXERCISE_BYTES_MAX: usize = 8 << 20;
/// Most files in an exercise folder.
pub const EXERCISE_FILES_MAX: usize = 512;

/// `path: reason`, in words for the author.
#[derive(Debug, thiserror::Error)]
#[error("read exercise {exercise:?}: {reason}")]
pub struct ExerciseError {
    pub exercise: String,
    pub reason: String,
}

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
    /// Files that a student must hand in.
    pub files: Vec<String>,
    /// Modules that are absent in this exercise's sandbox.
    #[serde(default)]
    pub ban: Vec<String>,
    /// Distribution packages beyond the standard library.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Further host names that resolve to 127.0.0.1 inside the case.
    #[serde(default)]
    pub names: Vec<String>,
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
    /// `HOST:PORT` addresses that are in LISTEN once the program is ready.
    #[serde(default)]
    pub listen: Vec<String>,
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
    #[serde(default)]
    pub limits: OtherLimits,
}

/// Limits of one case where they differ from the exercise's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OtherLimits {
    pub cpu_s: Option<u32>,
    pub wall_s: Option<u32>,
    pub memory_mib: Option<u32>,
    pub processes: Option<u32>,
}

impl Case {
    /// What this case may use in an exercise with `general` limits.
    pub fn limits_in(&self, general: Limits) -> Limits {
        Limits {
            cpu_s: self.limits.cpu_s.unwrap_or(general.cpu_s),
            wall_s: self.limits.wall_s.unwrap_or(general.wall_s),
            memory_mib: self.limits.memory_mib.unwrap_or(general.memory_mib),
            processes: self.limits.processes.unwrap_or(general.processes),
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

/// A checked exercise with all of its files.
#[derive(Clone)]
pub struct Exercise {
    id: String,
    suite_hash: String,
    manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for Exercise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exercise({} {})", self.id, &self.suite_hash[..12])
    }
}

impl Exercise {
    /// Reads an exercise folder; its name is the exercise's id.
    pub fn load(folder: &Path) -> Result<Exercise, ExerciseError> {
        let id = folder
            .canonicalize()
            .ok()
            .and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
            .unwrap_or_else(|| folder.display().to_string());
        let mut files = BTreeMap::new();
        read_folder(folder, "", &mut files).map_err(|reason| ExerciseError { exercise: id.clone(), reason })?;
        Exercise::from_files(&id, files)
    }

    /// Checks an exercise given as path → content, with `/` between the parts of a path.
    pub fn from_files(id: &str, files: BTreeMap<String, Vec<u8>>) -> Result<Exercise, ExerciseError> {
        check(id, &files)
            .map(|manifest| Exercise { id: id.to_owned(), suite_hash: hash_files(&files), manifest, files })
            .map_err(|reason| ExerciseError { exercise: id.to_owned(), reason })
    }

    /// One archive (tar) with every file, the same bytes for the same exercise.
    pub fn to_archive(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, content.as_slice()).expect("writing to memory does not fail");
        }
        archive.into_inner().expect("writing to memory does not fail")
    }

    /// Reads back what [`Exercise::to_archive`] wrote.
    pub fn from_archive(id: &str, archive: &[u8]) -> Result<Exercise, ExerciseError> {
        let wrong = |error: std::io::Error| ExerciseError { exercise: id.to_owned(), reason: error.to_string() };
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(archive).entries().map_err(wrong)? {
            let mut entry = entry.map_err(wrong)?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(wrong)?;
            files.insert(path, content);
        }
        Exercise::from_files(id, files)
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// SHA-256 over all files, hex.
    pub fn suite_hash(&self) -> &str {
        &self.suite_hash
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub fn points_max(&self) -> u32 {
        self.manifest.cases.iter().map(|case| case.points).sum()
    }

    /// The statement, Markdown.
    pub fn statement(&self) -> &str {
        self.text("README.md").expect("checked when read")
    }

    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Every file's path.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.file(path).and_then(|content| std::str::from_utf8(content).ok())
    }

    /// Files below `folder` (such as `starter`), named relative to it.
    pub fn files_under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> + 'a {
        self.files.iter().filter_map(move |(path, content)| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((name, content.as_slice()))
        })
    }

    /// One of the author's own programs: `reference`, `wrong/NAME`.
    pub fn submission(&self, name: &str) -> Result<Submission, SubmissionError> {
        let folder = format!("submissions/{name}");
        Submission::from_files(
            self.files_under(&folder).map(|(name, content)| (name.as_bytes().to_vec(), content.to_vec())),
        )
    }

    /// What a student begins with, as a submission.
    pub fn starter(&self) -> Result<Submission, SubmissionError> {
        Submission::from_files(
            self.files_under("starter").map(|(name, content)| (name.as_bytes().to_vec(), content.to_vec())),
        )
    }

    /// Whether `submission` holds every file this exercise asks for.
    pub fn accepts(&self, submission: &Submission) -> Result<(), SubmissionError> {
        self.accepts_with(submission, &BTreeMap::new())
    }

    /// The same, where `--set PROGRAM.file=NAME` has given programs other files.
    pub fn accepts_with(&self, submission: &Submission, set: &BTreeMap<String, String>) -> Result<(), SubmissionError> {
        let renamed = |file: &String| {
            let program = self.manifest.programs.iter().find(|(_, program)| program.file == *file);
            program.and_then(|(name, _)| set.get(&format!("{name}.file"))).unwrap_or(file).clone()
        };
        let wanted = self.manifest.files.iter().map(renamed);
        let missing: Vec<String> = wanted.filter(|name| submission.file(name).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let given = submission.files().map(|(name, _)| name.to_string()).collect();
        Err(SubmissionError::Missing { exercise: self.id.clone(), missing, given })
    }
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let entry = entry.map_err(|error| failed(folder, error))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|error| failed(&entry.path(), error))?);
        let name = entry.file_name().into_string().map_err(|name| format!("file name {name:?} is not UTF-8"))?;
        if name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if kind.is_dir() {
            read_folder(&path, &relative, files)?;
        } else if kind.is_file() {
            files.insert(relative, fs::read(&path).map_err(|error| failed(&path, error))?);
        } else {
            return Err(format!("{relative} is neither a file nor a folder"));
        }
        if files.len() > EXERCISE_FILES_MAX {
            return Err(format!("more than {EXERCISE_FILES_MAX} files"));
        }
    }
    Ok(())
}

/// Every path and content with its length before it, so that no two folders run together.
fn hash_files(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    for (path, content) in files {
        for part in [path.as_bytes(), content] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(id: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Manifest, String> {
    check_id("exercise id", id)?;
    if files.values().map(Vec::len).sum::<usize>() > EXERCISE_BYTES_MAX {
        return Err(format!("its files hold more than {EXERCISE_BYTES_MAX} bytes"));
    }
    for path in ["exercise.toml", "README.md", "suite.py"] {
        let content = files.get(path).ok_or_else(|| format!("{path} is missing"))?;
        std::str::from_utf8(content).map_err(|_| format!("{path} is not UTF-8"))?;
    }
    let text = std::str::from_utf8(&files["exercise.toml"]).expect("checked just above");
    let manifest: Manifest = toml::from_str(text).map_err(|error| format!("exercise.toml: {error}"))?;
    check_manifest(&manifest)?;
    check_programs_on_disk(&manifest, files)?;
    Ok(manifest)
}

fn check_manifest(manifest: &Manifest) -> Result<(), String> {
    if manifest.cases.is_empty() {
        return Err("exercise.toml: it has no [[case]]".into());
    }
    let mut ids = BTreeSet::new();
    for case in &manifest.cases {
        check_id("exercise.toml: case id", &case.id)?;
        if !ids.insert(case.id.as_str()) {
            return Err(format!("exercise.toml: case {:?} is there twice", case.id));
        }
        if case.points == 0 {
            return Err(format!("exercise.toml: case {:?} gives no points", case.id));
        }
    }
    let mut names = BTreeSet::new();
    for wrong in &manifest.wrong {
        if !names.insert(wrong.name.as_str()) {
            return Err(format!("exercise.toml: wrong program {:?} is there twice", wrong.name));
        }
        if let Some(stranger) = wrong.fails.iter().find(|id| !ids.contains(id.as_str())) {
            return Err(format!("exercise.toml: wrong program {:?} names the unknown case {stranger:?}", wrong.name));
        }
        if wrong.fails.is_empty() {
            return Err(format!("exercise.toml: wrong program {:?} fails nothing", wrong.name));
        }
    }
    for file in &manifest.files {
        FileName::parse(file.as_bytes()).map_err(|error| format!("exercise.toml: files: {error}"))?;
    }
    Ok(())
}

fn check_programs_on_disk(manifest: &Manifest, files: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    let held = |folder: &str| files.keys().any(|path| path.starts_with(&format!("{folder}/")));
    for folder in ["starter", "submissions/reference"] {
        if !held(folder) {
            return Err(format!("{folder}/ is missing"));
        }
    }
    let named: BTreeSet<&str> = manifest.wrong.iter().map(|wrong| wrong.name.as_str()).collect();
    let on_disk: BTreeSet<&str> =
        files.keys().filter_map(|path| path.strip_prefix("submissions/wrong/")?.split('/').next()).collect();
    match named.symmetric_difference(&on_disk).next() {
        Some(name) if named.contains(name) => {
            Err(format!("wrong program {name:?} has no folder submissions/wrong/{name}"))
        }
        Some(name) => Err(format!("submissions/wrong/{name} has no [[wrong]] in exercise.toml")),
        None => Ok(()),
    }
}

/// Ids are lower-case words and digits joined by single hyphens: they stand in URLs, file names and Python names.
fn check_id(what: &str, id: &str) -> Result<(), String> {
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
