//! `wasi:sockets`: what streams and datagrams have in common. Errors, addresses, and the looking up of names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use wasmtime::component::{Resource, ResourceTableError};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::State;
use super::wasi::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use super::wasi::sockets::{instance_network, ip_name_lookup, network};
use crate::world::{Family, NetError};

pub(crate) type SocketError = TrappableError<ErrorCode>;
pub(crate) type SocketResult<T> = Result<T, SocketError>;

pub(crate) fn held(error: ResourceTableError) -> SocketError {
    match error {
        ResourceTableError::Full => ErrorCode::OutOfMemory.into(),
        error => SocketError::trap(error),
    }
}

impl From<NetError> for SocketError {
    fn from(error: NetError) -> SocketError {
        code(error).into()
    }
}

fn code(error: NetError) -> ErrorCode {
    match error {
        NetError::WouldBlock => ErrorCode::WouldBlock,
        NetError::InvalidArgument => ErrorCode::InvalidArgument,
        // By `InvalidState` the C library ends the program: it thinks that it knows every socket's state, but it does not hear
        // of resets. The runtime tells this one as ENOTCONN.
        NetError::NotConnected => ErrorCode::ConnectionAborted,
        NetError::InvalidState | NetError::BrokenPipe => ErrorCode::InvalidState,
        NetError::NotSupported => ErrorCode::NotSupported,
        NetError::AddressInUse => ErrorCode::AddressInUse,
        NetError::AddressNotBindable => ErrorCode::AddressNotBindable,
        NetError::Unreachable => ErrorCode::RemoteUnreachable,
        NetError::ConnectionRefused => ErrorCode::ConnectionRefused,
        NetError::ConnectionReset => ErrorCode::ConnectionReset,
        NetError::ConnectionAborted => ErrorCode::ConnectionAborted,
        NetError::TimedOut => ErrorCode::Timeout,
        NetError::TooLarge => ErrorCode::DatagramTooLarge,
        NetError::SocketsMax => ErrorCode::NewSocketLimit,
        NetError::NameUnresolvable => ErrorCode::NameUnresolvable,
    }
}

/// The most that fits into C's `int`.
pub(super) const INT_MAX: u32 = i32::MAX.cast_unsigned();

/// What an option is set to, which must not be nought, and is `most` at the most: what it reads back and has no room for ends the C
/// library's program.
pub(super) fn option<T: Default + Ord>(value: T, most: T) -> SocketResult<T> {
    if value == T::default() { Err(ErrorCode::InvalidArgument.into()) } else { Ok(value.min(most)) }
}

/// An error that a stream fails by: a guest may ask which it was.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0:?}")]
pub(crate) struct StreamFailed(pub NetError);

/// A guest's right to the network. Every guest has it.
pub struct Network;

impl network::Host for State {
    fn network_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<StreamFailed>().map(|failed| code(failed.0)))
    }

    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }
}

impl network::HostNetwork for State {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        self.table.delete(network)?;
        Ok(())
    }
}

impl instance_network::Host for State {
    fn instance_network(&mut self) -> wasmtime::Result<Resource<Network>> {
        Ok(self.table.push(Network)?)
    }
}

/// The addresses of a name. They are known at once: no name server takes part.
pub struct Lookup(std::vec::IntoIter<IpAddr>);

#[async_trait]
impl Pollable for Lookup {
    async fn ready(&mut self) {}
}

impl ip_name_lookup::Host for State {
    fn resolve_addresses(&mut self, _network: Resource<Network>, name: String) -> SocketResult<Resource<Lookup>> {
        let addresses = addresses(&name, |name| self.kernel.lock().resolve(name));
        if addresses.is_empty() {
            return Err(ErrorCode::NameUnresolvable.into());
        }
        self.table.push(Lookup(addresses.into_iter())).map_err(held)
    }
}

/// Before a node's name, asks for its IPv6 address.
const IPV6_PREFIX: &str = "ip6-";

/// A name gives the IPv4 address alone, as a container's does: with two addresses a program would try both and tell every
/// failure twice.
fn addresses(name: &str, resolve: impl Fn(&str) -> Vec<IpAddr>) -> Vec<IpAddr> {
    let mut addresses = resolve(name);
    if addresses.len() > 1 {
        addresses.retain(IpAddr::is_ipv4);
    } else if addresses.is_empty()
        && let Some(name) = name.strip_prefix(IPV6_PREFIX)
    {
        addresses = resolve(name);
        addresses.retain(IpAddr::is_ipv6);
    }
    addresses
}

impl ip_name_lookup::HostResolveAddressStream for State {
    fn resolve_next_address(&mut self, lookup: Resource<Lookup>) -> SocketResult<Option<IpAddress>> {
        let address = self.table.get_mut(&lookup).map_err(held)?.0.next();
        Ok(address.map(|address| match address {
            IpAddr::V4(address) => IpAddress::Ipv4(address.octets().into()),
            IpAddr::V6(address) => IpAddress::Ipv6(address.segments().into()),
        }))
    }

    fn subscribe(&mut self, lookup: Resource<Lookup>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, lookup)
    }

    fn drop(&mut self, lookup: Resource<Lookup>) -> wasmtime::Result<()> {
        self.table.delete(lookup)?;
        Ok(())
    }
}

pub(crate) fn family(family: IpAddressFamily) -> Family {
    match family {
        IpAddressFamily::Ipv4 => Family::V4,
        IpAddressFamily::Ipv6 => Family::V6,
    }
}

/// An address of that family; of another is an invalid argument.
pub(crate) fn address_of(family: IpAddressFamily, address: IpSocketAddress) -> SocketResult<SocketAddr> {
    match (family, address) {
        (IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) })) => {
            Ok(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), port))
        }
        (IpAddressFamily::Ipv6, IpSocketAddress::Ipv6(address)) => {
            let Ipv6SocketAddress { port, flow_info, address: (a, b, c, d, e, f, g, h), scope_id } = address;
            Ok(SocketAddrV6::new(Ipv6Addr::new(a, b, c, d, e, f, g, h), port, flow_info, scope_id).into())
        }
        (IpAddressFamily::Ipv4 | IpAddressFamily::Ipv6, _) => Err(ErrorCode::InvalidArgument.into()),
    }
}

pub(crate) fn told(address: SocketAddr) -> IpSocketAddress {
    match address {
        SocketAddr::V4(address) => {
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port: address.port(), address: address.ip().octets().into() })
        }
        SocketAddr::V6(address) => IpSocketAddress::Ipv6(Ipv6SocketAddress {
            port: address.port(),
            flow_info: address.flowinfo(),
            address: address.ip().segments().into(),
            scope_id: address.scope_id(),
        }),
    }
}
