//! A packet socket on a network's loopback (packet(7)): what a case's parties say to each other, read beside them.
//!
//! The socket is opened by the root, before anything else is in the network, and read by the grader. Every packet is
//! seen once, as it arrives, from its IP header on and cut to [`SNAP_BYTES`]. What waits to be read is bounded by the
//! socket's buffer; the kernel counts what found no room there. A ring would need no calls to read, but to make one
//! costs a grace period of the kernel's, which is as long as a short case.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Bytes of a packet that are kept. Those of loopback are up to 64 KiB long.
pub const SNAP_BYTES: usize = 1600;
/// What may wait to be read. A packet counts with all of its bytes, so this holds the few dozen longest ones that two
/// parties exchange until the next look, or thousands of short ones.
const BUFFER_BYTES: libc::c_int = 8 << 20;
/// Packets that are read with one call.
const BATCH: usize = 32;
/// Room for a time stamp (`struct timespec` behind a `struct cmsghdr`).
const CONTROL_BYTES: usize = 64;

/// Opens a socket that sees what arrives on the loopback device of the current network. Takes CAP_NET_RAW there.
pub fn open() -> io::Result<OwnedFd> {
    // SAFETY: a plain call; the descriptor that it returns is nobody else's.
    let socket = unsafe {
        // Protocol 0: nothing arrives before it is bound.
        match libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) {
            -1 => return Err(io::Error::last_os_error()),
            descriptor => OwnedFd::from_raw_fd(descriptor),
        }
    };
    let mut keep = libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: SNAP_BYTES as u32 };
    let program = libc::sock_fprog { len: 1, filter: &raw mut keep };
    let (socket_level, one) = (libc::SOL_SOCKET, 1 as libc::c_int);
    set(&socket, socket_level, libc::SO_ATTACH_FILTER, &program)?;
    set(&socket, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &one)?;
    set(&socket, socket_level, libc::SO_TIMESTAMPNS, &one)?;
    // Beyond what the machine allows everybody it takes CAP_NET_ADMIN; else less must do.
    set(&socket, socket_level, libc::SO_RCVBUFFORCE, &BUFFER_BYTES)
        .or_else(|_| set(&socket, socket_level, libc::SO_RCVBUF, &BUFFER_BYTES))?;
    bind_to_loopback(&socket)?;
    Ok(socket)
}

fn set<T>(socket: &OwnedFd, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let size = std::mem::size_of::<T>() as libc::socklen_t;
    // SAFETY: value and size are of one type, and whatever it points to outlives the call.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), size) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn bind_to_loopback(socket: &OwnedFd) -> io::Result<()> {
    // SAFETY: zero is a valid value for sockaddr_ll; address and name outlive the calls, and the size is the address's.
    let bound = unsafe {
        let mut address: libc::sockaddr_ll = std::mem::zeroed();
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = libc::if_nametoindex(c"lo".as_ptr()).cast_signed();
        let size = std::mem::size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size)
    };
    if bound == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The reading end.
#[derive(Debug)]
pub struct Packets {
    /// `None` only while it is being dropped.
    socket: Option<OwnedFd>,
    /// Made at the first packet.
    slots: Vec<Slot>,
}

/// Where one packet is read to.
#[derive(Clone, Debug)]
#[repr(C, align(8))]
struct Slot {
    control: [u8; CONTROL_BYTES],
    bytes: [u8; SNAP_BYTES],
}

impl Packets {
    pub fn new(socket: OwnedFd) -> Packets {
        Packets { socket: Some(socket), slots: Vec::new() }
    }

    /// Hands over all packets that have come, with the time of each since the epoch; returns how many the kernel has
    /// lost since the last call, all of them after the last one handed over.
    pub fn take(&mut self, mut keep: impl FnMut(Duration, &[u8])) -> u64 {
        let mut came = 0;
        loop {
            let count = self.read_batch(&mut keep);
            came += count;
            if count < BATCH {
                break;
            }
        }
        // A buffer that was full has something in it.
        if came > 0 { self.lost() } else { 0 }
    }

