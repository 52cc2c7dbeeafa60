//! One life of one program: from its start to its end, in steps.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use wasmtime::{Engine, InstancePre, Store, Trap};

use super::Node;
use crate::host::{
    self, Command, Exited, Files, Kernel, Memory, OutOfOutput, ProgramPre, Reporter, Reports, State, Wait,
};
use crate::machine::{Machine, Trouble};
use crate::preview1::{self, MODULE_BYTES_MAX};
use crate::words::{Cluster, Exit, Ns, Pace, Program};

pub(super) struct Running {
    pub from: Ns,
    /// When it is its turn though nothing happens: it is computing, or waits for that time.
    pub due: Option<Ns>,
    /// What it did in its last step takes until then.
    busy_until: Ns,
    /// It was interrupted in its last step, by the end of a slice.
    pub computes: bool,
    interruptions: u64,
    fuel_at_start: u64,
    /// Fuel that was left when time was last charged.
    charged: u64,
    flag: Arc<Flag>,
    future: Pin<Box<dyn Future<Output = Exit>>>,
}

pub(super) enum Step {
    Goes,
    Ended(Exit),
}

/// Raised by a program that gave up the processor although it could go on.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The program of that node, ready for its first step.
pub(super) fn start(
    machine: &Machine,
    cluster: &Cluster,
    index: usize,
    node: &Node,
    reports: &Arc<Mutex<Reports>>,
    now: Ns,
) -> Result<Running, Trouble> {
    let words = &cluster.nodes[index];
    let (Program::Python { argv } | Program::Module { argv }) = &words.program;
    let mut environment: Vec<(String, String)> =
        words.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    environment.push(("NODE".to_owned(), words.name.clone()));
    let command = Command {
        arguments: match words.program {
            Program::Python { .. } => std::iter::once("python".to_owned()).chain(argv.iter().cloned()).collect(),
            Program::Module { .. } => argv.clone(),
        },
        environment,
        stdin: node.stdin.clone().into(),
    };
    let fuel = node.kernel.lock().own().fuel_left;
    let memory = Memory::new(node.kernel.clone(), cluster.limits.memory_bytes);
    let kernel = node.kernel.clone();
    let reporter = words.reports.then(|| Reporter::new(index, Arc::clone(reports)));
    let files = Files::new(Arc::clone(&node.disk), Arc::new(move || kernel.moment()), reporter);
    let state = State::new(node.kernel.clone(), files, memory, command);
    let future: Pin<Box<dyn Future<Output = Exit>>> = match &words.program {
        Program::Python { .. } => {
            let store = Living::new(&machine.engine, state, fuel, cluster.pace.slice)?;
            Box::pin(lives(machine.python.clone(), store))
        }
        Program::Module { argv } => match preview1::program(&machine.engine, &module(node, &argv[0])) {
            Ok(program) => {
                let store = Living::new(&machine.engine, state, fuel, cluster.pace.slice)?;
                Box::pin(module_lives(program, store))
            }
            Err(refused) => Box::pin(std::future::ready(Exit::Trapped(refused.to_string()))),
        },
    };
    Ok(Running {
        from: now,
        due: Some(now),
        busy_until: now,
        computes: true,
        interruptions: 0,
        fuel_at_start: fuel,
        charged: fuel,
        flag: Arc::default(),
        future,
    })
}

impl Running {
    /// Its turn comes now, or when it has done computing.
    pub fn look_at(&mut self, now: Ns) {
        self.due = Some(now.max(self.busy_until));
    }

