//! The explorer of schedules as an applet: what is said to it, and how it speaks with its worker.
//!
//! The library gives a task, and a worker whenever another one is wanted: a process beside the student's code, whose
//! channel comes along. Then it waits as one waits for any program, and is asked what only the suite can say: whether
//! what was seen is a failure. All that is decided is decided in [`crate::explore`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::event::{PollFd, PollFlags};
use schedules::Plan;
use schedules::seal::{SEAL_BYTES, Seal};
use schedules::words::{self, Fact, Ran, Scenario};
use serde::{Deserialize, Serialize};

use crate::channel::{Channel, Frame};
use crate::explore::{
    self, Certificate, Explored, Explorer, Found, Kind, Outcome, Sample, Seen, Shown, Task, Trouble, Worker,
};
use crate::report::Evidence;
use crate::report::schedule::Finding;

/// From the library.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Order {
    /// Comes first. With a token, that one schedule alone is run.
    Explore { task: Box<Task>, replay: Option<String> },
    /// Comes first too. Runs samples again; in the tail is a list of [`Explored`].
    Repeat,
    /// Shows a schedule for the outcome of that number, which fails: by its history, or else by what was seen.
    Show { outcome: usize, history: bool },
    /// A worker, as wanted; its channel comes along.
    Worker,
    /// The submission's files by name, as wanted: JSON in the tail.
    Sources,
    /// Whether what was seen fails.
    Judged(bool),
}

/// To the library. What may be large is in the tail, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    WantWorker,
    WantSources,
    /// [`Seen`] comes along.
    Judge,
    /// [`Results`] come along.
    Explored {
        schedules: u32,
        certificates: Vec<Option<Certificate>>,
    },
    /// A [`Picture`] comes along.
    Shown,
    /// All samples showed the same again.
    Repeated,
    /// The module cannot be run, in words.
    Refused(String),
    /// The schedule to repeat is none of this exploration's, in words.
    Unknown(String),
    /// The worker has ended, in the middle of the schedule of that token.
    Ended(Option<String>),
    /// The student's fault, in words.
    Failed(String),
    Void(String),
}

/// Of an exploration in which nothing failed by itself.
#[derive(Debug, Serialize)]
struct Results<'a> {
    outcomes: Vec<&'a Outcome>,
    samples: Vec<&'a Sample>,
}

/// A schedule to be looked at.
#[derive(Debug, Serialize)]
struct Picture {
    seen: Seen,
    /// What it fails by, where a fact is enough: its kind and in words.
    fact: Option<(Kind, String)>,
    /// As Python prints an exception that ended a thread.
    traceback: Option<String>,
    evidence: Evidence,
}

