//! `wasi:sockets/udp`: datagrams.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use wasmtime::component::Resource;
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::names::{INT_MAX, Network, SocketError, SocketResult, address_of, family, held, option, told};
use super::wasi::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress};
use super::wasi::sockets::{udp, udp_create_socket};
use super::{Kernel, State, Wait};
use crate::world::{UdpId, World};

/// A socket of the world, held as a stream's is.
#[derive(Debug)]
struct Udp {
    id: UdpId,
    kernel: Kernel,
}

impl Drop for Udp {
    fn drop(&mut self) {
        let mut guard = self.kernel.lock();
        if !guard.own().gone {
            guard.world().udp_close(self.id);
        }
    }
}

impl Udp {
    fn with<T>(&self, what: impl FnOnce(&mut World, UdpId) -> T) -> T {
        what(self.kernel.lock().world(), self.id)
    }
}

pub struct UdpSocket {
    udp: Arc<Udp>,
    family: IpAddressFamily,
    stage: Stage,
    hop_limit: u8,
    receive_buffer_bytes: u64,
    send_buffer_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unbound,
    BindStarted,
    Bound,
}

pub struct Incoming(Arc<Udp>);
pub struct Outgoing {
    udp: Arc<Udp>,
    family: IpAddressFamily,
}

/// Nothing holds a datagram back on its way out.
const SENDS_AT_A_TIME: u64 = 16;
const BUFFER_BYTES: u64 = 208 << 10;
const HOP_LIMIT: u8 = 64;

#[async_trait]
impl Pollable for UdpSocket {
    async fn ready(&mut self) {}
}

#[async_trait]
impl Pollable for Outgoing {
    async fn ready(&mut self) {}
}

#[async_trait]
impl Pollable for Incoming {
    async fn ready(&mut self) {
        let Udp { id, kernel } = &*self.0;
        poll_fn(|_| {
            let mut guard = kernel.lock();
            if guard.world().udp_readable(*id) { Poll::Ready(()) } else { guard.waits_for(Wait::Udp(*id)) }
        })
        .await;
    }
}

impl State {
    fn udp(&mut self, socket: &Resource<UdpSocket>) -> SocketResult<&mut UdpSocket> {
        self.table.get_mut(socket).map_err(held)
    }
}

impl udp::Host for State {}

impl udp_create_socket::Host for State {
    fn create_udp_socket(&mut self, of: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        let id = self.kernel.lock().open_udp(family(of))?;
        let socket = UdpSocket {
            udp: Arc::new(Udp { id, kernel: self.kernel.clone() }),
            family: of,
            stage: Stage::Unbound,
            hop_limit: HOP_LIMIT,
            receive_buffer_bytes: BUFFER_BYTES,
            send_buffer_bytes: BUFFER_BYTES,
        };
        self.table.push(socket).map_err(held)
    }
}

impl udp::HostUdpSocket for State {
    fn start_bind(
        &mut self,
        socket: Resource<UdpSocket>,
        _network: Resource<Network>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        let socket = self.udp(&socket)?;
        if socket.stage != Stage::Unbound {
            return Err(ErrorCode::InvalidState.into());
        }
        let local = address_of(socket.family, local)?;
        socket.udp.with(|world, id| world.udp_bind(id, local))?;
        socket.stage = Stage::BindStarted;
        Ok(())
    }

    fn finish_bind(&mut self, socket: Resource<UdpSocket>) -> SocketResult<()> {
        let socket = self.udp(&socket)?;
        if socket.stage != Stage::BindStarted {
            return Err(ErrorCode::NotInProgress.into());
        }
        socket.stage = Stage::Bound;
        Ok(())
    }

    fn stream(
        &mut self,
        socket: Resource<UdpSocket>,
        remote: Option<IpSocketAddress>,
    ) -> SocketResult<(Resource<Incoming>, Resource<Outgoing>)> {
        let socket = self.udp(&socket)?;
        if socket.stage != Stage::Bound {
            return Err(ErrorCode::InvalidState.into());
        }
        let (udp, family) = (Arc::clone(&socket.udp), socket.family);
        let remote = remote.map(|remote| address_of(family, remote)).transpose()?;
        udp.with(|world, id| world.udp_connect(id, remote))?;
        let incoming = self.table.push(Incoming(Arc::clone(&udp))).map_err(held)?;
        Ok((incoming, self.table.push(Outgoing { udp, family }).map_err(held)?))
    }

