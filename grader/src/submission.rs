//! A submission: what a student handed in, checked once at the door.
//!
//! Names come from a stranger. A [`FileName`] in hand is proof that it is relative, in NFC, short, and climbs nowhere;
//! a [`Submission`] is proof that counts and sizes are within their limits. Archives are opened here, in memory, with
//! the limits applied while reading, so that a bomb is refused after the first byte too many.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Most files in one submission.
pub const FILES_MAX: usize = 32;
/// Largest submission, all files together, in bytes.
pub const BYTES_MAX: usize = 1 << 20;
/// Longest file name with its folders, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Most folders in a file name, the file itself counted.
pub const NAME_PARTS_MAX: usize = 8;
/// Most entries that an archive may list, folders and all.
const ARCHIVE_ENTRIES_MAX: usize = 256;

/// Why an upload was refused. Each text names the thing and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    #[error("the submission is empty: hand in at least one file")]
    Empty,
    #[error("the file {0:?} is empty: hand in its content")]
    EmptyFile(String),
    #[error("file name {name:?}: {reason}")]
    Name { name: String, reason: &'static str },
    #[error("the file {0:?} is there twice: send each file once")]
    Twice(String),
    #[error("more than {FILES_MAX} files: leave out what the exercise does not ask for")]
    TooManyFiles,
    #[error("more than {BYTES_MAX} bytes in all: leave out what the exercise does not ask for")]
    TooLarge,
    #[error("open archive {name:?}: {reason}")]
    Archive { name: String, reason: String },
    #[error("{}", missing_text(exercise, missing, given))]
    Missing { exercise: String, missing: Vec<String>, given: Vec<String> },
    #[error("read {path:?}: {reason}")]
    Read { path: String, reason: String },
}

fn missing_text(exercise: &str, missing: &[String], given: &[String]) -> String {
    format!(
        "{exercise} asks for {}, which the submission lacks; it holds {}: name the file as the exercise asks",
        missing.join(", "),
        given.join(", "),
    )
}

/// A relative path of a student's file: UTF-8 in NFC, `/` between its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct FileName(String);

impl TryFrom<String> for FileName {
    type Error = SubmissionError;

    fn try_from(name: String) -> Result<FileName, SubmissionError> {
        FileName::parse(name.as_bytes())
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FileName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn parse(bytes: &[u8]) -> Result<FileName, SubmissionError> {
        let wrong = |reason| SubmissionError::Name { name: String::from_utf8_lossy(bytes).into_owned(), reason };
        let name = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8: rename the file"))?;
        let name: String = if is_nfc(name) { name.to_owned() } else { name.nfc().collect() };
        if name.is_empty() {
            return Err(wrong("it is empty"));
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(wrong("it is longer than 200 bytes"));
        }
        if name.starts_with('/') || name.contains('\\') || name.get(1..2) == Some(":") {
            return Err(wrong(
                "absolute and Windows paths are not allowed: send a relative name with / between folders",
            ));
        }
        if name.chars().any(char::is_control) {
            return Err(wrong("control characters are not allowed"));
        }
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > NAME_PARTS_MAX {
            return Err(wrong("it lies more than 7 folders deep"));
        }
        if parts.iter().any(|part| part.is_empty() || *part == "." || *part == "..") {
            return Err(wrong("\".\", \"..\" and empty parts are not allowed"));
        }
        Ok(FileName(name))
    }
}

/// One immutable upload.
#[derive(Clone)]
pub struct Submission {
    files: BTreeMap<FileName, Vec<u8>>,
    hash: String,
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Submission({} files, {})", self.files.len(), &self.hash[..12])
    }
}

