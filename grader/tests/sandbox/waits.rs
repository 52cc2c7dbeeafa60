//! In what threads wait, and whether a clock will end it soon: what the proof of a deadlock rests on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use grader::Grader;
use grader::sandbox::Role;
use grader::sandbox::tasks::{self, Doing, Wait};
use libtest_mimic::Failed;

use super::{Test, World, start};

pub const TESTS: [(&str, Test); 3] = [
    ("waits_without_an_end_are_told_from_others", waits_without_an_end_are_told_from_others),
    ("a_long_time_out_is_no_end_and_a_short_one_is", a_long_time_out_is_no_end_and_a_short_one_is),
    ("processes_are_told_with_the_ids_that_they_see", processes_are_told_with_the_ids_that_they_see),
];

/// Only gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that does nothing but this comes to wait like that.
fn check(grader: &Grader, act: &str, expected: Doing) -> Result<(), Failed> {
    let source = format!(
        "import os, queue, select, selectors, signal, socket, threading, time
pipe, _end = os.pipe()
ours, theirs = socket.socketpair()
lock = threading.Lock()
lock.acquire()
listener = socket.create_server(('127.0.0.1', 0))
selector = selectors.DefaultSelector()
selector.register(pipe, 1)
{act}
"
    );
    let mut world = World::new(grader);
    let mut sandbox = world.sandbox(Role::Submission);
    let (_, _output) = start(&mut sandbox, &source);
    let look = || tasks::threads(&sandbox.processes());
    let comes = look_until(look, |threads| threads.last().is_some_and(|thread| thread.doing == expected));
    comes.map(drop).map_err(|threads| format!("{act}: {threads:?}, not {expected:?}").into())
}

/// What is seen once it is as it is to become; or, when patience is at its end, what was seen last.
fn look_until<T>(look: impl Fn() -> T, is_so: impl Fn(&T) -> bool) -> Result<T, T> {
    let began = Instant::now();
    loop {
        let seen = look();
        if is_so(&seen) {
            return Ok(seen);
        }
        if began.elapsed() > PATIENCE {
            return Err(seen);
        }
        std::thread::yield_now();
    }
}

fn waits_without_an_end_are_told_from_others(grader: &Arc<Grader>) -> Result<(), Failed> {
    let waits = [
        ("lock.acquire()", Doing::Stuck(Wait::Lock)),
        ("threading.Event().wait()", Doing::Stuck(Wait::Lock)),
        ("queue.SimpleQueue().get()", Doing::Stuck(Wait::Lock)),
        ("ours.recv(1)", Doing::Stuck(Wait::Socket)),
        ("listener.accept()", Doing::Stuck(Wait::Accept)),
        ("os.read(pipe, 1)", Doing::Stuck(Wait::Read)),
        ("while True: ours.send(bytes(65536))", Doing::Stuck(Wait::Write)),
        ("select.select([pipe], [], [])", Doing::Stuck(Wait::Poll)),
        ("selector.select()", Doing::Stuck(Wait::Poll)),
        ("os.kill(os.getpid(), signal.SIGSTOP)", Doing::Stuck(Wait::Stopped)),
        ("signal.pause()", Doing::Waiting(Wait::Other)),
        ("time.sleep(1000)", Doing::Waiting(Wait::Sleep)),
    ];
    waits.into_iter().try_for_each(|(act, expected)| check(grader, act, expected))
}

fn a_long_time_out_is_no_end_and_a_short_one_is(grader: &Arc<Grader>) -> Result<(), Failed> {
    let waits = [
        ("lock.acquire(timeout={})", Wait::Lock),
        ("threading.Event().wait({})", Wait::Lock),
        ("queue.Queue().get(timeout={})", Wait::Lock),
        ("queue.SimpleQueue().get(timeout={})", Wait::Lock),
        ("ours.settimeout({}); ours.recv(1)", Wait::Poll),
        ("select.select([pipe], [], [], {})", Wait::Poll),
        ("selector.select({})", Wait::Poll),
    ];
    waits.into_iter().try_for_each(|(act, wait)| {
        check(grader, &act.replace("{}", "1000"), Doing::Stuck(wait))?;
        check(grader, &format!("while True: {}", act.replace("{}", "9")), Doing::Waiting(wait))
    })
}

fn processes_are_told_with_the_ids_that_they_see(grader: &Arc<Grader>) -> Result<(), Failed> {
    let source = "import os, threading
if child := os.fork():
    threading.Thread(target=threading.Event().wait).start()
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    print(os.getpid(), child, threading.get_native_id(), len(os.listdir('/proc/self/fd')) - 1, flush=True)
    threading.Event().wait()";
    let mut world = World::new(grader);
    let mut sandbox = world.sandbox(Role::Submission);
    let (_, mut output) = start(&mut sandbox, source);
    let told = super::first_line(&mut output);
    let told: Vec<i32> = told.split(' ').map(|word| word.parse().unwrap()).collect();
    // It goes to sleep after it has said so.
    let asleep = |processes: &Vec<tasks::Process>| processes.first().is_some_and(|parent| parent.state == 'S');
    let (Ok(processes) | Err(processes)) = look_until(|| tasks::processes(&sandbox.processes_and_zombies()), asleep);
    let [parent, child] = &processes[..] else { return Err(format!("{processes:?}").into()) };
    assert_eq!((parent.pid, parent.parent, parent.state, parent.threads.len()), (told[0], 1, 'S', 2));
    assert!(parent.threads.contains(&told[2]), "{processes:?}");
    assert_eq!(parent.descriptors as i32, told[3]);
    assert_eq!((child.pid, child.parent, child.state, child.descriptors), (told[1], told[0], 'Z', 0));
    Ok(())
}
