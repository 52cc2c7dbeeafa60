//! Who is who: names for the ends of connections, and which of them are shown where there are too many.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use super::events::{Endpoint, Event, What};
use super::notes::Notes;
use crate::report::WireLane;

/// More than these would be no picture.
const LANES_MAX: usize = 12;
/// Characters of a name that are shown.
const NAME_CHARS_MAX: usize = 60;

/// An address that a program is known to listen on, and the program's name.
#[derive(Clone, Debug)]
pub struct Listening {
    pub program: String,
    pub address: SocketAddr,
}

impl Listening {
    fn is_at(&self, address: SocketAddr) -> bool {
        let everywhere = self.address.ip().is_unspecified() && self.address.port() == address.port();
        everywhere || self.address == address
    }
}

/// The lane of every end that occurs.
pub struct Lanes {
    of: HashMap<Endpoint, usize>,
    all: Vec<WireLane>,
}

impl Lanes {
    /// In the order of appearance, those behind the others that only take connections.
    pub fn of(events: &[Event<'_>], notes: &Notes, listening: &[Listening]) -> Lanes {
        let mut namer = Namer { notes, listening, clients: 0 };
        let mut lanes = Lanes { of: HashMap::new(), all: Vec::new() };
        // Each end, and whether it was spoken to before it spoke.
        let mut ends: Vec<(&Endpoint, bool)> = Vec::new();
        for (end, server) in events.iter().flat_map(|event| [(&event.from, false), (&event.to, true)]) {
            if !lanes.of.contains_key(end) {
                lanes.of.insert(end.clone(), usize::MAX);
                ends.push((end, server));
            }
        }
        ends.sort_by_key(|(_, server)| *server);
        for (end, server) in ends {
            let (lane, shared) = namer.lane(end, !server);
            let index = lanes.index(lane, shared);
            lanes.of.insert(end.clone(), index);
        }
        lanes
    }

    /// The index of this lane, which joins one of the same name if it may.
    fn index(&mut self, lane: WireLane, shared: bool) -> usize {
        let alike = |other: &WireLane| other.name == lane.name && (shared || other.address == lane.address);
        if let Some(index) = self.all.iter().position(alike) {
            if self.all[index].address != lane.address {
                self.all[index].address.clear();
            }
            return index;
        }
        self.all.push(lane);
        self.all.len() - 1
    }

    pub fn lane(&self, end: &Endpoint) -> usize {
        self.of[end]
    }

    /// Which lanes to show: those of `first`, then those that spoke last.
    pub fn chosen(&self, events: &[Event<'_>], first: Option<&Event<'_>>) -> Vec<bool> {
        let mut chosen = vec![false; self.all.len()];
        let mut room = LANES_MAX;
        for event in first.into_iter().chain(events.iter().rev()) {
            let new: BTreeSet<usize> =
                [&event.from, &event.to].map(|end| self.lane(end)).into_iter().filter(|lane| !chosen[*lane]).collect();
            if new.len() <= room {
                room -= new.len();
                new.into_iter().for_each(|lane| chosen[lane] = true);
            }
        }
        chosen
    }

    pub fn into_all(self) -> Vec<WireLane> {
        self.all
    }
}

struct Namer<'a> {
    notes: &'a Notes,
    listening: &'a [Listening],
    clients: usize,
}

impl Namer<'_> {
    /// A lane for this end, and whether it may be shared by others of that name.
    fn lane(&mut self, end: &Endpoint, connects: bool) -> (WireLane, bool) {
        let address = end.to_string();
        if let Some(label) = self.notes.labels.get(&address) {
            return (WireLane { name: label.chars().take(NAME_CHARS_MAX).collect(), address }, true);
        }
        let Endpoint::Address(socket) = end else {
            return (WireLane { name: address.chars().take(NAME_CHARS_MAX).collect(), address: String::new() }, true);
        };
        if let Some(listening) = self.listening.iter().find(|listening| listening.is_at(*socket)) {
            return (WireLane { name: listening.program.clone(), address }, false);
        }
        // The examiner was stopped before its last word: whoever connects is most likely one of its clients.
        if self.notes.labels.is_empty() && connects {
            self.clients += 1;
            return (WireLane { name: format!("client {}", self.clients), address }, false);
        }
        (WireLane { name: address.clone(), address }, false)
    }
}

/// Whether the event begins a connection.
pub fn begins(event: &Event<'_>) -> bool {
    matches!(event.what, What::Connect(_))
}
