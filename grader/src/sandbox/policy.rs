//! The seccomp policy: an allow-list, as data.
//!
//! What is not named is refused with EPERM, so that a student gets a `PermissionError` with a line number instead of a
//! dead process. `clone3` and `io_uring` answer ENOSYS: the C library then falls back to `clone`, whose flags can be
//! inspected, and nothing bypasses the socket rules. A foreign architecture (`int 0x80`) kills the process; x32 numbers
//! are in no list. Sources: Docker's default profile, minus what no Python program needs.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Calls allowed whatever their arguments, by purpose.
#[rustfmt::skip] // one number a line would hide the policy
const ALLOWED: &[(&str, &[i64])] = &[
    (
        "files by path and descriptor",
        &[
            libc::SYS_access, libc::SYS_chdir, libc::SYS_chmod, libc::SYS_chown, libc::SYS_close,
            libc::SYS_close_range, libc::SYS_copy_file_range, libc::SYS_creat, libc::SYS_dup, libc::SYS_dup2,
            libc::SYS_dup3, libc::SYS_faccessat, libc::SYS_faccessat2, libc::SYS_fadvise64, libc::SYS_fallocate,
            libc::SYS_fchdir, libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_fchown, libc::SYS_fchownat,
            libc::SYS_fcntl, libc::SYS_fdatasync, libc::SYS_fgetxattr, libc::SYS_flistxattr, libc::SYS_flock,
            libc::SYS_fremovexattr, libc::SYS_fsetxattr, libc::SYS_fstat, libc::SYS_fstatfs, libc::SYS_fsync,
            libc::SYS_ftruncate, libc::SYS_futimesat, libc::SYS_getcwd, libc::SYS_getdents, libc::SYS_getdents64,
            libc::SYS_getxattr, libc::SYS_lchown, libc::SYS_lgetxattr, libc::SYS_link, libc::SYS_linkat,
            libc::SYS_listxattr, libc::SYS_llistxattr, libc::SYS_lremovexattr, libc::SYS_lseek,
            libc::SYS_lsetxattr, libc::SYS_lstat, libc::SYS_mkdir, libc::SYS_mkdirat, libc::SYS_mknod,
            libc::SYS_mknodat, libc::SYS_newfstatat, libc::SYS_open, libc::SYS_openat, libc::SYS_openat2,
            libc::SYS_pread64, libc::SYS_preadv, libc::SYS_preadv2, libc::SYS_pwrite64, libc::SYS_pwritev,
            libc::SYS_pwritev2, libc::SYS_read, libc::SYS_readahead, libc::SYS_readlink, libc::SYS_readlinkat,
            libc::SYS_readv, libc::SYS_removexattr, libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2,
            libc::SYS_rmdir, libc::SYS_sendfile, libc::SYS_setxattr, libc::SYS_splice, libc::SYS_stat,
            libc::SYS_statfs, libc::SYS_statx, libc::SYS_symlink, libc::SYS_symlinkat, libc::SYS_sync_file_range,
            libc::SYS_syncfs, libc::SYS_tee, libc::SYS_truncate, libc::SYS_umask, libc::SYS_unlink,
            libc::SYS_unlinkat, libc::SYS_utime, libc::SYS_utimensat, libc::SYS_utimes, libc::SYS_write,
            libc::SYS_writev,
        ],
    ),
    (
        "waiting and notification",
        &[
            libc::SYS_epoll_create, libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait,
            libc::SYS_epoll_pwait2, libc::SYS_epoll_wait, libc::SYS_eventfd, libc::SYS_eventfd2,
            libc::SYS_inotify_add_watch, libc::SYS_inotify_init, libc::SYS_inotify_init1,
            libc::SYS_inotify_rm_watch, libc::SYS_pipe, libc::SYS_pipe2, libc::SYS_poll, libc::SYS_ppoll,
            libc::SYS_pselect6, libc::SYS_select, libc::SYS_signalfd, libc::SYS_signalfd4,
            libc::SYS_timerfd_create, libc::SYS_timerfd_gettime, libc::SYS_timerfd_settime,
        ],
    ),
    (
        "memory",
        &[
            libc::SYS_brk, libc::SYS_madvise, libc::SYS_membarrier, libc::SYS_memfd_create, libc::SYS_mincore,
            libc::SYS_mlock, libc::SYS_mlock2, libc::SYS_mlockall, libc::SYS_mmap, libc::SYS_mprotect,
            libc::SYS_mremap, libc::SYS_msync, libc::SYS_munlock, libc::SYS_munlockall, libc::SYS_munmap,
            libc::SYS_pkey_alloc, libc::SYS_pkey_free, libc::SYS_pkey_mprotect,
        ],
    ),
    (
        "threads, processes, signals",
        &[
            libc::SYS_alarm, libc::SYS_arch_prctl, libc::SYS_capget, libc::SYS_execve, libc::SYS_execveat,
            libc::SYS_exit, libc::SYS_exit_group, libc::SYS_fork, libc::SYS_futex, libc::SYS_get_robust_list,
            libc::SYS_getegid, libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getgroups, libc::SYS_getitimer,
            libc::SYS_getpgid, libc::SYS_getpgrp, libc::SYS_getpid, libc::SYS_getppid, libc::SYS_getpriority,
            libc::SYS_getresgid, libc::SYS_getresuid, libc::SYS_getrlimit, libc::SYS_getrusage, libc::SYS_getsid,
            libc::SYS_gettid, libc::SYS_getuid, libc::SYS_kill, libc::SYS_pause, libc::SYS_pidfd_open,
            libc::SYS_pidfd_send_signal, libc::SYS_prctl, libc::SYS_restart_syscall, libc::SYS_rseq,
            libc::SYS_rt_sigaction, libc::SYS_rt_sigpending, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigqueueinfo,
            libc::SYS_rt_sigreturn, libc::SYS_rt_sigsuspend, libc::SYS_rt_sigtimedwait, libc::SYS_rt_tgsigqueueinfo,
            libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min, libc::SYS_sched_getaffinity,
            libc::SYS_sched_getattr, libc::SYS_sched_getparam, libc::SYS_sched_getscheduler,
            libc::SYS_sched_rr_get_interval, libc::SYS_sched_setaffinity, libc::SYS_sched_yield,
            libc::SYS_seccomp, libc::SYS_set_robust_list, libc::SYS_set_tid_address, libc::SYS_setfsgid,
            libc::SYS_setfsuid, libc::SYS_setgid, libc::SYS_setgroups, libc::SYS_setitimer, libc::SYS_setpgid,
            libc::SYS_setpriority, libc::SYS_setregid, libc::SYS_setresgid, libc::SYS_setresuid,
            libc::SYS_setreuid, libc::SYS_setrlimit, libc::SYS_setsid, libc::SYS_setuid, libc::SYS_sigaltstack,
            libc::SYS_tgkill, libc::SYS_timer_create, libc::SYS_timer_delete, libc::SYS_timer_getoverrun,
            libc::SYS_timer_gettime, libc::SYS_timer_settime, libc::SYS_tkill, libc::SYS_vfork, libc::SYS_wait4,
            libc::SYS_waitid,
        ],
    ),
    (
        "time, read only",
        &[
            libc::SYS_clock_getres, libc::SYS_clock_gettime, libc::SYS_clock_nanosleep, libc::SYS_gettimeofday,
            libc::SYS_nanosleep, libc::SYS_time, libc::SYS_times,
        ],
    ),
    (
        "sockets, once made",
        &[
            libc::SYS_accept, libc::SYS_accept4, libc::SYS_bind, libc::SYS_connect, libc::SYS_getpeername,
            libc::SYS_getsockname, libc::SYS_getsockopt, libc::SYS_listen, libc::SYS_recvfrom, libc::SYS_recvmmsg,
            libc::SYS_recvmsg, libc::SYS_sendmmsg, libc::SYS_sendmsg, libc::SYS_sendto, libc::SYS_setsockopt,
            libc::SYS_shutdown,
        ],
    ),
    (
        "System V and POSIX IPC, inside their own namespace",
        &[
            libc::SYS_mq_getsetattr, libc::SYS_mq_notify, libc::SYS_mq_open, libc::SYS_mq_timedreceive,
            libc::SYS_mq_timedsend, libc::SYS_mq_unlink, libc::SYS_msgctl, libc::SYS_msgget, libc::SYS_msgrcv,
            libc::SYS_msgsnd, libc::SYS_semctl, libc::SYS_semget, libc::SYS_semop, libc::SYS_semtimedop,
            libc::SYS_shmat, libc::SYS_shmctl, libc::SYS_shmdt, libc::SYS_shmget,
        ],
    ),
    (
        "facts about the machine that programs ask for at their start",
        &[libc::SYS_getcpu, libc::SYS_getrandom, libc::SYS_sysinfo, libc::SYS_uname],
    ),
];

