//! What runs WebAssembly, and how it is set up. All settings that decide what a run shows, or what a compiled program looks
//! like, are here.
//!
//! CPython with its library is 38 MB of WebAssembly, and takes seconds to compile. So it is compiled once ([`Machine::compile`])
//! and mapped into each process that runs it. What is compiled is native code and is trusted as this program is: it must come
//! from where nobody else can write. It fits one version of wasmtime, one set of settings and one kind of processor:
//! [`Machine::key`] names them all.
//!
//! A compiled program's results do not depend on the processor: no relaxed SIMD, and not-a-number has one form only.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{Read as _, Seek as _};
use std::os::fd::AsRawFd as _;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use crate::host::{self, ProgramPre, State};

/// An order that cannot be carried out, or a failure of ours. Never what a program did.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// What was ordered makes no sense, in words.
    #[error("{0}")]
    Order(String),
    #[error("{0:#}")]
    Machine(wasmtime::Error),
    #[error("read the compiled runtime: {0}")]
    Read(#[from] std::io::Error),
}

impl From<wasmtime::Error> for Trouble {
    fn from(error: wasmtime::Error) -> Trouble {
        Trouble::Machine(error)
    }
}

/// The stack that WebAssembly may use. CPython refuses recursion long before, unless its C code recurses.
const WASM_STACK_BYTES: usize = 2 << 20;
/// And that with what host functions need on top.
const STACK_BYTES: usize = 4 << 20;

/// Runs clusters. Its one runtime is CPython.
pub struct Machine {
    pub(crate) engine: Engine,
    pub(crate) python: ProgramPre<State>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.consume_fuel(true);
    config.cranelift_nan_canonicalization(true);
    config.wasm_relaxed_simd(false);
    config.max_wasm_stack(WASM_STACK_BYTES);
    config.async_stack_size(STACK_BYTES);
    // Every program begins with the same memory: each gets the pages of the file, and copies of those that it writes to.
    config.memory_init_cow(true);
    // A trap is told in words; nobody reads addresses.
    config.wasm_backtrace_max_frames(None);
    config.generate_address_map(false);
    config.native_unwind_info(false);
    config
}

impl Machine {
    /// Native code for a component, as [`Machine::from_compiled`] takes it. Takes 10 s, and more in a debug build.
    pub fn compile(component: &[u8]) -> Result<Vec<u8>, Trouble> {
        Ok(Engine::new(&config())?.precompile_component(component)?)
    }

    /// Names all that a compiled program depends on but the program, in hex.
    pub fn key() -> Result<String, Trouble> {
        let engine = Engine::new(&config())?;
        let mut hash = Hashed(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hash);
        Ok(hash.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Of what [`Machine::compile`] made on this machine; its integrity is the caller's to see to.
    pub fn from_compiled(file: File) -> Result<Machine, Trouble> {
        let mut config = config();
        // What is compiled here, modules of students, is small; threads would have to be allowed for it.
        config.parallel_compilation(false);
        let engine = Engine::new(&config)?;
        let component = load(&engine, file)?;
        let python = ProgramPre::new(host::linker(&engine)?.instantiate_pre(&component)?)?;
        Ok(Machine { engine, python })
    }
}

/// Maps the file, so that all processes share its pages. Where it cannot be opened again by way of `/proc`, it is copied.
fn load(engine: &Engine, mut file: File) -> Result<Component, Trouble> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    if File::open(&path).is_ok() {
        // SAFETY: the caller vouches for the file: `Machine::compile` made it, and nobody else could write to it.
        return Ok(unsafe { Component::deserialize_file(engine, path)? });
    }
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    // SAFETY: as above.
    Ok(unsafe { Component::deserialize(engine, bytes)? })
}

/// SHA-256 of what is hashed by [`Hash`].
struct Hashed(Sha256);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
