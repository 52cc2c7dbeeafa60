//! Ends, resets and what is left after them; compared with what Linux does for the same calls.

use super::lab::lab;
use crate::words::{Deed, MS, Packet, SECOND, What};
use crate::world::{NetError, Read};

#[test]
fn a_half_closed_stream_still_carries_answers() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    lab.write(caller, b"question");
    lab.world.tcp_end(caller).unwrap();
    lab.world.tcp_end(caller).unwrap();
    assert_eq!(lab.world.tcp_write(caller, b"more"), Err(NetError::BrokenPipe));
    lab.rest();
    assert_eq!(lab.read(called), (b"question".to_vec(), Ok(Read::End)));
    lab.write(called, b"answer");
    lab.world.tcp_close(called);
    lab.rest();
    assert_eq!(lab.read(caller), (b"answer".to_vec(), Ok(Read::End)));
    assert!(lab.world.tcp_readable(caller));
    lab.world.tcp_close(caller);
    lab.rest();
    assert!(lab.world.connections.is_empty());
}

#[test]
fn bytes_left_unread_make_a_reset_that_is_told_once_after_what_was_received() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    lab.write(caller, b"nobody reads this");
    lab.rest();
    lab.write(called, b"hello");
    lab.world.tcp_close(called);
    lab.rest();
    assert_eq!(lab.read(caller), (b"hello".to_vec(), Err(NetError::ConnectionReset)));
    assert_eq!(lab.world.tcp_read(caller, 1), Ok(Read::End));
    assert_eq!(lab.world.tcp_write(caller, b"z"), Err(NetError::BrokenPipe));
    assert_eq!(lab.world.tcp_end(caller), Err(NetError::NotConnected));
    lab.world.tcp_close(caller);
    assert!(lab.world.connections.is_empty());
}

#[test]
fn a_write_is_told_of_the_reset_first_and_then_of_the_broken_pipe() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    lab.write(caller, b"x");
    lab.rest();
    lab.world.tcp_close(called);
    lab.rest();
    assert_eq!(lab.world.tcp_room(caller), Err(NetError::ConnectionReset));
    assert_eq!(lab.world.tcp_write(caller, b"z"), Err(NetError::ConnectionReset));
    assert_eq!(lab.world.tcp_write(caller, b"z"), Err(NetError::BrokenPipe));
    assert_eq!(lab.world.tcp_read(caller, 1), Ok(Read::End));
}

#[test]
fn the_first_write_to_a_peer_that_has_closed_is_taken_and_the_next_is_not() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    lab.world.tcp_close(called);
    lab.rest();
    lab.write(caller, b"z");
    lab.rest();
    assert_eq!(lab.world.tcp_write(caller, b"z"), Err(NetError::BrokenPipe));
    assert_eq!(lab.world.tcp_read(caller, 1), Ok(Read::End));
}

#[test]
fn the_kernel_sends_what_a_killed_process_has_written() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    lab.write(caller, &[7; 50_000]);
    lab.world.down(0);
    lab.rest();
    let (bytes, end) = lab.read(called);
    assert_eq!((bytes.len(), end), (50_000, Ok(Read::End)));
}

#[test]
fn a_killed_process_with_unread_bytes_resets() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    lab.write(caller, b"x");
    lab.rest();
    lab.world.down(1);
    lab.rest();
    assert_eq!(lab.world.tcp_read(caller, 1), Err(NetError::ConnectionReset));
    assert_eq!(lab.world.tcp_read(called, 1), Err(NetError::InvalidState));
}

#[test]
fn nobody_hears_of_a_power_loss_until_he_says_something() {
    let mut lab = lab(2);
    let (caller, _) = lab.pair(0, 1);
    let before = lab.world.now();
    lab.world.vanish(1);
    assert_eq!(lab.rest(), before);
    assert!(!lab.world.tcp_readable(caller));
    lab.write(caller, b"hello?");
    lab.rest();
    assert_eq!(lab.world.tcp_read(caller, 1), Err(NetError::TimedOut));
    // 15 times again, each time after twice as long, and at last 120 s.
    assert_eq!(lab.world.now() - before, 924_600 * MS);
}

#[test]
fn a_machine_that_has_started_again_resets_what_it_does_not_know() {
    let mut lab = lab(2);
    let (caller, _) = lab.pair(0, 1);
    lab.world.vanish(1);
    lab.write(caller, b"hello?");
    let comes_back = lab.world.now() + 5 * SECOND;
    lab.until(comes_back);
    lab.world.up(1);
    lab.rest();
    assert_eq!(lab.world.tcp_read(caller, 1), Err(NetError::ConnectionReset));
    assert!(lab.world.now() < comes_back + 10 * SECOND);
}

