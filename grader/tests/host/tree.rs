//! The worst that there is to kill: many processes that ignore every signal, some in sessions of their own, none of which
//! ends with its parent.

use std::io::{PipeReader, Read};

use grader::sandbox::{Sandbox, SandboxLimits};

pub const PROCESSES: u32 = 500;
pub const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 600, memory_bytes: 2 << 30, processes: PROCESSES, work_bytes: 16 << 20, work_files: 1024 };

pub const SLEEP: &str = "signal.pause()";
pub const SPIN: &str = "pass";
/// CPU time after which a tree is taken to spin.
const SPUN_US: u64 = 500_000;

/// The program; each of its processes does `what` for ever. They begin together, for some that spin would hold up the
/// making of others.
pub fn source(what: &str) -> String {
    format!(
        "import ctypes, os, signal
for number in set(range(1, 65)) - {{signal.SIGKILL, signal.SIGSTOP, 32, 33}}:
    signal.signal(number, signal.SIG_IGN)
ctypes.CDLL(None).prctl(1, 0)  # PR_SET_PDEATHSIG
begin, begin_end = os.pipe()
for number in range({PROCESSES} - 1):
    if os.fork() == 0:
        number % 10 or os.setsid()
        os.close(begin_end)
        os.read(begin, 1)
        while True: {what}
os.close(begin_end)
print('full', flush=True)
while True: {what}"
    )
}

/// Waits until all of them do `what`.
pub fn grown(sandbox: &Sandbox, what: &str, output: &mut PipeReader) {
    let mut word = [0; 5];
    output.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"full\n");
    assert_eq!(sandbox.processes().len(), PROCESSES as usize);
    let before = sandbox.usage().cpu_us;
    while what == SPIN && sandbox.usage().cpu_us < before + SPUN_US {
        std::thread::yield_now();
    }
}
