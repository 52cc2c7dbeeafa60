//! Arguments, environment, clocks, randomness, waiting, the end.

use std::future::poll_fn;
use std::task::Poll;

use wasmtime::Linker;

use super::memory::Guest;
use super::{Done, Errno, Stop, WASI};
use crate::host::{Exited, Kernel, State, Wait};
use crate::words::Ns;

/// What `clock_getres` tells.
const RESOLUTION: Ns = 1000;
/// Of one call; C's `getentropy` asks for 256.
const RANDOM_BYTES_MAX: u32 = 64 << 10;
/// What a program waits for at a time.
const SUBSCRIPTIONS_MAX: u32 = 4096;

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

impl Guest<'_> {
    pub fn args_get(&mut self, pointers: u32, bytes: u32) -> Done {
        self.put_strings(self.arguments(), pointers, bytes)
    }

    pub fn args_sizes_get(&mut self, count: u32, length: u32) -> Done {
        self.put_sizes(&self.arguments(), count, length)
    }

    pub fn environ_get(&mut self, pointers: u32, bytes: u32) -> Done {
        self.put_strings(self.environment(), pointers, bytes)
    }

    pub fn environ_sizes_get(&mut self, count: u32, length: u32) -> Done {
        self.put_sizes(&self.environment(), count, length)
    }

    fn arguments(&self) -> Vec<String> {
        self.state.command.arguments.clone()
    }

    fn environment(&self) -> Vec<String> {
        self.state.command.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    fn put_strings(&mut self, strings: Vec<String>, mut pointers: u32, mut bytes: u32) -> Done {
        for string in strings {
            self.put_u32(pointers, bytes)?;
            self.put(bytes, string.as_bytes())?;
            bytes = bytes.saturating_add(string.len() as u32);
            self.put(bytes, &[0])?;
            bytes = bytes.saturating_add(1);
            pointers = pointers.saturating_add(4);
        }
        Ok(())
    }

    fn put_sizes(&mut self, strings: &[String], count: u32, length: u32) -> Done {
        self.put_u32(count, strings.len() as u32)?;
        self.put_u32(length, strings.iter().map(|string| string.len() as u32 + 1).sum())
    }

    pub fn clock_res_get(&mut self, clock: u32, result: u32) -> Done {
        self.shown(clock)?;
        self.put_u64(result, RESOLUTION)
    }

    pub fn clock_time_get(&mut self, clock: u32, _precision: u64, result: u32) -> Done {
        let time = self.shown(clock)?;
        self.put_u64(result, time)
    }

    fn shown(&self, clock: u32) -> Result<Ns, Stop> {
        let (shown, now) = (self.state.kernel.clock(), self.state.kernel.now());
        match clock {
            REALTIME => Ok(shown.wall(now).max(0).unsigned_abs()),
            MONOTONIC => Ok(shown.monotonic(now)),
            // There is no clock of the processor's time.
            _ => Err(Errno::Invalid.into()),
        }
    }

    pub fn random_get(&mut self, buffer: u32, length: u32) -> Done {
        self.bytes(buffer, length)?;
        if length > RANDOM_BYTES_MAX {
            return Err(Errno::Invalid.into());
        }
        let mut bytes = Vec::new();
        {
            let mut guard = self.state.kernel.lock();
            while bytes.len() < length as usize {
                bytes.extend_from_slice(&guard.own().secure.number().to_le_bytes());
            }
        }
        self.put(buffer, &bytes[..length as usize])
    }

    pub fn proc_raise(&mut self, _signal: u32) -> Done {
        Err(Errno::NotSupported.into())
    }

    pub fn sched_yield(&mut self) -> Done {
        Ok(())
    }

    pub fn sock_accept(&mut self, fd: u32, _flags: u32, _result: u32) -> Done {
        self.no_socket(fd)
    }

    pub fn sock_recv(&mut self, fd: u32, _pieces: u32, _count: u32, _flags: u32, _result: u32, _more: u32) -> Done {
        self.no_socket(fd)
    }

    pub fn sock_send(&mut self, fd: u32, _pieces: u32, _count: u32, _flags: u32, _result: u32) -> Done {
        self.no_socket(fd)
    }

    pub fn sock_shutdown(&mut self, fd: u32, _how: u32) -> Done {
        self.no_socket(fd)
    }

    fn no_socket(&mut self, fd: u32) -> Done {
        self.descriptors().get(fd)?;
        Err(Errno::NotSocket.into())
    }
}

