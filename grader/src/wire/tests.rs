//! Packets in, evidence out: one helper makes the packets, one reads what is shown.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::{Capture, Listening, Notes, evidence, packet};
use crate::report::{Evidence, WireDeed, WireDivergence};
use crate::sandbox::packets::SNAP_BYTES;

const CLIENT: u16 = 40_001;
const SERVER: u16 = 7000;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// An IPv4 packet between two ports of 127.0.0.1.
fn internet(protocol: u8, content: &[u8]) -> Vec<u8> {
    let length = (20 + content.len()).min(0xffff) as u16;
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet.extend(content);
    packet.truncate(SNAP_BYTES);
    packet
}

fn tcp((from, to): (u16, u16), sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0; 20];
    segment[..2].copy_from_slice(&from.to_be_bytes());
    segment[2..4].copy_from_slice(&to.to_be_bytes());
    segment[4..8].copy_from_slice(&sequence.to_be_bytes());
    segment[12] = 5 << 4;
    segment[13] = flags;
    segment.extend(payload);
    internet(6, &segment)
}

fn udp((from, to): (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0; 8];
    datagram[..2].copy_from_slice(&from.to_be_bytes());
    datagram[2..4].copy_from_slice(&to.to_be_bytes());
    datagram.extend(payload);
    internet(17, &datagram)
}

/// The handshake of a client whose next byte has the sequence number 101, and the server's 201.
fn handshake(client: u16) -> Vec<Vec<u8>> {
    let (there, back) = ((client, SERVER), (SERVER, client));
    vec![tcp(there, 100, SYN, b""), tcp(back, 200, SYN | ACK, b""), tcp(there, 101, ACK, b"")]
}

/// A connection, and then these segments of it: whether from the server, sequence number, flags, payload.
fn connection(segments: &[(bool, u32, u8, &[u8])]) -> Vec<Vec<u8>> {
    let mut packets = handshake(CLIENT);
    packets.extend(segments.iter().map(|(from_server, sequence, flags, payload)| {
        let ends = if *from_server { (SERVER, CLIENT) } else { (CLIENT, SERVER) };
        tcp(ends, *sequence, *flags | ACK, payload)
    }));
    packets
}

fn notes(notes: serde_json::Value) -> Notes {
    serde_json::from_value(notes).unwrap()
}

fn shown(packets: &[Vec<u8>], notes: &Notes) -> Option<Evidence> {
    let server = Listening { program: "server".to_owned(), address: "127.0.0.1:7000".parse().unwrap() };
    evidence(Capture::of(packets), notes, &[server])
}

/// Each event in words: `client 1 > server: 0+5 hello`.
fn words(packets: &[Vec<u8>], notes: &Notes) -> Vec<String> {
    let Some(Evidence::Wire { lanes, events, .. }) = shown(packets, notes) else { return vec![] };
    let content = |shown: &str| BASE64_STANDARD.decode(shown).unwrap().escape_ascii().to_string();
    let told = events.iter().map(|event| {
        let what = match &event.what {
            WireDeed::Connect { answer } => format!("{answer:?}"),
            WireDeed::Data { offset, length, shown, .. } => format!("{offset}+{length} {}", content(shown)),
            WireDeed::Datagram { length, shown, .. } => format!("datagram {length} {}", content(shown)),
            deed => format!("{deed:?}"),
        };
        format!("{} > {}: {what}", lanes[event.from as usize].name, lanes[event.to as usize].name)
    });
    told.collect()
}

#[track_caller]
fn check(packets: &[Vec<u8>], expected: &[&str]) {
    assert_eq!(words(packets, &Notes::default()), expected);
}

#[track_caller]
fn check_divergence(packets: &[Vec<u8>], offset: u64, expected: Option<(u32, Option<u64>)>) {
    let mark = json!({ "local": "127.0.0.1:40001", "remote": "127.0.0.1:7000", "offset": offset });
    let Some(Evidence::Wire { divergence, .. }) = shown(packets, &notes(json!({ "mark": mark }))) else { panic!() };
    assert_eq!(divergence, expected.map(|(event, byte)| WireDivergence { event, byte }));
}

#[test]
fn a_connection_is_told_from_syn_to_fin_without_acknowledgements() {
    let packets = connection(&[
        (false, 101, 0, b"hello"),
        (true, 201, 0, b""),
        (true, 201, 0, b"HEL"),
        (false, 106, FIN, b"!"),
        (true, 204, FIN, b""),
        (false, 108, 0, b""),
    ]);
    check(
        &packets,
        &[
            "client 1 > server: Accepted",
            "client 1 > server: 0+5 hello",
            "server > client 1: 0+3 HEL",
            "client 1 > server: 5+1 !",
            "client 1 > server: Fin",
            "server > client 1: Fin",
        ],
    );
}