    /// At most [`BATCH`] packets; fewer when no more have come.
    fn read_batch(&mut self, keep: &mut impl FnMut(Duration, &[u8])) -> usize {
        let Some(socket) = &self.socket else { return 0 };
        if self.slots.is_empty() {
            self.slots = vec![Slot { control: [0; CONTROL_BYTES], bytes: [0; SNAP_BYTES] }; BATCH];
        }
        let mut pieces: Vec<libc::iovec> = self.slots.iter_mut().map(|slot| piece(&mut slot.bytes)).collect();
        let mut headers: Vec<libc::mmsghdr> = self
            .slots
            .iter_mut()
            .zip(&mut pieces)
            .map(|(slot, piece)| libc::mmsghdr { msg_hdr: header(piece, &mut slot.control), msg_len: 0 })
            .collect();
        let count = receive(socket.as_fd(), &mut headers);
        for (header, slot) in headers.iter().zip(&self.slots).take(count) {
            let length = (header.msg_len as usize).min(SNAP_BYTES);
            keep(stamp(&header.msg_hdr), &slot.bytes[..length]);
        }
        count
    }

    fn lost(&self) -> u64 {
        let Some(socket) = &self.socket else { return 0 };
        let mut counted = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut size = std::mem::size_of::<libc::tpacket_stats>() as libc::socklen_t;
        let (level, option) = (libc::SOL_PACKET, libc::PACKET_STATISTICS);
        // SAFETY: the kernel writes at most `size` bytes, which is the structure's size.
        let got =
            unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut counted).cast(), &raw mut size) };
        if got == 0 { u64::from(counted.tp_drops) } else { 0 }
    }
}

impl Drop for Packets {
    /// The kernel holds whoever closes such a socket for a grace period: that shall be nobody who has work to do.
    fn drop(&mut self) {
        let socket = self.socket.take();
        // Where no thread can be had, the closure is dropped here and now, and the socket with it.
        let _ = std::thread::Builder::new().name("closes packets".to_owned()).spawn(move || drop(socket));
    }
}

fn piece(bytes: &mut [u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() }
}

fn header(piece: &mut libc::iovec, control: &mut [u8; CONTROL_BYTES]) -> libc::msghdr {
    // SAFETY: msghdr is plain data for which zero is a valid value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = piece;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = CONTROL_BYTES as _;
    header
}

/// Reads into what the headers point to; returns how many of them were used.
fn receive(socket: BorrowedFd<'_>, headers: &mut [libc::mmsghdr]) -> usize {
    let (first, length) = (headers.as_mut_ptr(), headers.len() as u32);
    // SAFETY: the caller's slots and pieces, which the headers point to, outlive the call, and the lengths are theirs.
    let count =
        unsafe { libc::recvmmsg(socket.as_raw_fd(), first, length, libc::MSG_DONTWAIT as _, std::ptr::null_mut()) };
    // Errors (nothing there, interrupted) mean the same here: look again later.
    usize::try_from(count).unwrap_or(0)
}

fn stamp(header: &libc::msghdr) -> Duration {
    // SAFETY: the kernel has filled in the control buffer, which is aligned and lives in the caller's slots; only a
    // message of the right kind and length is read, and without presuming its alignment.
    let time = unsafe {
        let message = libc::CMSG_FIRSTHDR(header);
        if message.is_null()
            || (*message).cmsg_type != libc::SCM_TIMESTAMPNS
            || (*message).cmsg_len < libc::CMSG_LEN(std::mem::size_of::<libc::timespec>() as u32) as _
        {
            return Duration::ZERO;
        }
        libc::CMSG_DATA(message).cast::<libc::timespec>().read_unaligned()
    };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0) % 1_000_000_000)
}
