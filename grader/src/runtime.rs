//! The Python of the simulated lane, as an artefact: one WebAssembly component, made once per release by
//! `scripts/runtime`, and the native code that each machine makes of it, once.
//!
//! Two components made from the same sources differ, and what a program shows depends on the component to the order of a
//! set. So a component is known by its SHA-256, and an exercise of the simulated lane is pinned to one: its suite hash
//! holds it, and it is graded with that one wherever and however often. Where components come from is decided here for
//! the command line ([`LocalRuntime`]); a worker has them from the database.

mod compiled;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use crate::hex::hex;

pub use compiled::{Compiled, Runtimes};

/// Names another component than the one that would be found.
pub const VARIABLE: &str = "PRACTICUM_RUNTIME";
/// Largest component, in bytes.
pub const RUNTIME_BYTES_MAX: u64 = 256 << 20;

/// Fragments that complete "failed to …".
#[derive(Clone, Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error(
        "find the Python of the simulated lane: looked for {}. `scripts/runtime` makes one, --runtime or {VARIABLE} \
         names one that is elsewhere",
        list(.0)
    )]
    Nowhere(Vec<PathBuf>),
    #[error("read the runtime {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("use the runtime {sha256}: its content has another hash")]
    Altered { sha256: String },
    /// Native code is only ever run from where nobody else can write.
    #[error("trust {}: {reason}", path.display())]
    Untrusted { path: PathBuf, reason: String },
    #[error("find the runtime {0}: this machine has not got it")]
    Absent(String),
    #[error("compile the runtime: {0}")]
    Compile(String),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A component's name, in hex.
pub fn sha256(component: &[u8]) -> String {
    hex(&Sha256::digest(component))
}

/// A component on this machine.
#[derive(Clone, Debug)]
pub struct Runtime {
    pub path: PathBuf,
    pub sha256: String,
}

impl Runtime {
    fn at(path: &Path) -> Result<Runtime, RuntimeError> {
        let component = read(path)?;
        Ok(Runtime { path: path.to_owned(), sha256: sha256(&component) })
    }

    /// The component, as it was when it was found.
    pub fn component(&self) -> Result<Vec<u8>, RuntimeError> {
        let component = read(&self.path)?;
        match sha256(&component) == self.sha256 {
            true => Ok(component),
            false => Err(RuntimeError::Altered { sha256: self.sha256.clone() }),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, RuntimeError> {
    let wrong = |reason: String| RuntimeError::Unreadable { path: path.to_owned(), reason };
    match fs::metadata(path) {
        Ok(facts) if facts.len() > RUNTIME_BYTES_MAX => {
            Err(wrong(format!("it has more than {RUNTIME_BYTES_MAX} bytes")))
        }
        Ok(_) => fs::read(path).map_err(|error| wrong(error.to_string())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// The component that this machine has, if it has any. It is looked for when it is first asked for, and once in the life
/// of this process, for most exercises need none.
#[derive(Clone, Debug)]
pub struct LocalRuntime {
    chosen: Option<PathBuf>,
    found: Arc<OnceLock<Result<Runtime, RuntimeError>>>,
}

impl Default for LocalRuntime {
    fn default() -> LocalRuntime {
        LocalRuntime::new(std::env::var_os(VARIABLE).map(PathBuf::from))
    }
}

impl LocalRuntime {
    /// That file, or what is found where one is expected.
    pub fn new(chosen: Option<PathBuf>) -> LocalRuntime {
        type Known = BTreeMap<Option<PathBuf>, LocalRuntime>;
        static KNOWN: Mutex<Known> = Mutex::new(Known::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || LocalRuntime { chosen: chosen.clone(), found: Arc::default() };
        known.entry(chosen.clone()).or_insert_with(new).clone()
    }

    pub fn get(&self) -> Result<&Runtime, RuntimeError> {
        self.found.get_or_init(|| self.look()).as_ref().map_err(Clone::clone)
    }

    fn look(&self) -> Result<Runtime, RuntimeError> {
        let places = self.chosen.clone().map_or_else(places, |chosen| vec![chosen]);
        match places.iter().find(|path| path.is_file()) {
            Some(path) => Runtime::at(path),
            None => Err(RuntimeError::Nowhere(places)),
        }
    }
}

/// Beside the program; where a distribution keeps what is no program; and in the working tree that it was built in.
fn places() -> Vec<PathBuf> {
    let Ok(program) = std::env::current_exe() else { return vec![] };
    let folders: Vec<&Path> = program.ancestors().skip(1).take(4).collect();
    let mut places: Vec<PathBuf> = folders.iter().take(1).map(|folder| folder.join("python.wasm")).collect();
    places.extend(folders.get(1).map(|folder| folder.join("share/practicum/python.wasm")));
    let trees = folders.iter().filter(|folder| folder.join("Cargo.toml").is_file());
    places.extend(trees.map(|folder| folder.join(".cache/runtime/python.wasm")));
    places
}
