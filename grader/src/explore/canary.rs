//! A program of ours that is run among the student's, in the same process: whether schedules are really carried out there.
//!
//! Two threads compute on one attribute without a lock, so what comes out tells in which order they read and wrote. The
//! transcript, which is verified, tells that order too, and the rest is arithmetic: whoever has made the scheduler blind,
//! or answers by himself, does not know that this program is none of the student's.

use schedules::words::{Body, Granularity, Limits, Ran, Scenario, Subject};
use schedules::{Entry, Plan, Thread, Transcript, Why};
use serde_json::{Value, json};

/// Products and sums are taken modulo this prime, so that numbers stay small.
const MODULUS: u64 = 999_983;
/// How often each thread computes.
const ROUNDS: u64 = 5;

/// One such program.
#[derive(Debug)]
pub struct Canary {
    pub scenario: Scenario,
    start: u64,
    /// Each thread's factor and summand.
    numbers: [(u64, u64); 2],
    seed: u32,
}

/// Names for the module, its class, attribute and function, and for the driver, as students and authors choose them.
const NAMES: [[&str; 5]; 4] = [
    ["counter", "Counter", "value", "advance", "advancing"],
    ["account", "Account", "balance", "book", "booking"],
    ["stock", "Stock", "count", "change", "changing"],
    ["meter", "Meter", "reading", "update", "updating"],
];

impl Canary {
    pub fn new(drawn: [u32; 2], seed: u32) -> Canary {
        let part = |number: u32, shift: u32| u64::from(number >> shift & 0x3ff) + 2;
        let numbers = drawn.map(|number| (part(number, 0), part(number, 10)));
        let start = part(drawn[0], 20);
        let [module, class, value, function, driver] = NAMES[seed as usize % NAMES.len()];
        let text = format!(
            "class {class}:\n    def __init__(self, {value}):\n        self.{value} = {value}\n\n    \
             def {function}(self, factor, summand):\n        for _ in range({ROUNDS}):\n            \
             self.{value} = (self.{value} * factor + summand) % {MODULUS}\n"
        );
        let source = format!(
            "def {driver}(module, start, pairs):\n    it = module.{class}(start)\n    \
             threads(*[lambda pair=pair: it.{function}(*pair) for pair in pairs])\n    return it.{value}\n"
        );
        let arguments = json!({"start": start, "pairs": numbers.map(|(factor, summand)| [factor, summand])});
        let Value::Object(arguments) = arguments else { unreachable!("written as one") };
        let body =
            Body::Driver { name: format!("drivers/{module}.py"), source, function: driver.to_owned(), arguments };
        let scenario = Scenario {
            subject: Subject::Text { name: format!("{module}.py"), text },
            body,
            granularity: Granularity::Shared,
            sleepers_may_wake: true,
            limits: Limits::default(),
            seed,
        };
        Canary { scenario, start, numbers, seed }
    }

    /// One that asks at every point.
    pub fn plans(&self) -> [Plan; 1] {
        match self.seed / 4 % 2 {
            0 => [Plan::Walk { seed: self.seed, synchronisation: 500, memory: 1000 }],
            _ => [Plan::Pos { seed: self.seed }],
        }
    }

    /// Why the run is void, where it is.
    pub fn judge(&self, ran: &Ran, transcript: &Transcript) -> Result<(), String> {
        let choice = |entry: &&Entry| matches!(entry, Entry::Chosen { why: Why::Point, .. });
        // As long as both are there, there is a choice at every point, and one of them is there until its end.
        let choices = transcript.entries.iter().filter(choice).count() as u64;
        let enough = choices >= 2 * ROUNDS;
        if enough && ran.outcome == Some(json!(self.outcome(transcript))) && ran.facts.is_empty() {
            return Ok(());
        }
        Err("a program whose outcome is known came to another one in the same process".to_owned())
    }

    /// What comes out of the order that the transcript tells.
    fn outcome(&self, transcript: &Transcript) -> u64 {
        let mut threads = self.numbers.map(|(factor, summand)| Computing { factor, summand, read: 0, done: 0 });
        let mut value = self.start;
        let mut current = Thread(0);
        let mut goes_on = |thread: Thread, until| {
            let place = usize::from(thread.0).checked_sub(1);
            if let Some(thread) = place.and_then(|place| threads.get_mut(place)) {
                thread.goes_on(until, &mut value);
            }
        };
        for entry in &transcript.entries {
            let (me, then) = match entry {
                Entry::Armed { me, .. } => (*me, None),
                Entry::Chosen { me, step, next, .. } => (*me, (me != next).then_some((*step, *next))),
                Entry::Started(_) | Entry::GaveWay(_) => continue,
            };
            if me != current {
                // Its end left nobody but one, so that nobody was asked.
                goes_on(current, u64::MAX);
                current = me;
            }
            if let Some((step, next)) = then {
                // The operation of the step itself is still to come.
                goes_on(me, u64::from(step).saturating_sub(1));
                current = next;
            }
        }
        [current, Thread(1), Thread(2)].into_iter().for_each(|thread| goes_on(thread, u64::MAX));
        value
    }
}

/// A thread: it reads at odd steps and writes at even ones.
struct Computing {
    factor: u64,
    summand: u64,
    read: u64,
    done: u64,
}

impl Computing {
    fn goes_on(&mut self, until: u64, value: &mut u64) {
        let until = until.min(2 * ROUNDS);
        while self.done < until {
            match self.done % 2 {
                0 => self.read = *value,
                _ => *value = (self.read * self.factor + self.summand) % MODULUS,
            }
            self.done += 1;
        }
    }
}
