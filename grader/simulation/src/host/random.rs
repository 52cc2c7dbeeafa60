//! `wasi:random`: numbers from the cluster's seed.

use schedules::Random;
use wasmtime::format_err;

use super::State;
use super::wasi::random::{insecure, insecure_seed, random};

/// At a time. What asks for more has gone astray; it would be our memory first.
const BYTES_MAX: u64 = 1 << 20;

fn bytes(random: &mut Random, length: u64) -> wasmtime::Result<Vec<u8>> {
    if length > BYTES_MAX {
        return Err(format_err!("asked for {length} random bytes at a time; there are {BYTES_MAX}"));
    }
    let numbers = (0..length.div_ceil(8)).flat_map(|_| random.number().to_le_bytes());
    Ok(numbers.take(length as usize).collect())
}

impl random::Host for State {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        bytes(&mut self.kernel.lock().own().secure, length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.kernel.lock().own().secure.number())
    }
}

impl insecure::Host for State {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        bytes(&mut self.kernel.lock().own().insecure, length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.kernel.lock().own().insecure.number())
    }
}

impl insecure_seed::Host for State {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let mut guard = self.kernel.lock();
        let random = &mut guard.own().insecure;
        Ok((random.number(), random.number()))
    }
}
