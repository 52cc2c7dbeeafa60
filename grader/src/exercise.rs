//! An exercise: one folder, read whole, checked once, identified by the hash of its bytes.
//!
//! An [`Exercise`] in hand is proof that ids are unique, that every case gives points and that the files and programs it
//! names are there. It can be packed into one archive for the database and read back from it, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::runtime::LocalRuntime;
use crate::submission::{Submission, SubmissionError};

mod manifest;

pub use manifest::{Case, HostName, Lane, LimitChanges, Limits, Manifest, Program, Visibility, Wrong};

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

/// A checked exercise with all of its files.
#[derive(Clone)]
pub struct Exercise {
    id: String,
    files_hash: String,
    suite_hash: String,
    /// SHA-256 of the component that it is pinned to, in the simulated lane.
    runtime: Option<String>,
    manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for Exercise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exercise({} {})", self.id, &self.suite_hash[..12])
    }
}

impl Exercise {
    /// Reads an exercise folder; its name is the exercise's id. In the simulated lane it is pinned to the runtime of this
    /// machine.
    pub fn load(folder: &Path) -> Result<Exercise, ExerciseError> {
        Exercise::load_with(folder, &LocalRuntime::default())
    }

    /// The same with a runtime of one's choice.
    pub fn load_with(folder: &Path, local: &LocalRuntime) -> Result<Exercise, ExerciseError> {
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let id = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = BTreeMap::new();
        read_folder(folder, "", &mut files).map_err(|reason| ExerciseError { exercise: id.clone(), reason })?;
        let exercise = Exercise::from_files(&id, files)?;
        match exercise.manifest.lane {
            Lane::Native => Ok(exercise),
            Lane::Simulated => match local.get() {
                Ok(runtime) => Ok(exercise.pinned(&runtime.sha256)),
                Err(error) => Err(ExerciseError { exercise: id, reason: format!("failed to {error}") }),
            },
        }
    }

    /// Checks an exercise given as path → content, with `/` between the parts of a path. It is pinned to no runtime yet.
    pub fn from_files(id: &str, files: BTreeMap<String, Vec<u8>>) -> Result<Exercise, ExerciseError> {
        let manifest = check(id, &files).map_err(|reason| ExerciseError { exercise: id.to_owned(), reason })?;
        let files_hash = hash_files(&files);
        Ok(Exercise { id: id.to_owned(), suite_hash: files_hash.clone(), files_hash, runtime: None, manifest, files })
    }

    /// The same exercise, which is to be graded with this runtime and no other.
    pub fn pinned(self, runtime: &str) -> Exercise {
        let suite_hash = hex(&Sha256::new().chain_update(&self.files_hash).chain_update(runtime).finalize());
        Exercise { suite_hash, runtime: Some(runtime.to_owned()), ..self }
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

    /// Reads back what [`Exercise::to_archive`] wrote. What it was pinned to is not in there.
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

    /// SHA-256 over all files, hex. Seeds hang on it, so that no other build of the runtime draws other faults.
    pub fn files_hash(&self) -> &str {
        &self.files_hash
    }

    /// What a verdict was reached with: the hash of the files; in the simulated lane SHA-256 over that and the runtime.
    pub fn suite_hash(&self) -> &str {
        &self.suite_hash
    }

    /// SHA-256 of the runtime that it is pinned to; `None` in the native lane.
    pub fn runtime(&self) -> Option<&str> {
        self.runtime.as_deref()
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
    hex(&hash.finalize())
}

fn check(id: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Manifest, String> {
    manifest::check_id("exercise id", id)?;
    if files.values().map(Vec::len).sum::<usize>() > EXERCISE_BYTES_MAX {
        return Err(format!("its files hold more than {EXERCISE_BYTES_MAX} bytes"));
    }
    for path in ["exercise.toml", "README.md", "suite.py"] {
        let content = files.get(path).ok_or_else(|| format!("{path} is missing"))?;
        std::str::from_utf8(content).map_err(|_| format!("{path} is not UTF-8"))?;
    }
    let text = std::str::from_utf8(&files["exercise.toml"]).expect("checked just above");
    let manifest: Manifest = toml::from_str(text).map_err(|error| format!("exercise.toml: {error}"))?;
    manifest.check()?;
    check_programs_on_disk(&manifest, files)?;
    Ok(manifest)
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
