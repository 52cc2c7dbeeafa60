//! Sockets, pipes and selectors: who waits for one waits as for a lock, and each schedule comes out the same again.

use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

use schedules::words::{Deadlock, Fact, Ran};
use serde_json::{Value, json};

use crate::worker::{Worker, plan, scenario, text};

/// Schedules of each program.
const SCHEDULES: u32 = 16;
/// How often each is carried out.
const TIMES: usize = 5;
const DRIVER: &str = "def run(module):\n    return module.main()\n";
const IMPORTS: &str = "import io, os, queue, select, selectors, socket, sys, threading, time\n";

pub fn worker(program: &str) -> Worker {
    let mut worker = Worker::start(Path::new("/tmp"));
    let program = program.replace(ANY_PORT, &format!("('{}', 0)", own_host()));
    worker.scenario(&scenario(text(&format!("{IMPORTS}{program}")), DRIVER, "run")).unwrap();
    worker
}

/// How programs ask for a port that is free.
const ANY_PORT: &str = "('127.0.0.1', 0)";

/// Another one for each worker. Between `bind` and `listen` Linux gives a port to others too who would use it again, and of those that are
/// tested at the same time the second one could not listen.
fn own_host() -> String {
    static WORKERS: AtomicU16 = AtomicU16::new(0);
    let [high, low] = WORKERS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    format!("127.7.{high}.{low}")
}

/// Carries out each of `schedules` schedules several times in two processes: all come to the same, which `judge` sees.
pub fn repeat(program: &str, schedules: u32, judge: impl Fn(u32, &Ran)) {
    let mut workers = [worker(program), worker(program)];
    let open: Vec<usize> = workers.iter().map(Worker::descriptors).collect();
    for seed in 1..=schedules {
        let (ran, transcript) = workers[0].run_one(&plan(seed));
        assert!(!ran.spent && !ran.uncontrolled && ran.tripped.is_empty(), "{program}\n{ran:?}");
        judge(seed, &ran);
        for time in 1..TIMES {
            let (again, same) = workers[time % 2].run_one(&plan(seed));
            assert_eq!((&again.facts, &again.outcome), (&ran.facts, &ran.outcome), "{program}\nseed {seed}");
            assert_eq!(same.to_bytes(), transcript.to_bytes(), "{program}\nseed {seed}, time {time}");
        }
    }
    let left: Vec<usize> = workers.iter().map(Worker::descriptors).collect();
    assert_eq!(left, open, "{program}: descriptors are left");
}

/// The program comes to `outcome` in every schedule, and shows nothing.
pub fn check(program: &str, outcome: &Value) {
    repeat(program, SCHEDULES, |seed, ran| {
        assert_eq!((ran.facts.as_slice(), ran.outcome.as_ref()), ([].as_slice(), Some(outcome)), "{program}\n{seed}");
    });
}

/// The program gets stuck in every schedule: these threads are in these calls on these objects.
pub fn check_stuck(program: &str, table: &[(u16, &str, Option<&str>)]) {
    repeat(program, 4, |seed, ran| {
        let [Fact::Deadlock { class: Deadlock::Stuck, waits, .. }] = ran.facts.as_slice() else {
            panic!("{program}\nseed {seed}: {ran:?}")
        };
        let rows: Vec<_> =
            waits.iter().map(|wait| (wait.thread.0, wait.call.as_str(), wait.object.as_deref())).collect();
        assert_eq!(rows, table, "{program}\nseed {seed}");
    });
}

#[test]
fn a_pair_of_sockets_carries_what_threads_say() {
    let program = "
def main():
    near, far = socket.socketpair()
    def serve():
        while data := far.recv(10):
            far.sendall(data.upper())
    thread = threading.Thread(target=serve)
    thread.start()
    answers = []
    for word in (b'ab', b'cd'):
        near.sendall(word)
        answers.append(near.recv(10).decode())
    near.close()
    thread.join()
    far.close()
    return answers
";
    check(program, &json!(["AB", "CD"]));
}

#[test]
fn who_waits_for_what_nobody_sends_is_stuck() {
    let program = "
def main():
    near, far = socket.socketpair()
    thread = threading.Thread(target=lambda: far.recv(1), name='reader')
    thread.start()
    thread.join()
";
    check_stuck(program, &[(0, "Thread.join", Some("Thread reader")), (1, "socket.recv", Some("socket#1"))]);
    let program = "
def main():
    reading, writing = os.pipe()
    thread = threading.Thread(target=lambda: os.read(reading, 1), name='reader')
    thread.start()
    thread.join()
";
    check_stuck(program, &[(0, "Thread.join", Some("Thread reader")), (1, "os.read", Some("pipe#1"))]);
}

