//! Compiled programs: WebAssembly modules that call `wasi_snapshot_preview1`, as C, Rust, Go and others are compiled to.
//!
//! A module is a stranger's file, and is looked at as one: it has a largest size, it is WebAssembly and no native code that
//! somebody compiled elsewhere, and all that it imports is linked here, over the same clocks, randomness, output and disk
//! that components see. So it runs among other nodes and is interrupted as they are. It has no network: preview 1 cannot
//! open a socket.
//!
//! A C library knows no current directory: what has no leading slash lies in `/work`. `/work` and `/tmp` are there by
//! their own names as well.

mod descriptors;
mod files;
mod memory;
mod paths;
mod process;

use wasmtime::{Caller, Engine, Extern, InstancePre, Linker, Module, format_err};

use crate::disk::DiskError;
use crate::host::State;

pub(crate) use descriptors::Descriptors;
use memory::Guest;

/// Of a module, as it is uploaded.
pub const MODULE_BYTES_MAX: usize = 8 << 20;

const WASI: &str = "wasi_snapshot_preview1";
const START: &str = "_start";
const MEMORY: &str = "memory";

const WASM: &[u8] = b"\0asm";
const MODULE_VERSION: &[u8] = b"\x01\0\0\0";
const ELF: &[u8] = b"\x7fELF";

/// Why a module is not run, for who uploaded it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the module has {0} bytes; at most {MODULE_BYTES_MAX} are allowed")]
    TooLarge(usize),
    #[error("the file is native code, not WebAssembly; compile for the target wasm32-wasi (preview 1)")]
    Native,
    #[error("the file is a WebAssembly component; a core module is asked for: compile for WASI preview 1")]
    Component,
    #[error("the file is no WebAssembly module")]
    NotWasm,
    #[error("the module exports no {0}; it must be a program (a command) of WASI preview 1")]
    NoProgram(&'static str),
    #[error("the module cannot be run: {0}")]
    Invalid(String),
}

/// A module that is ready to be started.
pub(crate) fn program(engine: &Engine, bytes: &[u8]) -> Result<InstancePre<State>, Refused> {
    must_be_a_module(bytes)?;
    let module = Module::from_binary(engine, bytes).map_err(invalid)?;
    let is_there =
        |name: &str, right: fn(&wasmtime::ExternType) -> bool| module.get_export(name).is_some_and(|it| right(&it));
    if !is_there(START, |it| it.func().is_some_and(|it| it.params().len() == 0 && it.results().len() == 0)) {
        return Err(Refused::NoProgram(START));
    }
    if !is_there(MEMORY, |it| it.memory().is_some_and(|it| !it.is_64() && !it.is_shared())) {
        return Err(Refused::NoProgram(MEMORY));
    }
    linker(engine).and_then(|linker| linker.instantiate_pre(&module)).map_err(invalid)
}

fn must_be_a_module(bytes: &[u8]) -> Result<(), Refused> {
    match bytes {
        _ if bytes.len() > MODULE_BYTES_MAX => Err(Refused::TooLarge(bytes.len())),
        // What wasmtime has compiled is an ELF file too.
        _ if bytes.starts_with(ELF) => Err(Refused::Native),
        _ if !bytes.starts_with(WASM) => Err(Refused::NotWasm),
        _ if !bytes[WASM.len()..].starts_with(MODULE_VERSION) => Err(Refused::Component),
        _ => Ok(()),
    }
}

fn invalid(error: wasmtime::Error) -> Refused {
    Refused::Invalid(crate::host::one_line(error.root_cause()))
}

/// Runs it. It ends by returning, by an exit that is told as an error, or by a trap.
pub(crate) async fn run(program: &InstancePre<State>, store: &mut wasmtime::Store<State>) -> wasmtime::Result<()> {
    let instance = program.instantiate_async(&mut *store).await?;
    instance.get_typed_func::<(), ()>(&mut *store, START)?.call_async(&mut *store, ()).await
}

/// How a call ends that does not succeed.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The program is told.
    Errno(Errno),
    /// The program ends.
    End(wasmtime::Error),
}

/// By its number in the interface's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errno {
    BadDescriptor = 8,
    Busy = 10,
    Exists = 20,
    Fault = 21,
    FileTooLarge = 22,
    IllegalBytes = 25,
    Invalid = 28,
    IsDirectory = 31,
    TooManyOpen = 33,
    NameTooLong = 37,
    NoEntry = 44,
    NoMemory = 48,
    NoSpace = 51,
    NotDirectory = 54,
    NotEmpty = 55,
    NotSocket = 57,
    NotSupported = 58,
    NotPermitted = 63,
    NoSeek = 70,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

