//! Our own Python, carried in the binary and laid out on disk once per process: the examiner's library, the shim, and
//! the stubs that stand in for absent modules. Sandboxes see it read-only.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use include_dir::{Dir, include_dir};
use tempfile::TempDir;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/python");

/// The system's interpreter, whatever else is on the path.
pub const PYTHON: &str = "/usr/bin/python3";

/// How the folders are named, before the process's id.
const PREFIX: &str = "practicum-library-";

/// Byte-compiles the folder named by its argument and tells the interpreter's version.
const PREPARE: &str = "import compileall, platform, py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
compileall.compile_dir(sys.argv[1], quiet=1, invalidation_mode=mode) or sys.exit(1)
print(platform.python_version())";

#[derive(Debug)]
pub struct Library {
    folder: TempDir,
    /// Such as `3.11.2`.
    pub python_version: String,
}

impl Library {
    pub fn lay_out() -> io::Result<Library> {
        remove_leftovers();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        lay_out(&FILES, folder.path())?;
        // Read by the users of the sandboxes, who are not us.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let output = Command::new(PYTHON)
            .args(["-I", "-c", PREPARE])
            .arg(folder.path())
            .output()
            .map_err(|error| io::Error::new(error.kind(), format!("run {PYTHON}: {error}")))?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(format!("compile our Python library: {reason}")));
        }
        let python_version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Library { folder, python_version })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
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
