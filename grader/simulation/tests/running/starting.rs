//! A program begins and ends in the runtime as `python3 FILE` would have it, and is told what this lane lacks.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulation::disk::Image;
use simulation::words::{Cluster, End, Exit, Ran};

use crate::common::{all, cluster, exit, run_text, run_with, stderr, stdout};

fn check(text: &str, code: i32, out: &str) -> Ran {
    let ran = run_text(text);
    assert_eq!((exit(&ran, 0), stdout(&ran, 0).as_str()), (Exit::Exited(code), out), "{}", all(&ran));
    ran
}

fn run_files<const N: usize>(call: &str, files: [(&str, &str); N]) -> Ran {
    let image: Image = files.map(|(name, text)| (format!("work/{name}"), text.as_bytes().to_vec())).into();
    run_with(&cluster(&[&format!("node: {call}")]), image)
}

#[test]
fn a_file_is_run_as_python_runs_it() {
    let text = "\
import os, sys
print(__name__, __file__, __spec__, sys.argv, sys.path, os.getcwd(), sys.modules['__main__'].__file__)
";
    let ran = run_files("main.py one two", [("main.py", text)]);
    let expected = "__main__ /work/main.py None ['/work/main.py', 'one', 'two'] ['/work'] /work /work/main.py\n";
    assert_eq!(stdout(&ran, 0), expected, "{}", all(&ran));
}

#[test]
fn the_interpreter_is_the_one_that_reports_name() {
    let ran = run_text("import sys; print('%d.%d.%d' % sys.version_info[:3])");
    assert_eq!(stdout(&ran, 0).trim(), simulation::PYTHON_VERSION);
}

#[test]
fn a_module_of_ones_own_comes_before_the_librarys() {
    let own = |name: &'static str| (name, "WHOSE = 'own'\n");
    let text = "\
import app, boot, code, queue
from http import client
print(app.WHOSE, boot.WHOSE, code.WHOSE, queue.WHOSE, client.__name__)
";
    let files = [("main.py", text), own("app.py"), own("boot.py"), own("code.py"), own("queue.py"), own("client.py")];
    let ran = run_files("main.py", files);
    assert_eq!(stdout(&ran, 0), "own own own own http.client\n", "{}", all(&ran));
}

#[test]
fn a_folder_of_data_does_not_hide_the_librarys_module() {
    let ran = run_files("main.py", [("main.py", "import json\nprint(json.dumps([1]))\n"), ("json/a.txt", "")]);
    assert_eq!(stdout(&ran, 0), "[1]\n", "{}", all(&ran));
}

#[test]
fn the_exit_code_is_pythons() {
    check("import sys\nsys.exit(3)", 3, "");
    check("import sys\nsys.exit(256 + 4)", 4, "");
    check("import os\nprint('a')\nos._exit(5)", 5, "a\n");
    check("raise KeyboardInterrupt", 130, "");
    check("1 / 0", 1, "");
    let ran = check("import sys\nsys.exit('bye')", 1, "");
    assert_eq!(stderr(&ran, 0), "bye\n");
    let ran = run_files("absent.py", [("main.py", "")]);
    assert_eq!(stderr(&ran, 0), "python3: can't open file '/work/absent.py': [Errno 44] No such file or directory\n");
    assert_eq!(exit(&ran, 0), Exit::Exited(2));
}

#[test]
fn an_exception_is_shown_with_the_programs_own_lines() {
    let helper = "def halve(n):\n    return n // 0\n";
    let ran = run_files("main.py", [("main.py", "import helper\nhelper.halve(1)\n"), ("helper.py", helper)]);
    let expected = "Traceback (most recent call last):
  File \"/work/main.py\", line 2, in <module>
    helper.halve(1)
    ~~~~~~~~~~~~^^^
  File \"/work/helper.py\", line 2, in halve
    return n // 0
           ~~^^~~
ZeroDivisionError: division by zero
";
    assert_eq!(stderr(&ran, 0), expected);
    let ran = check("open('nowhere')\n", 1, "");
    let expected = "Traceback (most recent call last):
  File \"/work/main.py\", line 1, in <module>
    open('nowhere')
    ~~~~^^^^^^^^^^^
FileNotFoundError: [Errno 44] No such file or directory: 'nowhere'
";
    assert_eq!(stderr(&ran, 0), expected);
    let ran = check("x = 1\nif x\n    pass\n", 1, "");
    assert_eq!(stderr(&ran, 0), "  File \"/work/main.py\", line 2\n    if x\n        ^\nSyntaxError: expected ':'\n");
}

#[test]
fn what_a_program_holds_at_its_end_is_let_go() {
    let text = "\
import atexit
class Held:
    def __del__(self): print('let go')
held = Held()
cycle = Held()
cycle.itself = cycle
file = open('out.txt', 'w')
file.write('never flushed')
atexit.register(print, 'at exit')
";
    let ran = check(text, 0, "at exit\nlet go\nlet go\n");
    let files: BTreeMap<&str, Vec<u8>> =
        ran.nodes[0].files.iter().map(|(path, bytes)| (path.as_str(), STANDARD.decode(bytes).unwrap())).collect();
    assert_eq!(files["work/out.txt"], b"never flushed");
}

