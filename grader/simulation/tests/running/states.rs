//! Sockets and files do what they do on Linux, whatever is done to them, in whatever state; and nothing that is done to one ends a program.
//!
//! The C library ends it (`abort`) when the host says what it thinks cannot be, so each state counts.

use std::collections::BTreeMap;
use std::process::Command;

use crate::common::{all, cluster, exit, run, stdout};
use simulation::words::{Exit, Limits};

/// What the programs take, which tell what deeds come to in states, and what is known to differ.
const KINDS: [(&str, &str, Known); 4] = [
    ("socket_states.py", "stream", STREAMS_DIFFER),
    ("socket_states.py", "datagrams", DATAGRAMS_DIFFER),
    ("file_states.py", "path", PATHS_DIFFER),
    ("file_states.py", "descriptor", DESCRIPTORS_DIFFER),
];

/// Deeds, and in which states they come to something else here.
type Known = &'static [(&'static str, &'static str)];

/// What that many deeds come to, one line for each way to do them.
fn deeds(program: &str, kind: &str, depth: u32) -> String {
    let mut cluster = cluster(&[&format!("node: {program} {kind} {depth} /tmp")]);
    let limits = Limits::default();
    cluster.limits = Limits {
        sockets: 100_000,
        events: 10 * limits.events,
        fuel: 100 * limits.fuel,
        output_bytes: 10 * limits.output_bytes,
        ..limits
    };
    let ran = run(&cluster);
    assert_eq!(exit(&ran, 0), Exit::Exited(0), "{}", all(&ran));
    stdout(&ran, 0)
}

#[test]
fn no_two_deeds_end_a_program() {
    for (program, kind, _) in KINDS {
        deeds(program, kind, 2);
    }
}

#[test]
fn each_deed_in_each_state_comes_to_what_it_comes_to_natively() {
    for (program, kind, known) in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let path = format!("{}/tests/programs/{program}", env!("CARGO_MANIFEST_DIR"));
        let native = Command::new("/usr/bin/python3").args([&path, kind, "1"]).arg(folder.path()).output().unwrap();
        let (native, ours) = (String::from_utf8(native.stdout).unwrap(), deeds(program, kind, 1));
        assert_eq!(native.lines().count(), ours.lines().count(), "{ours}");
        let known = known.iter().map(|(deed, states)| (*deed, (*states).to_owned()));
        assert_eq!(differences(&native, &ours), known.collect::<BTreeMap<_, _>>(), "of {kind}");
    }
}

/// The states in which each deed comes to something else.
fn differences<'a>(native: &'a str, ours: &str) -> BTreeMap<&'a str, String> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (native, ours) in native.lines().zip(ours.lines()).filter(|(native, ours)| native != ours) {
        println!("natively {native}; here {ours}");
        let (state, deed) = native.split_once(", ").unwrap();
        let (deed, _) = deed.split_once(": ").unwrap();
        found.entry(deed).or_default().push(state);
    }
    found.into_iter().map(|(deed, states)| (deed, states.join(" "))).collect()
}

/// Most come from the C library, which keeps states of its own: it knows neither `MSG_PEEK` nor `POLLHUP`, binds no socket a second time,
/// and lets none be waited for that never called.
const STREAMS_DIFFER: Known = &[
    ("binds", "was_reset reset_with_data refused being_refused"),
    ("ends", "listens"),
    ("ends_all", "listens"),
    ("listens_", "refused"),
    ("listens_to_none", "refused"),
    ("peeks", EVERY_STREAM),
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
const EVERY_STREAM: &str = "fresh bound listens connected accepted has_data peer_ended peer_closed was_reset reset_with_data \
                           ended ended_both_ways refused being_refused";

/// Likewise; and nobody here is told of datagrams that nobody took.
const DATAGRAMS_DIFFER: Known = &[
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

/// A disk has no symbolic links.
const PATHS_DIFFER: Known = &[
    (
        "symlinks",
        "missing file empty_file empty_folder full_folder in_missing in_file with_slash_file with_slash_folder with_dots long too_deep",
    ),
    (
        "truncates_below",
        "missing empty_folder full_folder in_missing in_file with_slash_file with_slash_folder long too_deep",
    ),
];

/// The lane has no `dup`, and lists no folder by its descriptor.
const DESCRIPTORS_DIFFER: Known = &[
    ("dups", EVERY_DESCRIPTOR),
    ("extends", "read_only folder"),
    ("lists", EVERY_DESCRIPTOR),
    ("preads_below", "write_only folder closed"),
    ("reads_whole", "read_only folder"),
    ("tells", "appends"),
    ("truncates", "read_only folder"),
];
const EVERY_DESCRIPTOR: &str = "read_only write_only both appends folder closed unlinked at_end beyond";
