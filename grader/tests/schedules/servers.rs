//! Servers and clients of the standard library in one process.

use schedules::Plan;
use schedules::words::{Deadlock, Fact};
use serde_json::json;

use crate::sockets::{check, repeat, worker};
use crate::worker::{calm, plan};

/// Three clients at once.
const CLIENTS: &str = "
def at_once(function):
    threads = [threading.Thread(target=function, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
";

#[test]
fn a_server_with_a_thread_for_each_client_is_managed() {
    let program = "
import socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())
def main():
    server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answers = []
    def talk(number):
        with socket.create_connection(server.server_address) as client:
            client.sendall(b'm%d\\n' % number)
            answers.append(client.recv(100).decode())
    at_once(talk)
    server.shutdown()
    server.server_close()
    return sorted(answers)
";
    check(&format!("{CLIENTS}{program}"), &json!(["M0\n", "M1\n", "M2\n"]));
}

#[test]
fn a_server_may_handle_one_request_after_the_other() {
    let program = "
import socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.readline().upper())
def main():
    with socketserver.TCPServer(('127.0.0.1', 5020), Handler) as server:
        server.timeout = 5
        def serve():
            for _ in range(3):
                server.handle_request()
        thread = threading.Thread(target=serve)
        thread.start()
        answers = []
        for _ in range(2):
            with socket.create_connection(server.server_address) as client, client.makefile('rw') as file:
                file.write('abc\\n')
                file.flush()
                answers.append(file.readline())
        thread.join()
    return answers
";
    check(program, &json!(["ABC\n", "ABC\n"]));
}

#[test]
fn a_server_of_datagrams_is_managed() {
    let program = "
import socketserver
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data, server = self.request
        server.sendto(data.upper(), self.client_address)
def main():
    with socketserver.ThreadingUDPServer(('127.0.0.1', 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        answers = []
        def ask(number):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b'a%d' % number, server.server_address)
                answers.append(client.recvfrom(10)[0].decode())
        at_once(ask)
        server.shutdown()
        thread.join()
    return sorted(answers)
";
    check(&format!("{CLIENTS}{program}"), &json!(["A0", "A1", "A2"]));
}

#[test]
fn a_server_of_pages_is_managed() {
    let program = "
import http.client, http.server, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
def main():
    with http.server.ThreadingHTTPServer(('127.0.0.1', 8080), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        pages = []
        def browse(number):
            client = http.client.HTTPConnection('127.0.0.1', 8080)
            for page in range(2):
                client.request('GET', f'/{number}{page}')
                pages.append(client.getresponse().read().decode())
            client.close()
        at_once(browse)
        pages.append(urllib.request.urlopen('http://127.0.0.1:8080/last').read().decode())
        server.shutdown()
        thread.join()
    return sorted(pages)
";
    check(&format!("{CLIENTS}{program}"), &json!(["/00", "/01", "/10", "/11", "/20", "/21", "/last"]));
}

#[test]
fn a_server_of_procedures_is_managed() {
    let program = "
from xmlrpc.client import ServerProxy
from xmlrpc.server import SimpleXMLRPCServer
def main():
    with SimpleXMLRPCServer(('127.0.0.1', 8000), logRequests=False) as server:
        server.register_function(pow)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        powers = []
        def ask(number):
            with ServerProxy('http://127.0.0.1:8000') as proxy:
                powers.append(proxy.pow(2, number))
        at_once(ask)
        server.shutdown()
        thread.join()
    return sorted(powers)
";
    check(&format!("{CLIENTS}{program}"), &json!([1, 2, 4]));
}

#[test]
fn a_server_that_only_looks_whether_it_is_to_end_does_not_hide_who_is_stuck() {
    let program = "
import socketserver
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(10)
        threading.Event().wait()
def main():
    server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_connection(server.server_address) as client:
        client.sendall(b'hello')
        return client.recv(10)
";
    repeat(program, 4, |_, ran| {
        let [Fact::Deadlock { class: Deadlock::Stuck, waits, .. }] = ran.facts.as_slice() else { panic!("{ran:?}") };
        let calls: Vec<&str> = waits.iter().map(|wait| wait.call.as_str()).collect();
        assert_eq!(calls, ["socket.recv", "Event.wait"]);
    });
}

#[test]
fn a_counter_that_clients_share_is_found_to_be_racy() {
    let program = "
count = 0
def main():
    listener = socket.socket()
    listener.bind(('127.0.0.1', 5030))
    listener.listen(1)
    def handle(connection):
        global count
        with connection, connection.makefile('rwb') as file:
            for line in file:
                seen = count
                count = seen + 1
                file.write(line)
                file.flush()
    def serve():
        handlers = []
        for _ in range(3):
            connection, _ = listener.accept()
            handlers.append(threading.Thread(target=handle, args=(connection,)))
            handlers[-1].start()
        for handler in handlers:
            handler.join()
    server = threading.Thread(target=serve)
    server.start()
    def talk(number):
        with socket.create_connection(('127.0.0.1', 5030)) as client:
            client.sendall(b'm\\n')
            assert client.recv(10) == b'm\\n'
    at_once(talk)
    server.join()
    listener.close()
    return count
";
    let program = format!("{CLIENTS}{program}");
    let (mut first, mut second) = (worker(&program), worker(&program));
    let mut found = 0;
    for seed in 1..=200 {
        let (ran, transcript) = first.run_one(&plan(seed));
        assert!(ran.facts.is_empty() && !ran.uncontrolled, "seed {seed}: {ran:?}");
        if ran.outcome != Some(json!(3)) {
            found += 1;
            let follow = Plan::Follow { deviations: transcript.schedule().deviations };
            let (again, _) = second.run_one(&follow);
            assert_eq!(again.outcome, ran.outcome, "seed {seed}");
        }
    }
    assert!(found > 0);
    eprintln!("found in {found} of 200 schedules");
}

#[test]
fn what_comes_from_elsewhere_is_waited_for_and_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let program = format!(
        "
def main():
    with socket.create_connection(('127.0.0.1', {port})) as client:
        return client.recv(10).decode()
"
    );
    let answer = std::thread::spawn(move || {
        // Once when the scenario is prepared, once in the run.
        for _ in 0..2 {
            let (mut connection, _) = listener.accept().unwrap();
            // Long after the client has begun to wait, and well before anybody gives up.
            std::thread::sleep(std::time::Duration::from_millis(15));
            std::io::Write::write_all(&mut connection, b"hello").unwrap();
        }
    });
    let (ran, _) = worker(&program).run_one(&calm());
    assert_eq!((ran.outcome, ran.uncontrolled), (Some(json!("hello")), true));
    answer.join().unwrap();
}

#[test]
fn much_is_sent_as_there_is_place_for_it() {
    let program = "
def main():
    listener, received = socket.create_server(('127.0.0.1', 0)), []
    def serve():
        connection, _ = listener.accept()
        while data := connection.recv(65536):
            received.append(len(data))
        connection.close()
    thread = threading.Thread(target=serve)
    thread.start()
    with socket.create_connection(listener.getsockname(), timeout=5) as client:
        client.sendall(bytes(3_000_000))
    thread.join()
    listener.close()
    return sum(received)
";
    let mut worker = worker(program);
    for seed in 1..=20 {
        let (ran, _) = worker.run_one(&plan(seed));
        assert!(ran.facts.is_empty() && ran.uncontrolled, "seed {seed}: {ran:?}");
        assert_eq!(ran.outcome, Some(json!(3_000_000)), "seed {seed}");
    }
}
