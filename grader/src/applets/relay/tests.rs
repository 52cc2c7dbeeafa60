//! The relay through its channel and real sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::sockopt;
use serde_json::{Value, json};

use crate::channel::Channel;

/// Only gives up: nothing here waits for time to pass.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running relay.
struct Relay {
    channel: Channel,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    task: i32,
}

impl Relay {
    fn open(seed: &str, udp: bool, nodes: &[(&str, Option<SocketAddr>)]) -> Relay {
        let (channel, theirs) = Channel::pair().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
            super::run(Channel::new(theirs))
        });
        let mut relay = Relay { channel, thread: Some(thread), task: told.recv().unwrap() };
        relay.order(json!({"do": "open", "seed": seed, "udp": udp, "nodes": nodes}));
        relay
    }

    fn ask(&mut self, order: Value) -> (Value, Vec<u8>) {
        self.channel.send(&order, b"", &[]).unwrap();
        let frame = self.channel.receive().unwrap().expect("the relay lives");
        (frame.head().unwrap(), frame.tail)
    }

    fn order(&mut self, order: Value) -> Value {
        let (answer, _) = self.ask(order);
        assert_eq!(answer.get("error"), None, "{answer}");
        answer
    }

    fn address(&mut self, source: &str, target: &str) -> SocketAddr {
        let answer = self.order(json!({"do": "address", "source": source, "target": target}));
        answer["address"].as_str().unwrap().parse().unwrap()
    }

    fn faults(&mut self, source: &str, target: &str, faults: Value) {
        self.order(json!({"do": "faults", "ways": [[source, target]], "faults": faults}));
    }

    fn part(&mut self, on: bool) {
        let ways = if on { json!([["client", "server"], ["server", "client"]]) } else { json!([]) };
        self.order(json!({"do": "part", "ways": ways}));
    }

    /// What has come so far has passed.
    fn settle(&mut self) {
        self.order(json!({"do": "faults", "ways": [], "faults": {}}));
    }

    fn let_go(&mut self) -> bool {
        self.order(json!({"do": "let-go"}))["any"].as_bool().unwrap()
    }

    /// Whether it comes to rest: in one look of many it sleeps.
    fn sleeps(&self) -> bool {
        let status = format!("/proc/self/task/{}/status", self.task);
        (0..10_000).any(|_| {
            std::thread::yield_now();
            std::fs::read_to_string(&status).unwrap().contains("State:\tS")
        })
    }

    /// Source, number, bytes that came, fate and bytes that went on, of everything.
    fn ledger(&mut self) -> Vec<(String, u64, u64, String, u64)> {
        let (_, tail) = self.ask(json!({"do": "ledger"}));
        let entries: Vec<Value> = serde_json::from_slice(&tail).unwrap();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let number = |it: &Value| it.as_u64().unwrap();
        let told = |it: &Value| {
            let place = number(&it["flow"]) * 1000 + number(&it["ordinal"]);
            (text(&it["source"]), place, number(&it["size"]), text(&it["fate"]), number(&it["passed"]))
        };
        entries.iter().map(told).collect()
    }
}

impl Drop for Relay {
    /// It has not died of what was done to it, and sleeps when nothing happens.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.settle();
        assert!(self.sleeps(), "it turns without end");
        rustix::net::shutdown(&self.channel, rustix::net::Shutdown::Write).unwrap();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

fn entry(source: &str, place: u64, size: u64, fate: &str, passed: u64) -> (String, u64, u64, String, u64) {
    (source.to_owned(), place, size, fate.to_owned(), passed)
}

fn udp() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2048];
    let (size, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..size].to_vec(), from)
}

/// A relay between a server and clients that nobody calls.
fn datagrams(seed: &str, faults: Value) -> (Relay, UdpSocket, UdpSocket, SocketAddr) {
    let (server, client) = (udp(), udp());
    let nodes = [("client", None), ("server", Some(server.local_addr().unwrap()))];
    let mut relay = Relay::open(seed, true, &nodes);
    relay.faults("client", "server", faults);
    let address = relay.address("client", "server");
    (relay, server, client, address)
}

