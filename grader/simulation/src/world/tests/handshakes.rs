use super::lab::{at, lab};
use crate::words::{Deed, MS, SECOND};
use crate::world::{Family, NetError, Read};

#[test]
fn a_call_takes_a_round_trip_and_the_listener_hears_of_it_with_the_third_packet() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 8);
    let caller = lab.call(0, "10.0.0.2:7000");
    assert!(!lab.world.tcp_writable(caller));
    assert_eq!(lab.world.tcp_accept(listener), Err(NetError::WouldBlock));
    let (outcome, when) = lab.called(caller);
    assert_eq!(outcome, Ok(()));
    assert!((2 * MS..=20 * MS).contains(&when));
    assert_eq!(lab.woken, [0]);
    assert!(lab.world.tcp_writable(caller) && !lab.world.tcp_readable(listener));
    lab.rest();
    assert_eq!(lab.woken, [0, 1]);
    let called = lab.world.tcp_accept(listener).unwrap();
    assert_eq!(lab.world.tcp_local(called), Some(at("10.0.0.2:7000")));
    assert_eq!(lab.world.tcp_remote(called), lab.world.tcp_local(caller));
    assert_eq!(lab.world.tcp_accept(listener), Err(NetError::WouldBlock));
}

#[test]
fn a_port_that_nobody_listens_on_is_refused_also_after_the_program_has_ended() {
    let mut lab = lab(2);
    let first = lab.call(0, "10.0.0.2:7000");
    assert_eq!(lab.called(first).0, Err(NetError::ConnectionRefused));
    lab.listen(1, "10.0.0.2:7000", 8);
    lab.world.down(1);
    let second = lab.call(0, "10.0.0.2:7000");
    assert_eq!(lab.called(second).0, Err(NetError::ConnectionRefused));
    // The socket is as new.
    lab.listen(1, "0.0.0.0:7000", 8);
    lab.world.tcp_connect(second, at("10.0.0.2:7000")).unwrap();
    assert_eq!(lab.called(second).0, Ok(()));
}

#[test]
fn a_silent_machine_is_given_up_after_127_seconds() {
    let mut lab = lab(2);
    lab.world.vanish(1);
    let caller = lab.call(0, "10.0.0.2:7000");
    assert_eq!(lab.called(caller), (Err(NetError::TimedOut), 127 * SECOND));
    assert_eq!(lab.world.packets(), 7);
    assert_eq!(lab.rest(), 127 * SECOND);
}

#[test]
fn a_call_gets_through_when_the_partition_has_ended() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 8);
    lab.does(Deed::Partition(vec![vec![0], vec![1]]));
    let caller = lab.call(0, "10.0.0.2:7000");
    lab.world.script(5 * SECOND, Deed::Heal);
    let (outcome, when) = lab.called(caller);
    assert_eq!(outcome, Ok(()));
    assert!((7 * SECOND..7 * SECOND + 20 * MS).contains(&when), "{when}");
    lab.rest();
    assert!(lab.world.tcp_accept(listener).is_ok());
}

#[test]
fn whoever_hears_no_answer_asks_again_and_gets_one_connection() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 8);
    lab.does(Deed::Deafen { from: 1, to: 0 });
    let caller = lab.call(0, "10.0.0.2:7000");
    lab.until(2 * SECOND);
    assert_eq!(lab.world.tcp_accept(listener), Err(NetError::WouldBlock));
    lab.does(Deed::Heal);
    assert_eq!(lab.called(caller).0, Ok(()));
    lab.rest();
    assert!(lab.world.tcp_accept(listener).is_ok());
    assert_eq!(lab.world.tcp_accept(listener), Err(NetError::WouldBlock));
}

#[test]
fn data_opens_a_connection_whose_third_packet_was_lost() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 8);
    let caller = lab.call(0, "10.0.0.2:7000");
    assert_eq!(lab.called(caller).0, Ok(()));
    // The third packet is under way.
    lab.does(Deed::Deafen { from: 0, to: 1 });
    lab.does(Deed::Heal);
    lab.write(caller, b"hello");
    lab.rest();
    let called = lab.world.tcp_accept(listener).unwrap();
    assert_eq!(lab.text(called), "hello");
}

#[test]
fn whoever_says_nothing_can_be_accepted_although_the_third_packet_was_lost() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 8);
    let caller = lab.call(0, "10.0.0.2:7000");
    assert_eq!(lab.called(caller).0, Ok(()));
    lab.does(Deed::Deafen { from: 0, to: 1 });
    lab.until(5 * SECOND);
    assert_eq!(lab.world.tcp_accept(listener), Err(NetError::WouldBlock));
    lab.does(Deed::Heal);
    lab.rest();
    assert!(lab.world.tcp_accept(listener).is_ok());
    assert_eq!(lab.woken.last(), Some(&1));
}