impl From<DiskError> for Stop {
    fn from(error: DiskError) -> Stop {
        Stop::Errno(match error {
            DiskError::BadDescriptor => Errno::BadDescriptor,
            DiskError::Busy => Errno::Busy,
            DiskError::Exists => Errno::Exists,
            DiskError::FileTooLarge => Errno::FileTooLarge,
            DiskError::Invalid => Errno::Invalid,
            DiskError::IsDirectory => Errno::IsDirectory,
            DiskError::NameTooLong => Errno::NameTooLong,
            DiskError::NoEntry => Errno::NoEntry,
            DiskError::NoSpace => Errno::NoSpace,
            DiskError::NotDirectory => Errno::NotDirectory,
            DiskError::NotEmpty => Errno::NotEmpty,
            DiskError::NotPermitted => Errno::NotPermitted,
            DiskError::TooManyOpen => Errno::TooManyOpen,
        })
    }
}

type Done = Result<(), Stop>;

/// Links calls that end at once to the functions of [`Guest`] that have their names.
macro_rules! link {
    ($linker:ident: $($name:ident($($argument:ident: $kind:ty),*))*) => {
        $($linker.func_wrap(WASI, stringify!($name), |mut caller: Caller<'_, State>, $($argument: $kind),*| {
            call(&mut caller, |guest| guest.$name($($argument),*))
        })?;)*
    };
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    link! { linker:
        args_get(pointers: u32, bytes: u32)
        args_sizes_get(count: u32, length: u32)
        environ_get(pointers: u32, bytes: u32)
        environ_sizes_get(count: u32, length: u32)
        clock_res_get(clock: u32, result: u32)
        clock_time_get(clock: u32, precision: u64, result: u32)
        fd_advise(fd: u32, offset: u64, length: u64, advice: u32)
        fd_allocate(fd: u32, offset: u64, length: u64)
        fd_close(fd: u32)
        fd_datasync(fd: u32)
        fd_fdstat_get(fd: u32, result: u32)
        fd_fdstat_set_flags(fd: u32, flags: u32)
        fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64)
        fd_filestat_get(fd: u32, result: u32)
        fd_filestat_set_size(fd: u32, size: u64)
        fd_filestat_set_times(fd: u32, accessed: u64, modified: u64, flags: u32)
        fd_pread(fd: u32, pieces: u32, count: u32, offset: u64, result: u32)
        fd_prestat_get(fd: u32, result: u32)
        fd_prestat_dir_name(fd: u32, path: u32, length: u32)
        fd_pwrite(fd: u32, pieces: u32, count: u32, offset: u64, result: u32)
        fd_read(fd: u32, pieces: u32, count: u32, result: u32)
        fd_readdir(fd: u32, buffer: u32, length: u32, cookie: u64, result: u32)
        fd_renumber(fd: u32, to: u32)
        fd_seek(fd: u32, offset: i64, whence: u32, result: u32)
        fd_sync(fd: u32)
        fd_tell(fd: u32, result: u32)
        fd_write(fd: u32, pieces: u32, count: u32, result: u32)
        path_create_directory(fd: u32, path: u32, length: u32)
        path_filestat_get(fd: u32, flags: u32, path: u32, length: u32, result: u32)
        path_filestat_set_times(fd: u32, flags: u32, path: u32, length: u32, accessed: u64, modified: u64, which: u32)
        path_link(fd: u32, flags: u32, path: u32, length: u32, new_fd: u32, new_path: u32, new_length: u32)
        path_open(fd: u32, look: u32, path: u32, length: u32, how: u32, rights: u64, inheriting: u64, flags: u32, result: u32)
        path_readlink(fd: u32, path: u32, length: u32, buffer: u32, size: u32, result: u32)
        path_remove_directory(fd: u32, path: u32, length: u32)
        path_rename(fd: u32, path: u32, length: u32, new_fd: u32, new_path: u32, new_length: u32)
        path_symlink(old: u32, old_length: u32, fd: u32, path: u32, length: u32)
        path_unlink_file(fd: u32, path: u32, length: u32)
        proc_raise(signal: u32)
        sched_yield()
        random_get(buffer: u32, length: u32)
        sock_accept(fd: u32, flags: u32, result: u32)
        sock_recv(fd: u32, pieces: u32, count: u32, flags: u32, result: u32, result_flags: u32)
        sock_send(fd: u32, pieces: u32, count: u32, flags: u32, result: u32)
        sock_shutdown(fd: u32, how: u32)
    }
    process::link(&mut linker)?;
    Ok(linker)
}

fn call(caller: &mut Caller<'_, State>, what: impl FnOnce(&mut Guest<'_>) -> Done) -> wasmtime::Result<u32> {
    Ok(with_guest(caller, what)?.map_or_else(|errno| errno as u32, |()| 0))
}

fn with_guest<T>(
    caller: &mut Caller<'_, State>,
    what: impl FnOnce(&mut Guest<'_>) -> Result<T, Stop>,
) -> wasmtime::Result<Result<T, Errno>> {
    let Some(Extern::Memory(memory)) = caller.get_export(MEMORY) else {
        return Err(format_err!("the module has no memory"));
    };
    let (memory, state) = memory.data_and_store_mut(caller);
    match what(&mut Guest { memory, state }) {
        Ok(result) => Ok(Ok(result)),
        Err(Stop::Errno(errno)) => Ok(Err(errno)),
        Err(Stop::End(error)) => Err(error),
    }
}