#[test]
fn whoever_waits_for_a_window_finds_out_about_a_power_loss_too() {
    let mut lab = lab(2);
    let (caller, _) = lab.pair(0, 1);
    while lab.world.tcp_room(caller) != Ok(0) {
        let room = lab.world.tcp_room(caller).unwrap();
        lab.write(caller, &vec![0; room]);
        lab.rest();
    }
    lab.world.vanish(1);
    lab.rest();
    assert_eq!(lab.world.tcp_write(caller, b"x"), Err(NetError::TimedOut));
}

#[test]
fn a_lost_reset_comes_again_when_it_is_needed() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    lab.write(caller, b"x");
    lab.rest();
    lab.does(Deed::Deafen { from: 1, to: 0 });
    lab.world.tcp_close(called);
    lab.write(caller, b"y");
    let heals = lab.world.now() + 10 * SECOND;
    lab.until(heals);
    assert!(!lab.world.tcp_readable(caller));
    lab.does(Deed::Heal);
    lab.rest();
    assert_eq!(lab.world.tcp_read(caller, 1), Err(NetError::ConnectionReset));
}

#[test]
fn whoever_waits_for_a_window_finds_out_about_a_lost_reset_too() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    while lab.world.tcp_room(caller) != Ok(0) {
        let room = lab.world.tcp_room(caller).unwrap();
        lab.write(caller, &vec![0; room]);
        lab.rest();
    }
    lab.does(Deed::Deafen { from: 1, to: 0 });
    lab.world.tcp_close(called);
    let heals = lab.world.now() + 30 * SECOND;
    lab.until(heals);
    assert!(!lab.world.tcp_readable(caller));
    lab.does(Deed::Heal);
    lab.rest();
    assert_eq!(lab.world.tcp_read(caller, 1), Err(NetError::ConnectionReset));
}

#[test]
fn whoever_waits_for_a_window_finds_out_that_the_other_has_given_up() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    while lab.world.tcp_room(caller) != Ok(0) {
        let room = lab.world.tcp_room(caller).unwrap();
        lab.write(caller, &vec![0; room]);
        lab.rest();
    }
    lab.does(Deed::Partition(vec![]));
    lab.write(called, b"hello?");
    let gives_up = lab.world.now() + 930 * SECOND;
    lab.until(gives_up);
    assert_eq!(lab.world.tcp_room(called), Err(NetError::TimedOut));
    lab.does(Deed::Heal);
    lab.rest();
    assert_eq!(lab.world.tcp_read(caller, 1), Err(NetError::ConnectionReset));
}

#[test]
fn the_last_acknowledgement_is_given_again_while_the_machine_remembers() {
    for (forgets, resets) in [(false, 0), (true, 1)] {
        let mut lab = lab(2);
        let (caller, called) = lab.pair(0, 1);
        lab.world.tcp_close(caller);
        lab.rest();
        lab.world.tcp_close(called);
        while lab.world.connections.values().any(|connection| connection.ends[0].is_alive()) {
            lab.step();
        }
        // What acknowledges the last FIN is under way.
        let soon = lab.world.now() + MS / 2;
        lab.until(soon);
        lab.does(Deed::Deafen { from: 0, to: 1 });
        lab.does(Deed::Heal);
        if forgets {
            lab.world.vanish(0);
            lab.world.up(0);
        }
        lab.rest();
        let (trace, _) = lab.world.take_trace();
        let rst = trace.iter().filter(|it| matches!(it.what, What::Sent { carries: Packet::Rst { .. }, .. }));
        assert_eq!(rst.count(), resets);
        assert!(lab.world.connections.is_empty());
    }
}

#[test]
fn nobody_reads_after_he_has_stopped_and_closing_then_resets() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    lab.write(caller, b"before");
    lab.rest();
    lab.world.tcp_stop_reading(called).unwrap();
    assert_eq!(lab.world.tcp_read(called, 10), Ok(Read::End));
    for _ in 0..10 {
        lab.write(caller, &[0; 60_000]);
        lab.rest();
    }
    lab.world.tcp_close(called);
    lab.rest();
    assert_eq!(lab.world.tcp_read(caller, 1), Err(NetError::ConnectionReset));
}

#[test]
fn connections_that_are_over_leave_nothing_behind() {
    let mut lab = lab(2);
    let listener = lab.listen(1, "0.0.0.0:7000", 8);
    for round in 0..50 {
        let caller = lab.call(0, "10.0.0.2:7000");
        lab.rest();
        let called = lab.world.tcp_accept(listener).unwrap();
        lab.write(caller, b"ping");
        lab.rest();
        let (first, second) = if round % 2 == 0 { (caller, called) } else { (called, caller) };
        if round % 3 != 0 {
            lab.text(called);
        }
        lab.world.tcp_close(first);
        lab.rest();
        lab.world.tcp_close(second);
        lab.rest();
    }
    assert!(lab.world.connections.is_empty());
    assert_eq!(lab.world.tcp.len(), 1);
    lab.world.tcp_close(listener);
    assert_eq!(format!("{:?}", lab.world.ports).matches("Port {").count(), 0);
}
