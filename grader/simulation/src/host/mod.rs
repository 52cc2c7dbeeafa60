//! What a program can ask of its machine: WASI 0.2 over a [`World`](crate::world::World) and a
//! [`Disk`](crate::disk::Disk).
//!
//! Every function that a component can call is linked here, by [`linker`], and is ours but for the plumbing of streams and
//! pollables, which `wasmtime-wasi-io` has. There is no function that reaches this machine. A guest may call any of them
//! with anything: numbers, names, resources of the wrong state. What is against the interface's rules ends its life with a
//! trap; nothing else may follow from it.
//!
//! Nothing waits here. Who asks for what is not there yet has its wait written down ([`Wait`]) and hands control to the
//! cluster, which asks again when something has happened.

use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};

use crate::preview1::Descriptors;

mod clocks;
mod command;
mod files;
mod kernel;
mod limits;
mod names;
mod output;
mod poll;
mod random;
mod streams;
mod tcp;
mod udp;

pub(crate) use command::{Command, Exited, OutOfOutput};
pub(crate) use files::{Files, Held, Moment, Place, Reporter, Reports, SharedDisk};
pub(crate) use kernel::{Clock, Kernel, Machinery, Own, Wait, random_for};
pub(crate) use limits::Memory;
pub(crate) use output::Output;

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "program",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "wasi:io": wasmtime_wasi_io::bindings::wasi::io,
            "wasi:filesystem": super::files::bindings::wasi::filesystem,
            "wasi:sockets/network.network": super::names::Network,
            "wasi:sockets/ip-name-lookup.resolve-address-stream": super::names::Lookup,
            "wasi:sockets/tcp.tcp-socket": super::tcp::TcpSocket,
            "wasi:sockets/udp.udp-socket": super::udp::UdpSocket,
            "wasi:sockets/udp.incoming-datagram-stream": super::udp::Incoming,
            "wasi:sockets/udp.outgoing-datagram-stream": super::udp::Outgoing,
            "wasi:cli/terminal-input.terminal-input": super::command::Terminal,
            "wasi:cli/terminal-output.terminal-output": super::command::Terminal,
        },
        trappable_error_type: {
            "wasi:sockets/network.error-code" => super::names::SocketError,
        },
    });
}
pub(crate) use generated::{ProgramPre, practicum, wasi};

/// What the host functions of one life work on.
pub struct State {
    /// What the guest holds: sockets, streams, files, pollables.
    pub(crate) table: ResourceTable,
    pub(crate) kernel: Kernel,
    pub(crate) files: Files,
    /// What a module has open; components have it in the table.
    pub(crate) descriptors: Option<Descriptors>,
    pub(crate) memory: Memory,
    /// `argv`, the environment and the standard input.
    pub(crate) command: Command,
}

/// A guest that makes and never drops could fill our memory with what it holds.
const RESOURCES_MAX: usize = 20_000;

impl State {
    pub(crate) fn new(kernel: Kernel, files: Files, memory: Memory, command: Command) -> State {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        State { table, kernel, files, descriptors: None, memory, command }
    }
}

/// For the interfaces that need nothing but the table.
struct Table;
impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// All that a component can import.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    plumbing(&mut linker)?;
    command_line(&mut linker)?;
    machine(&mut linker)?;
    sockets(&mut linker)?;
    practicum::simulation::lost::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

fn plumbing(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime_wasi_io::bindings::wasi::io;
    io::error::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    io::streams::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    poll::add_to_linker(linker)
}

fn command_line(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasi::cli;
    cli::environment::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::exit::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::stdin::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::stdout::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::stderr::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::terminal_input::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::terminal_output::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::terminal_stdin::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::terminal_stdout::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    cli::terminal_stderr::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

fn machine(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasi::{clocks, random};
    clocks::monotonic_clock::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    clocks::wall_clock::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    random::random::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    random::insecure::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    random::insecure_seed::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    files::add_to_linker(linker, |state: &mut State| files::View { table: &mut state.table, files: &state.files })
}

fn sockets(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasi::sockets::{instance_network, ip_name_lookup, network, tcp, tcp_create_socket, udp, udp_create_socket};
    network::add_to_linker::<State, HasSelf<State>>(linker, &network::LinkOptions::default(), |state| state)?;
    instance_network::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    ip_name_lookup::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    tcp::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    tcp_create_socket::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    udp::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    udp_create_socket::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// An error that ends a program, for whoever reads of its end.
pub(crate) fn one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
