//! The policy on system calls as a program for the kernel.
//!
//! First comes a short way for what is decided by the number alone, then the rules that look at arguments, as
//! `seccompiler` makes them. The kernel tries every number on a filter that is installed, to know which calls it need
//! not be asked about again; a rule for each allowed call would cost every sandbox a millisecond. As the numbers allowed
//! whatever their arguments make few ranges, the short way is short.

use std::collections::{BTreeMap, BTreeSet};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, sock_filter};

use super::policy;

/// Set in the numbers of the x32 interface, which has its own entry to many calls.
const X32_BIT: u32 = 0x4000_0000;

#[cfg(target_arch = "x86_64")]
const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCH: u32 = 0xc000_00b7;

/// The program.
pub fn filter() -> BpfProgram {
    let mut program = decided_by_number();
    program.extend(compile(policy::decided_by_arguments()));
    program
}

fn compile(rules: BTreeMap<i64, Vec<SeccompRule>>) -> BpfProgram {
    let arch = TargetArch::try_from(std::env::consts::ARCH).expect("an architecture that seccompiler knows");
    SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, arch)
        .and_then(BpfProgram::try_from)
        .expect("the policy is a constant")
}

/// Where a comparison leads.
#[derive(Clone, Copy)]
enum To {
    Next,
    /// Answered as unknown to the kernel.
    Unknown,
    Allowed,
    /// The rules that follow this program.
    Rules,
}

fn decided_by_number() -> BpfProgram {
    const NUMBER_AT: u32 = 0;
    const ARCHITECTURE_AT: u32 = 4;
    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const JUMP: u32 = libc::BPF_JMP | libc::BPF_K;
    const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

    let mut steps = vec![
        // A foreign architecture is for the rules to refuse: its numbers mean other calls.
        (LOAD, ARCHITECTURE_AT, To::Next, To::Next),
        (JUMP | libc::BPF_JEQ, AUDIT_ARCH, To::Next, To::Rules),
        (LOAD, NUMBER_AT, To::Next, To::Next),
        (JUMP | libc::BPF_JGE, X32_BIT, To::Rules, To::Next),
        (JUMP | libc::BPF_JGT, policy::NEWER, To::Unknown, To::Next),
    ];
    steps.extend(policy::UNKNOWN.iter().map(|call| (JUMP | libc::BPF_JEQ, number(*call), To::Unknown, To::Next)));
    for (first, last) in ranges(policy::ALLOWED.iter().flat_map(|(_, calls)| calls.iter().copied())) {
        steps.push((JUMP | libc::BPF_JGE, first, To::Next, To::Rules));
        steps.push((JUMP | libc::BPF_JGT, last, To::Next, To::Allowed));
    }
    // Behind the last range: no number is less than 0.
    steps.push((JUMP | libc::BPF_JGE, 0, To::Rules, To::Rules));

    let end = steps.len();
    let offset = |at: usize, to: To| match to {
        To::Next => 0,
        To::Unknown => end - at - 1,
        To::Allowed => end - at,
        To::Rules => end - at + 1,
    };
    let step = |at, (code, k, jt, jf): (u32, u32, To, To)| {
        let offset = |to| u8::try_from(offset(at, to)).expect("a short way");
        sock_filter { code: code as u16, jt: offset(jt), jf: offset(jf), k }
    };
    let ends = [libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32, libc::SECCOMP_RET_ALLOW];
    let ends = ends.map(|answer| sock_filter { code: RETURN as u16, jt: 0, jf: 0, k: answer });
    steps.into_iter().enumerate().map(|(at, it)| step(at, it)).chain(ends).collect()
}

fn number(call: i64) -> u32 {
    u32::try_from(call).expect("numbers of calls are small")
}

