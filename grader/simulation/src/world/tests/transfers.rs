use super::lab::{Lab, lab};
use crate::words::{Deed, Happened, Latency, MS, Network, Packet, SECOND, What};
use crate::world::{RECEIVE_BUFFER, Read, SEND_BUFFER, TcpId};

#[test]
fn bytes_arrive_in_order_and_in_pieces_of_a_frame() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    let bytes: Vec<u8> = (0..10_000_u32).map(|number| number as u8).collect();
    lab.write(caller, &bytes);
    lab.woken.clear();
    let mut got = Vec::new();
    let mut pieces = 0;
    while lab.step() {
        if let Ok(Read::Bytes(more)) = lab.world.tcp_read(called, 65_536) {
            got.extend(more);
            pieces += 1;
        }
    }
    assert_eq!(got, bytes);
    assert_eq!(pieces, 7);
    assert_eq!(lab.woken, [1; 7]);
}

#[test]
fn a_writer_that_nobody_reads_is_stopped_and_wakes_when_somebody_does() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    let written = fill(&mut lab, caller);
    assert_eq!(written, RECEIVE_BUFFER + SEND_BUFFER);
    assert!(!lab.world.tcp_writable(caller));
    assert_eq!(lab.world.tcp_write(caller, b"x"), Ok(0));
    assert_eq!(lab.world.peek(), None);
    lab.woken.clear();
    let mut read = 0;
    while read < written {
        match lab.world.tcp_read(called, 5000).unwrap() {
            Read::Bytes(bytes) => read += bytes.len(),
            Read::WouldBlock => assert!(lab.step(), "stuck after {read} bytes"),
            Read::End => panic!("no end was said"),
        }
    }
    lab.rest();
    assert!(lab.woken.contains(&0));
    assert_eq!(lab.world.tcp_room(caller), Ok(SEND_BUFFER));
}

fn fill(lab: &mut Lab, socket: TcpId) -> usize {
    let mut written = 0;
    loop {
        let room = lab.world.tcp_room(socket).unwrap();
        if room == 0 {
            return written;
        }
        lab.write(socket, &vec![0; room]);
        written += room;
        lab.rest();
    }
}

#[test]
fn two_that_write_and_do_not_read_are_still() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    fill(&mut lab, caller);
    fill(&mut lab, called);
    assert_eq!(lab.world.next(), None);
    assert_eq!(lab.world.tcp_words(caller), "10.0.0.2:7000 to read what was written");
}

#[test]
fn a_window_that_opens_during_a_partition_is_told_afterwards() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    let written = fill(&mut lab, caller);
    lab.does(Deed::Partition(vec![vec![0], vec![1]]));
    let first = lab.text(called).len();
    let heals = lab.world.now() + 30 * SECOND;
    lab.until(heals);
    assert_eq!(lab.text(called).len(), 0);
    lab.does(Deed::Heal);
    let mut rest = 0;
    while lab.step() {
        rest += lab.text(called).len();
    }
    assert_eq!(first + rest, written);
    assert!(lab.world.now() < heals + 60 * SECOND);
}

#[test]
fn a_partition_delays_a_stream_and_takes_nothing_from_it() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    let begins = lab.world.now();
    lab.write(caller, b"one ");
    lab.does(Deed::Partition(vec![vec![0], vec![1]]));
    lab.write(caller, b"two");
    lab.world.script(begins + 10 * SECOND, Deed::Heal);
    lab.rest();
    assert_eq!(lab.text(called), "one two");
    // Sent again after 0.2, 0.6, 1.4, 3, 6.2 and 12.6 s.
    let took = lab.world.now() - begins;
    assert!((12_600 * MS..12_700 * MS).contains(&took), "{took}");
}