#[test]
fn what_the_image_froze_is_drawn_anew() {
    let text = "\
import logging, random, secrets, tempfile, time, uuid
tempfile.tempdir = '/work'
print(random.random(), secrets.token_hex(8), uuid.uuid4(), uuid.uuid1(), uuid.uuid7(), tempfile.mktemp())
assert abs(logging._startTime / 1e9 - time.time()) < 1
";
    let drawn = |seed| {
        let words = Cluster { seed, ..cluster(&["a: main.py", "b: main.py"]) };
        let ran = run_with(&words, Image::from([("work/main.py".to_owned(), text.as_bytes().to_vec())]));
        assert_eq!(exit(&ran, 0), Exit::Exited(0), "{}", all(&ran));
        [0, 1].map(|node| stdout(&ran, node).split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let ([a, b], again, [other, _]) = (drawn(1), drawn(1), drawn(2));
    assert_eq!([&a, &b], [&again[0], &again[1]]);
    for (index, word) in a.iter().enumerate() {
        assert_ne!(*word, b[index]);
        assert_ne!(*word, other[index]);
    }
}

#[test]
fn a_name_is_the_nodes() {
    let text = "\
import os, platform, socket
own = socket.gethostbyname('node')
print({socket.gethostname(), socket.getfqdn(), platform.node(), os.uname().nodename, socket.gethostbyaddr(own)[0]})
print(socket.gethostbyname_ex('node')[2] == [own], socket.getnameinfo((own, 80), socket.NI_NUMERICHOST) == (own, '80'))
";
    check(text, 0, "{'node'}\nTrue True\n");
}

#[test]
fn without_another_thread_a_wait_lasts_for_its_whole_time() {
    let text = "\
import queue, threading, time
began = time.monotonic()
try: queue.Queue().get(timeout=2)
except queue.Empty: print(round(time.monotonic() - began, 1))
print(threading.Event().wait(3), round(time.monotonic() - began, 1))
lock = threading.Lock()
with lock: print(lock.acquire(timeout=4), lock.acquire(blocking=False), round(time.monotonic() - began, 1))
with lock:
    with lock: print('never')
";
    let ran = run_text(text);
    assert_eq!(stdout(&ran, 0), "2.0\nFalse 5.0\nFalse False 9.0\n", "{}", all(&ran));
    assert_eq!(ran.end, End::TimeUp);
}

#[test]
fn what_does_not_wait_may_run_in_a_thread_of_the_loop() {
    let text = "\
import asyncio, signal
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)
    await asyncio.to_thread(lambda: open('out.txt', 'w').write('x'))
    print(await asyncio.to_thread(lambda: open('out.txt').read()))
asyncio.run(main())
";
    check(text, 0, "x\n");
}

/// Programs that die of something that this lane lacks, and how it is called.
const LACKING: &[(&str, &str)] = &[
    ("import threading\nthreading.Thread(target=print).start()", "threads"),
    ("import _thread\n_thread.start_new_thread(print, ())", "threads"),
    ("from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(print)", "threads"),
    ("import asyncio, time\nasyncio.run(asyncio.to_thread(time.sleep, 1))", "threads"),
    ("import asyncio, time\nasyncio.run(asyncio.to_thread(lambda: time.sleep(1)))", "threads"),
    // The library would print the exception, and go on.
    (
        "import socket, socketserver
with socketserver.ThreadingTCPServer(('127.0.0.1', 7000), socketserver.BaseRequestHandler) as server:
    client = socket.create_connection(('127.0.0.1', 7000))
    server.handle_request()",
        "threads",
    ),
    ("import subprocess\nsubprocess.run(['ls'])", "processes"),
    ("import os\nos.fork()", "processes"),
    ("from os import fork", "processes"),
    ("import multiprocessing\nmultiprocessing.Process(target=print).start()", "processes"),
    ("import multiprocessing\nmultiprocessing.Queue()", "processes"),
    ("from multiprocessing import shared_memory", "processes"),
    ("import multiprocessing.managers\nmultiprocessing.managers.SyncManager().start()", "pipes"),
    ("from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor()", "processes"),
    ("import asyncio\nasyncio.run(asyncio.create_subprocess_exec('ls'))", "processes"),
    ("import ssl", "ssl"),
    ("import ctypes", "ctypes"),
    ("import mmap", "mmap"),
    ("import pika", "pika"),
    ("import compression.zstd", "compression.zstd"),
    ("import select\nselect.epoll()", "select.epoll"),
    ("import signal\nsignal.alarm(1)", "signals"),
    ("import socket\nsocket.socket(socket.AF_UNIX)", "Unix sockets"),
    ("import asyncio\nasyncio.run(asyncio.start_unix_server(print, 'x'))", "Unix sockets"),
    ("import os\nos.pipe()", "pipes"),
    ("raise ExceptionGroup('', [ModuleNotFoundError(name='ssl')])", "ssl"),
    ("try: import ssl\nexcept ImportError as error: raise RuntimeError from error", "ssl"),
];

#[test]
fn what_the_lane_lacks_is_named() {
    for (text, what) in LACKING {
        let ran = run_text(text);
        assert_eq!(exit(&ran, 0), Exit::Lacks((*what).to_owned()), "{text}\n{}", all(&ran));
        let last = format!("practicum: this program needs {what}, which the simulated lane does not have\n");
        assert!(stderr(&ran, 0).ends_with(&last), "{text}\n{}", all(&ran));
    }
}

#[test]
fn a_program_may_do_without() {
    check("try: import ssl\nexcept ImportError: print('none')", 0, "none\n");
    check("import os, socket\nprint(hasattr(os, 'fork'), hasattr(socket, 'AF_UNIX'))", 0, "False False\n");
    check("import nothing_of_that_name", 1, "");
    check("import os\nos.no_such_thing", 1, "");
}
