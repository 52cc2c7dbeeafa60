//! All that happened in a run, as events: a packet's sending and its end are one.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use simulation::words::{Cluster, Deed, Exit, Happened, Ns, Packet, Ran, SHOWN_BYTES_MAX, What};

use super::{us, words};
use crate::report::{Answered, WireDeed, WireEvent, WireFate, WireMark};

/// Events in order of time.
pub struct Story {
    pub events: Vec<WireEvent>,
    /// Of what happened before them, or behind them, that nobody kept.
    pub missing_before: u64,
    pub missing_behind: u64,
}

impl Story {
    pub fn of(cluster: &Cluster, ran: &Ran) -> Story {
        let mut teller = Teller { nodes: cluster.nodes.len(), ..Teller::default() };
        if !ran.trace.is_empty() {
            // A client tells of an operation before it sends anything.
            teller.reports(ran);
            ran.trace.iter().for_each(|happened| teller.tell(happened));
            teller.last_waits(ran);
        }
        // Of two at one time, that which was told first stays the first.
        teller.events.sort_by_key(|(at, _)| *at);
        let missing = ran.trace_left_out;
        let (missing_before, missing_behind) = if teller.headless { (missing, 0) } else { (0, missing) };
        let events = teller.events.into_iter().map(|(_, event)| event).collect();
        Story { events, missing_before, missing_behind }
    }
}

#[derive(Default)]
struct Teller {
    nodes: usize,
    events: Vec<(Ns, WireEvent)>,
    /// Where the event of a packet is.
    packets: BTreeMap<u64, usize>,
    /// Of each connection the event that began it, and who began it.
    opened: BTreeMap<u64, (usize, usize)>,
    /// Connections in the order in which they were seen.
    connections: BTreeMap<Channel, u32>,
    /// Nodes that have been started once.
    started: BTreeSet<usize>,
    /// Nodes whose machine loses power now.
    powerless: BTreeSet<usize>,
    /// What was written last, by whom and when, if that is the last event.
    written: Option<(Ns, usize, String)>,
    /// Whether something came to its end whose beginning is missing.
    headless: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Channel {
    Stream(u64),
    Datagrams(usize, usize),
}

impl Teller {
    fn tell(&mut self, happened: &Happened) {
        let at = happened.at;
        if !matches!(happened.what, What::Wrote { .. }) {
            self.written = None;
        }
        match &happened.what {
            What::Started { node } => {
                self.powerless.remove(node);
                let again = if self.started.insert(*node) { "starts" } else { "starts again" };
                self.mark(at, *node, WireMark::Started, again.to_owned());
            }
            // What it waits for is told in the end.
            What::Ended { exit: Exit::Running { .. }, .. } => {}
            What::Ended { node, exit } => {
                let (mark, words) = words::exit(exit);
                let powerless = mark == WireMark::Killed && self.powerless.contains(node);
                let words = if powerless { "loses power".to_owned() } else { words };
                self.mark(at, *node, mark, words);
            }
            What::Wrote { node, text, .. } => self.wrote(at, *node, text),
            What::Did { deed } => self.deed(at, deed),
            What::Sent { packet, from, to, carries } => self.sent(at, *packet, *from, *to, carries),
            What::Lost { packet } => self.fate(*packet, WireFate::Lost),
            What::Arrived { packet } => self.fate(*packet, WireFate::Arrived { at_us: us(at) }),
            What::Refused { packet } => {
                self.fate(*packet, WireFate::Refused { at_us: us(at) });
                if let Some(index) = self.packets.get(packet) {
                    self.answer(*index, Answered::Refused);
                }
            }
        }
    }

    fn deed(&mut self, at: Ns, deed: &Deed) {
        let (node, mark, words) = match deed {
            // How the life ended that follows.
            Deed::PowerLoss(node) => {
                self.powerless.insert(*node);
                return;
            }
            Deed::Pause(node) => (*node, WireMark::Paused, "is paused".to_owned()),
            Deed::Resume(node) => (*node, WireMark::Resumed, "goes on".to_owned()),
            Deed::Skew { node, by } => {
                let way = if *by < 0 { "back" } else { "forth" };
                (*node, WireMark::Changed, format!("its clock jumps {} {way}", words::time(by.unsigned_abs())))
            }
            Deed::DiskFull { node, full } => {
                let words = if *full { "its disk is full" } else { "its disk has room again" };
                (*node, WireMark::Changed, words.to_owned())
            }
            Deed::SyncLies { node, lies } => {
                let words =
                    if *lies { "its disk no longer syncs, and says that it does" } else { "its disk syncs again" };
                (*node, WireMark::Changed, words.to_owned())
            }
            // Told by a life, or as a time of the network.
            Deed::Kill(_) | Deed::Restart(_) => return,
            Deed::Partition(_) | Deed::Deafen { .. } | Deed::Heal | Deed::Network(_) => return,
        };
        self.mark(at, node, mark, words);
    }