/// Obeys the orders of `channel` until it ends.
pub fn run(mut channel: Channel) -> io::Result<()> {
    let Some(first) = channel.receive()? else { return Ok(()) };
    let mut bench = Bench { library: channel, worker: None };
    let (task, replay) = match first.head()? {
        Order::Explore { task, replay } => (task, replay),
        Order::Repeat => return repeat(&mut bench, &first.tail),
        _ => return Err(out_of_place()),
    };
    let mut explorer = Explorer::new(*task, bench);
    let mut said = match replay {
        None => explore(&mut explorer),
        Some(token) => explorer.replay(&token).and_then(|shown| show(&mut explorer, &shown, Finding::Observation)),
    };
    loop {
        match said {
            Ok(()) => {}
            Err(Trouble::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(trouble) => {
                let token = explorer.token_of_trouble();
                tell(explorer.worker(), trouble, token)?;
            }
        }
        let Some(order) = explorer.worker().library.receive()? else { return Ok(()) };
        let Order::Show { outcome, history } = order.head()? else { return Err(out_of_place()) };
        let shown = explorer.show(outcome, &mut Bench::judge);
        let finding = if history { Finding::History } else { Finding::Observation };
        said = shown.and_then(|shown| show(&mut explorer, &shown, finding));
    }
}

fn explore(explorer: &mut Explorer<Bench>) -> Result<(), Trouble> {
    match explorer.explore()? {
        Found::Failed(shown) => show(explorer, &shown, Finding::Observation),
        Found::Explored(certificates) => {
            let results = Results { outcomes: explorer.outcomes().collect(), samples: explorer.samples() };
            let tail = serde_json::to_vec(&results).expect("outcomes are plain data");
            let schedules = explorer.schedules();
            Ok(explorer.worker().say(&Word::Explored { schedules, certificates }, &tail)?)
        }
    }
}

/// Runs the samples of a whole case again.
fn repeat(bench: &mut Bench, explored: &[u8]) -> io::Result<()> {
    let explored: Vec<Explored> = serde_json::from_slice(explored).map_err(io::Error::other)?;
    let said = explore::repeat(bench, &explored).and_then(|()| Ok(bench.say(&Word::Repeated, b"")?));
    match said {
        Err(Trouble::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(trouble) => tell(bench, trouble, None),
        Ok(()) => bench.library.receive().map(drop),
    }
}

/// Tells all of one schedule, which fails by a fact or, without one, as said.
fn show(explorer: &mut Explorer<Bench>, shown: &Shown, otherwise: Finding<'_>) -> Result<(), Trouble> {
    let library = explorer.worker();
    library.say(&Word::WantSources, b"")?;
    let frame = library.answer()?;
    let Order::Sources = frame.head()? else { return Err(out_of_place().into()) };
    let sources: BTreeMap<String, String> = serde_json::from_slice(&frame.tail).map_err(io::Error::other)?;
    let seen = shown.seen();
    let evidence = shown.evidence(otherwise, &sources);
    let words = match &evidence {
        Evidence::Schedule(schedule) => schedule.facts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let traceback = match &shown.fact {
        Some(Fact::Exception { raised, .. }) => raised.traceback.clone(),
        _ => None,
    };
    let fact = shown.fact.as_ref().map(|fact| (Kind::of(fact), words));
    let picture = Picture { seen, fact, traceback, evidence };
    let tail = serde_json::to_vec(&picture).expect("a picture is plain data");
    Ok(explorer.worker().say(&Word::Shown, &tail)?)
}

/// What went wrong, to the library; what is ours is ours.
fn tell(bench: &mut Bench, trouble: Trouble, token: Option<String>) -> io::Result<()> {
    let word = match trouble {
        Trouble::Io(error) => return Err(error),
        Trouble::Refused(reason) => Word::Refused(reason),
        Trouble::Unknown(reason) => Word::Unknown(reason),
        Trouble::Ended => Word::Ended(token),
        Trouble::Failed(reason) => Word::Failed(reason),
        Trouble::Void(reason) => Word::Void(reason),
    };
    match bench.say(&word, b"") {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        result => result,
    }
}

fn out_of_place() -> io::Error {
    io::Error::other("out of place")
}

/// Both channels: to the library, and to the worker that it gave.
#[derive(Debug)]
struct Bench {
    library: Channel,
    /// And the sum over what has passed between the two.
    worker: Option<(Channel, Seal)>,
}

impl Bench {
    fn say(&mut self, word: &Word, tail: &[u8]) -> io::Result<()> {
        self.library.send(word, tail, &[]).map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }

    /// What the library answers.
    fn answer(&mut self) -> io::Result<Frame> {
        self.library.receive()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Whether the suite says that it fails.
    fn judge(&mut self, ran: &Ran) -> Result<bool, Trouble> {
        let seen = serde_json::to_vec(&Seen::of(ran)).expect("what came as JSON is JSON");
        self.say(&Word::Judge, &seen)?;
        match self.answer()?.head()? {
            Order::Judged(fails) => Ok(fails),
            _ => Err(out_of_place().into()),
        }
    }

    fn command(&mut self, order: &words::Order) -> Result<(), Trouble> {
        let (worker, seal) = self.worker.as_mut().ok_or(Trouble::Ended)?;
        seal.order(order);
        // Where it has closed, it has ended, and nobody else is to be blamed.
        worker.send(order, b"", &[]).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Trouble::Failed("what is to be run is too large".to_owned()),
            _ => Trouble::Ended,
        })
    }

    /// The worker's next answer. Whoever waits for this program is the library, so its end is one here too.
    fn heard(&mut self) -> Result<(words::Answer, Vec<u8>), Trouble> {
        let broken =
            |error: io::Error| Trouble::Void(format!("the worker's channel was used by somebody else: {error}"));
        let (worker, seal) = self.worker.as_mut().ok_or(Trouble::Ended)?;
        loop {
            if let Some(frame) = worker.try_receive().map_err(broken)? {
                let head: serde_json::Value = frame.head().map_err(broken)?;
                let parts = frame.tail.split_at_checked(SEAL_BYTES);
                let genuine = parts.is_some_and(|(sealed, transcript)| seal.answer(&head, transcript) == sealed);
                let (Some((_, transcript)), true) = (parts, genuine) else {
                    return Err(Trouble::Void("somebody else answered in the place of the scheduler".to_owned()));
                };
                let answer = frame.head().map_err(broken)?;
                return Ok((answer, transcript.to_vec()));
            }
            if worker.ended() {
                return Err(Trouble::Ended);
            }
            let mut polled = [PollFd::new(worker, PollFlags::IN), PollFd::new(&self.library, PollFlags::IN)];
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, None)).map_err(io::Error::from)?;
            // Nothing is said while we are waited for.
            if !polled[1].revents().is_empty() {
                return Err(Trouble::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

/// One that nobody knows, for one worker.
fn key() -> io::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Worker for Bench {
    fn fresh(&mut self) -> Result<(), Trouble> {
        self.worker = None;
        self.say(&Word::WantWorker, b"")?;
        let frame = self.answer()?;
        let Order::Worker = frame.head()? else { return Err(out_of_place().into()) };
        let worker = frame.descriptors.into_iter().next().map(Channel::new).ok_or_else(out_of_place)?;
        let key = key()?;
        // Before any order, so before any of the student's code is there.
        worker.send(&words::Order::Key(key.clone()), b"", &[]).map_err(|_| Trouble::Ended)?;
        self.worker = Some((worker, Seal::new(&key)));
        Ok(())
    }

    fn open(&mut self, scenario: &Scenario) -> Result<u32, Trouble> {
        self.command(&words::Order::Scenario(scenario.clone()))?;
        match self.heard()?.0 {
            words::Answer::Ready { sources } => Ok(sources),
            words::Answer::Refused { reason } => Err(Trouble::Refused(reason)),
            words::Answer::Ran(_) => Err(Trouble::Void("a schedule was answered that nobody ordered".to_owned())),
        }
    }

    fn order(&mut self, plans: &[Plan], record: bool) -> Result<(), Trouble> {
        self.command(&words::Order::Run { plans: plans.to_vec(), record })
    }

    fn next(&mut self) -> Result<(Ran, Vec<u8>), Trouble> {
        match self.heard()? {
            (words::Answer::Ran(ran), transcript) => Ok((*ran, transcript)),
            _ => Err(Trouble::Void("something else was answered than the schedule that was ordered".to_owned())),
        }
    }
}
