//! System calls that no crate wraps safely: `clone3`, a bare `fork`, `execve` and the seccomp filter; packet sockets are
//! in [`packets`].
//!
//! `fork` and `clone3` without `CLONE_VM` copy only the calling thread. They are called from the launcher and from
//! init, which are single-threaded by construction, so the child may use all of Rust, the allocator included.

use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

pub mod packets;

pub use libc::{CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS};

/// `struct clone_args` of `linux/sched.h`, version 2 (with the cgroup).
#[repr(C, align(8))]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Which side of a fork we are on.
pub enum Forked {
    Child,
    Parent { pid: i32, pidfd: OwnedFd },
}

/// Forks into new namespaces, inside `cgroup` (a v2 directory) from the first instruction when one is given.
pub fn clone_into(namespaces: i32, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    let mut pidfd: i32 = -1;
    let mut arguments = CloneArguments {
        flags: u64::from(namespaces.cast_unsigned()) | libc::CLONE_PIDFD as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArguments::default()
    };
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: the structure lives across the call and matches the size passed; without CLONE_VM the child has its own
    // copy of this single-threaded process.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, std::mem::size_of::<CloneArguments>()) };
    match pid {
        0 => Ok(Forked::Child),
        -1 => Err(io::Error::last_os_error()),
        pid => {
            // SAFETY: the kernel stored a fresh descriptor there, which nobody else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Parent { pid: i32::try_from(pid).expect("process ids fit"), pidfd })
        }
    }
}

/// An ordinary fork: 0 in the child, the child's id in the parent.
pub fn fork() -> io::Result<i32> {
    // SAFETY: the caller is single-threaded (see the module's head).
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(pid),
    }
}

/// Leaves the namespaces named by `what` for fresh ones.
pub fn unshare(what: rustix::thread::UnshareFlags) -> io::Result<()> {
    // SAFETY: launcher, init and their forks are single-threaded, and no caller detaches the descriptor table.
    Ok(unsafe { rustix::thread::unshare_unsafe(what) }?)
}