impl Submission {
    /// Files as they are, names not yet trusted.
    pub fn from_files(files: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Submission, SubmissionError> {
        let mut gathered = Gathered::default();
        for (name, content) in files {
            gathered.add(&name, content)?;
        }
        gathered.finish()
    }

    /// An upload as a browser or `curl` sends it: plain files, or one `.zip`, `.tar.gz` or `.tgz` in their place.
    pub fn from_upload(files: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Submission, SubmissionError> {
        match files.as_slice() {
            [(name, archive)] if name.ends_with(b".zip") => from_zip(&String::from_utf8_lossy(name), archive),
            [(name, archive)] if name.ends_with(b".tar.gz") || name.ends_with(b".tgz") => {
                from_tar_gz(&String::from_utf8_lossy(name), archive)
            }
            _ => Submission::from_files(files),
        }
    }

    /// A file, an archive or a folder on this machine. Links are not followed; hidden files and `__pycache__` are left out.
    pub fn from_path(path: &Path) -> Result<Submission, SubmissionError> {
        let mut files = Vec::new();
        if path.is_dir() {
            read_folder(path, &mut Vec::new(), &mut files)?;
            return Submission::from_files(files);
        }
        let name = path.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
        files.push((name, read_capped(path)?));
        Submission::from_upload(files)
    }

    /// SHA-256 over all names and contents, hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    pub fn files(&self) -> impl Iterator<Item = (&FileName, &[u8])> {
        self.files.iter().map(|(name, content)| (name, content.as_slice()))
    }

    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(&FileName(name.to_owned())).map(Vec::as_slice)
    }

    /// Size of all contents.
    pub fn bytes_total(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }
}

/// Files so far, within the limits.
#[derive(Default)]
struct Gathered {
    files: BTreeMap<FileName, Vec<u8>>,
    bytes: usize,
}

impl Gathered {
    fn add(&mut self, name: &[u8], content: Vec<u8>) -> Result<(), SubmissionError> {
        let name = FileName::parse(name)?;
        if self.files.len() == FILES_MAX {
            return Err(SubmissionError::TooManyFiles);
        }
        self.bytes += content.len();
        if self.bytes > BYTES_MAX {
            return Err(SubmissionError::TooLarge);
        }
        if self.files.contains_key(&name) {
            return Err(SubmissionError::Twice(name.0));
        }
        self.files.insert(name, content);
        Ok(())
    }

    fn room(&self) -> usize {
        BYTES_MAX - self.bytes
    }

    fn finish(self) -> Result<Submission, SubmissionError> {
        if self.files.is_empty() {
            return Err(SubmissionError::Empty);
        }
        if self.bytes == 0 {
            let (name, _) = self.files.first_key_value().expect("not empty");
            return Err(SubmissionError::EmptyFile(name.0.clone()));
        }
        if let Some(clash) = self.files.keys().find(|name| self.is_folder_of_another(name)) {
            return Err(SubmissionError::Name {
                name: clash.0.clone(),
                reason: "it is the name of a file and of a folder",
            });
        }
        let mut hash = Sha256::new();
        for (name, content) in &self.files {
            for part in [name.0.as_bytes(), content] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        Ok(Submission { files: self.files, hash: hex(&hash.finalize()) })
    }

    fn is_folder_of_another(&self, name: &FileName) -> bool {
        let below = format!("{}/", name.0);
        self.files.range(FileName(below.clone())..).next().is_some_and(|(next, _)| next.0.starts_with(&below))
    }
}

fn from_zip(name: &str, archive: &[u8]) -> Result<Submission, SubmissionError> {
    let damaged = |_| damaged(name, "a zip archive");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).map_err(damaged)?;
    if zip.len() > ARCHIVE_ENTRIES_MAX {
        return Err(SubmissionError::TooManyFiles);
    }
    let mut gathered = Gathered::default();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(damaged)?;
        let inside = entry.name_raw().to_vec();
        if entry.is_dir() || left_out(&inside) {
            continue;
        }
        if entry.is_symlink() {
            return Err(not_plain(name, &inside, "a link"));
        }
        let content = read_entry(entry, gathered.room()).map_err(|error| damaged(error.into()))?;
        gathered.add(&inside, content)?;
    }
    gathered.finish()
}

