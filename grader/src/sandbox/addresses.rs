//! Further addresses of a case's loopback interface (K15), added as rtnetlink(7) has it.

use std::io;
use std::net::IpAddr;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

const RTM_NEWADDR: u16 = 20;
/// Request, acknowledge, create, refuse what is there.
const FLAGS: u16 = 0x1 | 0x4 | 0x400 | 0x200;
const NLMSG_ERROR: u16 = 2;
const HEADER_BYTES: usize = 16;
/// The first interface of every network.
const LOOPBACK_INDEX: u32 = 1;
/// Used at once, without asking whether somebody else has it.
const IFA_F_NODAD: u8 = 0x02;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// Gives the loopback interface of the network that this process is in those addresses too.
pub fn add(addresses: &[IpAddr]) -> io::Result<()> {
    if addresses.is_empty() {
        return Ok(());
    }
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    for address in addresses {
        rustix::net::send(&socket, &request(*address), SendFlags::empty())?;
        let mut answer = [0; 512];
        let (length, _) =
            rustix::io::retry_on_intr(|| rustix::net::recv(&socket, &mut answer[..], RecvFlags::empty()))?;
        refusal(&answer[..length])
            .map_err(|error| io::Error::new(error.kind(), format!("add the address {address}: {error}")))?;
    }
    Ok(())
}

/// `struct nlmsghdr`, `struct ifaddrmsg`, and the address as two attributes.
fn request(address: IpAddr) -> Vec<u8> {
    let (family, bytes) = match address {
        IpAddr::V4(address) => (libc::AF_INET, address.octets().to_vec()),
        IpAddr::V6(address) => (libc::AF_INET6, address.octets().to_vec()),
    };
    let mut body = vec![family as u8, (bytes.len() * 8) as u8, IFA_F_NODAD, 0];
    body.extend(LOOPBACK_INDEX.to_ne_bytes());
    for kind in [IFA_LOCAL, IFA_ADDRESS] {
        // All addresses have a multiple of four bytes, to which attributes are aligned.
        body.extend(((4 + bytes.len()) as u16).to_ne_bytes());
        body.extend(kind.to_ne_bytes());
        body.extend(&bytes);
    }
    let mut message = ((HEADER_BYTES + body.len()) as u32).to_ne_bytes().to_vec();
    message.extend(RTM_NEWADDR.to_ne_bytes());
    message.extend(FLAGS.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

/// `struct nlmsgerr`: the number of an error, negative, or zero.
fn refusal(answer: &[u8]) -> io::Result<()> {
    let kind = answer.get(4..6).map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    let number = answer.get(HEADER_BYTES..HEADER_BYTES + 4);
    match (kind, number) {
        (Some(NLMSG_ERROR), Some(number)) => match i32::from_ne_bytes(number.try_into().expect("four bytes")) {
            0 => Ok(()),
            number => Err(io::Error::from_raw_os_error(-number)),
        },
        _ => Err(io::Error::other("the kernel answered something else")),
    }
}
