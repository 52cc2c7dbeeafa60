//! Calls on a world, whatever they are: it answers each, what is read is what was written, and it happens again as it did.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use simulation::words::{Deed, Latency, MS, Network, Ns};
use simulation::world::{Due, Family, Read, TcpId, UdpId, World};

use super::bytes::Bytes;

const NODES: usize = 3;
const SOCKETS_MAX: u32 = 24;
/// More of them than calls make by themselves.
const EVENTS_MAX: u64 = 100_000;
/// What is written is the bytes of this length over and over, so that a reader knows what must come.
const PATTERN: u64 = 251;

/// Returns how many bytes of streams were read.
pub fn run(input: &[u8]) -> u64 {
    let (hash, read) = once(input);
    assert_eq!(once(input), (hash, read), "the same calls show something else");
    read
}

fn once(input: &[u8]) -> (String, u64) {
    let mut bytes = Bytes(input);
    let network = network(&mut bytes);
    let names = (0..NODES).map(|node| format!("n{node}")).collect();
    let mut run = Run {
        world: World::new(names, network, SOCKETS_MAX, 7, Some(1000)),
        tcp: Vec::new(),
        udp: Vec::new(),
        written: BTreeMap::new(),
        read: BTreeMap::new(),
    };
    (0..NODES).for_each(|node| run.world.up(node));
    while !bytes.is_empty() {
        run.call(&mut bytes);
    }
    run.world.script(run.world.now(), Deed::Heal);
    while run.world.events() < EVENTS_MAX && run.next() {}
    run.drain();
    run.world.take_trace();
    (run.world.hash(), run.read.values().sum())
}

struct Run {
    world: World,
    tcp: Vec<TcpId>,
    udp: Vec<UdpId>,
    written: BTreeMap<TcpId, u64>,
    read: BTreeMap<TcpId, u64>,
}

impl Run {
    fn call(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.byte() {
            ..0x20 => self.open(bytes),
            0x20..0x90 => self.tcp(bytes),
            0x90..0xc0 => self.udp(bytes),
            0xc0..0xe8 => drop((0..bytes.byte()).take_while(|_| self.next()).count()),
            0xe8..0xf4 => self.world.script(later(&self.world, bytes), deed(bytes)),
            0xf4.. => self.machine(bytes),
        }
    }

    fn open(&mut self, bytes: &mut Bytes<'_>) {
        let (node, kind) = (bytes.below(NODES), bytes.byte());
        let family = if kind & 1 == 0 { Family::V4 } else { Family::V6 };
        match kind & 2 {
            0 => self.tcp.extend(self.world.tcp_open(node, family)),
            _ => self.udp.extend(self.world.udp_open(node, family)),
        }
    }

    fn tcp(&mut self, bytes: &mut Bytes<'_>) {
        let Some(&tcp) = self.tcp.get(bytes.below(SOCKETS_MAX as usize)) else { return };
        let to = address(&self.world, bytes);
        let world = &mut self.world;
        match bytes.below(12) {
            0 => drop(world.tcp_bind(tcp, to)),
            1 => drop(world.tcp_listen(tcp, bytes.below(4))),
            2 => self.tcp.extend(world.tcp_accept(tcp)),
            3 | 4 => drop(world.tcp_connect(tcp, to)),
            5 => drop(world.tcp_connected(tcp)),
            6 => self.write(tcp, bytes.number() as usize % 100_000),
            7 => self.read(tcp, bytes.number() as usize),
            8 => drop(world.tcp_end(tcp)),
            9 => drop(world.tcp_stop_reading(tcp)),
            10 => drop((
                world.tcp_readable(tcp),
                world.tcp_writable(tcp),
                world.tcp_words(tcp),
                world.tcp_local(tcp),
                world.tcp_remote(tcp),
            )),
            _ => world.tcp_close(tcp),
        }
    }

    fn write(&mut self, tcp: TcpId, length: usize) {
        let written = self.written.entry(tcp).or_default();
        let bytes: Vec<u8> = (*written..).take(length).map(|at| (at % PATTERN) as u8).collect();
        let room = self.world.tcp_room(tcp);
        if let Ok(taken) = self.world.tcp_write(tcp, &bytes) {
            assert!(
                taken <= length && room.is_ok_and(|room| taken <= room),
                "{taken} of {length}, where there was {room:?}"
            );
            *written += taken as u64;
        }
    }

