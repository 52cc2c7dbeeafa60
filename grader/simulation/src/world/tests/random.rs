//! What holds whatever is done: drawn from seeds, so that a failure can be had again.

use std::net::SocketAddr;

use schedules::Random;

use super::lab::at;
use crate::words::{Deed, Latency, MS, Network, Ns, SECOND};
use crate::world::connection::RECEIVE_BUFFER;
use crate::world::{Due, Family, NetError, NodeId, Read, TcpId, UdpId, World};

const NODES: usize = 4;

fn names() -> Vec<String> {
    (0..NODES).map(|node| format!("n{node}")).collect()
}

fn network(random: &mut Random) -> Network {
    let latency = match random.below(3) {
        0 => Latency::Uniform { least: MS, most: 10 * MS },
        1 => Latency::Uniform { least: 0, most: 0 },
        _ => Latency::Exponential { least: MS, mean: 20 * MS },
    };
    let mut ppm = |most: usize| if random.chance(500) { random.below(most) as u32 } else { 0 };
    Network {
        latency,
        loss_ppm: ppm(500_000),
        duplication_ppm: ppm(500_000),
        reorder_ppm: ppm(500_000),
        retransmission_ppm: ppm(300_000),
        short_read_ppm: ppm(1_000_000),
    }
}

/// A deed that the world itself does.
fn fault(random: &mut Random) -> Deed {
    let node = |random: &mut Random| random.below(NODES);
    match random.below(5) {
        0 => {
            let mut groups = vec![Vec::new(), Vec::new(), Vec::new()];
            (0..NODES).for_each(|node| groups[random.below(3)].push(node));
            Deed::Partition(groups)
        }
        1 => Deed::Deafen { from: node(random), to: node(random) },
        2 | 3 => Deed::Heal,
        _ => Deed::Network(network(random)),
    }
}

/// Sockets of all nodes, open or long closed, and what is done with them at random.
struct Monkey {
    world: World,
    random: Random,
    tcp: Vec<TcpId>,
    udp: Vec<UdpId>,
}

impl Monkey {
    fn new(seed: u64) -> Monkey {
        let mut random = Random::new(seed);
        let world = World::new(names(), network(&mut random), 40, seed, seed.is_multiple_of(2).then_some(500));
        let mut monkey = Monkey { world, random, tcp: vec![TcpId(9)], udp: vec![UdpId(9)] };
        (0..NODES - 1).for_each(|node| monkey.world.up(node));
        monkey
    }

    fn address(&mut self) -> SocketAddr {
        let addresses = [
            "0.0.0.0:0",
            "127.0.0.1:7000",
            "0.0.0.0:7000",
            "10.0.0.1:7000",
            "10.0.0.2:7000",
            "10.0.0.3:7001",
            "10.0.0.4:7000",
            "10.0.0.9:7000",
            "10.0.0.255:7000",
            "8.8.8.8:1",
            "[::]:7000",
            "[::1]:7000",
            "[fd00::2]:7000",
            "[fe80::1]:1",
            "10.0.0.2:0",
        ];
        at(addresses[self.random.below(addresses.len())])
    }

    fn acts(&mut self) {
        let (node, tcp) = (self.random.below(NODES), self.tcp[self.random.below(self.tcp.len())]);
        let family = if self.random.chance(800) { Family::V4 } else { Family::V6 };
        let address = self.address();
        let most = if self.random.chance(100) { 100_000 } else { 50 };
        let length = self.random.below(most);
        match self.random.below(100) {
            0..8 => self.tcp.extend(self.world.tcp_open(node, family)),
            8..12 => drop(self.world.tcp_bind(tcp, address)),
            12..20 => drop(self.world.tcp_listen(tcp, length % 4)),
            20..32 => drop(self.world.tcp_connect(tcp, address)),
            32..38 => drop(self.world.tcp_connected(tcp)),
            38..45 => self.tcp.extend(self.world.tcp_accept(tcp)),
            45..55 => drop(self.world.tcp_read(tcp, length)),
            55..67 => drop(self.world.tcp_write(tcp, &vec![1; length])),
            67..69 => drop(self.world.tcp_end(tcp)),
            69 => drop(self.world.tcp_stop_reading(tcp)),
            70..74 => self.world.tcp_close(tcp),
            74..88 => self.acts_with_datagrams(node, family, address, length),
            88..90 => self.world.wake_at(node, self.world.now() + length as Ns * MS),
            90..94 => {
                let deed = fault(&mut self.random);
                self.world.script(self.world.now() + length as Ns, deed);
            }
            94 => self.world.down(node),
            95 => self.world.vanish(node),
            96..98 => self.world.up(node),
            _ => drop((self.world.tcp_words(tcp), self.world.tcp_remote(tcp), self.world.tcp_readable(tcp))),
        }
    }

