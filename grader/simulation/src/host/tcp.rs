//! `wasi:sockets/tcp`: streams. What a program calls in two steps, `start-` and `finish-`, happens in the first; only a
//! connection takes time.

use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::names::{INT_MAX, Network, SocketResult, address_of, family, held, option, told};
use super::streams::{Reader, Tcp, Writer};
use super::wasi::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress};
use super::wasi::sockets::{tcp, tcp_create_socket};
use super::{Kernel, State};
use crate::world::{NetError, TcpId};

pub struct TcpSocket {
    tcp: Arc<Tcp>,
    family: IpAddressFamily,
    stage: Stage,
    backlog: usize,
    options: Options,
}

/// Which calls a socket allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unbound,
    BindStarted,
    Bound,
    ConnectStarted,
    Connected,
    ListenStarted,
    Listening,
    /// It could not be connected.
    Failed,
}

/// What can be set and read back; nothing in the world depends on it.
#[derive(Clone, Copy, Debug)]
struct Options {
    keep_alive: bool,
    keep_alive_idle_ns: u64,
    keep_alive_interval_ns: u64,
    keep_alive_count: u32,
    hop_limit: u8,
    receive_buffer_bytes: u64,
    send_buffer_bytes: u64,
}

/// As on Linux.
const OPTIONS: Options = Options {
    keep_alive: false,
    keep_alive_idle_ns: 7200 * crate::words::SECOND,
    keep_alive_interval_ns: 75 * crate::words::SECOND,
    keep_alive_count: 9,
    hop_limit: 64,
    receive_buffer_bytes: 64 << 10,
    send_buffer_bytes: 64 << 10,
};
const NS_MAX: u64 = INT_MAX as u64 * crate::words::SECOND;
const BACKLOG: usize = 128;
const BACKLOG_MAX: u64 = 4096;

#[async_trait]
impl Pollable for TcpSocket {
    async fn ready(&mut self) {
        match self.stage {
            // A connection can be written to once it is there, and when it never will be.
            Stage::ConnectStarted => self.tcp.writable().await,
            Stage::Listening => self.tcp.readable().await,
            Stage::Unbound
            | Stage::BindStarted
            | Stage::Bound
            | Stage::Connected
            | Stage::ListenStarted
            | Stage::Failed => {}
        }
    }
}

impl TcpSocket {
    fn new(tcp: TcpId, family: IpAddressFamily, stage: Stage, kernel: Kernel) -> TcpSocket {
        TcpSocket { tcp: Arc::new(Tcp::new(tcp, kernel)), family, stage, backlog: BACKLOG, options: OPTIONS }
    }

    fn must_be(&self, stages: &[Stage], otherwise: ErrorCode) -> SocketResult<()> {
        if stages.contains(&self.stage) { Ok(()) } else { Err(otherwise.into()) }
    }
}

type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);

impl State {
    fn tcp(&mut self, socket: &Resource<TcpSocket>) -> SocketResult<&mut TcpSocket> {
        self.table.get_mut(socket).map_err(held)
    }

    fn streams(&mut self, tcp: &Arc<Tcp>) -> SocketResult<Streams> {
        let reader: DynInputStream = Box::new(Reader(Arc::clone(tcp)));
        let writer: DynOutputStream = Box::new(Writer(Arc::clone(tcp)));
        Ok((self.table.push(reader).map_err(held)?, self.table.push(writer).map_err(held)?))
    }

    fn option(&mut self, socket: &Resource<TcpSocket>) -> SocketResult<&mut Options> {
        Ok(&mut self.tcp(socket)?.options)
    }

    fn set<T: Default + Ord>(
        &mut self,
        socket: &Resource<TcpSocket>,
        value: T,
        most: T,
        place: fn(&mut Options) -> &mut T,
    ) -> SocketResult<()> {
        *place(self.option(socket)?) = option(value, most)?;
        Ok(())
    }
}

impl tcp::Host for State {}

