use super::lab::{Lab, at, lab};
use crate::words::{Deed, MS, Network};
use crate::world::{Family, NetError, QUEUE_MAX, V4_BYTES_MAX};

#[test]
fn a_datagram_arrives_whole_with_its_senders_address() {
    let mut lab = lab(2);
    let receiver = lab.bind(1, "0.0.0.0:5000");
    let sender = lab.world.udp_open(0, Family::V4).unwrap();
    lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), b"hello").unwrap();
    assert!(!lab.world.udp_readable(receiver));
    lab.rest();
    assert_eq!(lab.woken, [1]);
    let datagram = lab.world.udp_receive(receiver).unwrap();
    assert_eq!(datagram.bytes, b"hello");
    assert_eq!(datagram.from.ip(), lab.world.address(0, Family::V4));
    assert_eq!(datagram.from.port(), lab.world.udp_local(sender).unwrap().port());
    lab.world.udp_send(receiver, Some(datagram.from), b"you too").unwrap();
    lab.rest();
    assert_eq!(lab.received(sender), ["you too"]);
}

#[test]
fn the_network_loses_doubles_and_overtakes_as_it_is_told() {
    let send = |network: Network| {
        let mut lab = Lab::new(2, network, 5);
        let receiver = lab.bind(1, "0.0.0.0:5000");
        let sender = lab.bind(0, "0.0.0.0:0");
        for number in 0..200_u64 {
            lab.until(number * 20 * MS + 1);
            lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), format!("{number:03}").as_bytes()).unwrap();
        }
        lab.rest();
        lab.received(receiver)
    };
    let usual = send(Network::default());
    assert!(usual.len() == 200 && usual.is_sorted());
    let lossy = send(Network { loss_ppm: 300_000, ..Network::default() });
    assert!((110..170).contains(&lossy.len()) && lossy.is_sorted(), "{}", lossy.len());
    let double = send(Network { duplication_ppm: 300_000, ..Network::default() });
    assert!((230..256).contains(&double.len()), "{}", double.len());
    let late = send(Network { reorder_ppm: 300_000, ..Network::default() });
    assert!(late.len() == 200 && !late.is_sorted());
    assert_eq!(send(Network { loss_ppm: 1_000_000, ..Network::default() }), [""; 0]);
}

#[test]
fn a_full_queue_drops_what_comes() {
    let mut lab = lab(2);
    let receiver = lab.bind(1, "0.0.0.0:5000");
    let sender = lab.bind(0, "0.0.0.0:0");
    for _ in 0..QUEUE_MAX + 10 {
        lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), b"x").unwrap();
    }
    lab.rest();
    assert_eq!(lab.received(receiver).len(), QUEUE_MAX);
}

#[test]
fn a_node_has_only_so_much_under_way() {
    let mut lab = lab(2);
    let receiver = lab.bind(1, "0.0.0.0:5000");
    let sender = lab.bind(0, "0.0.0.0:0");
    for _ in 0..100 {
        lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), &vec![b'x'; V4_BYTES_MAX]).unwrap();
    }
    lab.rest();
    assert_eq!(lab.received(receiver).len(), 63);
    lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), b"again").unwrap();
    lab.rest();
    assert_eq!(lab.received(receiver), ["again"]);
}

#[test]
fn a_connected_socket_hears_only_its_peer() {
    let mut lab = lab(3);
    let receiver = lab.bind(0, "0.0.0.0:5000");
    lab.world.udp_connect(receiver, Some(at("10.0.0.2:6000"))).unwrap();
    assert_eq!(lab.world.udp_local(receiver), Some(at("10.0.0.1:5000")));
    let [peer, other] = [1, 2].map(|node| lab.bind(node, "0.0.0.0:6000"));
    lab.world.udp_send(peer, Some(at("10.0.0.1:5000")), b"peer").unwrap();
    lab.world.udp_send(other, Some(at("10.0.0.1:5000")), b"other").unwrap();
    lab.rest();
    assert_eq!(lab.received(receiver), ["peer"]);
    lab.world.udp_send(receiver, None, b"to you").unwrap();
    assert_eq!(lab.world.udp_send(receiver, Some(at("10.0.0.3:6000")), b"x"), Err(NetError::InvalidArgument));
    lab.rest();
    assert_eq!(lab.received(peer), ["to you"]);
    lab.world.udp_connect(receiver, None).unwrap();
    lab.world.udp_send(other, Some(at("10.0.0.1:5000")), b"now").unwrap();
    lab.rest();
    assert_eq!(lab.received(receiver), ["now"]);
    assert_eq!(lab.world.udp_send(receiver, None, b"x"), Err(NetError::InvalidArgument));
}