/// The numbers as ranges, ends included, in order.
fn ranges(calls: impl Iterator<Item = i64>) -> Vec<(u32, u32)> {
    let calls: BTreeSet<u32> = calls.map(number).collect();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for call in calls {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == call => *last = call,
            _ => ranges.push((call, call)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    const NOT_KNOWN: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

    /// What a call with these arguments meets: the filter run as the kernel runs it.
    fn answer(architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let words = [
            vec![number, architecture, 0, 0],
            arguments.iter().flat_map(|it| [*it as u32, (it >> 32) as u32]).collect(),
        ];
        let words = words.concat();
        let program = filter();
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let step = &program[at];
            at += 1;
            let operation = u32::from(step.code);
            let holds = match operation & !libc::BPF_K {
                it if it == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS => {
                    accumulator = words[step.k as usize / 4];
                    continue;
                }
                it if it == libc::BPF_ALU | libc::BPF_AND => {
                    accumulator &= step.k;
                    continue;
                }
                libc::BPF_RET => return step.k,
                it if it == libc::BPF_JMP | libc::BPF_JA => {
                    at += step.k as usize;
                    continue;
                }
                it if it == libc::BPF_JMP | libc::BPF_JEQ => accumulator == step.k,
                it if it == libc::BPF_JMP | libc::BPF_JGT => accumulator > step.k,
                it if it == libc::BPF_JMP | libc::BPF_JGE => accumulator >= step.k,
                other => panic!("operation {other:#x}"),
            };
            at += usize::from(if holds { step.jt } else { step.jf });
        }
    }

    fn ours(call: i64, arguments: [u64; 6]) -> u32 {
        answer(AUDIT_ARCH, number(call), arguments)
    }

    #[test]
    fn every_number_is_answered_as_the_list_says() {
        let allowed: BTreeSet<u32> =
            policy::ALLOWED.iter().flat_map(|(_, calls)| calls.iter().copied().map(number)).collect();
        let argued: BTreeSet<u32> = policy::decided_by_arguments().into_keys().map(number).collect();
        for call in (0..1000).filter(|call| !argued.contains(call)) {
            let expected = match call {
                _ if allowed.contains(&call) => ALLOW,
                _ if policy::UNKNOWN.contains(&i64::from(call)) || call > policy::NEWER => NOT_KNOWN,
                _ => REFUSED,
            };
            assert_eq!(answer(AUDIT_ARCH, call, [0; 6]), expected, "call {call}");
        }
    }

    #[test]
    fn another_way_into_the_kernel_is_closed() {
        assert_eq!(answer(0x4000_0003, number(libc::SYS_read), [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
        assert_eq!(answer(AUDIT_ARCH, number(libc::SYS_read) | X32_BIT, [0; 6]), REFUSED);
        assert_eq!(answer(AUDIT_ARCH, u32::MAX, [0; 6]), REFUSED);
    }

    #[test]
    fn arguments_decide_where_they_matter() {
        let socket = |family: i32, kind: i32, protocol: i32| {
            ours(libc::SYS_socket, [family as u64, kind as u64, protocol as u64, 0, 0, 0])
        };
        assert_eq!(socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0), ALLOW);
        assert_eq!(socket(libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP), ALLOW);
        assert_eq!(socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP), REFUSED);
        assert_eq!(socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP), REFUSED);
        assert_eq!(socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0), REFUSED);
        assert_eq!(socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_NETFILTER), REFUSED);
        assert_eq!(ours(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0, 0, 0, 0]), ALLOW);
        for flag in (0..32).map(|bit| 1 << bit).filter(|flag| flag & policy::NAMESPACE_FLAGS != 0) {
            assert_eq!(ours(libc::SYS_clone, [flag, 0, 0, 0, 0, 0]), REFUSED, "clone flag {flag:#x}");
        }
        assert_eq!(ours(libc::SYS_ioctl, [0, policy::TIOCSTI, 0, 0, 0, 0]), REFUSED);
        assert_eq!(ours(libc::SYS_ioctl, [0, policy::TIOCSTI | 1 << 32, 0, 0, 0, 0]), REFUSED);
        let core = u64::from(libc::RLIMIT_CORE);
        let limit = |pid, resource, new| ours(libc::SYS_prlimit64, [pid, resource, new, 0, 0, 0]);
        assert_eq!((limit(1, 0, 0), limit(0, 0, 1)), (REFUSED, ALLOW));
        assert_eq!((limit(0, core, 0), limit(0, core, 1), limit(0, core, 1 << 32)), (ALLOW, REFUSED, REFUSED));
        assert_eq!(ours(libc::SYS_setrlimit, [core, 0, 0, 0, 0, 0]), REFUSED);
        let mknod = |mode: u32| ours(libc::SYS_mknodat, [0, 0, u64::from(mode), 0, 0, 0]);
        assert_eq!((mknod(libc::S_IFIFO | 0o600), mknod(0o600)), (ALLOW, ALLOW));
        assert_eq!((mknod(libc::S_IFCHR | 0o600), mknod(libc::S_IFBLK)), (REFUSED, REFUSED));
        let option = |level: i32, option: i32| ours(libc::SYS_setsockopt, [0, level as u64, option as u64, 0, 0, 0]);
        assert_eq!(option(libc::SOL_SOCKET, libc::SO_REUSEADDR), ALLOW);
        assert_eq!(option(libc::IPPROTO_IPV6, libc::SO_ATTACH_FILTER), ALLOW);
        assert_eq!(option(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER), REFUSED);
        assert_eq!(option(libc::IPPROTO_TCP, libc::TCP_NODELAY), ALLOW);
        assert_eq!(option(libc::IPPROTO_TCP, libc::TCP_ULP), REFUSED);
        assert_eq!(ours(libc::SYS_prctl, [libc::PR_SET_NAME as u64, 0, 0, 0, 0, 0]), ALLOW);
        assert_eq!(ours(libc::SYS_prctl, [libc::PR_SET_SPECULATION_CTRL as u64, 0, 0, 0, 0, 0]), REFUSED);
    }

    /// What the kernel works through when the filter is installed.
    #[test]
    fn the_filter_is_short() {
        assert!(filter().len() < 400, "{} steps", filter().len());
    }
}