#[test]
fn an_answer_comes_back_from_where_the_question_went() {
    let (mut relay, server, client, address) = datagrams("1", json!({}));
    client.send_to(b"question", address).unwrap();
    let (question, stand_in) = receive(&server);
    server.send_to(b"answer", stand_in).unwrap();
    assert_eq!((question.as_slice(), receive(&client)), (b"question".as_slice(), (b"answer".to_vec(), address)));
    assert_ne!(stand_in, client.local_addr().unwrap());
    assert_eq!(relay.ledger(), [entry("client", 0, 8, "passed", 8), entry("server", 0, 6, "passed", 6)]);
}

#[test]
fn nodes_with_addresses_know_each_other_by_those_they_were_told() {
    let (a, b) = (udp(), udp());
    let nodes = [("a", a.local_addr().ok()), ("b", b.local_addr().ok())];
    let mut relay = Relay::open("1", true, &nodes);
    let (b_for_a, a_for_b) = (relay.address("a", "b"), relay.address("b", "a"));
    a.send_to(b"from a", b_for_a).unwrap();
    assert_eq!(receive(&b), (b"from a".to_vec(), a_for_b));
    b.send_to(b"from b", a_for_b).unwrap();
    assert_eq!(receive(&a), (b"from b".to_vec(), b_for_a));
}

#[test]
fn a_server_may_answer_from_another_port_and_be_called_there() {
    let (_relay, server, client, address) = datagrams("1", json!({}));
    let transfer = udp();
    client.send_to(b"read", address).unwrap();
    let (_, stand_in) = receive(&server);
    transfer.send_to(b"block", stand_in).unwrap();
    let (_, from) = receive(&client);
    assert_ne!(from, address);
    client.send_to(b"ack", from).unwrap();
    assert_eq!(receive(&transfer), (b"ack".to_vec(), stand_in));
}

#[test]
fn the_same_seed_gives_the_same_ledger_and_another_gives_another() {
    let ledger = |seed| {
        let faults = json!({"loss": 0.2, "duplicate": 0.1, "truncate": 0.1, "reorder": 0.2, "delay": 0.1, "window": 3});
        let (mut relay, _server, client, address) = datagrams(seed, faults);
        for number in 0..200u8 {
            client.send_to(&[number; 20], address).unwrap();
        }
        relay.order(json!({"do": "flush"}));
        relay.ledger()
    };
    let first = ledger("1");
    assert_eq!(first.len(), 200);
    assert_eq!(first, ledger("1"));
    assert_ne!(first, ledger("2"));
}

#[test]
fn what_is_reordered_is_overtaken_and_what_is_delayed_comes_last() {
    let plan = json!({"plan": [[0, "delayed"], [1, "reordered"], [3, "replayed"], [4, "lost"], [5, "reordered"]]});
    let (mut relay, server, client, address) = datagrams("1", plan);
    for number in 0..6 {
        client.send_to(&[number], address).unwrap();
    }
    let came = |count: usize| -> Vec<u8> { (0..count).map(|_| receive(&server).0[0]).collect() };
    assert_eq!(came(3), [2, 1, 3]);
    assert!(relay.let_go(), "5 is not overtaken, for nothing comes any more");
    assert_eq!(came(1), [5]);
    assert!(relay.let_go());
    assert_eq!(came(2), [0, 3]);
    assert!(!relay.let_go());
}

#[test]
fn datagrams_are_lost_in_a_partition_and_kept_in_a_stall() {
    let (mut relay, server, client, address) = datagrams("1", json!({}));
    relay.part(true);
    client.send_to(b"lost", address).unwrap();
    relay.part(false);
    relay.order(json!({"do": "stall", "ways": [["client", "server"]], "on": true}));
    client.send_to(b"kept", address).unwrap();
    assert_eq!(relay.ledger(), [entry("client", 0, 4, "partitioned", 0)]);
    relay.order(json!({"do": "stall", "ways": [["client", "server"]], "on": false}));
    assert_eq!(receive(&server).0, b"kept");
    client.send_to(b"", address).unwrap();
    assert_eq!(receive(&server).0, b"");
}