    fn acts_with_datagrams(&mut self, node: NodeId, family: Family, address: SocketAddr, length: usize) {
        let udp = self.udp[self.random.below(self.udp.len())];
        match self.random.below(8) {
            0 => self.udp.extend(self.world.udp_open(node, family)),
            1 => drop(self.world.udp_bind(udp, address)),
            2 => drop(self.world.udp_connect(udp, self.random.chance(500).then_some(address))),
            3..6 => drop(self.world.udp_send(udp, self.random.chance(700).then_some(address), &vec![2; length])),
            6 => drop((self.world.udp_receive(udp), self.world.udp_words(udp), self.world.udp_readable(udp))),
            _ => self.world.udp_close(udp),
        }
    }

    fn check(&self) {
        for connection in self.world.connections.values() {
            for (end, other) in [(0, 1), (1, 0)].map(|(a, b)| (&connection.ends[a], &connection.ends[b])) {
                assert!(end.received.len() <= RECEIVE_BUFFER, "{end:?}");
                // Nobody sends further than he was let, nor than the other can take.
                assert!(end.sent <= end.allowed && end.allowed <= other.told, "{end:?} {other:?}");
                assert!(other.taken <= end.sent);
                let _ = end.room();
                assert!(end.is_alive() || end.timer.is_none());
            }
        }
    }

    fn rests(&mut self) {
        let mut events = 0;
        while self.world.next().is_some() {
            events += 1;
            assert!(events < 200_000, "it never rests");
        }
    }
}

#[test]
fn nothing_that_is_done_breaks_the_world_and_in_the_end_nothing_is_left() {
    for seed in 0..300 {
        let mut monkey = Monkey::new(seed);
        for _ in 0..1500 {
            if monkey.random.chance(400) {
                monkey.world.next();
            } else {
                monkey.acts();
            }
            monkey.check();
        }
        monkey.rests();
        monkey.check();
        (0..NODES).for_each(|node| monkey.world.down(node));
        monkey.world.script(monkey.world.now(), Deed::Heal);
        (0..NODES).for_each(|node| monkey.world.up(node));
        monkey.rests();
        let world = &monkey.world;
        assert!(world.tcp.is_empty() && world.udp.is_empty(), "seed {seed}");
        let waits_for_an_end =
            |connection: &super::super::Connection| connection.ends.iter().any(|end| end.closed && end.is_alive());
        assert!(world.connections.values().all(waits_for_an_end), "seed {seed}: {:?}", world.connections);
        assert!(world.machines.iter().all(|machine| machine.datagram_bytes == 0));
    }
}

/// A program that says something and hears something on its socket, and acts only when its node is woken.
struct Talker {
    node: NodeId,
    socket: TcpId,
    says: Vec<u8>,
    said: usize,
    heard: Vec<u8>,
    ended: bool,
    is_done: bool,
    /// How much it reads and writes at a time.
    gulp: usize,
    /// Until then it does something else, and lets windows fill.
    busy_until: Ns,
    random: Random,
}

impl Talker {
    fn acts(&mut self, world: &mut World) {
        if world.now() < self.busy_until || self.is_done {
            return;
        }
        let (reads, writes) = (self.random.chance(700), self.random.chance(700));
        let mut rests = !(reads && writes);
        if reads {
            rests |= self.reads(world);
        }
        if writes {
            rests |= self.writes(world);
        }
        self.is_done = !rests && self.ended && self.said == self.says.len();
        if rests {
            self.busy_until = world.now() + 1 + self.random.below(1_000_000) as Ns * 1000;
            world.wake_at(self.node, self.busy_until);
        }
    }

    /// True when there may be more.
    fn reads(&mut self, world: &mut World) -> bool {
        for _ in 0..20 {
            match world.tcp_read(self.socket, self.gulp).unwrap() {
                Read::Bytes(bytes) => self.heard.extend(bytes),
                Read::WouldBlock => return false,
                Read::End => {
                    self.ended = true;
                    return false;
                }
            }
        }
        true
    }

