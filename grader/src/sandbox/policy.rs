//! The policy on system calls: an allow-list, as data. What it becomes is the business of [`super::filter`].
//!
//! What is not named is refused with EPERM, so that a student gets a `PermissionError` with a line number instead of a
//! dead process. `clone3`, `io_uring` and all that is newer than this list answer ENOSYS: the C library then falls back
//! to calls whose arguments can be inspected (`clone` for `clone3`), and nothing bypasses the rules for sockets. A
//! foreign architecture (`int 0x80`) kills the process; x32 numbers are in no list. Sources: Docker's default profile,
//! minus what no Python program needs.

use std::collections::BTreeMap;

use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// Calls allowed whatever their arguments, and what for.
#[rustfmt::skip] // one number a line would hide the policy
pub const ALLOWED: &[(&str, &[i64])] = &[
    (
        "reading and writing what is open",
        &[
            libc::SYS_read, libc::SYS_readv, libc::SYS_pread64, libc::SYS_preadv, libc::SYS_preadv2, libc::SYS_write,
            libc::SYS_writev, libc::SYS_pwrite64, libc::SYS_pwritev, libc::SYS_pwritev2, libc::SYS_lseek,
            libc::SYS_close, libc::SYS_close_range, libc::SYS_dup, libc::SYS_dup2, libc::SYS_dup3, libc::SYS_fcntl,
            libc::SYS_flock,
        ],
    ),
    (
        "opening by path; what may be reached is for the mount namespace to say",
        &[
            libc::SYS_open, libc::SYS_openat, libc::SYS_openat2, libc::SYS_creat, libc::SYS_access,
            libc::SYS_faccessat, libc::SYS_faccessat2, libc::SYS_readlink, libc::SYS_readlinkat,
        ],
    ),
    (
        "facts about files and file systems",
        &[
            libc::SYS_stat, libc::SYS_fstat, libc::SYS_lstat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_statfs,
            libc::SYS_fstatfs, libc::SYS_getdents, libc::SYS_getdents64,
        ],
    ),
    (
        "names in the work folder",
        &[
            libc::SYS_mkdir, libc::SYS_mkdirat, libc::SYS_rmdir, libc::SYS_link, libc::SYS_linkat, libc::SYS_symlink,
            libc::SYS_symlinkat, libc::SYS_unlink, libc::SYS_unlinkat, libc::SYS_rename, libc::SYS_renameat,
            libc::SYS_renameat2, libc::SYS_chdir, libc::SYS_fchdir, libc::SYS_getcwd, libc::SYS_umask,
        ],
    ),
    (
        "owners, modes and times of its own files (shutil.copystat, tarfile)",
        &[
            libc::SYS_chmod, libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_chown, libc::SYS_fchown,
            libc::SYS_lchown, libc::SYS_fchownat, libc::SYS_utime, libc::SYS_utimes, libc::SYS_utimensat,
            libc::SYS_futimesat,
        ],
    ),
    (
        "extended attributes: shutil.copy2 asks for them",
        &[
            libc::SYS_getxattr, libc::SYS_lgetxattr, libc::SYS_fgetxattr, libc::SYS_listxattr, libc::SYS_llistxattr,
            libc::SYS_flistxattr, libc::SYS_setxattr, libc::SYS_lsetxattr, libc::SYS_fsetxattr, libc::SYS_removexattr,
            libc::SYS_lremovexattr, libc::SYS_fremovexattr,
        ],
    ),
    (
        "contents kept or copied (os.fsync, os.sendfile, os.splice, shutil); sync of all file systems is not here",
        &[
            libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_syncfs, libc::SYS_sync_file_range, libc::SYS_truncate,
            libc::SYS_ftruncate, libc::SYS_fallocate, libc::SYS_fadvise64, libc::SYS_readahead,
            libc::SYS_copy_file_range, libc::SYS_sendfile, libc::SYS_splice, libc::SYS_tee,
        ],
    ),
    (
        "waiting for descriptors",
        &[
            libc::SYS_poll, libc::SYS_ppoll, libc::SYS_select, libc::SYS_pselect6, libc::SYS_epoll_create,
            libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_wait, libc::SYS_epoll_pwait,
            libc::SYS_epoll_pwait2,
        ],
    ),
    (
        "descriptors to wait for",
        &[
            libc::SYS_pipe, libc::SYS_pipe2, libc::SYS_eventfd, libc::SYS_eventfd2, libc::SYS_signalfd,
            libc::SYS_signalfd4, libc::SYS_timerfd_create, libc::SYS_timerfd_settime, libc::SYS_timerfd_gettime,
            libc::SYS_inotify_init, libc::SYS_inotify_init1, libc::SYS_inotify_add_watch, libc::SYS_inotify_rm_watch,
        ],
    ),
    (
        "memory of its own; pages are counted where they are touched",
        &[
            libc::SYS_brk, libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_mprotect, libc::SYS_madvise,
            libc::SYS_mincore, libc::SYS_msync, libc::SYS_membarrier, libc::SYS_memfd_create,
        ],
    ),
    (
        "locked memory, up to the limit of a process: cryptography tries it",
        &[
            libc::SYS_mlock, libc::SYS_mlock2, libc::SYS_munlock, libc::SYS_mlockall, libc::SYS_munlockall,
        ],
    ),
    (
        "programs: what an execve can reach is for the mount namespace to say",
        &[
            libc::SYS_execve, libc::SYS_execveat, libc::SYS_fork, libc::SYS_vfork, libc::SYS_exit,
            libc::SYS_exit_group, libc::SYS_wait4, libc::SYS_waitid,
        ],
    ),
    (
        "what threads are made of",
        &[
            libc::SYS_futex, libc::SYS_set_robust_list, libc::SYS_get_robust_list, libc::SYS_set_tid_address,
            libc::SYS_rseq, libc::SYS_arch_prctl, libc::SYS_gettid,
        ],
    ),
    (
        "signals, to what the process namespace shows",
        &[
            libc::SYS_kill, libc::SYS_tkill, libc::SYS_tgkill, libc::SYS_rt_sigaction, libc::SYS_rt_sigpending,
            libc::SYS_rt_sigprocmask, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_sigreturn, libc::SYS_rt_sigsuspend,
            libc::SYS_rt_sigtimedwait, libc::SYS_rt_tgsigqueueinfo, libc::SYS_sigaltstack, libc::SYS_pause,
            libc::SYS_restart_syscall, libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal,
        ],
    ),
    (
        "who it is, and its sessions and groups",
        &[
            libc::SYS_getpid, libc::SYS_getppid, libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid,
            libc::SYS_getegid, libc::SYS_getresuid, libc::SYS_getresgid, libc::SYS_getgroups, libc::SYS_getpgid,
            libc::SYS_getpgrp, libc::SYS_getsid, libc::SYS_setpgid, libc::SYS_setsid, libc::SYS_capget,
        ],
    ),
    (
        "becoming somebody else: refused by the user namespace, which has nobody else, with the error programs expect",
        &[
            libc::SYS_setuid, libc::SYS_setgid, libc::SYS_setreuid, libc::SYS_setregid, libc::SYS_setresuid,
            libc::SYS_setresgid, libc::SYS_setgroups, libc::SYS_setfsuid, libc::SYS_setfsgid,
        ],
    ),
    (
        "limits of its own: lowering them is fine, and the hard ones are set",
        &[
            libc::SYS_getrlimit, libc::SYS_getrusage,
        ],
    ),
    (
        "scheduling: nice values upwards, processors it may use",
        &[
            libc::SYS_getpriority, libc::SYS_setpriority, libc::SYS_sched_yield, libc::SYS_sched_getaffinity,
            libc::SYS_sched_setaffinity, libc::SYS_sched_getattr, libc::SYS_sched_getparam,
            libc::SYS_sched_getscheduler, libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min,
            libc::SYS_sched_rr_get_interval,
        ],
    ),
    (
        "timers",
        &[
            libc::SYS_alarm, libc::SYS_getitimer, libc::SYS_setitimer, libc::SYS_timer_create, libc::SYS_timer_delete,
            libc::SYS_timer_getoverrun, libc::SYS_timer_gettime, libc::SYS_timer_settime, libc::SYS_nanosleep,
            libc::SYS_clock_nanosleep,
        ],
    ),
    (
        "clocks, to read; to set them is not here",
        &[
            libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_gettimeofday, libc::SYS_time, libc::SYS_times,
        ],
    ),
    (
        "sockets, once made",
        &[
            libc::SYS_bind, libc::SYS_listen, libc::SYS_accept, libc::SYS_accept4, libc::SYS_connect,
            libc::SYS_shutdown, libc::SYS_getsockname, libc::SYS_getpeername, libc::SYS_getsockopt, libc::SYS_sendto,
            libc::SYS_sendmsg, libc::SYS_sendmmsg, libc::SYS_recvfrom, libc::SYS_recvmsg, libc::SYS_recvmmsg,
        ],
    ),
    (
        "System V IPC, inside its own namespace",
        &[
            libc::SYS_msgctl, libc::SYS_msgget, libc::SYS_msgrcv, libc::SYS_msgsnd, libc::SYS_semctl,
            libc::SYS_semget, libc::SYS_semop, libc::SYS_semtimedop, libc::SYS_shmat, libc::SYS_shmctl,
            libc::SYS_shmdt, libc::SYS_shmget,
        ],
    ),
    (
        "facts about the machine that programs ask for at their start",
        &[
            libc::SYS_uname, libc::SYS_sysinfo, libc::SYS_getcpu, libc::SYS_getrandom,
        ],
    ),
];

