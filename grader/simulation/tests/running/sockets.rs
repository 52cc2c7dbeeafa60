//! What becomes of programs whose connections are lost or refused.

use crate::common::{all, at, cluster, exit, run_text, run_with, stdout};
use simulation::disk::Image;
use simulation::words::{Deed, Exit, SECOND};

const LOSES_ITS_PEER: &str = r#"
import socket, sys, time
if sys.argv[1] == "server":
    time.sleep(0.5)
    with socket.create_server(("", 7000)) as listener:
        connection, _ = listener.accept()
        time.sleep(2000)
else:
    time.sleep(1)
    connection = socket.create_connection(("server", 7000))
    time.sleep(1)
    connection.send(b"unread")
    time.sleep(1)
    for call in (lambda: connection.recv(1), lambda: connection.recv(1), lambda: connection.send(b"x")):
        try:
            print(call())
        except OSError as error:
            print(type(error).__name__)
"#;

fn after(deed: Deed) -> String {
    let mut cluster = cluster(&["server: main.py server", "client: main.py client"]);
    cluster.script = vec![at(1.5, deed)];
    cluster.until = 2000 * SECOND;
    let ran = run_with(&cluster, Image::from([("work/main.py".to_owned(), LOSES_ITS_PEER.as_bytes().to_vec())]));
    assert_eq!(exit(&ran, 1), Exit::Exited(0), "{}", all(&ran));
    stdout(&ran, 1)
}

#[test]
fn a_program_is_told_once_what_its_connection_was_lost_by() {
    assert_eq!(after(Deed::Partition(vec![vec![0], vec![1]])), "TimeoutError\nb''\nBrokenPipeError\n");
    // Nobody is there any more who could answer.
    assert_eq!(after(Deed::PowerLoss(0)), "TimeoutError\nb''\nBrokenPipeError\n");
    // What was closed before anything came is at an end, and resets what comes.
    assert_eq!(after(Deed::Kill(0)), "b''\nb''\nBrokenPipeError\n");
}

#[test]
fn a_socket_whose_call_was_refused_calls_again_and_stays_the_same() {
    let ran = run_text(
        r#"
import selectors, socket
caller = socket.socket()
caller.settimeout(5)
number = caller.fileno()
try:
    caller.connect(("127.0.0.1", 7000))
except ConnectionRefusedError as error:
    print(error.strerror)
listener = socket.create_server(("127.0.0.1", 7000))
caller.connect(("127.0.0.1", 7000))
print(caller.fileno() == number, caller.gettimeout(), caller.getpeername())
caller.setblocking(False)
with selectors.DefaultSelector() as selector:
    selector.register(caller, selectors.EVENT_READ)
    listener.accept()[0].send(b"word")
    print([key.fileobj.recv(9) for key, _ in selector.select()])
"#,
    );
    let told = "Connection refused\nTrue 5.0 ('127.0.0.1', 7000)\n[b'word']\n";
    assert_eq!(stdout(&ran, 0), told, "{}", all(&ran));
}