    fn writes(&mut self, world: &mut World) -> bool {
        for _ in 0..3 {
            if self.said == self.says.len() {
                world.tcp_end(self.socket).unwrap();
                return false;
            }
            let until = self.says.len().min(self.said + self.gulp);
            match world.tcp_write(self.socket, &self.says[self.said..until]).unwrap() {
                0 => return false,
                wrote => self.said += wrote,
            }
        }
        true
    }
}

fn talk(seed: u64, trace: Option<u32>) -> (World, Vec<[Talker; 2]>) {
    let mut random = Random::new(seed);
    let mut world = World::new(names(), network(&mut random), 40, seed, trace);
    (0..NODES).for_each(|node| world.up(node));
    let mut pairs = Vec::new();
    for port in 7000..7005 {
        let [from, to] = [random.below(NODES), random.below(NODES)];
        let address = SocketAddr::new(world.address(to, Family::V6), port);
        let [listener, caller] = [to, from].map(|node| world.tcp_open(node, Family::V6).unwrap());
        world.tcp_bind(listener, address).unwrap();
        world.tcp_listen(listener, 1).unwrap();
        world.tcp_connect(caller, address).unwrap();
        while world.next().is_some() {}
        let called = world.tcp_accept(listener).unwrap();
        let mut talker = |node, socket| {
            let most = if random.chance(700) { 600_000 } else { 2000 };
            let says = (0..random.below(most)).map(|_| random.number() as u8).collect();
            let gulp = 1000 + random.below(20_000);
            let random = Random::new(random.number());
            Talker {
                node,
                socket,
                says,
                said: 0,
                heard: vec![],
                ended: false,
                is_done: false,
                gulp,
                busy_until: 0,
                random,
            }
        };
        pairs.push([talker(from, caller), talker(to, called)]);
    }
    let begins = world.now();
    for _ in 0..60 {
        world.script(begins + random.below(60_000_000) as Ns * 1000, fault(&mut random));
    }
    world.script(begins + 60 * SECOND, Deed::Network(Network::default()));
    world.script(begins + 60 * SECOND, Deed::Heal);
    (0..NODES).for_each(|node| world.wake_at(node, begins));
    while let Some(due) = world.next() {
        let Due::Wake(node) = due else { continue };
        for talker in pairs.iter_mut().flatten().filter(|talker| talker.node == node) {
            talker.acts(&mut world);
        }
    }
    (world, pairs)
}

#[test]
fn whoever_acts_only_when_woken_hears_everything_in_order_through_all_faults() {
    for seed in 0..60 {
        let (world, pairs) = talk(seed, None);
        for [caller, called] in &pairs {
            for (says, hears) in [(caller, called), (called, caller)] {
                let lengths = (says.says.len(), says.said, hears.heard.len());
                assert!(says.says == hears.heard && hears.ended, "seed {seed}: {lengths:?} at {}", world.now());
            }
        }
        assert!(world.now() < 1000 * SECOND, "seed {seed} took {} s", world.now() / SECOND);
    }
}

#[test]
fn one_seed_is_one_run_whether_it_is_told_or_not_and_another_seed_another() {
    let run = |seed, trace| {
        let (world, _) = talk(seed, trace);
        (world.hash(), world.events(), world.packets(), world.now())
    };
    let first = run(1, None);
    assert_eq!(run(1, None), first);
    assert_eq!(run(1, Some(10)), first);
    assert_ne!(run(2, None).0, first.0);
}

#[test]
fn a_monkeys_run_can_be_had_again() {
    let run = |seed| {
        let mut monkey = Monkey::new(seed);
        for _ in 0..3000 {
            if monkey.random.chance(400) { drop(monkey.world.next()) } else { monkey.acts() }
        }
        monkey.world.hash()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn a_failed_call_tells_one_of_the_reasons_there_are() {
    let mut reasons = Vec::new();
    for seed in 0..60 {
        let mut monkey = Monkey::new(seed);
        for _ in 0..400 {
            if monkey.random.chance(400) { drop(monkey.world.next()) } else { monkey.acts() }
        }
        let sockets = monkey.tcp.clone();
        monkey.rests();
        reasons.extend(sockets.iter().filter_map(|socket| monkey.world.tcp_connected(*socket).err()));
    }
    for reason in [NetError::ConnectionRefused, NetError::TimedOut, NetError::Unreachable] {
        assert!(reasons.contains(&reason), "{reason:?}");
    }
    assert!(!reasons.contains(&NetError::WouldBlock));
}
