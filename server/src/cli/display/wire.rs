//! What passed on a case's network, as text: a sequence diagram where few took part, else a line for each event.
//!
//! ```text
//! client 1                      server 127.0.0.1:7000
//! │────────────── SYN ─────────────▶│
//! │──────── 5 bytes "hello" ───────▶│
//! ```

use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use grader::report::{Answered, WireDeed, WireDivergence, WireEvent, WireGap, WireLane};

use super::printable;

/// Events that are shown: the first of them, and those up to the end or a little behind the first difference.
const EVENTS_MAX: usize = 40;
const FIRST: usize = 10;
const BEHIND_MARK: usize = 5;
/// More lanes than these stand in no line.
const COLUMNS_MAX: usize = 4;
/// Characters between the first lane and the last.
const WIDTH: usize = 84;
/// Characters between two neighbours, at most.
const LANE_WIDTH_MAX: usize = 56;
/// Shown of what an event carries, where no column says otherwise.
const SHOWN_CHARS: usize = 48;
const MARGIN: &str = "      ";

/// The parts of the evidence.
pub struct Wire<'a> {
    pub lanes: &'a [WireLane],
    pub events: &'a [WireEvent],
    pub left_out: &'a [WireGap],
    pub connections_left_out: u64,
    pub divergence: Option<WireDivergence>,
}

pub fn write(text: &mut String, wire: &Wire<'_>) {
    let _ = writeln!(text, "{MARGIN}on the network:");
    let columns = (2..=COLUMNS_MAX).contains(&wire.lanes.len()).then(|| Columns::new(wire));
    if let Some(columns) = &columns {
        let _ = writeln!(text, "{MARGIN}{}", columns.head(wire));
    }
    let mut unshown = 0;
    for (index, event) in wire.events.iter().enumerate() {
        if !wire.shows(index) {
            unshown += 1;
            continue;
        }
        left_out(text, std::mem::take(&mut unshown), wire.gap(index));
        let mark = wire.divergence.filter(|mark| mark.event as usize == index);
        let line = match &columns {
            Some(columns) => columns.arrow(event),
            None => wire.line(event),
        };
        let _ = writeln!(text, "{}{line}", if mark.is_some() { "     >" } else { MARGIN });
        if let Some(mark) = mark {
            let _ = writeln!(text, "     > {}", said(mark, event));
        }
    }
    left_out(text, unshown, wire.gap(wire.events.len()));
    if wire.connections_left_out > 0 {
        let _ = writeln!(text, "{MARGIN}… and {} not shown", counted(wire.connections_left_out, "connection"));
    }
}

impl Wire<'_> {
    fn shows(&self, index: usize) -> bool {
        let marked = self.divergence.map(|mark| mark.event as usize + 1 + BEHIND_MARK);
        let end = marked.unwrap_or(usize::MAX).max(EVENTS_MAX).min(self.events.len());
        let start = (end + FIRST).saturating_sub(EVENTS_MAX);
        index < FIRST || (start..end).contains(&index)
    }

    /// Events and packets that are missing before this event.
    fn gap(&self, index: usize) -> (u64, u64) {
        let gaps = self.left_out.iter().filter(|gap| gap.before as usize == index);
        gaps.fold((0, 0), |(events, packets), gap| (events + gap.events, packets + gap.packets))
    }

    /// A lane by its name, with its address where others connect to it.
    fn name(&self, lane: u32) -> String {
        let Some(WireLane { name, address }) = self.lanes.get(lane as usize) else { return "?".to_owned() };
        let serves = |event: &&WireEvent| {
            event.to == lane && matches!(event.what, WireDeed::Connect { .. } | WireDeed::Datagram { .. })
        };
        match self.events.iter().find(serves) {
            Some(_) if !address.is_empty() && address != name => printable(&format!("{name} {address}")),
            _ => printable(name),
        }
    }

    fn line(&self, event: &WireEvent) -> String {
        format!("{} → {}: {}", self.name(event.from), self.name(event.to), label(&event.what, SHOWN_CHARS))
    }
}

pub fn left_out(text: &mut String, unshown: u64, (events, packets): (u64, u64)) {
    let parts = [(unshown + events, "event"), (packets, "packet")];
    let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(n, what)| counted(*n, what)).collect();
    if !parts.is_empty() {
        let _ = writeln!(text, "{MARGIN}… {} left out", parts.join(" and "));
    }
}

fn said(mark: WireDivergence, event: &WireEvent) -> String {
    let byte = mark.byte.map(|byte| {
        (
            byte,
            shown(&event.what)
                .and_then(|(from, bytes)| bytes.get(usize::try_from(byte.checked_sub(from)?).ok()?).copied()),
        )
    });
    match byte {
        Some((byte, Some(value))) => format!("the first difference: byte {byte} of these is 0x{value:02x}"),
        Some((byte, None)) => format!("the first difference: byte {byte} of these"),
        None => unanswered(&event.what).to_owned(),
    }
}

