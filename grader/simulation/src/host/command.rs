//! `wasi:cli`: arguments, environment, standard streams, exit.

use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, StreamError, StreamResult,
};

use super::wasi::cli::{environment, exit, stderr, stdin, stdout, terminal_input, terminal_output};
use super::wasi::cli::{terminal_stderr, terminal_stdin, terminal_stdout};
use super::{Kernel, State};
use crate::words::Stream;

/// How a program was called.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub stdin: Bytes,
}

/// Where relative paths begin.
const FOLDER: &str = "/work";
/// Of output at a time.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// The program ended itself, with that code.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("exited with {0}")]
pub(crate) struct Exited(pub i32);

/// The program wrote more than it may, which ends it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("wrote more than it may")]
pub(crate) struct OutOfOutput;

impl environment::Host for State {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.command.environment.clone())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.command.arguments.clone())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(Some(FOLDER.to_owned()))
    }
}

impl exit::Host for State {
    fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
        Err(Exited(i32::from(status.is_err())).into())
    }

    fn exit_with_code(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(Exited(i32::from(code)).into())
    }
}

struct Stdin(Bytes);

#[async_trait]
impl Pollable for Stdin {
    async fn ready(&mut self) {}
}

impl InputStream for Stdin {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if self.0.is_empty() {
            return Err(StreamError::Closed);
        }
        Ok(self.0.split_to(size.min(self.0.len())))
    }
}

struct Out {
    kernel: Kernel,
    stream: Stream,
}

#[async_trait]
impl Pollable for Out {
    async fn ready(&mut self) {}
}

impl OutputStream for Out {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(StreamError::trap("wrote more at a time than check-write allows"));
        }
        self.kernel.lock().write(self.stream, &bytes).map_err(|full| StreamError::Trap(full.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl stdin::Host for State {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(Stdin(self.command.stdin.clone()));
        Ok(self.table.push(stream)?)
    }
}

impl State {
    fn output(&mut self, stream: Stream) -> wasmtime::Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(Out { kernel: self.kernel.clone(), stream });
        Ok(self.table.push(stream)?)
    }
}

impl stdout::Host for State {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(Stream::Stdout)
    }
}

impl stderr::Host for State {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(Stream::Stderr)
    }
}

/// Nobody sits at a terminal.
pub enum Terminal {}

impl terminal_input::Host for State {}
impl terminal_input::HostTerminalInput for State {
    fn drop(&mut self, terminal: Resource<Terminal>) -> wasmtime::Result<()> {
        self.table.delete(terminal)?;
        Ok(())
    }
}

impl terminal_output::Host for State {}
impl terminal_output::HostTerminalOutput for State {
    fn drop(&mut self, terminal: Resource<Terminal>) -> wasmtime::Result<()> {
        self.table.delete(terminal)?;
        Ok(())
    }
}

impl terminal_stdin::Host for State {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}

impl terminal_stdout::Host for State {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}

impl terminal_stderr::Host for State {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<Resource<Terminal>>> {
        Ok(None)
    }
}