/// Answered as if the kernel were older.
pub const UNKNOWN: &[i64] =
    &[libc::SYS_clone3, libc::SYS_io_uring_enter, libc::SYS_io_uring_register, libc::SYS_io_uring_setup];

/// Every flag of `clone` that makes a namespace.
pub const NAMESPACE_FLAGS: u64 = 0x7e02_0000;
pub const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;

/// Numbers above every call that this kernel interface had when the list was made.
pub const NEWER: u32 = 470;

/// Calls allowed with some arguments; the rules for one are alternatives.
pub fn decided_by_arguments() -> BTreeMap<i64, Vec<SeccompRule>> {
    BTreeMap::from([
        // No new namespaces.
        (libc::SYS_clone, vec![rule(&[(0, SeccompCmpOp::MaskedEq(NAMESPACE_FLAGS), 0)])]),
        // No keystrokes for a terminal that we were started from.
        (libc::SYS_ioctl, vec![rule(&[(1, SeccompCmpOp::Ne, TIOCSTI), (1, SeccompCmpOp::Ne, TIOCLINUX)])]),
        // No devices.
        (libc::SYS_mknod, files_without_a_device(1)),
        (libc::SYS_mknodat, files_without_a_device(2)),
        (libc::SYS_prctl, process_controls()),
        (libc::SYS_prlimit64, limits_of_itself()),
        (libc::SYS_setrlimit, vec![rule(&[(0, SeccompCmpOp::Ne, CORE_LIMIT)])]),
        (libc::SYS_setsockopt, socket_options()),
        (libc::SYS_socket, sockets()),
        (libc::SYS_socketpair, vec![rule(&[(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)])]),
    ])
}