/// A flood from more sockets than there are stand-ins.
#[test]
fn a_flood_of_datagrams_meets_a_limit_that_is_told() {
    let (mut relay, server, client, address) = datagrams("1", json!({}));
    for number in 0..600 {
        udp().send_to(&[0; 1400], address).unwrap();
        if number % 50 == 0 {
            relay.settle();
        }
    }
    let (answer, _) = relay.ask(json!({"do": "ledger"}));
    assert!(answer["overflow"].as_str().unwrap().contains("sockets"), "{answer}");
    drop((server, client));
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn exactly<const SIZE: usize>(socket: &mut TcpStream) -> [u8; SIZE] {
    let mut buffer = [0; SIZE];
    socket.read_exact(&mut buffer).unwrap();
    buffer
}

/// What comes until the end, which is a FIN, or else the error.
fn to_end(socket: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut all = Vec::new();
    let error = socket.read_to_end(&mut all).err().map(|error| error.kind());
    (all, error)
}

fn reset(socket: TcpStream) {
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
}

fn streams() -> (Relay, TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nodes = [("client", None), ("server", Some(listener.local_addr().unwrap()))];
    let mut relay = Relay::open("1", false, &nodes);
    let address = relay.address("client", "server");
    (relay, listener, address)
}

#[test]
fn half_close_passes_both_ways() {
    let (mut relay, listener, address) = streams();
    let mut client = connect(address);
    let mut server = accept(&listener);
    client.write_all(b"request").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_end(&mut server), (b"request".to_vec(), None));
    server.write_all(b"response").unwrap();
    drop(server);
    assert_eq!(to_end(&mut client), (b"response".to_vec(), None));
    assert_eq!(relay.ledger(), [entry("client", 0, 7, "ended", 7), entry("server", 0, 8, "ended", 8)]);
}

#[test]
fn a_reset_passes_as_a_reset_behind_what_came_before_it() {
    let (mut relay, listener, address) = streams();
    let mut client = connect(address);
    let mut server = accept(&listener);
    client.write_all(b"last words").unwrap();
    reset(client);
    assert_eq!(to_end(&mut server), (b"last words".to_vec(), Some(ErrorKind::ConnectionReset)));
    assert_eq!(relay.ledger(), [entry("client", 0, 10, "reset", 10), entry("server", 0, 0, "broken", 0)]);
    // Of one that has read the other's FIN, too.
    let mut client = connect(address);
    let mut server = accept(&listener);
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_end(&mut client), (vec![], None));
    reset(client);
    assert_eq!(to_end(&mut server), (vec![], Some(ErrorKind::ConnectionReset)));
}

#[test]
fn a_sender_waits_for_a_reader_that_does_not_read() {
    let (mut relay, listener, address) = streams();
    let mut client = connect(address);
    let mut server = accept(&listener);
    client.set_nonblocking(true).unwrap();
    let (mut sent, mut idle) = (0, 0);
    // Until it does not get on although the relay has passed what it can.
    while idle < 3 {
        match client.write(&[7; 1 << 16]) {
            Ok(size) => (sent, idle) = (sent + size, 0),
            Err(_) => {
                relay.settle();
                idle += 1;
            }
        }
    }
    assert!(sent < 8 << 20, "{sent}");
    client.set_nonblocking(false).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_end(&mut server).0.len(), sent);
}