    fn local_address(&mut self, socket: Resource<UdpSocket>) -> SocketResult<IpSocketAddress> {
        let address = self.udp(&socket)?.udp.with(|world, id| world.udp_local(id));
        Ok(told(address.ok_or(ErrorCode::InvalidState)?))
    }

    fn remote_address(&mut self, socket: Resource<UdpSocket>) -> SocketResult<IpSocketAddress> {
        let address = self.udp(&socket)?.udp.with(|world, id| world.udp_remote(id));
        Ok(told(address.ok_or(ErrorCode::InvalidState)?))
    }

    fn address_family(&mut self, socket: Resource<UdpSocket>) -> wasmtime::Result<IpAddressFamily> {
        Ok(self.table.get(&socket)?.family)
    }

    fn unicast_hop_limit(&mut self, socket: Resource<UdpSocket>) -> SocketResult<u8> {
        Ok(self.udp(&socket)?.hop_limit)
    }

    fn set_unicast_hop_limit(&mut self, socket: Resource<UdpSocket>, value: u8) -> SocketResult<()> {
        self.udp(&socket)?.hop_limit = option(value, u8::MAX)?;
        Ok(())
    }

    fn receive_buffer_size(&mut self, socket: Resource<UdpSocket>) -> SocketResult<u64> {
        Ok(self.udp(&socket)?.receive_buffer_bytes)
    }

    fn set_receive_buffer_size(&mut self, socket: Resource<UdpSocket>, value: u64) -> SocketResult<()> {
        self.udp(&socket)?.receive_buffer_bytes = option(value, INT_MAX.into())?;
        Ok(())
    }

    fn send_buffer_size(&mut self, socket: Resource<UdpSocket>) -> SocketResult<u64> {
        Ok(self.udp(&socket)?.send_buffer_bytes)
    }

    fn set_send_buffer_size(&mut self, socket: Resource<UdpSocket>, value: u64) -> SocketResult<()> {
        self.udp(&socket)?.send_buffer_bytes = option(value, INT_MAX.into())?;
        Ok(())
    }

    fn subscribe(&mut self, socket: Resource<UdpSocket>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, socket)
    }

    fn drop(&mut self, socket: Resource<UdpSocket>) -> wasmtime::Result<()> {
        self.table.delete(socket)?;
        Ok(())
    }
}

impl udp::HostIncomingDatagramStream for State {
    fn receive(&mut self, incoming: Resource<Incoming>, most: u64) -> SocketResult<Vec<udp::IncomingDatagram>> {
        let Incoming(udp) = self.table.get(&incoming).map_err(held)?;
        let mut datagrams = Vec::new();
        while (datagrams.len() as u64) < most {
            let Some(datagram) = udp.with(|world, id| world.udp_receive(id)) else { break };
            datagrams.push(udp::IncomingDatagram { data: datagram.bytes, remote_address: told(datagram.from) });
        }
        Ok(datagrams)
    }

    fn subscribe(&mut self, incoming: Resource<Incoming>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, incoming)
    }

    fn drop(&mut self, incoming: Resource<Incoming>) -> wasmtime::Result<()> {
        self.table.delete(incoming)?;
        Ok(())
    }
}

impl udp::HostOutgoingDatagramStream for State {
    fn check_send(&mut self, outgoing: Resource<Outgoing>) -> SocketResult<u64> {
        self.table.get(&outgoing).map_err(held)?;
        Ok(SENDS_AT_A_TIME)
    }

    fn send(&mut self, outgoing: Resource<Outgoing>, datagrams: Vec<udp::OutgoingDatagram>) -> SocketResult<u64> {
        if datagrams.len() as u64 > SENDS_AT_A_TIME {
            return Err(SocketError::trap(wasmtime::format_err!("sent more at a time than check-send allows")));
        }
        let Outgoing { udp, family } = self.table.get(&outgoing).map_err(held)?;
        let mut sent = 0;
        for datagram in datagrams {
            let remote = datagram.remote_address.map(|remote| address_of(*family, remote)).transpose();
            let done = remote.and_then(|remote| Ok(udp.with(|world, id| world.udp_send(id, remote, &datagram.data))?));
            match done {
                Ok(()) => sent += 1,
                // What fails after others went out is told when it is sent again.
                Err(_) if sent > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    fn subscribe(&mut self, outgoing: Resource<Outgoing>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, outgoing)
    }

    fn drop(&mut self, outgoing: Resource<Outgoing>) -> wasmtime::Result<()> {
        self.table.delete(outgoing)?;
        Ok(())
    }
}