#[test]
fn a_client_that_never_gets_an_answer_is_stuck() {
    let program = "
def main():
    listener = socket.create_server(('127.0.0.1', 5007))
    def serve():
        connection, _ = listener.accept()
        connection.recv(10)
        connection.recv(10)
    threading.Thread(target=serve).start()
    with socket.create_connection(('127.0.0.1', 5007)) as client:
        client.sendall(b'hello')
        return client.recv(10)
";
    check_stuck(program, &[(0, "socket.recv", Some("socket#1")), (1, "socket.recv", Some("socket#2"))]);
}

#[test]
fn two_who_only_send_are_stuck() {
    let program = "
def main():
    near, far = socket.socketpair()
    def send_and_receive(end):
        end.sendall(bytes(1_000_000))
        while end.recv(65536):
            pass
    thread = threading.Thread(target=send_and_receive, args=(far,))
    thread.start()
    send_and_receive(near)
";
    check_stuck(program, &[(0, "socket.sendall", Some("socket#1")), (1, "socket.sendall", Some("socket#2"))]);
}

#[test]
fn to_close_a_socket_does_not_wake_who_waits_for_it() {
    let program = "
def main():
    near, far = socket.socketpair()
    thread = threading.Thread(target=lambda: near.recv(1), name='reader')
    thread.start()
    time.sleep(1)
    near.close()
    thread.join()
    return 1
";
    let (ran, _) = worker(program).run_one(&crate::worker::calm());
    let [Fact::Deadlock { waits, .. }] = ran.facts.as_slice() else { panic!("{ran:?}") };
    assert_eq!(waits[1].call, "socket.recv");
    // To shut it down does.
    check(&program.replace("near.close()", "near.shutdown(socket.SHUT_RDWR)"), &json!(1));
}

#[test]
fn time_outs_are_virtual() {
    let program = "
def main():
    near, far = socket.socketpair()
    began, seen = time.monotonic(), []
    seen.append([len(ready) for ready in select.select([near], [], [], 30)])
    polled = select.poll()
    polled.register(near, select.POLLIN)
    seen.append(polled.poll(2000))
    edge = select.epoll()
    edge.register(near, select.EPOLLIN)
    seen.append(edge.poll(3))
    selector = selectors.DefaultSelector()
    selector.register(near, selectors.EVENT_READ, 'near')
    seen.append(selector.select(5))
    far.send(b'x')
    seen.append([key.data for key, _ in selector.select(5)])
    seen.append([len(polled.poll()), len(edge.poll()), len(select.select([near], [near], [])[1])])
    near.recv(1)
    near.settimeout(4)
    try:
        near.recv(1)
    except socket.timeout as error:
        seen.append(str(error))
    near.setblocking(False)
    try:
        near.recv(1)
    except BlockingIOError as error:
        seen.append(error.errno)
    seen.append(round(time.monotonic() - began))
    return seen
";
    check(program, &json!([[0, 0, 0], [], [], [], ["near"], [1, 1, 1], "timed out", 11, 44]));
}

#[test]
fn a_pipe_between_threads_takes_what_it_has_place_for() {
    let program = "
def main():
    reading, writing = os.pipe()
    sizes = []
    def read():
        while data := os.read(reading, 1000):
            sizes.append(len(data))
    thread = threading.Thread(target=read)
    thread.start()
    written = os.write(writing, bytes(200_000))
    os.close(writing)
    thread.join()
    os.close(reading)
    return [written, sum(sizes)]
";
    check(program, &json!([200_000, 200_000]));
    let program = "
def main():
    reading, writing = os.pipe()
    lines = []
    def read():
        with open(reading, 'rb') as file:
            lines.extend(line.decode() for line in file)
    thread = threading.Thread(target=read)
    thread.start()
    with open(writing, 'w') as file:
        for number in range(3):
            print('line', number, file=file, flush=True)
    thread.join()
    return lines
";
    check(program, &json!(["line 0\n", "line 1\n", "line 2\n"]));
}

#[test]
fn a_buffer_is_waited_for_like_a_lock() {
    let program = "
def main():
    near, far = socket.socketpair()
    file, lines = near.makefile('rb'), []
    def read():
        for line in file:
            lines.append(line.decode())
    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    far.sendall(b'a\\nb\\n')
    far.close()
    for thread in threads:
        thread.join()
    return sorted(lines)
";
    check(program, &json!(["a\n", "b\n"]));
    let program = "
def main():
    near, far = socket.socketpair()
    file = near.makefile('rb')
    thread = threading.Thread(target=lambda: file.read(1), name='reader')
    thread.start()
    time.sleep(1)
    file.close()
";
    let (ran, _) = worker(program).run_one(&crate::worker::calm());
    let [Fact::Deadlock { waits, .. }] = ran.facts.as_slice() else { panic!("{ran:?}") };
    let calls: Vec<&str> = waits.iter().map(|wait| wait.call.as_str()).collect();
    assert_eq!(calls, ["BufferedReader.close", "socket.recv_into"]);
}