#[test]
fn a_reader_that_is_gone_resets_a_sender_that_waits() {
    let (_relay, listener, address) = streams();
    let mut client = connect(address);
    let server = accept(&listener);
    client.set_write_timeout(Some(PATIENCE)).unwrap();
    client.write_all(&[7; 1000]).unwrap();
    drop(server);
    let error = std::iter::repeat_with(|| client.write(&[7; 1 << 16])).find_map(Result::err).unwrap();
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

#[test]
fn a_partition_holds_what_is_under_way_and_what_is_opened() {
    let (mut relay, listener, address) = streams();
    let mut client = connect(address);
    let mut server = accept(&listener);
    relay.part(true);
    client.write_all(b"held").unwrap();
    let mut late = connect(address);
    late.write_all(b"late").unwrap();
    reset(client);
    relay.settle();
    assert!(relay.sleeps());
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    server.set_nonblocking(true).unwrap();
    assert_eq!(server.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    relay.part(false);
    server.set_nonblocking(false).unwrap();
    listener.set_nonblocking(false).unwrap();
    assert_eq!(to_end(&mut server), (b"held".to_vec(), Some(ErrorKind::ConnectionReset)));
    assert_eq!(&exactly::<4>(&mut accept(&listener)), b"late");
}

#[test]
fn a_cut_comes_after_exactly_so_many_bytes() {
    for (end, error) in [(false, Some(ErrorKind::ConnectionReset)), (true, None)] {
        let (mut relay, listener, address) = streams();
        let cut = json!({"do": "cut", "source": "server", "target": "client", "after": 5, "connection": 1, "end": end});
        relay.order(cut);
        let mut other = connect(address);
        let mut other_server = accept(&listener);
        let mut client = connect(address);
        let mut server = accept(&listener);
        other_server.write_all(b"0123456789").unwrap();
        assert_eq!(&exactly::<10>(&mut other), b"0123456789");
        server.write_all(b"0123456789").unwrap();
        assert_eq!(to_end(&mut client), (b"01234".to_vec(), error));
        assert_eq!(to_end(&mut server), (vec![], error));
        assert_eq!(relay.ledger()[3], entry("server", 1000, 5, "cut", 5));
    }
}

#[test]
fn a_cut_without_a_number_is_at_once() {
    let (mut relay, listener, address) = streams();
    let (mut client, mut server) = (connect(address), accept(&listener));
    relay.order(json!({"do": "cut", "source": "client", "target": "server", "connection": 0, "end": false}));
    assert_eq!(to_end(&mut client), (vec![], Some(ErrorKind::ConnectionReset)));
    assert_eq!(to_end(&mut server), (vec![], Some(ErrorKind::ConnectionReset)));
}

#[test]
fn where_nobody_listens_a_connection_is_reset() {
    let (mut relay, listener, address) = streams();
    drop(listener);
    assert_eq!(to_end(&mut connect(address)), (vec![], Some(ErrorKind::ConnectionReset)));
    assert_eq!(relay.ledger()[0], entry("client", 0, 0, "refused", 0));
}

#[test]
fn a_stream_is_split_and_stays_whole() {
    let (mut relay, listener, address) = streams();
    relay.faults("client", "server", json!({"split": 3}));
    let mut client = connect(address);
    let mut server = accept(&listener);
    let data: Vec<u8> = (0..=255).collect();
    client.write_all(&data).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_end(&mut server), (data, None));
}

#[test]
fn faults_of_the_other_kind_are_refused() {
    let (mut relay, _listener, _address) = streams();
    let (answer, _) = relay.ask(json!({"do": "faults", "ways": [["client", "server"]], "faults": {"loss": 0.5}}));
    assert!(answer["error"].as_str().unwrap().contains("streams lose nothing"), "{answer}");
    let (answer, _) = relay.ask(json!({"do": "address", "source": "client", "target": "nobody"}));
    assert_eq!(answer["error"], "no node is called \"nobody\"");
    let (answer, _) = relay.ask(json!({"do": "address", "source": "server", "target": "client"}));
    assert_eq!(answer["error"], "node \"client\" has no address");
}

#[test]
fn it_outlives_floods_resets_and_connections_left_half_open() {
    let (mut relay, listener, address) = streams();
    let half_open: Vec<TcpStream> = (0..400).map(|_| connect(address)).collect();
    for client in half_open.iter().step_by(2) {
        client.shutdown(Shutdown::Write).unwrap();
    }
    for number in 0..300 {
        let mut client = connect(address);
        let _ = client.write_all(&[number as u8; 5000]);
        reset(client);
        if number % 100 == 0 {
            relay.settle();
        }
    }
    drop(half_open);
    let taken = std::thread::spawn(move || {
        loop {
            let mut server = accept(&listener);
            if to_end(&mut server).0 == b"the last one" {
                return server.write_all(b"heard").unwrap();
            }
        }
    });
    let mut client = connect(address);
    client.write_all(b"the last one").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(&exactly::<5>(&mut client), b"heard");
    taken.join().unwrap();
}
