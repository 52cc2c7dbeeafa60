//! What stands behind the host functions of a node: the one world that all nodes share, and what is the node's own.
//!
//! One thread runs all of it, so that the lock is never waited for; it is there since what a store holds must be [`Send`].
//! Who holds the guard must drop no resource of a guest: a socket's end locks as well.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schedules::Random;
use sha2::{Digest, Sha256};

use super::{Moment, Output};
use crate::disk::Time;
use crate::words::Ns;
use crate::world::{Family, NetError, NodeId, TcpId, UdpId, World};

/// All that the lives of a cluster's programs work on together.
#[derive(Debug)]
pub(crate) struct Machinery {
    pub world: World,
    pub nodes: Vec<Own>,
}

/// What belongs to one node, over all of its lives.
#[derive(Debug)]
pub(crate) struct Own {
    pub clock: Clock,
    /// What it gets when it asks for randomness, good and bad.
    pub secure: Random,
    pub insecure: Random,
    pub output: Output,
    /// What the program waits for, since it was last asked to go on.
    pub waits: Vec<Wait>,
    /// Fuel that it has left for all lives to come, as of its last wait, its last interruption or its last end.
    pub fuel_left: u64,
    /// The most memory at a time, over all lives.
    pub memory_bytes: u64,
    /// What the last stream that failed failed by.
    pub lost_by: Option<NetError>,
    /// The process has been ended, and its sockets with it: what its store still drops is nobody's.
    pub gone: bool,
}

impl Own {
    pub fn knows_fuel_left(&mut self, left: u64) {
        self.fuel_left = self.fuel_left.min(left);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Until(Ns),
    /// Bytes, a connection, the outcome of connecting.
    Tcp(TcpId),
    Room(TcpId),
    Udp(UdpId),
}

/// Shows a node's time, given the world's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Of the wall clock: how far it is ahead.
    pub offset: i64,
    /// Of both clocks.
    pub drift_ppm: i32,
    /// What the monotonic clock showed at the beginning: each machine's counts from an instant of its own.
    pub base: Ns,
}

/// The wall clocks' beginning, in nanoseconds since 1970.
const BEGINNING: i128 = crate::disk::BEGINNING as i128;
const MILLION: i128 = 1_000_000;

impl Clock {
    fn passed(self, at: Ns) -> i128 {
        i128::from(at) * (MILLION + i128::from(self.drift_ppm)) / MILLION
    }

    /// Never jumps, as `CLOCK_MONOTONIC`.
    pub fn monotonic(self, at: Ns) -> Ns {
        saturate(i128::from(self.base) + self.passed(at))
    }

    /// Nanoseconds since 1970, never before.
    pub fn wall(self, at: Ns) -> Time {
        let ns = BEGINNING + i128::from(self.offset) + self.passed(at);
        ns.clamp(0, i128::from(Time::MAX)) as Time
    }

    /// The world's first instant at which the monotonic clock shows `shown` or more.
    pub fn when(self, shown: Ns) -> Ns {
        let passed = i128::from(shown) - i128::from(self.base);
        let rate = MILLION + i128::from(self.drift_ppm);
        saturate((passed * MILLION + rate - 1) / rate)
    }
}

fn saturate(ns: i128) -> Ns {
    ns.clamp(0, i128::from(Ns::MAX)) as Ns
}

/// Numbers for one purpose, so that who draws more of them for another changes nothing here.
pub(crate) fn random_for(seed: u64, purpose: &str, node: NodeId) -> Random {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update((node as u64).to_le_bytes());
    hash.update(purpose.as_bytes());
    let hash = hash.finalize();
    Random::new(hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The way from what a guest holds to the machinery.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    pub node: NodeId,
    machinery: Arc<Mutex<Machinery>>,
}

impl Kernel {
    pub fn new(node: NodeId, machinery: Arc<Mutex<Machinery>>) -> Kernel {
        Kernel { node, machinery }
    }

    pub fn lock(&self) -> Guard<'_> {
        Guard { node: self.node, machinery: self.machinery.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// The world's time.
    pub fn now(&self) -> Ns {
        self.lock().world().now()
    }

    /// That and the node's wall clock.
    pub fn moment(&self) -> Moment {
        let world = self.now();
        Moment { world, node: self.clock().wall(world) }
    }

    pub fn clock(&self) -> Clock {
        self.lock().own().clock
    }
}

pub(crate) struct Guard<'a> {
    node: NodeId,
    machinery: MutexGuard<'a, Machinery>,
}

impl Guard<'_> {
    pub fn world(&mut self) -> &mut World {
        &mut self.machinery.world
    }

    pub fn own(&mut self) -> &mut Own {
        &mut self.machinery.nodes[self.node]
    }

    pub fn resolve(&self, name: &str) -> Vec<IpAddr> {
        self.machinery.world.resolve(self.node, name)
    }

    pub fn open_tcp(&mut self, family: Family) -> Result<TcpId, NetError> {
        self.machinery.world.tcp_open(self.node, family)
    }

    pub fn open_udp(&mut self, family: Family) -> Result<UdpId, NetError> {
        self.machinery.world.udp_open(self.node, family)
    }

    /// Writes down what the program waits for, and says that it is not there.
    pub fn waits_for(&mut self, wait: Wait) -> std::task::Poll<()> {
        let waits = &mut self.own().waits;
        if !waits.contains(&wait) {
            waits.push(wait);
        }
        std::task::Poll::Pending
    }

    /// Writes to an output, which may be full.
    pub fn write(&mut self, stream: crate::words::Stream, bytes: &[u8]) -> Result<(), super::OutOfOutput> {
        let Machinery { world, nodes, .. } = &mut *self.machinery;
        nodes[self.node].output.write(world, self.node, stream, bytes)
    }
}
