//! One packet: IPv4 or IPv6, in it TCP, UDP or the notice that a datagram found nobody. Everything else is nothing.
//!
//! A packet may have been cut (see [`crate::sandbox::packets`]): how long its payload was stands in its headers, and
//! what is left of it in `payload`. No bytes are wrong enough to panic at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
const PROTOCOL_ICMPV6: u8 = 58;
const IPV6_HEADER_BYTES: usize = 40;
const UDP_HEADER_BYTES: usize = 8;
const ICMP_HEADER_BYTES: usize = 8;
/// (type, code) of "port unreachable".
const ICMP_NOBODY: (u8, u8) = (3, 3);
const ICMPV6_NOBODY: (u8, u8) = (1, 4);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub says: Says<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says<'a> {
    Tcp(Segment<'a>),
    Datagram(Payload<'a>),
    /// The host of `from` tells that nobody receives datagrams there.
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    pub sequence: u32,
    pub syn: bool,
    pub ack: bool,
    pub fin: bool,
    pub rst: bool,
    pub payload: Payload<'a>,
}

/// What a packet carries: its length, and its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    pub length: usize,
    pub kept: &'a [u8],
}

/// `None` for what is none of these.
pub fn parse(bytes: &[u8]) -> Option<Packet<'_>> {
    let datagram = internet(bytes)?;
    match datagram.protocol {
        PROTOCOL_TCP => tcp(&datagram),
        PROTOCOL_UDP => udp(&datagram),
        PROTOCOL_ICMP => nobody(&datagram, ICMP_NOBODY),
        PROTOCOL_ICMPV6 => nobody(&datagram, ICMPV6_NOBODY),
        _ => None,
    }
}

/// How many bytes the packet had before it was cut; as many as there are where it does not tell.
pub fn whole_length(bytes: &[u8]) -> usize {
    let told = internet(bytes).map_or(0, |datagram| datagram.header_bytes + datagram.length);
    told.max(bytes.len())
}

/// What an IP header says, and what is left of what is behind it.
struct Internet<'a> {
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    header_bytes: usize,
    /// Of what is behind the header, before it was cut.
    length: usize,
    kept: &'a [u8],
}

fn internet(bytes: &[u8]) -> Option<Internet<'_>> {
    match bytes.first()? >> 4 {
        4 => internet_4(bytes),
        6 => internet_6(bytes),
        _ => None,
    }
}

fn internet_4(bytes: &[u8]) -> Option<Internet<'_>> {
    let header_bytes = usize::from(bytes[0] & 0xf) * 4;
    if header_bytes < 20 {
        return None;
    }
    let fragment = number_16(bytes, 6)? & 0x1fff;
    if fragment != 0 {
        return None;
    }
    let address = |at: usize| bytes.get(at..at + 4).map(|four| Ipv4Addr::new(four[0], four[1], four[2], four[3]));
    Some(Internet {
        from: address(12)?.into(),
        to: address(16)?.into(),
        protocol: *bytes.get(9)?,
        header_bytes,
        length: usize::from(number_16(bytes, 2)?).checked_sub(header_bytes)?,
        kept: bytes.get(header_bytes..)?,
    })
}

/// Extension headers do not occur on a loopback.
fn internet_6(bytes: &[u8]) -> Option<Internet<'_>> {
    let address = |at: usize| Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(at..at + 16)?).ok()?));
    Some(Internet {
        from: address(8)?.into(),
        to: address(24)?.into(),
        protocol: *bytes.get(6)?,
        header_bytes: IPV6_HEADER_BYTES,
        length: usize::from(number_16(bytes, 4)?),
        kept: bytes.get(IPV6_HEADER_BYTES..)?,
    })
}

fn tcp<'a>(datagram: &Internet<'a>) -> Option<Packet<'a>> {
    let kept = datagram.kept;
    let header_bytes = usize::from(kept.get(12)? >> 4) * 4;
    let flags = *kept.get(13)?;
    if header_bytes < 20 {
        return None;
    }
    let segment = Segment {
        sequence: u32::from(number_16(kept, 4)?) << 16 | u32::from(number_16(kept, 6)?),
        fin: flags & 0x01 != 0,
        syn: flags & 0x02 != 0,
        rst: flags & 0x04 != 0,
        ack: flags & 0x10 != 0,
        payload: payload(datagram, header_bytes)?,
    };
    packet(datagram, Says::Tcp(segment))
}

fn udp<'a>(datagram: &Internet<'a>) -> Option<Packet<'a>> {
    packet(datagram, Says::Datagram(payload(datagram, UDP_HEADER_BYTES)?))
}

/// A notice quotes the datagram that found nobody: it went the other way.
fn nobody<'a>(datagram: &Internet<'a>, notice: (u8, u8)) -> Option<Packet<'a>> {
    if (*datagram.kept.first()?, *datagram.kept.get(1)?) != notice {
        return None;
    }
    let quoted = internet(datagram.kept.get(ICMP_HEADER_BYTES..)?)?;
    if quoted.protocol != PROTOCOL_UDP {
        return None;
    }
    let Packet { from, to, .. } = packet(&quoted, Says::Nobody)?;
    Some(Packet { from: to, to: from, says: Says::Nobody })
}

fn payload<'a>(datagram: &Internet<'a>, header_bytes: usize) -> Option<Payload<'a>> {
    let length = datagram.length.checked_sub(header_bytes)?;
    let kept = datagram.kept.get(header_bytes..)?;
    Some(Payload { length, kept: &kept[..kept.len().min(length)] })
}

/// Both protocols begin with their ports.
fn packet<'a>(datagram: &Internet<'a>, says: Says<'a>) -> Option<Packet<'a>> {
    let port = |at| number_16(datagram.kept, at);
    Some(Packet { from: SocketAddr::new(datagram.from, port(0)?), to: SocketAddr::new(datagram.to, port(2)?), says })
}

fn number_16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}