    fn read(&mut self, tcp: TcpId, most: usize) {
        if let Ok(Read::Bytes(bytes)) = self.world.tcp_read(tcp, most) {
            let at = self.read.entry(tcp).or_default();
            assert!(bytes.len() <= most);
            assert!(
                bytes.iter().zip(*at..).all(|(byte, at)| u64::from(*byte) == at % PATTERN),
                "it was not written so"
            );
            *at += bytes.len() as u64;
        }
    }

    fn udp(&mut self, bytes: &mut Bytes<'_>) {
        let Some(&udp) = self.udp.get(bytes.below(SOCKETS_MAX as usize)) else { return };
        let to = address(&self.world, bytes);
        let world = &mut self.world;
        match bytes.below(8) {
            0 => drop(world.udp_bind(udp, to)),
            1 => drop(world.udp_connect(udp, Some(to))),
            2 => drop(world.udp_connect(udp, None)),
            3 => drop(world.udp_send(udp, Some(to), &vec![1; bytes.number() as usize % 70_000])),
            4 => drop(world.udp_send(udp, None, bytes.take(5))),
            5 => drop(world.udp_receive(udp)),
            6 => drop((
                world.udp_readable(udp),
                world.udp_words(udp),
                world.udp_local(udp),
                world.udp_remote(udp),
                world.udp_error(udp),
            )),
            _ => world.udp_close(udp),
        }
    }

    fn machine(&mut self, bytes: &mut Bytes<'_>) {
        let node = bytes.below(NODES);
        match bytes.below(4) {
            0 => self.world.up(node),
            1 => self.world.down(node),
            2 => self.world.vanish(node),
            _ => self.world.wake_at(node, later(&self.world, bytes)),
        }
    }

    /// Lets the next thing happen. False where nothing ever will.
    fn next(&mut self) -> bool {
        let before = self.world.now();
        let due = self.world.next();
        assert!(self.world.now() >= before, "time goes back");
        match &due {
            Some(Due::Deed(Deed::Kill(node))) => self.world.down(*node),
            Some(Due::Deed(Deed::PowerLoss(node))) => self.world.vanish(*node),
            Some(Due::Deed(Deed::Restart(node)) | Due::Start(node)) => self.world.up(*node),
            Some(Due::Deed(_) | Due::Wake(_) | Due::Nothing) | None => {}
        }
        due.is_some()
    }

    fn drain(&mut self) {
        for tcp in self.tcp.clone() {
            (0..10).for_each(|_| self.read(tcp, 100_000));
        }
    }
}

fn later(world: &World, bytes: &mut Bytes<'_>) -> Ns {
    world.now().saturating_add(bytes.number().saturating_mul(MS / 10))
}

fn network(bytes: &mut Bytes<'_>) -> Network {
    let mut ppm = || u32::from(bytes.byte()) * 1500;
    Network {
        latency: Latency::Uniform { least: MS, most: 10 * MS },
        loss_ppm: ppm(),
        duplication_ppm: ppm(),
        reorder_ppm: ppm(),
        retransmission_ppm: ppm(),
        short_read_ppm: ppm(),
    }
}

fn deed(bytes: &mut Bytes<'_>) -> Deed {
    let (node, other) = (bytes.below(NODES), bytes.below(NODES));
    match bytes.below(9) {
        0 => Deed::Partition(vec![vec![node], vec![other]]),
        1 => Deed::Deafen { from: node, to: other },
        2 => Deed::Heal,
        3 => Deed::Kill(node),
        4 => Deed::PowerLoss(node),
        5 => Deed::Restart(node),
        6 => Deed::Pause(node),
        7 => Deed::Resume(node),
        _ => Deed::Network(network(bytes)),
    }
}

fn address(world: &World, bytes: &mut Bytes<'_>) -> SocketAddr {
    let port = match bytes.byte() {
        byte @ ..0xf0 => u16::from(byte % 4) * 1000,
        byte => u16::from(byte) << 8 | u16::from(bytes.byte()),
    };
    let address = match bytes.byte() {
        byte @ ..0x80 => world.address(usize::from(byte) % NODES, Family::V4),
        byte @ 0x80..0xc0 => world.address(usize::from(byte) % NODES, Family::V6),
        0xc0..0xd0 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        0xd0..0xd8 => "::".parse().expect("an address"),
        0xd8..0xe0 => IpAddr::V4(Ipv4Addr::BROADCAST),
        0xe0..0xf0 => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => IpAddr::V4(Ipv4Addr::new(bytes.byte(), bytes.byte(), bytes.byte(), bytes.byte())),
    };
    SocketAddr::new(address, port)
}
