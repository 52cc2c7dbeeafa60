//! The evidence: events with names, as few as explain most, and the packets as a file.
//!
//! All of it is bounded, whatever passed: lanes, events, bytes of each and bytes of the file. What is left out is
//! counted where it would stand.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::capture::{Capture, Kept};
use super::events::{self, Event, What};
use super::lanes::{Lanes, Listening, begins};
use super::notes::{Mark, Notes};
use super::packet;
use super::pcapng::{self, Entry};
use crate::report::{Evidence, WireDeed, WireDivergence, WireEvent, WireFate, WireGap};
use crate::sandbox::packets::SNAP_BYTES;

/// Events that are shown.
const EVENTS_MAX: usize = 100;
/// Of these, the first ones.
const FIRST: usize = 30;
/// Around the first difference, where that is neither among the first nor among the last.
const BEFORE_MARK: usize = 30;
const FROM_MARK: usize = 10;
/// Bytes of one event that are shown.
const SHOWN_BYTES: usize = 256;
/// The file, before it becomes base64.
const FILE_BYTES_MAX: usize = 36 << 10;
/// Of each packet in it: as many as let all of them in, or the fewest.
const PACKET_BYTES: [usize; 4] = [SNAP_BYTES, 800, 400, 192];

/// What was seen, for a case that failed; `None` when nothing passed.
pub fn evidence(capture: Capture, notes: &Notes, listening: &[Listening]) -> Option<Evidence> {
    let (packets, lost) = capture.into_kept();
    let events = all_events(&packets, notes);
    let mark = notes.mark.as_ref().and_then(|mark| divergence(&events, mark, lost));
    let lanes = Lanes::of(&events, notes, listening);
    let shown = Shown::choose(events, mark, &lanes, lost)?;
    let file = file(&packets, notes, &shown);
    Some(shown.evidence(lanes, file))
}

fn all_events<'a>(packets: &'a [Kept], notes: &Notes) -> Vec<Event<'a>> {
    let mut events = events::events(packets, &|address| notes.hides(address));
    if !notes.ledger.is_empty() {
        let connections = events.iter().map(|event| event.connection + 1).max().unwrap_or(0);
        events.extend(notes.events(connections));
        events.sort_by_key(|event| event.at);
    }
    if events.len() > EVENTS_MAX { events::merged(events) } else { events }
}

/// The marked event, and the byte in it.
type Marked = (usize, Option<u64>);

fn divergence(events: &[Event<'_>], mark: &Mark, lost: u64) -> Option<Marked> {
    let between = |event: &Event<'_>| {
        let (from, to) = (event.from.to_string(), event.to.to_string());
        (from == mark.remote && to == mark.local) || (from == mark.local && to == mark.remote)
    };
    let connection = events.iter().rev().find(|event| between(event))?.connection;
    let whole: Vec<(usize, &Event<'_>)> =
        events.iter().enumerate().filter(|(_, event)| event.connection == connection).collect();
    // Without its beginning the offsets are not the examiner's.
    let (opened, _) = *whole.iter().find(|(_, event)| begins(event) || is_datagram(event))?;
    // What was not seen may have been there.
    let unseen = lost + events[opened..].iter().map(|event| event.missing).sum::<u64>() > 0;
    let heard = || whole.iter().filter(|(_, event)| event.from.to_string() == mark.remote);
    let mut end = 0;
    for (index, event) in heard() {
        if let What::Data { offset, length, .. } = event.what {
            // Datagrams are counted through, which takes all of them.
            let offset = match offset {
                None if unseen => return None,
                offset => offset.unwrap_or(end),
            };
            if mark.offset >= offset && mark.offset - offset < length {
                return Some((*index, Some(mark.offset - offset)));
            }
            end = end.max(offset.saturating_add(length));
        }
    }
    if mark.offset < end || unseen && mark.offset > end {
        return None;
    }
    let ended = heard().rev().find(|(_, event)| matches!(event.what, What::Fin | What::Reset));
    ended.or(whole.last()).map(|(index, _)| (*index, None))
}

fn is_datagram(event: &Event<'_>) -> bool {
    matches!(event.what, What::Data { offset: None, .. })
}

/// The events that are shown, and what is left out.
struct Shown<'a> {
    events: Vec<Event<'a>>,
    gaps: Vec<WireGap>,
    mark: Option<Marked>,
    lanes: Vec<bool>,
    connections_left_out: u64,
}