#[test]
fn what_was_said_already_is_not_told_again() {
    let packets = connection(&[
        (false, 101, 0, b"abc"),
        (false, 101, 0, b"abc"),
        (false, 103, 0, b"cde"),
        (false, 105, 0, b""),
        (false, 106, FIN, b""),
        (false, 106, FIN, b""),
    ]);
    check(
        &packets,
        &[
            "client 1 > server: Accepted",
            "client 1 > server: 0+3 abc",
            "client 1 > server: 3+2 de",
            "client 1 > server: Fin",
        ],
    );
}

#[test]
fn sequence_numbers_may_wrap() {
    let ends = (CLIENT, SERVER);
    let packets = [tcp(ends, u32::MAX - 1, SYN, b""), tcp(ends, u32::MAX, ACK, b"abc"), tcp(ends, 2, ACK, b"d")];
    check(&packets, &["client 1 > server: Nothing", "client 1 > server: 0+3 abc", "client 1 > server: 3+1 d"]);
}

#[test]
fn refusals_and_resets_are_told_apart() {
    let refused = [tcp((CLIENT, SERVER), 9, SYN, b""), tcp((SERVER, CLIENT), 0, RST | ACK, b"")];
    check(&refused, &["client 1 > server: Refused"]);
    check(&connection(&[(true, 201, RST, b"")]), &["client 1 > server: Accepted", "server > client 1: Reset"]);
}

#[test]
fn the_bytes_of_datagrams_are_counted_through() {
    let (there, back) = ((CLIENT, SERVER), (SERVER, CLIENT));
    let packets = [udp(there, b"ask"), udp(back, b"one"), udp(there, b"ask"), udp(back, b"two")];
    check_divergence(&packets, 1, Some((1, Some(1))));
    check_divergence(&packets, 5, Some((3, Some(2))));
    check_divergence(&packets, 6, Some((3, None)));
    check_divergence(&packets[..1], 0, Some((0, None)));
}

#[test]
fn datagrams_and_their_refusal_are_told() {
    let sent = udp((CLIENT, SERVER), b"ping");
    let mut notice = vec![3, 3, 0, 0, 0, 0, 0, 0];
    notice.extend(&sent);
    check(&[sent, internet(1, &notice)], &["client 1 > server: datagram 4 ping", "server > client 1: Nobody"]);
}

#[test]
fn the_first_difference_is_found_in_the_stream() {
    let packets =
        connection(&[(false, 101, 0, b"q"), (true, 201, 0, b"abc"), (true, 204, 0, b"def"), (true, 207, FIN, b"")]);
    check_divergence(&packets, 4, Some((3, Some(1))));
    // The end came instead.
    check_divergence(&packets, 6, Some((4, None)));
}

#[test]
fn what_never_came_is_marked_behind_the_last_event() {
    let packets = connection(&[(false, 101, 0, b"q")]);
    check_divergence(&packets, 0, Some((1, None)));
}

#[test]
fn without_a_beginning_no_byte_is_blamed() {
    check_divergence(&[tcp((SERVER, CLIENT), 201, ACK, b"abc")], 1, None);
}

#[test]
fn bytes_around_a_late_difference_are_shown() {
    let long: Vec<u8> = (0..1000).map(|number| number as u8).collect();
    let mark = json!({ "local": "127.0.0.1:40001", "remote": "127.0.0.1:7000", "offset": 700 });
    let packets = connection(&[(true, 201, 0, &long)]);
    let Some(Evidence::Wire { events, .. }) = shown(&packets, &notes(json!({ "mark": mark }))) else { panic!() };
    let WireDeed::Data { length, shown_from, shown, .. } = &events[1].what else { panic!() };
    assert_eq!((*length, *shown_from), (1000, 572));
    assert_eq!(BASE64_STANDARD.decode(shown).unwrap(), long[572..828]);
}

#[test]
fn labels_name_lanes_and_hidden_addresses_leave_no_trace() {
    let mut packets = connection(&[(false, 101, 0, b"hi")]);
    packets.push(udp((5555, 5556), b"secret"));
    let notes = notes(json!({ "labels": { "127.0.0.1:40001": "probe" }, "hidden": ["127.0.0.1:5555"] }));
    assert_eq!(words(&packets, &notes), ["probe > server: Accepted", "probe > server: 0+2 hi"]);
    let shown = serde_json::to_string(&shown(&packets, &notes)).unwrap();
    assert!(!shown.contains(&BASE64_STANDARD.encode("secret")[..6]));
    let Some(Evidence::Wire { capture: Some(file), .. }) = super::tests::shown(&packets, &notes) else { panic!() };
    let file = BASE64_STANDARD.decode(file).unwrap();
    assert!(file.windows(2).any(|two| two == b"hi") && !file.windows(6).any(|six| six == b"secret"));
}