#[test]
fn what_is_under_way_is_lost_when_the_link_is_cut_in_between() {
    let mut lab = lab(2);
    let (caller, called) = lab.pair(0, 1);
    let begins = lab.world.now();
    lab.write(caller, b"x");
    lab.until(begins + MS / 2);
    lab.does(Deed::Partition(vec![vec![0], vec![1]]));
    lab.until(begins + MS * 3 / 4);
    lab.does(Deed::Heal);
    lab.rest();
    assert_eq!(lab.text(called), "x");
    assert!(lab.world.now() >= begins + 200 * MS);
}

#[test]
fn who_is_deaf_is_told_again_until_he_gives_up() {
    let mut lab = lab(3);
    let (caller, called) = lab.pair(0, 1);
    lab.does(Deed::Deafen { from: 1, to: 0 });
    lab.write(caller, b"heard");
    lab.until(5 * SECOND);
    assert_eq!(lab.text(called), "heard");
    lab.write(called, b"not heard");
    lab.until(10 * SECOND);
    assert!(!lab.world.tcp_readable(caller));
    lab.does(Deed::Heal);
    lab.rest();
    assert_eq!(lab.text(caller), "not heard");
    // What was heard is acknowledged now.
    assert_eq!(lab.world.tcp_room(caller), Ok(SEND_BUFFER));
    assert_eq!(lab.text(called), "");
}

#[test]
fn short_reads_give_less_and_lose_nothing() {
    let network = Network { short_read_ppm: 1_000_000, ..Network::default() };
    let mut lab = Lab::new(2, network, 3);
    let (caller, called) = lab.pair(0, 1);
    lab.write(caller, b"0123456789");
    lab.rest();
    let Ok(Read::Bytes(first)) = lab.world.tcp_read(called, 100) else { panic!("nothing") };
    assert!((1..10).contains(&first.len()));
    assert_eq!([first, lab.text(called).into_bytes()].concat(), b"0123456789");
}

#[test]
fn segments_that_are_sent_again_come_after_a_time_out_and_in_order() {
    let network = Network { retransmission_ppm: 300_000, ..Network::default() };
    for seed in 0..20 {
        let mut lab = Lab::new(2, network, seed);
        let (caller, called) = lab.pair(0, 1);
        let bytes: Vec<u8> = (0..60_000_u32).map(|number| (number / 100) as u8).collect();
        lab.write(caller, &bytes);
        lab.world.tcp_close(caller);
        lab.rest();
        assert_eq!(lab.read(called), (bytes, Ok(Read::End)));
    }
}

#[test]
fn a_nodes_own_loopback_is_quick_and_whole() {
    let network = Network {
        latency: Latency::Uniform { least: SECOND, most: SECOND },
        retransmission_ppm: 1_000_000,
        short_read_ppm: 1_000_000,
        ..Network::default()
    };
    let mut lab = Lab::new(2, network, 1);
    lab.does(Deed::Partition(vec![]));
    let (caller, called) = lab.pair(0, 0);
    lab.write(caller, b"0123456789");
    assert!(lab.rest() < MS);
    assert_eq!(lab.world.tcp_read(called, 100), Ok(Read::Bytes(b"0123456789".to_vec())));
}

#[test]
fn nothing_overtakes_on_a_stream() {
    let network = Network { latency: Latency::Exponential { least: MS, mean: 50 * MS }, ..Network::default() };
    let mut lab = Lab::new(2, network, 9);
    let (caller, _) = lab.pair(0, 1);
    (0..50).for_each(|_| lab.write(caller, b"x"));
    lab.rest();
    let (trace, _) = lab.world.take_trace();
    let arrivals: Vec<u64> = trace.iter().filter_map(arrival).collect();
    assert!(arrivals.is_sorted() && arrivals.len() >= 52);
    let data = trace.iter().filter(|happened| {
        matches!(&happened.what, What::Sent { carries: Packet::Data { length: 1, shown, .. }, .. } if shown == "eA==")
    });
    assert_eq!(data.count(), 50);
}

fn arrival(happened: &Happened) -> Option<u64> {
    match happened.what {
        What::Arrived { packet } => Some(packet),
        _ => None,
    }
}