/// Links what a program ends by and what it waits in.
pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker
        .func_wrap(WASI, "proc_exit", |code: u32| -> wasmtime::Result<()> { Err(Exited(code.cast_signed()).into()) })?;
    linker.func_wrap_async(
        WASI,
        "poll_oneoff",
        |mut caller, (waits, events, count, result): (u32, u32, u32, u32)| {
            Box::new(async move {
                let waiting = match super::with_guest(&mut caller, |guest| guest.waiting(waits, count))? {
                    Ok(waiting) => waiting,
                    Err(errno) => return Ok(errno as u32),
                };
                if let Some(until) = waiting.wakes_at {
                    wait(caller.data().kernel.clone(), until).await;
                }
                super::call(&mut caller, |guest| guest.tell(&waiting.due, events, result))
            })
        },
    )?;
    Ok(())
}

/// What a program waits for comes then.
struct Waiting {
    /// None where something is there already.
    wakes_at: Option<Ns>,
    /// By the program's own word for it, with its type.
    due: Vec<(u64, u8)>,
}

async fn wait(kernel: Kernel, until: Ns) {
    poll_fn(move |_| {
        let mut guard = kernel.lock();
        if guard.world().now() >= until { Poll::Ready(()) } else { guard.waits_for(Wait::Until(until)) }
    })
    .await;
}

const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;
const CLOCK: u8 = 0;
const READABLE: u8 = 1;
const WRITABLE: u8 = 2;
const ABSOLUTE: u16 = 1;

impl Guest<'_> {
    /// Files and standard streams are always ready; otherwise the first of the clocks is waited for.
    fn waiting(&self, waits: u32, count: u32) -> Result<Waiting, Stop> {
        match count {
            0 => return Err(Errno::Invalid.into()),
            1..=SUBSCRIPTIONS_MAX => {}
            _ => return Err(Errno::NoMemory.into()),
        }
        let mut ready = Vec::new();
        let mut first: Option<(Ns, Vec<(u64, u8)>)> = None;
        for number in 0..count {
            let at = waits.saturating_add(number.saturating_mul(SUBSCRIPTION_BYTES));
            let (word, kind) = (self.u64(at)?, self.bytes(at.saturating_add(8), 1)?[0]);
            match kind {
                CLOCK => {
                    let deadline = self.deadline(at)?;
                    match &mut first {
                        Some((earliest, due)) if *earliest == deadline => due.push((word, kind)),
                        Some((earliest, _)) if *earliest < deadline => {}
                        _ => first = Some((deadline, vec![(word, kind)])),
                    }
                }
                READABLE..=WRITABLE => ready.push((word, kind)),
                _ => return Err(Errno::Invalid.into()),
            }
        }
        Ok(match first {
            Some((at, due)) if ready.is_empty() => Waiting { wakes_at: Some(at), due },
            _ => Waiting { wakes_at: None, due: ready },
        })
    }

    /// In the world's time.
    fn deadline(&self, subscription: u32) -> Result<Ns, Stop> {
        let field = |offset: u32| subscription.saturating_add(offset);
        let (clock, timeout) = (self.u32(field(16))?, self.u64(field(24))?);
        let shown = self.shown(clock)?;
        let remaining = match self.u16(field(40))? & ABSOLUTE {
            0 => timeout,
            _ => timeout.saturating_sub(shown),
        };
        let (clock, now) = (self.state.kernel.clock(), self.state.kernel.now());
        Ok(clock.when(clock.monotonic(now).saturating_add(remaining)))
    }

    fn tell(&mut self, due: &[(u64, u8)], events: u32, result: u32) -> Done {
        for (number, (word, kind)) in (0..).zip(due) {
            let mut event = [0; EVENT_BYTES as usize];
            event[..8].copy_from_slice(&word.to_le_bytes());
            event[10] = *kind;
            // How much can be read or written at once: at least that.
            event[16] = 1;
            self.put(events.saturating_add(EVENT_BYTES.saturating_mul(number)), &event)?;
        }
        self.put_u32(result, due.len() as u32)
    }
}