#[test]
fn data_that_comes_before_its_turn_opens_a_connection_too() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 8);
    let caller = lab.call(0, "10.0.0.2:7000");
    let (_, opened) = lab.called(caller);
    lab.write(caller, b"first ");
    lab.until(opened + MS / 2);
    lab.does(Deed::Deafen { from: 0, to: 1 });
    lab.does(Deed::Heal);
    lab.write(caller, b"second");
    lab.until(opened + 100 * MS);
    assert!(lab.woken.contains(&1));
    let called = lab.world.tcp_accept(listener).unwrap();
    assert_eq!(lab.text(called), "");
    lab.rest();
    assert_eq!(lab.text(called), "first second");
}

#[test]
fn the_backlog_holds_one_more_than_it_says_and_others_call_again() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 1);
    let callers: Vec<_> = (0..3).map(|_| lab.call(0, "10.0.0.2:7000")).collect();
    lab.until(500 * MS);
    let outcomes: Vec<_> = callers.iter().map(|caller| lab.world.tcp_connected(*caller)).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2, "{outcomes:?}");
    lab.world.tcp_accept(listener).unwrap();
    lab.rest();
    assert!(callers.iter().all(|caller| lab.world.tcp_connected(*caller).is_ok()));
}

#[test]
fn a_listener_that_closes_resets_those_who_wait() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 8);
    let caller = lab.call(0, "10.0.0.2:7000");
    lab.rest();
    lab.world.tcp_close(listener);
    lab.rest();
    assert_eq!(lab.world.tcp_connected(caller), Ok(()));
    assert_eq!(lab.world.tcp_read(caller, 1), Err(NetError::ConnectionReset));
    assert_eq!(lab.world.tcp_read(caller, 1), Ok(Read::End));
}

#[test]
fn a_caller_that_is_gone_frees_its_place_in_the_backlog() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "10.0.0.2:7000", 0);
    let caller = lab.call(0, "10.0.0.2:7000");
    lab.world.tcp_close(caller);
    lab.rest();
    assert_eq!(lab.world.tcp_accept(listener), Err(NetError::WouldBlock));
    let second = lab.call(0, "10.0.0.2:7000");
    assert_eq!(lab.called(second).0, Ok(()));
}

#[test]
fn addresses_lead_where_they_should() {
    let cases = [
        // From node 0: a listener on node 0 or 1, whom it calls, and what comes of it.
        (0, "127.0.0.1:7000", "127.0.0.1:7000", Ok(())),
        (0, "127.0.0.1:7000", "10.0.0.1:7000", Err(NetError::ConnectionRefused)),
        (0, "0.0.0.0:7000", "127.0.0.2:7000", Ok(())),
        (0, "0.0.0.0:7000", "0.0.0.0:7000", Ok(())),
        (0, "10.0.0.1:7000", "10.0.0.1:7000", Ok(())),
        (0, "[::1]:7000", "[::1]:7000", Ok(())),
        (0, "[::]:7000", "[fd00::1]:7000", Ok(())),
        (0, "[::]:7000", "127.0.0.1:7000", Err(NetError::ConnectionRefused)),
        (1, "[::]:7000", "[fd00::2]:7000", Ok(())),
        (1, "127.0.0.1:7000", "10.0.0.2:7000", Err(NetError::ConnectionRefused)),
        (1, "0.0.0.0:7000", "10.0.0.2:7000", Ok(())),
        (1, "0.0.0.0:7000", "10.0.0.9:7000", Err(NetError::Unreachable)),
        (1, "0.0.0.0:7000", "[fd00::9]:7000", Err(NetError::Unreachable)),
    ];
    for (node, listens, calls, expected) in cases {
        let mut lab = lab(2);
        lab.listen(node, listens, 8);
        let caller = lab.call(0, calls);
        assert_eq!(lab.called(caller).0, expected, "{listens} {calls}");
    }
}