/// Answered as if the kernel were older.
const UNKNOWN: &[i64] =
    &[libc::SYS_clone3, libc::SYS_io_uring_enter, libc::SYS_io_uring_register, libc::SYS_io_uring_setup];

/// Every flag of `clone` that makes a namespace.
const NAMESPACE_FLAGS: u64 = 0x7e02_0000;
const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;

/// The two filters, in the order in which they are installed. The kernel takes the stricter answer of both.
pub fn filters() -> [BpfProgram; 2] {
    let unknown = UNKNOWN.iter().map(|call| (*call, vec![])).collect();
    [
        compile(unknown, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32)),
        compile(allowed(), SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow),
    ]
}

fn compile(rules: BTreeMap<i64, Vec<SeccompRule>>, otherwise: SeccompAction, matched: SeccompAction) -> BpfProgram {
    let arch = TargetArch::try_from(std::env::consts::ARCH).expect("an architecture that seccompiler knows");
    SeccompFilter::new(rules, otherwise, matched, arch)
        .and_then(BpfProgram::try_from)
        .expect("the policy is a constant")
}

fn allowed() -> BTreeMap<i64, Vec<SeccompRule>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().flat_map(|(_, calls)| calls.iter().map(|call| (*call, vec![]))).collect();
    // The first filter answers these; here they must pass.
    rules.extend(UNKNOWN.iter().map(|call| (*call, vec![])));
    // No new namespaces.
    rules.insert(libc::SYS_clone, vec![rule(&[(0, SeccompCmpOp::MaskedEq(NAMESPACE_FLAGS), 0)])]);
    // No keystrokes for the terminal that started us.
    rules.insert(libc::SYS_ioctl, vec![rule(&[(1, SeccompCmpOp::Ne, TIOCSTI), (1, SeccompCmpOp::Ne, TIOCLINUX)])]);
    // Limits of itself only: pid 0 means the caller.
    rules.insert(libc::SYS_prlimit64, vec![rule(&[(0, SeccompCmpOp::Eq, 0)])]);
    rules.insert(libc::SYS_socket, sockets());
    rules.insert(libc::SYS_socketpair, vec![rule(&[(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)])]);
    rules
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
        .map(|(argument, operator, value)| {
            SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator.clone(), *value)
        })
        .collect::<Result<_, _>>()
        .expect("the policy is a constant");
    SeccompRule::new(conditions).expect("the policy is a constant")
}