#[test]
fn a_ledger_tells_of_sockets_without_packets() {
    let ledger = json!([
        { "at": 1, "from": "client 1", "to": "unix:echo", "connection": 0, "deed": "connect", "answer": "accepted" },
        { "at": 2, "from": "client 1", "to": "unix:echo", "connection": 0, "deed": "data", "offset": 0, "length": 2, "bytes": "aGk=" },
        { "at": 3, "from": "unix:echo", "to": "client 1", "connection": 0, "deed": "fin" },
    ]);
    let mark = json!({ "local": "client 1", "remote": "unix:echo", "offset": 0 });
    let notes = notes(json!({ "ledger": ledger, "mark": mark }));
    assert_eq!(
        words(&[], &notes),
        ["client 1 > unix:echo: Accepted", "client 1 > unix:echo: 0+2 hi", "unix:echo > client 1: Fin"]
    );
    let Some(Evidence::Wire { divergence, capture, .. }) = shown(&[], &notes) else { panic!() };
    assert_eq!((divergence, capture), (Some(WireDivergence { event: 2, byte: None }), None));
}

#[test]
fn nothing_passed_is_no_evidence() {
    assert_eq!(shown(&[], &Notes::default()), None);
}

#[test]
fn whatever_passed_the_evidence_is_bounded_and_counts_what_is_left_out() {
    let mut packets = Vec::new();
    for client in 0..300 {
        packets.extend(handshake(20_000 + client));
        packets.extend((0..20).map(|number| {
            let ends = if number % 2 == 0 { (20_000 + client, SERVER) } else { (SERVER, 20_000 + client) };
            tcp(ends, if number % 2 == 0 { 101 } else { 201 } + number / 2 * 1400, ACK, &[number as u8; 1400])
        }));
    }
    let mark = json!({ "local": "127.0.0.1:20290", "remote": "127.0.0.1:7000", "offset": 1401 });
    let found = shown(&packets, &notes(json!({ "mark": mark, "labels": { "127.0.0.1:1": "nobody" } }))).unwrap();
    let bytes = serde_json::to_string(&found).unwrap().len();
    assert!(bytes <= 110 << 10, "{bytes} bytes");
    let Evidence::Wire { lanes, events, left_out, connections_left_out, divergence, .. } = found else { panic!() };
    assert!(lanes.len() <= 12 && events.len() <= 100, "{} lanes, {} events", lanes.len(), events.len());
    assert!(left_out.iter().map(|gap| gap.events).sum::<u64>() > 0);
    assert!(left_out.iter().map(|gap| gap.packets).sum::<u64>() > 1000);
    assert!(connections_left_out > 0);
    let marked = divergence.unwrap();
    let WireDeed::Data { offset: 1400, .. } = events[marked.event as usize].what else { panic!("{events:?}") };
    assert_eq!(marked.byte, Some(1));
}

#[test]
fn many_segments_in_a_row_become_one_event() {
    let packets = connection(&(0..200).map(|n| (false, 101 + n * 3, 0, &b"abc"[..])).collect::<Vec<_>>());
    let Some(Evidence::Wire { events, .. }) = shown(&packets, &Notes::default()) else { panic!() };
    let WireDeed::Data { offset: 0, length: 600, segments: 200, .. } = events[1].what else { panic!("{events:?}") };
}

/// Reproducible noise.
fn noise() -> impl FnMut() -> u8 {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }
}

#[test]
fn no_bytes_are_wrong_enough_to_panic_at() {
    let mut byte = noise();
    let mut models = connection(&[(false, 101, FIN, b"hello"), (true, 201, RST, b"abc")]);
    models.push(udp((CLIENT, SERVER), b"ping"));
    let mut packets = Vec::new();
    for round in 0..20_000 {
        let mut packet = models[round % models.len()].clone();
        for _ in 0..byte() % 8 {
            let at = usize::from(byte()) % packet.len();
            packet[at] = byte();
        }
        packet.truncate(usize::from(byte()).max(1));
        let _ = packet::parse(&packet);
        assert!(packet::whole_length(&packet) >= packet.len());
        packets.push(packet);
    }
    for some in packets.chunks(97) {
        let mark = json!({ "local": "127.0.0.1:40001", "remote": "127.0.0.1:7000", "offset": u64::MAX });
        let _ = shown(some, &notes(json!({ "mark": mark })));
    }
}