#[test]
fn what_cannot_be_asked_is_answered_at_once() {
    let mut lab = lab(2);
    let socket = lab.world.tcp_open(0, Family::V4).unwrap();
    assert_eq!(lab.world.tcp_connect(socket, at("8.8.8.8:53")), Err(NetError::Unreachable));
    assert_eq!(lab.world.tcp_connect(socket, at("10.0.0.255:53")), Err(NetError::Unreachable));
    assert_eq!(lab.world.tcp_connect(socket, at("10.0.0.2:0")), Err(NetError::InvalidArgument));
    assert_eq!(lab.world.tcp_connect(socket, at("[::1]:53")), Err(NetError::InvalidArgument));
    assert_eq!(lab.world.tcp_bind(socket, at("10.0.0.2:53")), Err(NetError::AddressNotBindable));
    assert_eq!(lab.world.tcp_connected(socket), Err(NetError::NotConnected));
    assert_eq!(lab.world.tcp_read(socket, 1), Err(NetError::NotConnected));
    assert_eq!(lab.world.tcp_write(socket, b"x"), Err(NetError::NotConnected));
    assert_eq!(lab.world.tcp_accept(socket), Err(NetError::InvalidState));
    lab.world.tcp_bind(socket, at("127.0.0.1:0")).unwrap();
    assert_eq!(lab.world.tcp_bind(socket, at("127.0.0.1:0")), Err(NetError::InvalidState));
    assert_eq!(lab.world.tcp_connect(socket, at("10.0.0.2:53")), Err(NetError::InvalidArgument));
    lab.world.tcp_close(socket);
    assert_eq!(lab.world.tcp_listen(socket, 1), Err(NetError::InvalidState));
}

#[test]
fn a_port_is_one_sockets_until_it_is_closed() {
    let mut lab = lab(2);
    let first = lab.listen(0, "0.0.0.0:7000", 8);
    let second = lab.world.tcp_open(0, Family::V4).unwrap();
    assert_eq!(lab.world.tcp_bind(second, at("127.0.0.1:7000")), Err(NetError::AddressInUse));
    lab.listen(0, "[::]:7000", 8);
    lab.bind(0, "0.0.0.0:7000");
    lab.listen(1, "0.0.0.0:7000", 8);
    let caller = lab.call(1, "10.0.0.1:7000");
    lab.rest();
    let _called = lab.world.tcp_accept(first).unwrap();
    lab.world.tcp_close(first);
    // A connection that is left over is no hindrance.
    assert_eq!(lab.world.tcp_bind(second, at("127.0.0.1:7000")), Ok(()));
    assert_eq!(lab.world.tcp_connected(caller), Ok(()));
}

#[test]
fn two_connections_with_the_same_addresses_there_cannot_be() {
    let mut lab = lab(2);
    lab.listen(1, "0.0.0.0:7000", 8);
    let callers: Vec<_> = (0..2).map(|_| lab.world.tcp_open(0, Family::V4).unwrap()).collect();
    lab.world.tcp_bind(callers[0], at("0.0.0.0:9000")).unwrap();
    lab.world.tcp_connect(callers[0], at("10.0.0.2:7000")).unwrap();
    lab.world.tcp_bind(callers[1], at("0.0.0.0:9000")).unwrap();
    assert_eq!(lab.world.tcp_connect(callers[1], at("10.0.0.2:7000")), Err(NetError::AddressInUse));
    lab.rest();
    assert_eq!(lab.world.tcp_local(callers[0]), Some(at("10.0.0.1:9000")));
    // The machine forgets, and may call from there again.
    lab.world.vanish(0);
    lab.world.up(0);
    let again = lab.world.tcp_open(0, Family::V4).unwrap();
    lab.world.tcp_bind(again, at("0.0.0.0:9000")).unwrap();
    lab.world.tcp_connect(again, at("10.0.0.2:7000")).unwrap();
    assert_eq!(lab.called(again).0, Ok(()));
}

#[test]
fn ephemeral_ports_are_those_of_linux_and_run_out() {
    let mut lab = lab(1);
    lab.listen(0, "127.0.0.1:7000", 100);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let socket = lab.call(0, "127.0.0.1:7000");
        let port = lab.world.tcp_local(socket).unwrap().port();
        assert!((32_768..=60_999).contains(&port) && seen.insert(port));
        lab.world.tcp_close(socket);
    }
}

#[test]
fn a_node_has_so_many_sockets() {
    let mut lab = lab(2);
    let listener = lab.listen(0, "0.0.0.0:7000", 8);
    let mut open: Vec<_> = (0..63).map(|_| lab.world.tcp_open(0, Family::V4).unwrap()).collect();
    assert_eq!(lab.world.udp_open(0, Family::V4), Err(NetError::SocketsMax));
    let caller = lab.call(1, "10.0.0.1:7000");
    lab.rest();
    assert_eq!(lab.world.tcp_connected(caller), Ok(()));
    assert_eq!(lab.world.tcp_accept(listener), Err(NetError::SocketsMax));
    lab.world.tcp_close(open.pop().unwrap());
    assert!(lab.world.tcp_accept(listener).is_ok());
}