    fn sent(&mut self, at: Ns, packet: u64, from: usize, to: usize, carries: &Packet) {
        let what = match carries {
            Packet::Syn { connection, .. } => {
                self.opened.insert(*connection, (self.events.len(), from));
                WireDeed::Connect { answer: Answered::Nothing }
            }
            Packet::SynAck { connection } => {
                let opened = self.opened.get(connection).map(|(index, _)| *index);
                return opened.into_iter().for_each(|index| self.answer(index, Answered::Accepted));
            }
            Packet::Rst { connection } => match self.opened.get(connection) {
                Some((index, who)) if *who != from && !self.accepted(*index) => {
                    return self.answer(*index, Answered::Refused);
                }
                _ => WireDeed::Reset,
            },
            Packet::Fin { .. } => WireDeed::Fin,
            Packet::Data { offset, length, shown, .. } => {
                let (offset, length, shown) = (*offset, *length, checked(shown));
                WireDeed::Data { offset, length, segments: 1, shown_from: 0, shown }
            }
            Packet::Datagram { length, shown, .. } => {
                WireDeed::Datagram { length: *length, shown_from: 0, shown: checked(shown) }
            }
        };
        let channel = match carries {
            Packet::Syn { connection, .. }
            | Packet::SynAck { connection }
            | Packet::Data { connection, .. }
            | Packet::Fin { connection }
            | Packet::Rst { connection } => Channel::Stream(*connection),
            Packet::Datagram { .. } => Channel::Datagrams(from.min(to), from.max(to)),
        };
        self.packets.insert(packet, self.events.len());
        let next = self.connections.len() as u32;
        let connection = *self.connections.entry(channel).or_insert(next);
        self.push(at, (from, to), connection, what, WireFate::UnderWay);
    }

    /// What a program writes piece by piece at one time is one event.
    fn wrote(&mut self, at: Ns, node: usize, text: &str) {
        let before = self.written.take().filter(|(when, who, _)| (*when, *who) == (at, node));
        let continued = before.is_some();
        let whole = before.map_or_else(String::new, |(_, _, text)| text) + text;
        match self.events.last_mut() {
            Some((_, WireEvent { what: WireDeed::Mark { words, .. }, .. })) if continued => {
                *words = words::output(&whole)
            }
            _ if whole.trim().is_empty() => return,
            _ => self.mark(at, node, WireMark::Wrote, words::output(&whole)),
        }
        self.written = Some((at, node, whole));
    }

    fn mark(&mut self, at: Ns, node: usize, mark: WireMark, words: String) {
        self.push(at, (node, node), 0, WireDeed::Mark { mark, words }, WireFate::Seen);
    }

    fn push(&mut self, at: Ns, (from, to): (usize, usize), connection: u32, what: WireDeed, fate: WireFate) {
        let lane = |node: usize| node.min(self.nodes.saturating_sub(1)) as u32;
        let event = WireEvent { at_us: us(at), from: lane(from), to: lane(to), connection, what, fate };
        self.events.push((at, event));
    }

    fn fate(&mut self, packet: u64, fate: WireFate) {
        match self.packets.get(&packet) {
            Some(index) => self.events[*index].1.fate = fate,
            // Also that of an answer, which is no event.
            None => self.headless |= self.packets.is_empty(),
        }
    }

    fn answer(&mut self, index: usize, how: Answered) {
        if let Some((_, WireEvent { what: WireDeed::Connect { answer }, .. })) = self.events.get_mut(index) {
            *answer = how;
        }
    }

    fn accepted(&self, index: usize) -> bool {
        let accepted = WireDeed::Connect { answer: Answered::Accepted };
        self.events.get(index).is_some_and(|(_, event)| event.what == accepted)
    }

    /// What the suite's own programs told.
    fn reports(&mut self, ran: &Ran) {
        let mut reports = words::Reports::default();
        for report in &ran.reports {
            if let Some(words) = reports.words(report.node, &report.line) {
                self.mark(report.at, report.node, WireMark::Wrote, words);
            }
        }
    }

    /// What everybody waits for that still runs.
    fn last_waits(&mut self, ran: &Ran) {
        for (node, told) in ran.nodes.iter().enumerate() {
            if let Some(Exit::Running { waits }) = told.lives.last().map(|life| &life.exit) {
                self.mark(ran.at, node, WireMark::Changed, words::waiting(waits));
            }
        }
    }
}

/// Base64 of as many bytes as are shown; empty where it is none.
fn checked(shown: &str) -> String {
    let bytes = BASE64_STANDARD.decode(shown).unwrap_or_default();
    BASE64_STANDARD.encode(&bytes[..bytes.len().min(SHOWN_BYTES_MAX)])
}
