//! Sockets do what they do on Linux, whatever is done to them; and nothing that is done to one ends a program.
//!
//! The C library ends it (`abort`) when the host says what it thinks cannot be, so each state counts.

use std::collections::BTreeMap;
use std::process::Command;

use crate::common::{all, at, cluster, exit, run, run_with, stdout};
use simulation::disk::Image;
use simulation::words::{Deed, Exit, Limits, SECOND};

const KINDS: [&str; 2] = ["stream", "datagrams"];

/// What that many deeds come to, one line for each way to do them.
fn deeds(kind: &str, depth: u32) -> String {
    let mut cluster = cluster(&[&format!("node: socket_states.py {kind} {depth}")]);
    let limits = Limits::default();
    cluster.limits = Limits { sockets: 100_000, events: 10 * limits.events, fuel: 10 * limits.fuel, ..limits };
    let ran = run(&cluster);
    assert_eq!(exit(&ran, 0), Exit::Exited(0), "{}", all(&ran));
    stdout(&ran, 0)
}

#[test]
fn no_two_deeds_end_a_program() {
    for kind in KINDS {
        deeds(kind, 2);
    }
}

#[test]
fn each_deed_in_each_state_comes_to_what_it_comes_to_natively() {
    let program = format!("{}/tests/programs/socket_states.py", env!("CARGO_MANIFEST_DIR"));
    for (kind, known) in KINDS.into_iter().zip([STREAMS_DIFFER, DATAGRAMS_DIFFER]) {
        let native = Command::new("/usr/bin/python3").args([&program, kind, "1"]).output().unwrap();
        let (native, ours) = (String::from_utf8(native.stdout).unwrap(), deeds(kind, 1));
        assert_eq!(native.lines().count(), ours.lines().count(), "{ours}");
        let differ = native.lines().zip(ours.lines()).filter(|(native, ours)| native != ours);
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (native, ours) in differ {
            let (state, deed) = native.split_once(", ").unwrap();
            let (deed, _) = deed.split_once(": ").unwrap();
            println!("natively {native}; here {ours}");
            found.entry(deed).or_default().push(state);
        }
        let found: BTreeMap<&str, String> = found.into_iter().map(|(deed, states)| (deed, states.join(" "))).collect();
        let known = known.iter().map(|(deed, states)| (*deed, (*states).to_owned()));
        assert_eq!(found, known.collect::<BTreeMap<_, _>>(), "of {kind}");
    }
}

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

/// Deeds that come to something else here, in these states. Most come from the C library, which keeps states of its own: it knows
/// neither `MSG_PEEK` nor `POLLHUP`, binds no socket a second time, and lets none be waited for that never called.
const STREAMS_DIFFER: &[(&str, &str)] = &[
    ("binds", "was_reset reset_with_data refused being_refused"),
    ("ends", "listens"),
    ("ends_all", "listens"),
    ("listens_", "refused"),
    ("listens_to_none", "refused"),
    ("peeks", EVERY_STATE),
    ("polls", "fresh bound was_reset reset_with_data ended_both_ways refused being_refused"),
    ("selects", "fresh bound"),
    (
        "sends_to",
        "fresh bound listens connected accepted has_data peer_ended peer_closed was_reset reset_with_data ended ended_both_ways \
         being_refused",
    ),
    ("stops_reading", "listens"),
    ("tells_error", "was_reset reset_with_data refused"),
    ("tells_itself", "fresh refused"),
    ("tells_peer", "was_reset reset_with_data"),
];
const EVERY_STATE: &str = "fresh bound listens connected accepted has_data peer_ended peer_closed was_reset reset_with_data \
                           ended ended_both_ways refused being_refused";

/// Likewise; and nobody here is told of datagrams that nobody took.
const DATAGRAMS_DIFFER: &[(&str, &str)] = &[
    ("ends_all", "fresh bound connected connected_to_nobody has_data refused"),
    ("polls", "fresh refused"),
    ("reads", "fresh refused"),
    ("reads_from", "fresh refused"),
    ("reads_little", "fresh refused"),
    ("sends_much", "connected connected_to_nobody refused"),
    ("sends_to", "connected connected_to_nobody refused"),
    ("sends_to_nobody", "connected connected_to_nobody refused"),
    ("tells_error", "refused"),
    ("tells_itself", "fresh"),
    ("writes_much", "fresh bound has_data refused"),
];
