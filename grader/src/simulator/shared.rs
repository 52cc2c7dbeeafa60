//! Compiled runtimes as simulators are given them: in memory without a name, which nobody can change.
//!
//! A simulator maps the file, so that all of them share its pages and begin at once; for that wasmtime opens it by a path.
//! The path by which a sandbox reaches a descriptor, `/proc/self/fd/4`, is closed to it by Landlock where the file is one of
//! the host's, and open where it is memory of no file system.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{MemfdFlags, SealFlags};

/// By the name of the runtime.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<BTreeMap<String, Arc<File>>>>);

impl Shared {
    /// The runtime of that name, which `open` finds where it has not been asked for before.
    pub fn get<E: From<io::Error>>(&self, name: &str, open: impl FnOnce() -> Result<File, E>) -> Result<Arc<File>, E> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = known.get(name) {
            return Ok(Arc::clone(file));
        }
        let copy = Arc::new(copied(&mut open()?)?);
        known.insert(name.to_owned(), Arc::clone(&copy));
        Ok(copy)
    }
}

fn copied(file: &mut File) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut copy = File::from(rustix::fs::memfd_create("practicum-runtime", flags)?);
    io::copy(file, &mut copy)?;
    rustix::fs::fcntl_add_seals(&copy, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(copy)
}