/// Replaces this process; returns only to tell why it could not.
pub fn execve(argv: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(argv), pointers(environment));
    // SAFETY: both arrays end with a null pointer and outlive the call.
    unsafe { libc::execve(arguments[0], arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Installs a seccomp filter for this thread; needs no_new_privs or CAP_SYS_ADMIN.
pub fn install_filter(program: &seccompiler::BpfProgram) -> Result<(), seccompiler::Error> {
    seccompiler::apply_filter(program)
}

/// Closes every descriptor from the number `first` on, but for `kept`.
pub fn close_from(first: u32, kept: BorrowedFd<'_>) {
    let kept = kept.as_raw_fd().cast_unsigned();
    for (first, last) in [(first, kept.saturating_sub(1)), (first.max(kept + 1), u32::MAX)] {
        if first <= last {
            // SAFETY: called right before a program begins: no value that owns one of these is used again.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        }
    }
}

/// Makes `descriptor` appear under the number `number`, open across `execve`.
pub fn install_descriptor(descriptor: BorrowedFd<'_>, number: i32) -> io::Result<()> {
    // SAFETY: plain duplication; the caller gives numbers that no other value owns.
    match unsafe { libc::dup2(descriptor.as_raw_fd(), number) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Signals back to their defaults and unblocked, as a program expects them at its start.
pub fn reset_signals() {
    // SAFETY: the set is initialised by sigemptyset before it is read.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        for signal in [libc::SIGPIPE, libc::SIGXFSZ, libc::SIGCHLD] {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// What an interpreter does with signals at its start, on top of their defaults (`signal_install_handlers`).
pub fn ignore_signals_as_python_does() {
    // SAFETY: SIG_IGN is a documented request; no handler runs.
    unsafe {
        for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}

/// `struct prctl_mm_map` of `linux/prctl.h`.
#[repr(C)]
struct MemoryMap {
    start_code: u64,
    end_code: u64,
    start_data: u64,
    end_data: u64,
    start_brk: u64,
    brk: u64,
    start_stack: u64,
    arg_start: u64,
    arg_end: u64,
    env_start: u64,
    env_end: u64,
    auxv: u64,
    auxv_size: u32,
    exe_fd: u32,
}

/// Copies pages that a fork shares with its parent, at once: that is cheaper than page by page when they are written
/// to. A kernel before 5.14 leaves it to that.
pub fn own_pages(pages: std::ops::Range<usize>) {
    // SAFETY: the contents stay as they are; a range that is not there is refused.
    unsafe {
        libc::madvise(std::ptr::without_provenance_mut(pages.start), pages.len(), libc::MADV_POPULATE_WRITE);
    }
}

/// Tidies the allocator up, so that no fork has to, and copies pages for it.
pub fn trim_heap() {
    // SAFETY: gives memory back that nobody uses.
    unsafe { libc::malloc_trim(0) };
}

/// Makes `/proc/self/cmdline` tell `text`: words, each with a NUL behind it.
pub fn set_arguments(text: &'static [u8]) -> io::Result<()> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // proc(5) counts from 1; the second field may hold spaces and ends with the last parenthesis.
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .map(|field| field.parse::<i64>().map_or_else(|_| field.parse().unwrap_or(0), i64::cast_unsigned))
        .collect();
    let field = |number: usize| fields.get(number - 4).copied().unwrap_or(0);
    let (start, length) = (text.as_ptr().addr() as u64, text.len() as u64);
    let map = MemoryMap {
        start_code: field(26),
        end_code: field(27),
        start_stack: field(28),
        start_data: field(45),
        end_data: field(46),
        start_brk: field(47),
        // SAFETY: moves nothing, only tells where the heap ends.
        brk: unsafe { libc::sbrk(0) }.addr() as u64,
        arg_start: start,
        arg_end: start + length,
        env_start: field(50),
        env_end: field(51),
        auxv: 0,
        auxv_size: 0,
        exe_fd: u32::MAX,
    };
    // SAFETY: the kernel reads the structure during the call; it only remembers addresses, and the text lives on.
    let result = unsafe {
        libc::prctl(libc::PR_SET_MM, libc::PR_SET_MM_MAP, &raw const map, std::mem::size_of::<MemoryMap>(), 0)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A descriptor that becomes readable whenever a child ends; the signal itself is blocked, and children stay to be
/// reaped although the launcher ignores its own.
pub fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before it is read; signalfd returns a fresh descriptor.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        let mut chld = std::mem::zeroed();
        libc::sigemptyset(&raw mut chld);
        libc::sigaddset(&raw mut chld, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const chld, std::ptr::null_mut());
        match libc::signalfd(-1, &raw const chld, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            descriptor => Ok(OwnedFd::from_raw_fd(descriptor)),
        }
    }
}

/// A descriptor that this process was started with, and that nobody here has taken before.
pub fn inherited(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: fcntl takes any number, and the copy that it makes is a fresh descriptor.
    match unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, number) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: the copy is open and nobody else's. The original stays until the process ends.
        copy => Ok(unsafe { OwnedFd::from_raw_fd(copy) }),
    }
}

/// Lets the kernel reap children that nobody waits for.
pub fn reap_children_automatically() {
    // SAFETY: SIG_IGN for SIGCHLD is a documented request; no handler runs.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
}

/// `struct mount_attr` of `linux/mount.h`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Makes the mount at `path` and all below it read-only, without set-uid programs and devices.
pub fn seal_mount(path: &std::ffi::CStr) -> io::Result<()> {
    const READ_ONLY: u64 = 1;
    const NO_SUID: u64 = 2;
    const NO_DEVICES: u64 = 4;
    let attributes =
        MountAttributes { set: READ_ONLY | NO_SUID | NO_DEVICES, clear: 0, propagation: 0, user_namespace: 0 };
    // SAFETY: path and structure outlive the call, and the size passed is the structure's.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            std::mem::size_of::<MountAttributes>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Brings the loopback device of the current network namespace up.
pub fn loopback_up() -> io::Result<()> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: ifreq is plain data for which zero is a valid value; the kernel reads it during the call only.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as c_char;
        request.ifr_name[1] = b'o' as c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        match libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}
