//! What ends a program that takes too much, and how that is told.

use crate::common::*;
use simulation::disk::Image;
use simulation::words::{End, Exit, Limits, MS, Ran};

fn limited(text: &str, limits: Limits) -> Ran {
    let mut cluster = cluster(&["node: main.py"]);
    cluster.limits = limits;
    run_with(&cluster, Image::from([("work/main.py".to_owned(), text.as_bytes().to_vec())]))
}

#[test]
fn a_program_prints_and_ends() {
    let ran = run_text("import sys; print('hello'); sys.exit(3)");
    assert_eq!(
        (ran.end, exit(&ran, 0), stdout(&ran, 0).as_str()),
        (End::Done, Exit::Exited(3), "hello\n"),
        "{}",
        all(&ran)
    );
}

#[test]
fn an_exception_is_told_as_python_tells_it() {
    let ran = run_text("def f():\n    return 1 / 0\n\nf()\n");
    assert_eq!(exit(&ran, 0), Exit::Exited(1), "{}", all(&ran));
    assert!(stderr(&ran, 0).contains("File \"/work/main.py\", line 2, in f"), "{}", all(&ran));
    assert!(stderr(&ran, 0).ends_with("ZeroDivisionError: division by zero\n"), "{}", all(&ran));
}

#[test]
fn an_exception_of_a_replaced_function_shows_the_program_alone() {
    let ran = run_text("import socket\nsocket.socket().send(b'')\n");
    let told = "Traceback (most recent call last):\n  File \"/work/main.py\", line 2, in <module>\n    socket.socket().send(b'')\n    \
                ~~~~~~~~~~~~~~~~~~~~^^^^^\nBrokenPipeError: [Errno 64] Broken pipe\n";
    assert_eq!(stderr(&ran, 0), told);
}

#[test]
fn standard_input_and_environment_are_given() {
    let mut order = cluster(&["node: main.py one two"]);
    order.nodes[0].stdin = "bGluZSAxCmxpbmUgMg==".to_owned();
    order.nodes[0].env.insert("COLOUR".to_owned(), "blue".to_owned());
    let text = "import os, socket, sys\nprint(sys.argv[1:], sys.stdin.read().split('\\n'), os.environ['COLOUR'], socket.gethostname())";
    let ran = run_with(&order, Image::from([("work/main.py".to_owned(), text.into())]));
    assert_eq!(stdout(&ran, 0), "['one', 'two'] ['line 1', 'line 2'] blue node\n", "{}", all(&ran));
}

#[test]
fn fuel_is_limited_over_all_lives() {
    let limits = Limits { fuel: 500_000_000, ..Limits::default() };
    let ran = limited("while True: pass", limits);
    assert_eq!((ran.end, exit(&ran, 0)), (End::Done, Exit::OutOfFuel), "{}", all(&ran));
    assert_eq!(ran.nodes[0].fuel, limits.fuel);
    // A fifth of a nanosecond for each unit. The last slice's begins its end.
    assert_eq!(ran.at / MS, 99);
}

#[test]
fn a_spinning_program_does_not_stop_others() {
    let mut cluster = cluster(&["a: main.py", "b: ticks.py"]);
    cluster.limits.fuel = 2_000_000_000;
    cluster.pace.ns_per_1000_fuel = 5000;
    let mut image = programs();
    image.insert("work/main.py".to_owned(), b"while True: pass".to_vec());
    let ran = run_with(&cluster, image);
    assert_eq!((exit(&ran, 0), exit(&ran, 1)), (Exit::OutOfFuel, Exit::Exited(0)), "{}", all(&ran));
    assert_eq!(ran.nodes[0].lives[0].to / MS, 9975, "ten seconds but for its last slice: {}", all(&ran));
}

#[test]
fn memory_is_refused_and_may_be_survived() {
    let ran = run_text("bytearray(200 << 20)");
    assert_eq!(exit(&ran, 0), Exit::OutOfMemory, "{}", all(&ran));
    assert!(stderr(&ran, 0).ends_with("MemoryError\n"), "{}", all(&ran));
    let ran = run_text("try:\n    bytearray(200 << 20)\nexcept MemoryError:\n    print('survived')");
    assert_eq!((exit(&ran, 0), stdout(&ran, 0).as_str()), (Exit::Exited(0), "survived\n"), "{}", all(&ran));
    assert!(ran.nodes[0].memory_bytes <= Limits::default().memory_bytes);
}

#[test]
fn output_is_limited() {
    let limits = Limits { output_bytes: 10_000, ..Limits::default() };
    let ran = limited("while True: print('x' * 99, flush=True)", limits);
    assert_eq!((exit(&ran, 0), stdout(&ran, 0).len()), (Exit::OutOfOutput, 10_000), "{}", all(&ran));
    assert!(ran.nodes[0].output_left_out <= 100);
}

#[test]
fn recursion_is_an_exception_and_a_deep_stack_a_trap() {
    let ran = run_text("def f(): f()\ntry:\n    f()\nexcept RecursionError:\n    print('refused')");
    assert_eq!(stdout(&ran, 0), "refused\n", "{}", all(&ran));
    let deep = "import sys\nsys.setrecursionlimit(10**6)\nclass A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nA().a";
    let ran = run_text(deep);
    assert!(matches!(exit(&ran, 0), Exit::Trapped(_) | Exit::Exited(1) | Exit::OutOfMemory), "{}", all(&ran));
}

#[test]
fn what_the_lane_lacks_is_named() {
    let ran = run_text("import threading\nthreading.Thread(target=print).start()");
    assert_eq!(exit(&ran, 0), Exit::Lacks("threads".to_owned()), "{}", all(&ran));
}

#[test]
fn sockets_are_limited() {
    let ran = run_text(
        "import socket\nkept = []\ntry:\n    while True: kept.append(socket.socket())\nexcept OSError:\n    print(len(kept))",
    );
    assert_eq!(stdout(&ran, 0), "512\n", "{}", all(&ran));
}

#[test]
fn events_are_limited() {
    let limits = Limits { events: 1000, ..Limits::default() };
    let ran = limited("import time\nwhile True: time.sleep(1e-6)", limits);
    assert_eq!(ran.end, End::EventsMax, "{}", all(&ran));
}

#[test]
fn a_disk_is_limited() {
    let ran = run_text(
        "with open('big', 'wb', 0) as file:\n    try:\n        for _ in range(1000): file.write(b'x' * (1 << 20))\n    except OSError:\n        print('full')",
    );
    assert_eq!(stdout(&ran, 0), "full\n", "{}", all(&ran));
}

#[test]
fn what_a_single_program_wrote_is_told() {
    let ran = run_text("open('result.txt', 'w').write('done')");
    assert_eq!(ran.nodes[0].files.get("work/result.txt").map(String::as_str), Some("ZG9uZQ=="), "{}", all(&ran));
    assert_eq!(ran.nodes[0].files.len(), 1, "{:?}", ran.nodes[0].files);
}
