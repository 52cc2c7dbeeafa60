//! Our own Python, carried in the binary and laid out on disk once per process: the examiner's library, the shim, and
//! the stubs that stand in for absent modules. Sandboxes see it read-only.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use include_dir::{Dir, include_dir};
use tempfile::TempDir;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/python");

/// The system's interpreter, whatever else is on the path.
pub const PYTHON: &str = "/usr/bin/python3";

/// How the folders are named, before the process's id.
const PREFIX: &str = "practicum-library-";

#[derive(Debug)]
pub struct Library {
    folder: TempDir,
    /// This program as a shared library, for interpreters to load.
    pub native: PathBuf,
    python_version: OnceLock<String>,
    /// The interpreter while it is asked for its version, so that nobody waits for that.
    asked: Mutex<Option<Child>>,
}

impl Library {
    pub fn lay_out() -> io::Result<Library> {
        remove_leftovers();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        lay_out(&FILES, folder.path())?;
        // Read by the users of the sandboxes, who are not us.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let asked = Command::new(PYTHON)
            .args(["-I", "-S", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("run {PYTHON}: {error}")))?;
        Ok(Library {
            folder,
            native: beside("libgrader.so")?,
            python_version: OnceLock::new(),
            asked: Mutex::new(Some(asked)),
        })
    }

    /// Such as `3.11.2`.
    pub fn python_version(&self) -> &str {
        self.python_version.get_or_init(|| {
            let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).take();
            let output = asked.and_then(|asked| asked.wait_with_output().ok()).map(|output| output.stdout);
            String::from_utf8_lossy(&output.unwrap_or_default()).trim().to_owned()
        })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Library {
    /// Nobody else buries the interpreter that was asked, if its answer was never wanted.
    fn drop(&mut self) {
        self.python_version();
    }
}

/// A shared library of ours. Cargo puts it beside the program, and tests one folder below; a release keeps it there too.
pub fn beside(name: &str) -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let found = program.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let reason = format!("{name} belongs beside {}: build the whole workspace", program.display());
        io::Error::new(io::ErrorKind::NotFound, reason)
    })
}

/// Folders of processes that were killed. The name tells whose each is; only our own user's are touched.
fn remove_leftovers() {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        let gone = owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        let ours = entry.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own);
        if gone && ours {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn lay_out(from: &Dir<'_>, to: &Path) -> io::Result<()> {
    for file in from.files().filter(|file| file.path().extension().is_some_and(|kind| kind == "py")) {
        fs::write(to.join(file.path().file_name().expect("files have names")), file.contents())?;
    }
    for folder in from.dirs() {
        let name = folder.path().file_name().expect("folders have names");
        if name != "__pycache__" {
            let below = to.join(name);
            fs::create_dir(&below)?;
            fs::set_permissions(&below, fs::Permissions::from_mode(0o755))?;
            lay_out(folder, &below)?;
        }
    }
    Ok(())
}