/// What stands behind the last event of a connection where something else was awaited.
fn unanswered(what: &WireDeed) -> &'static str {
    match what {
        WireDeed::Fin | WireDeed::Reset => "this came instead of what was awaited",
        WireDeed::Connect { answer: Answered::Accepted } => "after this, nothing came",
        WireDeed::Connect { answer: Answered::Refused | Answered::Nothing } => "nobody took this connection",
        WireDeed::Data { .. } | WireDeed::Datagram { .. } | WireDeed::Nobody | WireDeed::Mark { .. } => {
            "after this, what was awaited did not come"
        }
    }
}

/// Lanes side by side.
struct Columns {
    count: usize,
    width: usize,
}

impl Columns {
    fn new(wire: &Wire<'_>) -> Columns {
        let count = wire.lanes.len();
        Columns { count, width: (WIDTH / (count - 1)).min(LANE_WIDTH_MAX) }
    }

    fn head(&self, wire: &Wire<'_>) -> String {
        let mut head = String::new();
        for lane in 0..self.count {
            let room = if lane + 1 < self.count { self.width - 1 } else { usize::MAX };
            let name = cut(&wire.name(lane as u32), room);
            let _ = write!(head, "{name:width$}", width = self.width);
        }
        head.trim_end().to_owned()
    }

    fn arrow(&self, event: &WireEvent) -> String {
        let place = |lane: u32| (lane as usize).min(self.count - 1) * self.width;
        let (from, to) = (place(event.from), place(event.to));
        let mut line = vec![' '; (self.count - 1) * self.width + 1];
        (0..self.count).for_each(|lane| line[lane * self.width] = '│');
        let (left, right) = (from.min(to), from.max(to));
        if left == right {
            return format!("{}  to itself: {}", line.iter().collect::<String>(), label(&event.what, SHOWN_CHARS));
        }
        line[left + 1..right].fill('─');
        // Dashes and a blank on both sides of the label, and the head of the arrow.
        let room = right - left - 1;
        let words: Vec<char> = format!(" {} ", label(&event.what, room - 6)).chars().collect();
        let start = left + 1 + (room - words.len()) / 2;
        line[start..start + words.len()].copy_from_slice(&words);
        match from < to {
            true => line[right - 1] = '▶',
            false => line[left + 1] = '◀',
        }
        line.into_iter().collect()
    }
}

/// An event in at most `room` characters.
pub fn label(what: &WireDeed, room: usize) -> String {
    let text = match what {
        WireDeed::Connect { answer: Answered::Accepted } => "SYN".to_owned(),
        WireDeed::Connect { answer: Answered::Refused } => "SYN, refused".to_owned(),
        WireDeed::Connect { answer: Answered::Nothing } => "SYN, not answered".to_owned(),
        WireDeed::Data { length, .. } => return carried(&counted(*length, "byte"), what, room),
        WireDeed::Datagram { length, .. } => {
            return carried(&format!("datagram, {}", counted(*length, "byte")), what, room);
        }
        WireDeed::Fin => "FIN".to_owned(),
        WireDeed::Reset => "RST".to_owned(),
        WireDeed::Nobody => "nobody receives there".to_owned(),
        WireDeed::Mark { words, .. } => printable(words).replace('\n', "\\n"),
    };
    cut(&text, room)
}

/// `5 bytes "hello"`, the quoted part as long as there is room.
fn carried(words: &str, what: &WireDeed, room: usize) -> String {
    let (from, bytes) = shown(what).unwrap_or_default();
    let quotes = 3;
    let room = room.saturating_sub(words.chars().count() + quotes + 2);
    let mut quoted = if from > 0 { "…".to_owned() } else { String::new() };
    let mut whole = true;
    for byte in &bytes {
        // A quotation mark is told from the last one by its place.
        let escaped = if *byte == b'"' { "\"".to_owned() } else { byte.escape_ascii().to_string() };
        if quoted.chars().count() + escaped.len() > room {
            whole = false;
            break;
        }
        quoted += &escaped;
    }
    let length = match what {
        WireDeed::Data { length, .. } | WireDeed::Datagram { length, .. } => *length,
        _ => 0,
    };
    let more = if whole && from + bytes.len() as u64 >= length { "" } else { "…" };
    cut(&format!("{words} \"{quoted}{more}\""), room + words.chars().count() + quotes + 2)
}

/// Where what is shown of an event begins, and its bytes.
fn shown(what: &WireDeed) -> Option<(u64, Vec<u8>)> {
    match what {
        WireDeed::Data { shown_from, shown, .. } | WireDeed::Datagram { shown_from, shown, .. } => {
            Some((*shown_from, BASE64_STANDARD.decode(shown).unwrap_or_default()))
        }
        _ => None,
    }
}

fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn cut(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        None => text.to_owned(),
        Some(_) => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
    }
}