#[test]
fn who_tries_again_and_again_gets_there() {
    let program = "
def main():
    listener = socket.create_server(('127.0.0.1', 0))
    listener.setblocking(False)
    def speak():
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        select.select([], [client], [])
        client.send(b'hello')
        client.close()
    thread = threading.Thread(target=speak)
    thread.start()
    while True:
        try:
            connection, _ = listener.accept()
            break
        except BlockingIOError:
            pass
    connection.setblocking(False)
    heard = b''
    while True:
        try:
            data = connection.recv(3)
        except BlockingIOError:
            continue
        if not data:
            break
        heard += data
    thread.join()
    return heard.decode()
";
    check(program, &json!("hello"));
}

#[test]
fn errors_are_the_systems_own() {
    let program = "
def main():
    seen = []
    def attempt(function, *arguments):
        try:
            function(*arguments)
        except OSError as error:
            seen.append([type(error).__name__, error.errno])
        except (TypeError, ValueError) as error:
            seen.append(str(error))
    attempt(socket.create_connection, ('127.0.0.1', 5999))
    attempt(socket.socket().recv, 1)
    attempt(socket.socket().send, b'x')
    attempt(socket.socket().accept)
    attempt(socket.socket().send, 'text')
    closed = socket.socket()
    closed.close()
    attempt(closed.recv, 1)
    listener = socket.create_server(('127.0.0.1', 0))
    attempt(socket.create_server, listener.getsockname())
    attempt(os.read, 999, 1)
    attempt(select.select, [closed], [], [])
    client = socket.create_connection(listener.getsockname())
    listener.accept()[0].close()
    client.send(b'x')
    attempt(client.send, b'y')
    return seen
";
    let wanted = json!([
        ["ConnectionRefusedError", 111],
        ["OSError", 107],
        ["BrokenPipeError", 32],
        ["OSError", 22],
        "a bytes-like object is required, not 'str'",
        ["OSError", 9],
        ["OSError", 98],
        ["OSError", 9],
        "file descriptor cannot be a negative integer (-1)",
        ["BrokenPipeError", 32]
    ]);
    check(program, &wanted);
}

#[test]
fn classes_of_sockets_are_what_they_are() {
    let program = "
import _socket
class Shouting(socket.socket):
    def recv(self, *arguments):
        return super().recv(*arguments).upper()
class Raw(_socket.socket):
    pass
def main():
    listener = socket.create_server(('127.0.0.1', 0))
    def serve():
        for _ in range(2):
            connection, _ = listener.accept()
            connection.sendall(b'abc')
            time.sleep(1)
            connection.sendall(b'def')
            connection.close()
    thread = threading.Thread(target=serve)
    thread.start()
    heard = []
    for kind in (Shouting, Raw):
        client = kind()
        client.connect(listener.getsockname())
        heard.append(client.recv(6, socket.MSG_WAITALL).decode())
        buffer = bytearray(3)
        heard.append(client.recv_into(buffer))
        client.close()
    thread.join()
    names = [socket.socket.__mro__[1].__module__, type(socket.socket.recv).__name__, repr(os.read), repr(select.select)]
    return heard + names + [socket.SocketType is _socket.socket, '__globals__' in dir(socket.socket.recv)]
";
    let names = ["_socket", "method_descriptor", "<built-in function read>", "<built-in function select>"];
    let wanted = json!(["ABCDEF", 0, "abcdef", 0, names[0], names[1], names[2], names[3], true, false]);
    check(program, &wanted);
}

#[test]
fn what_a_run_leaves_open_does_not_reach_the_next() {
    let program = "
kept = []
def main():
    listener = socket.create_server(('127.0.0.1', 5010))
    client = socket.create_connection(('127.0.0.1', 5010))
    connection, _ = listener.accept()
    kept.extend([listener, client, connection, kept, os.pipe(), open(os.pipe()[0], 'rb')])
    sys.left = client
    selectors.left = select.epoll()
    socket.setdefaulttimeout(7)
    return [listener.fileno(), client.fileno(), connection.fileno(), listener.gettimeout()]
";
    let mut numbers = None;
    let mut worker = worker(program);
    for seed in 1..=60 {
        let (ran, _) = worker.run_one(&plan(seed));
        assert!(ran.facts.is_empty(), "{ran:?}");
        assert_eq!(numbers.get_or_insert_with(|| ran.outcome.clone()), &ran.outcome);
    }
}

#[test]
fn what_happens_on_sockets_is_told() {
    let program = "
def main():
    near, far = socket.socketpair()
    near.sendall(b'abc')
    return far.recv(10).decode()
";
    let (ran, _) = worker(program).run(&[crate::worker::calm()], true).pop().unwrap();
    let told: Vec<(Option<&str>, Option<&str>)> =
        ran.events.iter().map(|event| (event.object.as_deref(), event.value.as_deref())).collect();
    assert!(told.contains(&(Some("socket#1"), Some("sendall 3 bytes"))), "{told:?}");
    assert!(told.contains(&(Some("socket#2"), Some("recv 3 bytes"))), "{told:?}");
}
