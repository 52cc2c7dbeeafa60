//! What the kernel tells of a sandbox's use is the use of all of it, whatever a program does to hide some.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use grader::Grader;
use grader::sandbox::{Exit, Role, SandboxLimits, Usage};
use libtest_mimic::Failed;

use crate::{LIMITS, Test, World, start};

pub const TESTS: [(&str, Test); 6] = [
    ("cpu_time_cannot_be_hidden", cpu_time_cannot_be_hidden),
    ("memory_of_all_processes_is_counted_together", memory_of_all_processes_is_counted_together),
    ("want_of_memory_that_others_have_is_told_apart", |_| want_of_memory_that_others_have_is_told_apart()),
    ("processes_and_threads_are_counted_at_their_most", processes_and_threads_are_counted_at_their_most),
    ("files_are_counted_wherever_they_can_be_written", files_are_counted_wherever_they_can_be_written),
    ("a_share_of_the_processor_is_all_that_a_slowed_sandbox_gets", a_share_is_all_that_a_slowed_sandbox_gets),
];

/// Uses 0.3 s.
const SPIN: &str = "import os, signal, time
def spin():
    while time.process_time() < 0.3: pass
";

/// What a program has used in the end; it must end well.
fn used(grader: &Grader, source: &str) -> Usage {
    let mut world = World::new(grader);
    let mut sandbox = world.sandbox(Role::Submission);
    let (id, _output) = start(&mut sandbox, source);
    assert_eq!(sandbox.exit_of(id).unwrap(), Some(Exit::Exited(0)));
    sandbox.usage()
}

fn cpu_time_cannot_be_hidden(grader: &Arc<Grader>) -> Result<(), Failed> {
    let ways = [
        ("a child that is waited for", "os.fork() or (spin(), os._exit(0))\nos.wait()"),
        (
            "a child that the kernel reaps by itself",
            "signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.fork() or (spin(), os._exit(0))
try: os.wait()
except ChildProcessError: pass",
        ),
        (
            "a child that is killed",
            "end, child_end = os.pipe()
pid = os.fork() or (spin(), os.write(child_end, b'x'), signal.pause())
os.read(end, 1)
os.kill(pid, signal.SIGKILL)
os.wait()",
        ),
        (
            "an orphan",
            "end, child_end = os.pipe()
if os.fork() == 0:
    os.fork() or (os.setsid(), spin(), os.write(child_end, b'x'))
    os._exit(0)
os.wait()
os.read(end, 1)",
        ),
        ("a thread", "import threading\nthread = threading.Thread(target=spin)\nthread.start()\nthread.join()"),
        ("a program that it becomes", "spin()\nos.execv('/usr/bin/true', ['true'])"),
    ];
    for (way, source) in ways {
        let used = used(grader, &format!("{SPIN}{source}"));
        assert!(used.cpu_us >= 300_000, "by {way}: {used:?}");
    }
    Ok(())
}

fn memory_of_all_processes_is_counted_together(grader: &Arc<Grader>) -> Result<(), Failed> {
    let source = "import os
children = []
for _ in range(4):
    end, child_end = os.pipe()
    again, again_end = os.pipe()
    if os.fork() == 0:
        hoard = b'x' * (10 << 20)
        os.write(child_end, b'x')
        os.read(again, 1)
        os._exit(0)
    os.read(end, 1)
    children.append(again_end)
for child in children: os.write(child, b'x')
for child in children: os.wait()";
    let used = used(grader, source);
    assert!(used.peak_bytes > 40 << 20, "{used:?}");
    Ok(())
}

/// The word that makes this program a grader in a control group of little memory.
const POOR_WORD: &str = "a-grader-in-a-small-group";
const POOR_BYTES: u64 = 200 << 20;
const HOARDS: &str = "hoard = []
while True: hoard.append(b'x' * (1 << 20))";

/// Lives as that, if this process was started as one, in the group whose folder it is told; says of what its sandbox
/// died.
pub fn poor_main() {
    let mut words = std::env::args().skip(1);
    let (Some(POOR_WORD), Some(group)) = (words.next().as_deref(), words.next()) else { return };
    std::fs::write(Path::new(&group).join("cgroup.procs"), "0").unwrap();
    let grader = Grader::new(true).unwrap();
    let mut world = World::new(&grader);
    let limits = SandboxLimits { memory_bytes: 4 * POOR_BYTES, ..LIMITS };
    let mut sandbox = world.sandbox_within(Role::Submission, limits);
    let (id, _output) = start(&mut sandbox, HOARDS);
    sandbox.exit_of(id).unwrap();
    let used = sandbox.usage();
    println!("{}", if used.foreign_kills > 0 && used.memory_kills == 0 { "foreign" } else { "its own" });
    std::process::exit(0)
}

