//! `wasi:clocks`: a node's clocks, which the world's time drives.

use std::future::poll_fn;
use std::task::Poll;

use wasmtime::component::Resource;
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::wasi::clocks::{monotonic_clock, wall_clock};
use super::{Kernel, State, Wait};
use crate::words::Ns;

const SECOND: Ns = crate::words::SECOND;
/// What `clock_getres` tells.
const RESOLUTION: Ns = 1000;

struct Deadline {
    at: Ns,
    kernel: Kernel,
}

#[async_trait]
impl Pollable for Deadline {
    async fn ready(&mut self) {
        poll_fn(|_| {
            let mut guard = self.kernel.lock();
            if guard.world().now() >= self.at { Poll::Ready(()) } else { guard.waits_for(Wait::Until(self.at)) }
        })
        .await;
    }
}

impl monotonic_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        Ok(self.kernel.clock().monotonic(self.kernel.now()))
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        Ok(RESOLUTION)
    }

    fn subscribe_instant(&mut self, when: monotonic_clock::Instant) -> wasmtime::Result<Resource<DynPollable>> {
        let deadline = Deadline { at: self.kernel.clock().when(when), kernel: self.kernel.clone() };
        let deadline = self.table.push(deadline)?;
        subscribe(&mut self.table, deadline)
    }

    fn subscribe_duration(&mut self, duration: monotonic_clock::Duration) -> wasmtime::Result<Resource<DynPollable>> {
        let now = monotonic_clock::Host::now(self)?;
        self.subscribe_instant(now.saturating_add(duration))
    }
}

impl wall_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(datetime(self.kernel.moment().node.unsigned_abs()))
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(datetime(RESOLUTION))
    }
}

fn datetime(ns: Ns) -> wall_clock::Datetime {
    wall_clock::Datetime { seconds: ns / SECOND, nanoseconds: (ns % SECOND) as u32 }
}