/// What keeps a crash from the host's crash handler (see [`super::program`]), and would no longer if it were lowered.
const CORE_LIMIT: u64 = libc::RLIMIT_CORE as u64;

/// Any but the limit on core dumps to set; all of them to read, which brings no new one. Pid 0 means the caller.
fn limits_of_itself() -> Vec<SeccompRule> {
    let itself = (0, SeccompCmpOp::Eq, 0);
    let no_new_one = condition(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0);
    let reading = SeccompRule::new(vec![condition(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, 0), no_new_one]);
    vec![rule(&[itself, (1, SeccompCmpOp::Ne, CORE_LIMIT)]), reading.expect("the policy is a constant")]
}

/// What `prctl` may be asked for. Not here: side channels opened again (`PR_SET_SPECULATION_CTRL`), calls rewritten on
/// their way (`PR_SET_SYSCALL_USER_DISPATCH`), a tracer let in (`PR_SET_PTRACER`).
const PROCESS_CONTROLS: &[(&str, i32)] = &[
    ("names of threads", libc::PR_SET_NAME),
    ("names of threads", libc::PR_GET_NAME),
    ("names of memory, by the C library", libc::PR_SET_VMA),
    ("children that end with their parent", libc::PR_SET_PDEATHSIG),
    ("children that end with their parent", libc::PR_GET_PDEATHSIG),
    ("supervisors that inherit orphans", libc::PR_SET_CHILD_SUBREAPER),
    ("supervisors that inherit orphans", libc::PR_GET_CHILD_SUBREAPER),
    ("no memory for others to read", libc::PR_SET_DUMPABLE),
    ("no memory for others to read", libc::PR_GET_DUMPABLE),
    ("rights given up already", libc::PR_SET_NO_NEW_PRIVS),
    ("rights given up already", libc::PR_GET_NO_NEW_PRIVS),
    ("rights given up already", libc::PR_CAPBSET_READ),
    ("whether there is a filter", libc::PR_GET_SECCOMP),
    ("sleeping exactly", libc::PR_SET_TIMERSLACK),
    ("sleeping exactly", libc::PR_GET_TIMERSLACK),
];