fn from_tar_gz(name: &str, archive: &[u8]) -> Result<Submission, SubmissionError> {
    let mut unpacked = flate2::read::GzDecoder::new(archive).take(ARCHIVE_BYTES_MAX);
    let gathered = from_tar(name, &mut unpacked);
    // Reading to the end compares the checksum of the whole.
    let rest = std::io::copy(&mut unpacked, &mut std::io::sink());
    if unpacked.limit() == 0 {
        return Err(SubmissionError::TooLarge);
    }
    let gathered = gathered?;
    rest.map_err(|_| damaged(name, TAR_GZ))?;
    gathered.finish()
}

fn from_tar(name: &str, unpacked: impl Read) -> Result<Gathered, SubmissionError> {
    let damaged = |_| damaged(name, TAR_GZ);
    let mut tar = tar::Archive::new(unpacked);
    let mut gathered = Gathered::default();
    for (index, entry) in tar.entries().map_err(damaged)?.enumerate() {
        if index == ARCHIVE_ENTRIES_MAX {
            return Err(SubmissionError::TooManyFiles);
        }
        let entry = entry.map_err(damaged)?;
        let inside = entry.path_bytes().into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() || left_out(&inside) {
            continue;
        }
        if !kind.is_file() {
            return Err(not_plain(name, &inside, "not a plain file"));
        }
        let content = read_entry(entry, gathered.room()).map_err(damaged)?;
        gathered.add(inside.strip_prefix(b"./").unwrap_or(&inside), content)?;
    }
    Ok(gathered)
}

const TAR_GZ: &str = "a gzipped tar archive";

fn damaged(archive: &str, kind: &str) -> SubmissionError {
    let reason = format!("it is damaged or not {kind}: pack it again");
    SubmissionError::Archive { name: archive.to_owned(), reason }
}

fn not_plain(archive: &str, inside: &[u8], what: &str) -> SubmissionError {
    let reason = format!("{:?} is {what}: put the file itself in", String::from_utf8_lossy(inside));
    SubmissionError::Archive { name: archive.to_owned(), reason }
}

/// Bytes of tar that are unpacked before giving up: the content and, for each entry, headers and padding.
const ARCHIVE_BYTES_MAX: u64 = (BYTES_MAX + ARCHIVE_ENTRIES_MAX * 4096) as u64;

/// Reads one byte more than there is room for, so that the caller's limit trips instead of a silent cut.
fn read_entry(entry: impl Read, room: usize) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    entry.take(room as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

/// What packers of archives add by themselves; `._` begins the files that macOS keeps attributes in.
fn left_out(name: &[u8]) -> bool {
    let added = |part: &[u8]| matches!(part, b"__pycache__" | b"__MACOSX" | b".DS_Store") || part.starts_with(b"._");
    name.split(|byte| *byte == b'/').any(added)
}

fn read_folder(
    folder: &Path,
    prefix: &mut Vec<u8>,
    files: &mut Vec<(Vec<u8>, Vec<u8>)>,
) -> Result<(), SubmissionError> {
    let failed = |path: &Path, error: std::io::Error| SubmissionError::Read {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).and_then(Iterator::collect::<Result<_, _>>).map_err(|error| failed(folder, error))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(|error| failed(&entry.path(), error))?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") || left_out(name) {
            continue;
        }
        let length = prefix.len();
        prefix.extend_from_slice(name);
        if kind.is_dir() {
            prefix.push(b'/');
            read_folder(&entry.path(), prefix, files)?;
        } else if kind.is_file() {
            if files.len() == FILES_MAX {
                return Err(SubmissionError::TooManyFiles);
            }
            files.push((prefix.clone(), read_capped(&entry.path())?));
        }
        prefix.truncate(length);
    }
    Ok(())
}

fn read_capped(path: &Path) -> Result<Vec<u8>, SubmissionError> {
    let failed =
        |error: std::io::Error| SubmissionError::Read { path: path.display().to_string(), reason: error.to_string() };
    let file = std::fs::File::open(path).map_err(failed)?;
    let content = read_entry(file, BYTES_MAX).map_err(failed)?;
    if content.len() > BYTES_MAX { Err(SubmissionError::TooLarge) } else { Ok(content) }
}