#[test]
fn a_connected_sender_is_told_once_that_nobody_has_the_port() {
    let mut lab = lab(2);
    let sender = lab.bind(0, "0.0.0.0:0");
    let free = lab.bind(0, "0.0.0.0:0");
    lab.world.udp_send(free, Some(at("10.0.0.2:5000")), b"x").unwrap();
    lab.world.udp_connect(sender, Some(at("10.0.0.2:5000"))).unwrap();
    lab.world.udp_send(sender, None, b"x").unwrap();
    lab.rest();
    assert_eq!(lab.woken, [0]);
    assert!(lab.world.udp_readable(sender) && !lab.world.udp_readable(free));
    assert_eq!(lab.world.udp_error(sender), Some(NetError::ConnectionRefused));
    assert!(!lab.world.udp_readable(sender));
    lab.world.udp_send(sender, None, b"x").unwrap();
    lab.rest();
    assert_eq!(lab.world.udp_send(sender, None, b"x"), Err(NetError::ConnectionRefused));
    assert_eq!(lab.world.udp_send(sender, None, b"x"), Ok(()));
    lab.rest();
    // Whoever only receives, and does not ask for errors, does not spin on one.
    assert_eq!(lab.world.udp_receive(sender), None);
    assert!(!lab.world.udp_readable(sender));
}

#[test]
fn a_broadcast_reaches_all_that_are_bound_to_all_addresses() {
    for target in ["255.255.255.255:5000", "10.0.0.255:5000"] {
        let mut lab = lab(4);
        let sender = lab.bind(0, "0.0.0.0:5000");
        let hears = lab.bind(1, "0.0.0.0:5000");
        let bound = lab.bind(2, "10.0.0.3:5000");
        let parted = lab.bind(3, "0.0.0.0:5000");
        lab.does(Deed::Deafen { from: 0, to: 3 });
        lab.world.udp_send(sender, Some(at(target)), b"all").unwrap();
        lab.rest();
        let heard = [sender, hears, bound, parted].map(|socket| lab.received(socket).len());
        assert_eq!(heard, [1, 1, 0, 0]);
    }
}

#[test]
fn what_cannot_be_sent_is_told_and_what_nobody_takes_is_not() {
    let mut lab = lab(2);
    let sender = lab.bind(0, "0.0.0.0:0");
    let large = vec![0; V4_BYTES_MAX + 1];
    assert_eq!(lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), &large), Err(NetError::TooLarge));
    assert_eq!(lab.world.udp_send(sender, Some(at("8.8.8.8:53")), b"x"), Err(NetError::Unreachable));
    assert_eq!(lab.world.udp_send(sender, Some(at("224.0.0.1:53")), b"x"), Err(NetError::Unreachable));
    assert_eq!(lab.world.udp_send(sender, Some(at("10.0.0.2:0")), b"x"), Err(NetError::InvalidArgument));
    assert_eq!(lab.world.udp_send(sender, None, b"x"), Err(NetError::InvalidArgument));
    assert_eq!(lab.world.udp_send(sender, Some(at("10.0.0.77:5000")), b"x"), Ok(()));
    assert_eq!(lab.world.udp_send(sender, Some(at("10.0.0.2:5000")), b"x"), Ok(()));
    let inside = lab.bind(0, "127.0.0.1:0");
    assert_eq!(lab.world.udp_send(inside, Some(at("10.0.0.2:5000")), b"x"), Err(NetError::InvalidArgument));
    lab.rest();
    assert!(lab.woken.is_empty());
    let taken = lab.world.udp_local(sender).unwrap();
    let second = lab.world.udp_open(0, Family::V4).unwrap();
    assert_eq!(lab.world.udp_bind(second, taken), Err(NetError::AddressInUse));
}

#[test]
fn six_is_six_and_stays_on_its_machine_on_loopback() {
    let mut lab = lab(2);
    let receivers = [0, 1].map(|node| lab.bind(node, "[::]:5000"));
    let sender = lab.bind(0, "[::]:0");
    lab.world.udp_send(sender, Some(at("[::1]:5000")), b"self").unwrap();
    lab.world.udp_send(sender, Some(at("[fd00::2]:5000")), b"other").unwrap();
    lab.rest();
    assert_eq!(receivers.map(|receiver| lab.received(receiver).join(" ")), ["self", "other"]);
}