impl tcp_create_socket::Host for State {
    fn create_tcp_socket(&mut self, of: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let id = self.kernel.lock().open_tcp(family(of))?;
        let socket = TcpSocket::new(id, of, Stage::Unbound, self.kernel.clone());
        self.table.push(socket).map_err(held)
    }
}

impl tcp::HostTcpSocket for State {
    fn start_bind(
        &mut self,
        socket: Resource<TcpSocket>,
        _network: Resource<Network>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        socket.must_be(&[Stage::Unbound], ErrorCode::InvalidState)?;
        let local = address_of(socket.family, local)?;
        socket.tcp.with(|world, id| world.tcp_bind(id, local))?;
        socket.stage = Stage::BindStarted;
        Ok(())
    }

    fn finish_bind(&mut self, socket: Resource<TcpSocket>) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        socket.must_be(&[Stage::BindStarted], ErrorCode::NotInProgress)?;
        socket.stage = Stage::Bound;
        Ok(())
    }

    fn start_connect(
        &mut self,
        socket: Resource<TcpSocket>,
        _network: Resource<Network>,
        remote: IpSocketAddress,
    ) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        socket.must_be(&[Stage::Unbound, Stage::Bound], ErrorCode::InvalidState)?;
        let remote = address_of(socket.family, remote)?;
        if let Err(error) = socket.tcp.with(|world, id| world.tcp_connect(id, remote)) {
            socket.stage = Stage::Failed;
            return Err(error.into());
        }
        socket.stage = Stage::ConnectStarted;
        Ok(())
    }

    fn finish_connect(&mut self, socket: Resource<TcpSocket>) -> SocketResult<Streams> {
        let socket = self.tcp(&socket)?;
        socket.must_be(&[Stage::ConnectStarted], ErrorCode::NotInProgress)?;
        match socket.tcp.with(|world, id| world.tcp_connected(id)) {
            Ok(()) => {
                socket.stage = Stage::Connected;
                let tcp = Arc::clone(&socket.tcp);
                self.streams(&tcp)
            }
            Err(NetError::WouldBlock) => Err(ErrorCode::WouldBlock.into()),
            Err(error) => {
                socket.stage = Stage::Failed;
                Err(error.into())
            }
        }
    }

    fn start_listen(&mut self, socket: Resource<TcpSocket>) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        socket.must_be(&[Stage::Bound], ErrorCode::InvalidState)?;
        let backlog = socket.backlog;
        socket.tcp.with(|world, id| world.tcp_listen(id, backlog))?;
        socket.stage = Stage::ListenStarted;
        Ok(())
    }

    fn finish_listen(&mut self, socket: Resource<TcpSocket>) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        socket.must_be(&[Stage::ListenStarted], ErrorCode::NotInProgress)?;
        socket.stage = Stage::Listening;
        Ok(())
    }

    fn accept(
        &mut self,
        socket: Resource<TcpSocket>,
    ) -> SocketResult<(Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>)> {
        let listener = self.tcp(&socket)?;
        listener.must_be(&[Stage::Listening], ErrorCode::InvalidState)?;
        let (family, options) = (listener.family, listener.options);
        let id = listener.tcp.with(|world, id| world.tcp_accept(id))?;
        let accepted = TcpSocket { options, ..TcpSocket::new(id, family, Stage::Connected, self.kernel.clone()) };
        let (reader, writer) = self.streams(&accepted.tcp)?;
        Ok((self.table.push(accepted).map_err(held)?, reader, writer))
    }

    fn local_address(&mut self, socket: Resource<TcpSocket>) -> SocketResult<IpSocketAddress> {
        let address = self.tcp(&socket)?.tcp.with(|world, id| world.tcp_local(id));
        // Such as a socket whose call was refused.
        Ok(told(address.ok_or(ErrorCode::InvalidArgument)?))
    }

    fn remote_address(&mut self, socket: Resource<TcpSocket>) -> SocketResult<IpSocketAddress> {
        let socket = self.tcp(&socket)?;
        socket.must_be(&[Stage::Connected], ErrorCode::InvalidState)?;
        let address = socket.tcp.with(|world, id| world.tcp_remote(id));
        Ok(told(address.ok_or(ErrorCode::InvalidState)?))
    }

    fn is_listening(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&socket)?.stage == Stage::Listening)
    }

    fn address_family(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<IpAddressFamily> {
        Ok(self.table.get(&socket)?.family)
    }

    fn set_listen_backlog_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        if value == 0 {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let backlog = value.min(BACKLOG_MAX) as usize;
        if socket.stage == Stage::Listening {
            socket.tcp.with(|world, id| world.tcp_listen(id, backlog))?;
            return Ok(());
        }
        socket.must_be(&[Stage::Unbound, Stage::BindStarted, Stage::Bound], ErrorCode::NotSupported)?;
        socket.backlog = backlog;
        Ok(())
    }

    fn keep_alive_enabled(&mut self, socket: Resource<TcpSocket>) -> SocketResult<bool> {
        Ok(self.option(&socket)?.keep_alive)
    }

    fn set_keep_alive_enabled(&mut self, socket: Resource<TcpSocket>, value: bool) -> SocketResult<()> {
        self.option(&socket)?.keep_alive = value;
        Ok(())
    }

    fn keep_alive_idle_time(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        Ok(self.option(&socket)?.keep_alive_idle_ns)
    }

    fn set_keep_alive_idle_time(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.set(&socket, value, NS_MAX, |options| &mut options.keep_alive_idle_ns)
    }

    fn keep_alive_interval(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        Ok(self.option(&socket)?.keep_alive_interval_ns)
    }

    fn set_keep_alive_interval(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.set(&socket, value, NS_MAX, |options| &mut options.keep_alive_interval_ns)
    }

    fn keep_alive_count(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u32> {
        Ok(self.option(&socket)?.keep_alive_count)
    }

    fn set_keep_alive_count(&mut self, socket: Resource<TcpSocket>, value: u32) -> SocketResult<()> {
        self.set(&socket, value, INT_MAX, |options| &mut options.keep_alive_count)
    }

    fn hop_limit(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u8> {
        Ok(self.option(&socket)?.hop_limit)
    }

    fn set_hop_limit(&mut self, socket: Resource<TcpSocket>, value: u8) -> SocketResult<()> {
        self.set(&socket, value, u8::MAX, |options| &mut options.hop_limit)
    }

    fn receive_buffer_size(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        Ok(self.option(&socket)?.receive_buffer_bytes)
    }

    fn set_receive_buffer_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.set(&socket, value, INT_MAX.into(), |options| &mut options.receive_buffer_bytes)
    }

    fn send_buffer_size(&mut self, socket: Resource<TcpSocket>) -> SocketResult<u64> {
        Ok(self.option(&socket)?.send_buffer_bytes)
    }

    fn set_send_buffer_size(&mut self, socket: Resource<TcpSocket>, value: u64) -> SocketResult<()> {
        self.set(&socket, value, INT_MAX.into(), |options| &mut options.send_buffer_bytes)
    }

    fn subscribe(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, socket)
    }

    fn shutdown(&mut self, socket: Resource<TcpSocket>, how: tcp::ShutdownType) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        socket.must_be(&[Stage::Connected], ErrorCode::InvalidState)?;
        let (reads, writes) = match how {
            tcp::ShutdownType::Receive => (true, false),
            tcp::ShutdownType::Send => (false, true),
            tcp::ShutdownType::Both => (true, true),
        };
        socket.tcp.with(|world, id| {
            if writes {
                world.tcp_end(id)?;
            }
            if reads { world.tcp_stop_reading(id) } else { Ok(()) }
        })?;
        Ok(())
    }

    fn drop(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<()> {
        self.table.delete(socket)?;
        Ok(())
    }
}
