//! What this machine has compiled: a folder of this user's, a file for each component and each thing that decides what
//! becomes of it.
//!
//! A compiled component is native code that runs as we do, and nothing in it shows who wrote it. So it is taken only from a
//! folder, and of a file, that this user owns and nobody else may write to.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat, renameat};
use simulation::Machine;
use tracing::info;

use super::{LocalRuntime, RuntimeError, sha256};

/// How many compiled components are kept: the current one, and some of old exercises.
const KEPT: usize = 4;
/// Nobody else may write; everybody may read, also the accounts of sandboxes that are given an open file.
const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;
const LOCK: &str = "lock";
const KIND: &str = "cwasm";

/// The folder.
#[derive(Clone, Debug)]
pub struct Compiled {
    folder: PathBuf,
}

impl Compiled {
    /// `$XDG_CACHE_HOME/practicum`; without that `~/.cache/practicum`, or for root `/var/cache/practicum`.
    pub fn of_this_user() -> Compiled {
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = variable("XDG_CACHE_HOME").unwrap_or_else(|| match rustix::process::geteuid().is_root() {
            true => "/var/cache".into(),
            false => variable("HOME").unwrap_or_else(|| "/".into()).join(".cache"),
        });
        Compiled::in_folder(cache.join("practicum"))
    }

    pub fn in_folder(folder: PathBuf) -> Compiled {
        Compiled { folder }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `None` where it is not compiled yet.
    pub fn open(&self, sha256: &str) -> Result<Option<File>, RuntimeError> {
        let Some(folder) = self.open_folder()? else { return Ok(None) };
        let name = name(sha256)?;
        match openat(&folder, &name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            Ok(file) => self.trusted(File::from(file), self.folder.join(name)).map(Some),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed(error.into())),
        }
    }

    /// Compiles a component, unless another process has done so meanwhile. Takes seconds.
    pub fn compile(&self, component: &[u8]) -> Result<File, RuntimeError> {
        let sha256 = sha256(component);
        let folder = self.make_folder()?;
        // Held until this returns; who waits for it finds the work done.
        let _lock = self.lock(&folder)?;
        if let Some(compiled) = self.open(&sha256)? {
            return Ok(compiled);
        }
        info!(runtime = sha256, "compiling the Python of the simulated lane, once on this machine");
        let began = Instant::now();
        let native = Machine::compile(component).map_err(|trouble| RuntimeError::Compile(trouble.to_string()))?;
        self.keep(&folder, &name(&sha256)?, &native).map_err(|error| self.failed(error))?;
        info!(runtime = sha256, seconds = began.elapsed().as_secs(), "compiled the Python of the simulated lane");
        self.open(&sha256)?.ok_or(RuntimeError::Absent(sha256))
    }

    /// Where there is none yet, `None`.
    fn open_folder(&self) -> Result<Option<File>, RuntimeError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::open(&self.folder, flags, Mode::empty()) {
            Ok(folder) => self.trusted(File::from(folder), self.folder.clone()).map(Some),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed(error.into())),
        }
    }

    fn make_folder(&self) -> Result<File, RuntimeError> {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.folder);
        made.map_err(|error| self.failed(error))?;
        self.open_folder()?.ok_or_else(|| self.failed(io::ErrorKind::NotFound.into()))
    }

    fn lock(&self, folder: &File) -> Result<File, RuntimeError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let lock =
            openat(folder, LOCK, flags, Mode::from_raw_mode(FILE_MODE)).map_err(|error| self.failed(error.into()))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| self.failed(error.into()))?;
        Ok(File::from(lock))
    }

    /// Whole or not at all, and with no more than [`KEPT`] beside each other.
    fn keep(&self, folder: &File, name: &str, native: &[u8]) -> io::Result<()> {
        let mut fresh = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)?;
        fresh.write_all(native)?;
        fresh.as_file().set_permissions(Permissions::from_mode(FILE_MODE))?;
        self.forget_the_oldest()?;
        let (_, path) = fresh.keep().map_err(|error| error.error)?;
        renameat(folder, path.file_name().expect("it has just been named"), folder, name)?;
        Ok(())
    }

    /// A process that has one open keeps it for as long.
    fn forget_the_oldest(&self) -> io::Result<()> {
        let mut compiled = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|kind| kind == KIND) {
                compiled.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        compiled.sort_unstable();
        let over = (compiled.len() + 1).saturating_sub(KEPT);
        compiled.iter().take(over).try_for_each(|(_, path)| fs::remove_file(path))
    }

    fn trusted(&self, file: File, path: PathBuf) -> Result<File, RuntimeError> {
        let facts = file.metadata().map_err(|error| self.failed(error))?;
        let untrusted = |reason: &str| Err(RuntimeError::Untrusted { path: path.clone(), reason: reason.to_owned() });
        if facts.uid() != rustix::process::geteuid().as_raw() {
            return untrusted("it belongs to another user, and holds native code");
        }
        if facts.mode() & 0o022 != 0 {
            return untrusted("others may write to it, and it holds native code");
        }
        Ok(file)
    }

    fn failed(&self, error: io::Error) -> RuntimeError {
        RuntimeError::Unreadable { path: self.folder.clone(), reason: error.to_string() }
    }
}

/// Also names what the machine decides: another version of the compiler or another processor makes a file of its own.
fn name(sha256: &str) -> Result<String, RuntimeError> {
    static KEY: OnceLock<String> = OnceLock::new();
    let key = match KEY.get() {
        Some(key) => key,
        None => {
            let key = Machine::key().map_err(|trouble| RuntimeError::Compile(trouble.to_string()))?;
            KEY.get_or_init(|| key)
        }
    };
    Ok(format!("{sha256}-{key}.{KIND}"))
}

/// What a grader needs to come by compiled components.
#[derive(Clone, Debug)]
pub struct Runtimes {
    pub local: LocalRuntime,
    pub compiled: Compiled,
}

impl Runtimes {
    pub fn new(local: LocalRuntime) -> Runtimes {
        Runtimes { local, compiled: Compiled::of_this_user() }
    }

    /// Whether it is compiled, so that nobody has to wait for it or to fetch it.
    pub fn ready(&self, sha256: &str) -> Result<bool, RuntimeError> {
        Ok(self.compiled.open(sha256)?.is_some())
    }

    /// Compiles what was fetched under a name.
    pub fn provide(&self, name: &str, component: &[u8]) -> Result<(), RuntimeError> {
        match sha256(component) == name {
            true => self.compiled.compile(component).map(drop),
            false => Err(RuntimeError::Altered { sha256: name.to_owned() }),
        }
    }

    /// The compiled one; where only this machine's own component is it, that is compiled now.
    pub fn open(&self, sha256: &str) -> Result<File, RuntimeError> {
        if let Some(compiled) = self.compiled.open(sha256)? {
            return Ok(compiled);
        }
        match self.local.get() {
            Ok(runtime) if runtime.sha256 == sha256 => self.compiled.compile(&runtime.component()?),
            _ => Err(RuntimeError::Absent(sha256.to_owned())),
        }
    }
}