impl<'a> Shown<'a> {
    fn choose(events: Vec<Event<'a>>, mark: Option<Marked>, lanes: &Lanes, lost: u64) -> Option<Shown<'a>> {
        let chosen = lanes.chosen(&events, mark.map(|(index, _)| &events[index]));
        let on_lane = |event: &Event<'_>| chosen[lanes.lane(&event.from)] && chosen[lanes.lane(&event.to)];
        let others: BTreeSet<usize> =
            events.iter().filter(|event| !on_lane(event)).map(|event| event.connection).collect();
        let remaining: Vec<usize> = (0..events.len()).filter(|index| on_lane(&events[*index])).collect();
        let place = |index: usize| remaining.iter().position(|other| *other == index);
        let wanted = wanted(remaining.len(), mark.and_then(|(index, _)| place(index)));
        let wanted: BTreeSet<usize> = remaining.iter().zip(wanted).filter(|(_, is)| *is).map(|(at, _)| *at).collect();

        let mut shown = Shown {
            events: Vec::new(),
            gaps: Vec::new(),
            mark: None,
            lanes: chosen.clone(),
            connections_left_out: others.len() as u64,
        };
        let mut gap = WireGap { before: 0, events: 0, packets: 0 };
        for (index, event) in events.into_iter().enumerate() {
            gap.packets += event.missing;
            if !wanted.contains(&index) {
                // Those of other lanes are counted as connections.
                gap.events += u64::from(chosen[lanes.lane(&event.from)] && chosen[lanes.lane(&event.to)]);
                continue;
            }
            gap = shown.close(gap);
            if let Some((marked, byte)) = mark
                && marked == index
            {
                shown.mark = Some((shown.events.len(), byte));
            }
            shown.events.push(event);
        }
        gap.packets += lost;
        shown.close(gap);
        (!shown.events.is_empty()).then_some(shown)
    }

    fn close(&mut self, gap: WireGap) -> WireGap {
        if gap.events > 0 || gap.packets > 0 {
            self.gaps.push(WireGap { before: self.events.len() as u32, ..gap });
        }
        WireGap { before: 0, events: 0, packets: 0 }
    }

    fn evidence(self, lanes: Lanes, capture: Option<String>) -> Evidence {
        let began = self.events.iter().map(|event| event.at).min().unwrap_or_default();
        let mut connections = Vec::new();
        let mut renumber = |connection: usize| {
            if !connections.contains(&connection) {
                connections.push(connection);
            }
            connections.iter().position(|known| *known == connection).unwrap_or(0) as u32
        };
        let number = |lane: usize| self.lanes[..lane].iter().filter(|shown| **shown).count() as u32;
        let told = self.events.iter().enumerate().map(|(index, event)| {
            let byte = self.mark.filter(|(marked, _)| *marked == index).and_then(|(_, byte)| byte);
            WireEvent {
                at_us: (event.at - began).as_micros() as u64,
                from: number(lanes.lane(&event.from)),
                to: number(lanes.lane(&event.to)),
                connection: renumber(event.connection),
                what: deed(&event.what, byte),
                fate: WireFate::Seen,
            }
        });
        let events = told.collect();
        let divergence = self.mark.map(|(event, byte)| WireDivergence { event: event as u32, byte });
        let lanes = lanes.into_all().into_iter().zip(&self.lanes).filter(|(_, is)| **is).map(|(lane, _)| lane);
        Evidence::Wire {
            title: "What passed on the network".to_owned(),
            lanes: lanes.collect(),
            events,
            left_out: self.gaps,
            connections_left_out: self.connections_left_out,
            divergence,
            capture,
            run: None,
        }
    }
}

/// Which of so many events to show.
fn wanted(count: usize, mark: Option<usize>) -> Vec<bool> {
    let last = count.saturating_sub(EVENTS_MAX - FIRST);
    let far = mark.filter(|mark| (FIRST..last).contains(mark) && count > EVENTS_MAX);
    let last = if far.is_some() { last + BEFORE_MARK + FROM_MARK } else { last };
    let near = |index: usize| far.is_some_and(|mark| (mark - BEFORE_MARK.min(mark)..mark + FROM_MARK).contains(&index));
    (0..count).map(|index| index < FIRST || index >= last || near(index)).collect()
}

fn deed(what: &What<'_>, byte: Option<u64>) -> WireDeed {
    match what {
        What::Connect(answer) => WireDeed::Connect { answer: *answer },
        What::Data { offset, length, segments, kept } => {
            let (start, shown) = window(kept, byte);
            let (length, shown_from, shown) = (*length, start as u64, BASE64_STANDARD.encode(shown));
            match offset {
                Some(offset) => WireDeed::Data { offset: *offset, length, segments: *segments, shown_from, shown },
                None => WireDeed::Datagram { length, shown_from, shown },
            }
        }
        What::Fin => WireDeed::Fin,
        What::Reset => WireDeed::Reset,
        What::Nobody => WireDeed::Nobody,
    }
}

/// The first bytes, or those around `byte` where it would not be among them.
fn window(kept: &[u8], byte: Option<u64>) -> (usize, &[u8]) {
    let byte = byte.and_then(|byte| usize::try_from(byte).ok()).filter(|byte| *byte < kept.len()).unwrap_or(0);
    let start = if byte < SHOWN_BYTES { 0 } else { byte - SHOWN_BYTES / 2 };
    (start, &kept[start..kept.len().min(start + SHOWN_BYTES)])
}

/// The packets as a pcapng file, base64; `None` when there are none.
fn file(packets: &[Kept], notes: &Notes, shown: &Shown<'_>) -> Option<String> {
    let open: Vec<(usize, &Kept)> = packets
        .iter()
        .enumerate()
        .filter(|(_, kept)| {
            packet::parse(&kept.bytes).is_none_or(|packet| !notes.hides(packet.from) && !notes.hides(packet.to))
        })
        .collect();
    let weight = |bytes: usize, most: usize| bytes.min(most) + pcapng::BLOCK_BYTES;
    let fits =
        |most: &usize| open.iter().map(|(_, kept)| weight(kept.bytes.len(), *most)).sum::<usize>() <= FILE_BYTES_MAX;
    let fewest = PACKET_BYTES[PACKET_BYTES.len() - 1];
    let (most, left_out) = match PACKET_BYTES.into_iter().find(fits) {
        Some(most) => (most, 0),
        None => (fewest, open.len().saturating_sub(FILE_BYTES_MAX / weight(fewest, fewest))),
    };
    let first = (open.len() - left_out) / 3;
    let cut = first..first + left_out;
    let marked = shown.mark.and_then(|(event, byte)| Some((shown.events[event].only_packet()?, byte)));
    let mut missing = 0;
    let entries = open.into_iter().enumerate().filter_map(|(place, (index, kept))| {
        missing += kept.missing;
        if cut.contains(&place) {
            missing += 1;
            return None;
        }
        let mark = marked.filter(|(packet, _)| *packet == index).map(|(_, byte)| byte);
        Some(Entry {
            at: kept.at,
            whole_length: packet::whole_length(&kept.bytes),
            bytes: &kept.bytes[..kept.bytes.len().min(most)],
            comment: comment(std::mem::take(&mut missing), mark),
        })
    });
    let entries: Vec<Entry<'_>> = entries.collect();
    (!entries.is_empty()).then(|| BASE64_STANDARD.encode(pcapng::file(SNAP_BYTES as u32, entries)))
}

fn comment(missing: u64, mark: Option<Option<u64>>) -> Option<String> {
    let gap = (missing > 0).then(|| format!("{missing} packets before this one were not kept."));
    let mark = mark.map(|byte| match byte {
        Some(byte) => format!("The first difference is at byte {byte} of what this packet carries."),
        None => "What was awaited did not come: this came last.".to_owned(),
    });
    let said: Vec<String> = gap.into_iter().chain(mark).collect();
    (!said.is_empty()).then(|| said.join(" "))
}