/// A control group beside ours with little memory, where this machine lets us make one.
fn small_group() -> Option<PathBuf> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let v1 = own.lines().find_map(|line| Some(line.split_once(":memory:")?.1));
    let v2 = own.lines().find_map(|line| line.strip_prefix("0::"));
    let (ours, limit) = match (v1, v2) {
        (Some(path), _) => (format!("/sys/fs/cgroup/memory{path}"), "memory.limit_in_bytes"),
        // Graders step down into a group of this name.
        (None, path) => (format!("/sys/fs/cgroup{}", path?.trim_end_matches("/practicum")), "memory.max"),
    };
    let group = Path::new(&ours).join(format!("small-{}", std::process::id()));
    std::fs::create_dir(&group).ok()?;
    std::fs::write(group.join(limit), POOR_BYTES.to_string()).ok()?;
    Some(group)
}

/// A submission within its own limit is not to blame when the machine runs out of memory.
fn want_of_memory_that_others_have_is_told_apart() -> Result<(), Failed> {
    let Some(group) = small_group() else {
        println!("not tried: this machine has no control group for memory that is ours to make");
        return Ok(());
    };
    let poor = Command::new(std::env::current_exe()?).arg(POOR_WORD).arg(&group).output()?;
    assert_eq!(String::from_utf8_lossy(&poor.stdout), "foreign\n", "{poor:?}");
    for group in std::fs::read_dir(&group)?.flatten().map(|entry| entry.path()).chain([group]) {
        let _ = std::fs::remove_dir(group);
    }
    Ok(())
}

fn processes_and_threads_are_counted_at_their_most(grader: &Arc<Grader>) -> Result<(), Failed> {
    let source = "import os, signal, threading
children = [os.fork() or signal.pause() for _ in range(3)]
over = threading.Event()
threads = [threading.Thread(target=over.wait) for _ in range(4)]
for thread in threads: thread.start()
over.set()
for thread in threads: thread.join()
for child in children:
    os.kill(child, signal.SIGKILL)
    os.wait()";
    let used = used(grader, source);
    assert_eq!((used.processes_peak, used.processes_refused), (1 + 3 + 4, 0));
    Ok(())
}

fn files_are_counted_wherever_they_can_be_written(grader: &Arc<Grader>) -> Result<(), Failed> {
    let fresh = used(grader, "pass").disk_bytes;
    let source = "for folder in ('/work', '/tmp', '/dev/shm'):
    with open(folder + '/file', 'wb') as file: file.write(bytes(1 << 20))";
    let some = used(grader, source);
    let grown = some.disk_bytes - fresh;
    assert!((3 << 20..4 << 20).contains(&grown) && !some.disk_full, "{grown} more, {some:?}");
    let full = "try:
    with open('/FOLDER/file', 'wb') as file:
        while True: file.write(bytes(1 << 16))
except OSError: pass";
    for folder in ["work", "tmp", "dev/shm"] {
        let used = used(grader, &full.replace("FOLDER", folder));
        assert!(used.disk_full, "{folder}: {used:?}");
    }
    let files = "try:
    for number in range(10**6): open(f'/work/{number}', 'w').close()
except OSError: pass";
    assert!(used(grader, files).disk_full, "no more files");
    Ok(())
}

/// By what the kernel says, not by a clock: that periods came to their end with the share used up.
fn a_share_is_all_that_a_slowed_sandbox_gets(grader: &Arc<Grader>) -> Result<(), Failed> {
    let Some(slowed) = grader.slowed(20) else {
        println!("not tried: this machine has no control group for shares of the processor");
        return Ok(());
    };
    let throttled = |grader: &Grader| {
        let mut world = World::new(grader);
        let mut sandbox = world.sandbox(Role::Submission);
        let (id, _output) = start(&mut sandbox, &format!("{SPIN}spin()"));
        sandbox.exit_of(id).unwrap();
        sandbox.usage().throttled
    };
    assert_eq!(throttled(grader), 0);
    // 0.3 s in shares of 2 ms.
    let periods = throttled(&slowed);
    assert!(periods > 50, "{periods} periods");
    Ok(())
}
