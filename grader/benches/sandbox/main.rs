//! What a sandbox costs, beside a bare process, `unshare` and bubblewrap, and how long its end takes: `make bench-sandbox`.
//!
//! All are measured in turns in one run, so that whatever else the machine does falls on all alike; what counts are the
//! ratios. *Critical* is the time that somebody waits: from the order to start the program until everything of it is
//! gone. What a sandbox does before it knows the program is *prepared* and not in it, but is in *cpu*, which is that of
//! all processes that take part, and in *runs a second*.

mod kill;
mod meter;
#[path = "../../tests/host/tree.rs"]
mod tree;

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use grader::Grader;
use grader::sandbox::{Launcher, Role, Sandbox, SandboxLimits, environment};
use grader::submission::FileName;
use meter::CpuMeter;

const LIMITS: SandboxLimits =
    SandboxLimits { cpu_s: 10, memory_bytes: 128 << 20, processes: 16, work_bytes: 16 << 20, work_files: 1024 };
/// Runs of each competitor, for each program and width.
const RUNS: usize = 200;
/// Runs of a competitor before the next has its turn.
const TURN: usize = 20;
const WIDTHS: [usize; 4] = [1, 2, 4, 8];

const UNSHARE: &[&str] = &[
    "/usr/bin/unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--uts",
    "--ipc",
    "--net",
    "--pid",
    "--cgroup",
    "--fork",
    "--mount-proc",
    "--kill-child",
];
const BUBBLEWRAP: &[&str] = &[
    "/usr/bin/bwrap",
    "--unshare-user",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/bin",
    "/bin",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    "--tmpfs",
    "/work",
    "--new-session",
    "--die-with-parent",
];

fn main() {
    grader::sandbox::launcher_main();
    let meter = CpuMeter::new();
    let grader = Grader::new(true).expect("a machine that can grade");
    println!("{:?} cores, load {}", std::thread::available_parallelism(), load());
    for (program, competitors) in [
        ("/bin/true", [Kind::Process(&[]), Kind::Process(UNSHARE), Kind::Process(BUBBLEWRAP), Kind::Cold]),
        ("/usr/bin/python3 -c pass", [Kind::Process(&[]), Kind::Process(BUBBLEWRAP), Kind::Cold, Kind::Warm]),
    ] {
        for width in WIDTHS {
            compare(&grader, &meter, program, &competitors, width);
        }
    }
    kill::measure(&grader);
    println!("load {}", load());
}

#[derive(Clone, Copy)]
enum Kind {
    /// A process behind a command that shuts it in.
    Process(&'static [&'static str]),
    /// Our sandbox around a program that is executed.
    Cold,
    /// Our sandbox around a program in an interpreter that has started already.
    Warm,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Process([]) => "bare process",
            Kind::Process([command, ..]) => command.rsplit('/').next().expect("a path has a last part"),
            Kind::Cold => "practicum",
            Kind::Warm => "practicum, warm",
        }
    }
}

#[derive(Default)]
struct Figures {
    critical_ms: Vec<f64>,
    wall_s: f64,
    cpu_s: f64,
}

fn compare(grader: &Grader, meter: &CpuMeter, program: &str, competitors: &[Kind], width: usize) {
    let mut figures: Vec<Figures> = competitors.iter().map(|_| Figures::default()).collect();
    for turn in 0..=RUNS.div_ceil(TURN) {
        for (kind, figures) in competitors.iter().zip(&mut figures) {
            let (cpu, began) = (meter.used_s(), Instant::now());
            let critical = run_at_once(grader, program, *kind, width);
            // The first turn warms caches and templates.
            if turn > 0 {
                figures.wall_s += began.elapsed().as_secs_f64();
                // The kernel takes down namespaces a moment later, on nobody's account.
                figures.cpu_s += meter.used_s() - cpu;
                figures.critical_ms.extend(critical);
            }
        }
    }
    show(program, width, competitors, &mut figures);
}

fn run_at_once(grader: &Grader, program: &str, kind: Kind, width: usize) -> Vec<f64> {
    let runs = TURN.div_ceil(width);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..width)
            .map(|_| {
                scope.spawn(move || {
                    // A program that is executed needs nobody's interpreter.
                    let launcher = if matches!(kind, Kind::Cold) { grader.cold_launcher() } else { grader.launcher() };
                    let mut launcher = launcher.expect("a launcher");
                    (0..runs).map(|_| run(&mut launcher, program, kind).as_secs_f64() * 1000.0).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a run")).collect()
    })
}

/// Prepares and runs once; the time of the critical part.
fn run(launcher: &mut Launcher, program: &str, kind: Kind) -> Duration {
    let words: Vec<&str> = program.split(' ').collect();
    if let Kind::Process(shut_in) = kind {
        let argv: Vec<&str> = shut_in.iter().copied().chain(words).collect();
        let began = Instant::now();
        let status = Command::new(argv[0]).args(&argv[1..]).stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(status.expect("it is installed").success(), "{argv:?}");
        return began.elapsed();
    }
    launcher.world().expect("a network");
    let mut sandbox = launcher.sandbox(Role::Submission, LIMITS, &[], &[]).expect("a sandbox");
    let argv = match kind {
        Kind::Warm => Role::Submission.command(PROGRAM),
        _ => words.iter().map(|word| (*word).to_owned()).collect(),
    };
    sandbox.prepared().expect("a sandbox");
    let began = Instant::now();
    let id = start(&mut sandbox, b"pass\n", &argv, &nothing());
    sandbox.exit_of(id).expect("a notice").expect("a sandbox");
    drop(sandbox);
    began.elapsed()
}

const PROGRAM: &str = "program.py";

/// Writes `source` as [`PROGRAM`] and starts `argv`, which speaks to `output`; the name of its process.
fn start(sandbox: &mut Sandbox, source: &[u8], argv: &[String], output: &OwnedFd) -> u64 {
    sandbox.work().write(&FileName::parse(PROGRAM.as_bytes()).expect("a name"), source).expect("room for a file");
    let nothing = nothing();
    sandbox.spawn(argv, &environment(), &[nothing.as_fd(), output.as_fd(), nothing.as_fd()]).expect("a program")
}

fn nothing() -> OwnedFd {
    fs::File::options().read(true).write(true).open("/dev/null").expect("a null device").into()
}

fn show(program: &str, width: usize, competitors: &[Kind], figures: &mut [Figures]) {
    println!("\n{program}, {width} at once, {RUNS} runs");
    println!("  {:18}{:>13}{:>9}{:>9}{:>13}{:>9}", "", "critical ms", "p90", "cpu ms", "runs/s", "/ bare");
    let mut bare = 0.0;
    for (kind, figures) in competitors.iter().zip(figures) {
        figures.critical_ms.sort_by(f64::total_cmp);
        let count = figures.critical_ms.len();
        let (median, p90) = (figures.critical_ms[count / 2], figures.critical_ms[count * 9 / 10]);
        if bare == 0.0 {
            bare = median;
        }
        let (cpu_ms, rate) = (figures.cpu_s * 1000.0 / count as f64, count as f64 / figures.wall_s);
        println!("  {:18}{median:13.2}{p90:9.2}{cpu_ms:9.2}{rate:13.0}{:9.2}", kind.name(), median / bare);
    }
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default().to_owned()
}
