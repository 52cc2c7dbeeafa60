//! Names, time, and what is told of it all.

use std::net::SocketAddr;

use super::lab::{Lab, at, lab};
use crate::words::{Deed, MS, Network, Packet, SECOND, What};
use crate::world::{Due, World};

#[test]
fn names_lead_to_nodes_in_both_families() {
    let lab = lab(3);
    let resolve = |name: &str| -> Vec<String> { lab.world.resolve(0, name).iter().map(ToString::to_string).collect() };
    assert_eq!(resolve("n3"), ["10.0.0.3", "fd00::3"]);
    assert_eq!(resolve("N1"), ["10.0.0.1", "fd00::1"]);
    assert_eq!(resolve("localhost"), ["127.0.0.1", "::1"]);
    assert_eq!(resolve("10.0.0.9"), ["10.0.0.9"]);
    assert_eq!(resolve("n4"), [""; 0]);
}

#[test]
fn events_come_in_the_order_of_time_and_then_of_arrangement() {
    let mut world = World::new(vec!["a".into(), "b".into()], Network::default(), 8, 1, None);
    world.start_at(1, 5);
    world.wake_at(0, 5);
    world.wake_at(1, 3);
    world.script(4, Deed::Kill(1));
    world.script(4, Deed::Heal);
    let all: Vec<_> = std::iter::from_fn(|| world.next().map(|due| (world.now(), due))).collect();
    let expected =
        [(3, Due::Wake(1)), (4, Due::Deed(Deed::Kill(1))), (4, Due::Nothing), (5, Due::Start(1)), (5, Due::Wake(0))];
    assert_eq!(all, expected);
    assert_eq!((world.events(), world.peek()), (5, None));
}

#[test]
fn a_wake_that_all_have_taken_back_never_comes() {
    let mut world = World::new(vec!["a".into()], Network::default(), 8, 1, None);
    world.wake_at(0, 5);
    world.wake_at(0, 5);
    world.wake_at(0, 7);
    world.wake_no_more(0, 5);
    world.wake_no_more(0, 7);
    assert_eq!((world.next(), world.now()), (Some(Due::Wake(0)), 5));
    world.wake_no_more(0, 5);
    world.wake_at(0, 9);
    world.down(0);
    assert_eq!(world.next(), None);
}

#[test]
fn the_trace_tells_each_packets_fate_by_its_number() {
    let mut lab = lab(2);
    let refused = lab.call(0, "10.0.0.2:7000");
    let _ = lab.called(refused);
    let sender = lab.bind(0, "0.0.0.0:4000");
    lab.does(Deed::Deafen { from: 0, to: 1 });
    lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), b"lost").unwrap();
    lab.rest();
    let source = "10.0.0.1:4000".to_string();
    let (trace, left_out) = lab.world.take_trace();
    let what: Vec<What> = trace.into_iter().map(|happened| happened.what).collect();
    assert_eq!(left_out, 0);
    let What::Sent { carries: Packet::Syn { source: caller, target, .. }, .. } = &what[0] else { panic!("{what:?}") };
    assert_eq!(target, "10.0.0.2:7000");
    assert_eq!(caller.parse::<SocketAddr>().unwrap().ip().to_string(), "10.0.0.1");
    let datagram = Packet::Datagram { source, target: "10.0.0.2:5000".into(), length: 4, shown: "bG9zdA==".into() };
    let expected = [
        What::Refused { packet: 0 },
        What::Sent { packet: 1, from: 1, to: 0, carries: Packet::Rst { connection: 0 } },
        What::Arrived { packet: 1 },
        What::Did { deed: Deed::Deafen { from: 0, to: 1 } },
        What::Sent { packet: 2, from: 0, to: 1, carries: datagram },
        What::Lost { packet: 2 },
    ];
    assert_eq!(what[1..], expected);
}

#[test]
fn the_hash_covers_what_is_not_kept() {
    let run = |kept: Option<u32>, hidden: &[u8]| {
        let mut world = World::new(vec!["a".into(), "b".into()], Network::default(), 8, 1, kept);
        world.note(What::Started { node: 0 });
        world.hash_in(hidden);
        world.wake_at(0, SECOND);
        world.next();
        world.note(What::Started { node: 1 });
        let (trace, left_out) = world.take_trace();
        (world.hash(), trace.len(), left_out)
    };
    let (hash, ..) = run(None, b"fuel");
    assert_eq!(hash.len(), 64);
    assert_eq!(run(Some(1), b"fuel"), (hash.clone(), 1, 1));
    assert_eq!(run(Some(9), b"fuel"), (hash.clone(), 2, 0));
    assert_ne!(run(None, b"fuej").0, hash);
}

#[test]
fn a_change_of_the_network_holds_from_its_time_on() {
    let mut lab = Lab::new(2, Network::default(), 4);
    let receiver = lab.bind(1, "0.0.0.0:5000");
    let sender = lab.bind(0, "0.0.0.0:0");
    lab.world.script(SECOND, Deed::Network(Network { loss_ppm: 1_000_000, ..Network::default() }));
    for half_seconds in 0..4 {
        lab.until(half_seconds * 500 * MS);
        lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), b"x").unwrap();
    }
    lab.rest();
    assert_eq!(lab.received(receiver).len(), 2);
}

#[test]
fn what_somebody_waits_for_has_words() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 8);
    let caller = lab.call(0, "10.0.0.2:7000");
    assert_eq!(lab.world.tcp_words(listener), "a connection on 10.0.0.2:7000");
    assert_eq!(lab.world.tcp_words(caller), "an answer from 10.0.0.2:7000");
    let _ = lab.called(caller);
    assert_eq!(lab.world.tcp_words(caller), "data from 10.0.0.2:7000");
    let receiver = lab.bind(0, "0.0.0.0:5000");
    assert_eq!(lab.world.udp_words(receiver), "a datagram on 0.0.0.0:5000");
}