    pub fn step(&mut self, now: Ns, kernel: &Kernel, pace: &Pace) -> Step {
        if now < self.busy_until {
            self.look_at(now);
            return Step::Goes;
        }
        kernel.lock().own().waits.clear();
        self.flag.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.flag));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(exit) => Step::Ended(exit),
            Poll::Pending => {
                self.charge(now, kernel, pace);
                Step::Goes
            }
        }
    }

    /// Lets what it computed take time, and sets when its turn comes.
    fn charge(&mut self, now: Ns, kernel: &Kernel, pace: &Pace) {
        let mut guard = kernel.lock();
        let own = guard.own();
        self.computes = self.flag.0.load(Ordering::Relaxed);
        if self.computes {
            self.interruptions += 1;
            own.knows_fuel_left(self.fuel_at_start.saturating_sub(self.interruptions.saturating_mul(pace.slice)));
        }
        let burnt = u128::from(self.charged - own.fuel_left);
        self.charged = own.fuel_left;
        let takes = burnt * u128::from(pace.ns_per_1000_fuel) / 1000;
        self.busy_until = now.saturating_add(Ns::try_from(takes).unwrap_or(Ns::MAX));
        let deadline = own.waits.iter().filter_map(|wait| match wait {
            Wait::Until(at) => Some(*at),
            Wait::Tcp(_) | Wait::Room(_) | Wait::Udp(_) => None,
        });
        self.due = if self.computes { Some(self.busy_until) } else { deadline.min().map(|at| at.max(self.busy_until)) };
    }
}

/// A store that tells, when it goes, what fuel it had left: a life may end by being dropped.
pub(crate) struct Living(Store<State>);

impl Living {
    fn new(engine: &Engine, state: State, fuel: u64, slice: u64) -> Result<Living, Trouble> {
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_fuel(fuel)?;
        store.fuel_async_yield_interval(Some(slice))?;
        Ok(Living(store))
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        let left = self.0.get_fuel().unwrap_or(0);
        self.0.data().kernel.lock().own().knows_fuel_left(left);
    }
}

/// A module as it is on the disk, below `/work`. Empty where there is none, which is no module.
fn module(node: &Node, path: &str) -> Vec<u8> {
    let disk = node.disk.lock().unwrap_or_else(PoisonError::into_inner);
    let found = disk.look_up(disk.root(), "work").and_then(|work| disk.look_up(work, path));
    found.and_then(|file| disk.read(file, 0, MODULE_BYTES_MAX + 1)).unwrap_or_default().to_vec()
}

async fn lives(program: ProgramPre<State>, mut living: Living) -> Exit {
    let store = &mut living.0;
    let result = async { program.instantiate_async(&mut *store).await?.call_run(&mut *store).await }.await;
    ended(result, store.data())
}

async fn module_lives(program: InstancePre<State>, mut living: Living) -> Exit {
    let store = &mut living.0;
    let result = preview1::run(&program, store).await;
    ended(result.map(|()| 0), store.data())
}

fn ended(result: wasmtime::Result<i32>, state: &State) -> Exit {
    let refused = state.memory.refused;
    match result {
        Ok(code) => exited(code, refused, &state.kernel),
        Err(error) => match error.downcast_ref::<Exited>() {
            Some(Exited(code)) => exited(*code, refused, &state.kernel),
            None => broken(&error, refused),
        },
    }
}

/// By this code, and the line below as its last words, a program's runtime says that it needed what is not here. A program
/// that says so itself fails by that, as by any other end that is not a success.
const LACKS: i32 = 86;

fn exited(code: i32, refused: bool, kernel: &Kernel) -> Exit {
    match code {
        0 => Exit::Exited(0),
        LACKS => match lacks(&kernel.lock().own().output.last_words) {
            Some(what) => Exit::Lacks(what),
            None => Exit::Exited(LACKS),
        },
        _ if refused => Exit::OutOfMemory,
        code => Exit::Exited(code),
    }
}

fn lacks(last_words: &[u8]) -> Option<String> {
    let words = String::from_utf8_lossy(last_words);
    let line = words.trim_end().rsplit('\n').next()?;
    let rest = line.strip_prefix("practicum: this program needs ")?;
    Some(rest.strip_suffix(", which the simulated lane does not have")?.to_owned())
}

fn broken(error: &wasmtime::Error, refused: bool) -> Exit {
    if error.is::<OutOfOutput>() {
        return Exit::OutOfOutput;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Exit::OutOfFuel,
        _ if refused => Exit::OutOfMemory,
        Some(trap) => Exit::Trapped(trap.to_string().trim_start_matches("wasm trap: ").to_owned()),
        None => Exit::Trapped(host::one_line(error.root_cause())),
    }
}