fn process_controls() -> Vec<SeccompRule> {
    let control = |control: i32| (0, SeccompCmpOp::Eq, control as u64);
    let mut rules: Vec<_> = PROCESS_CONTROLS.iter().map(|(_, it)| rule(&[control(*it)])).collect();
    // A warm interpreter takes its program's command line when it is confined already.
    rules.push(rule(&[control(libc::PR_SET_MM), (1, SeccompCmpOp::Eq, libc::PR_SET_MM_MAP as u64)]));
    rules
}

/// Plain files, FIFOs and sockets; the mode is the argument `argument`. No type at all means a plain file.
fn files_without_a_device(argument: u8) -> Vec<SeccompRule> {
    let kinds = [0, libc::S_IFREG, libc::S_IFIFO, libc::S_IFSOCK];
    let kind = |kind| rule(&[(argument, SeccompCmpOp::MaskedEq(u64::from(libc::S_IFMT)), u64::from(kind))]);
    kinds.into_iter().map(kind).collect()
}

/// Every option but those that hand the kernel a program, or put another protocol on top of TCP.
fn socket_options() -> Vec<SeccompRule> {
    const PROGRAMS: &[i32] =
        &[libc::SO_ATTACH_FILTER, libc::SO_ATTACH_BPF, libc::SO_ATTACH_REUSEPORT_CBPF, libc::SO_ATTACH_REUSEPORT_EBPF];
    let level = |operator, level: i32| (1, operator, level as u64);
    let not = |option: &i32| (2, SeccompCmpOp::Ne, *option as u64);
    let general: Vec<_> =
        [level(SeccompCmpOp::Eq, libc::SOL_SOCKET)].into_iter().chain(PROGRAMS.iter().map(not)).collect();
    vec![
        rule(&general),
        rule(&[level(SeccompCmpOp::Eq, libc::IPPROTO_TCP), not(&libc::TCP_ULP)]),
        rule(&[level(SeccompCmpOp::Ne, libc::SOL_SOCKET), level(SeccompCmpOp::Ne, libc::IPPROTO_TCP)]),
    ]
}

/// Unix sockets of any type; internet sockets as TCP or UDP; netlink for the routing tables that `getaddrinfo` reads.
/// Nothing raw, no vsock (it reaches the hypervisor and is in no namespace), no other family.
fn sockets() -> Vec<SeccompRule> {
    const TYPE: u64 = 0xf;
    let family = |family: i32| (0, SeccompCmpOp::Eq, family as u64);
    let kind = |kind: i32| (1, SeccompCmpOp::MaskedEq(TYPE), kind as u64);
    let protocol = |protocol: i32| (2, SeccompCmpOp::Eq, protocol as u64);
    let mut rules = vec![rule(&[family(libc::AF_UNIX)]), rule(&[family(libc::AF_NETLINK), protocol(0)])];
    for net in [libc::AF_INET, libc::AF_INET6] {
        for (type_, number) in [(libc::SOCK_STREAM, libc::IPPROTO_TCP), (libc::SOCK_DGRAM, libc::IPPROTO_UDP)] {
            rules.push(rule(&[family(net), kind(type_), protocol(0)]));
            rules.push(rule(&[family(net), kind(type_), protocol(number)]));
        }
    }
    rules
}

/// All of `conditions` on (argument, comparison, value) hold.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> SeccompRule {
    let conditions = conditions
        .iter()
        .map(|(argument, operator, value)| condition(*argument, SeccompCmpArgLen::Dword, operator.clone(), *value))
        .collect();
    SeccompRule::new(conditions).expect("the policy is a constant")
}

fn condition(argument: u8, length: SeccompCmpArgLen, operator: SeccompCmpOp, value: u64) -> SeccompCondition {
    SeccompCondition::new(argument, length, operator, value).expect("the policy is a constant")
}
