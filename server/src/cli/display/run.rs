//! What passed in a simulated run, as text: a line for each event in order of time, with what became of each message, and
//! lines across for what the network was like.
//!
//! ```text
//!      20.0 ms  ── the network splits: a | b, c
//!      50.0 ms  a → b  datagram, 5 bytes "hello"    lost
//!      60.0 ms  b      is killed
//! ```

use std::fmt::Write as _;

use grader::report::{WireDeed, WireEvent, WireFate, WireGap, WireLane, WireRun};

use super::printable;
use super::wire::{label, left_out};

/// Events that are shown: the first of them, and those up to the end.
const EVENTS_MAX: usize = 60;
const FIRST: usize = 10;
/// Of a message's words, and of those of an event that has no fate beside them.
const WORDS_CHARS: usize = 68;
const MARK_CHARS: usize = 88;
const MARGIN: &str = "      ";

/// The parts of the evidence.
pub struct Run<'a> {
    pub title: &'a str,
    pub lanes: &'a [WireLane],
    pub events: &'a [WireEvent],
    pub left_out: &'a [WireGap],
    pub run: &'a WireRun,
}

/// `exercise` and `case` go into the line that repeats the run.
pub fn write(text: &mut String, run: &Run<'_>, exercise: &str, case: &str) {
    let _ = writeln!(text, "{MARGIN}{}, in virtual time:", printable(run.title));
    let width = run.events.iter().map(|event| run.who(event).chars().count()).max().unwrap_or(0);
    let mut turns = run.turns().into_iter().peekable();
    let mut unshown = 0;
    for (index, event) in run.events.iter().enumerate() {
        while let Some((at, words)) = turns.next_if(|(at, _)| *at <= event.at_us) {
            left_out(text, std::mem::take(&mut unshown), (0, 0));
            across(text, at, &words);
        }
        if !run.shows(index) {
            unshown += 1;
            continue;
        }
        left_out(text, std::mem::take(&mut unshown), run.gap(index));
        let room = if event.fate == WireFate::Seen { MARK_CHARS } else { WORDS_CHARS };
        let (who, words) = (run.who(event), label(&event.what, room));
        let line = format!("{MARGIN}{}  {who:width$}  {words:WORDS_CHARS$}  {}", clock(event.at_us), fate(event.fate));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    left_out(text, unshown, run.gap(run.events.len()));
    turns.for_each(|(at, words)| across(text, at, &words));
    across(text, run.run.ended_us, &run.run.end);
    if let Some(token) = &run.run.token {
        let token = printable(token);
        let _ = writeln!(text, "{MARGIN}replay: practicum grade {exercise} PATH --case {case} --replay {token}");
    }
}

fn across(text: &mut String, at: u64, words: &str) {
    let _ = writeln!(text, "{MARGIN}{}  ── {}", clock(at), printable(words));
}

impl Run<'_> {
    fn shows(&self, index: usize) -> bool {
        let last = self.events.len().saturating_sub(EVENTS_MAX - FIRST);
        index < FIRST || index >= last
    }

    fn gap(&self, index: usize) -> (u64, u64) {
        let gaps = self.left_out.iter().filter(|gap| gap.before as usize == index);
        gaps.fold((0, 0), |(events, packets), gap| (events + gap.events, packets + gap.packets))
    }

    /// When the network changed, and how.
    fn turns(&self) -> Vec<(u64, String)> {
        let spans = &self.run.spans;
        let mut turns: Vec<(u64, String)> = spans.iter().map(|span| (span.from_us, span.words.clone())).collect();
        // What takes the place of something else says so itself.
        let healed =
            spans.iter().filter_map(|span| span.to_us).filter(|at| spans.iter().all(|span| span.from_us != *at));
        turns.extend(healed.map(|at| (at, "the network heals".to_owned())));
        turns.sort_by_key(|(at, _)| *at);
        turns.dedup();
        turns
    }

    fn who(&self, event: &WireEvent) -> String {
        let name = |lane: u32| self.lanes.get(lane as usize).map_or("?".to_owned(), |lane| printable(&lane.name));
        match event.what {
            WireDeed::Mark { .. } => name(event.from),
            _ => format!("{} → {}", name(event.from), name(event.to)),
        }
    }
}

fn fate(fate: WireFate) -> String {
    match fate {
        WireFate::Seen => String::new(),
        WireFate::Arrived { at_us } => format!("arrives {}", clock(at_us).trim_start()),
        WireFate::Refused { at_us } => format!("refused {}", clock(at_us).trim_start()),
        WireFate::Lost => "lost".to_owned(),
        WireFate::UnderWay => "under way in the end".to_owned(),
    }
}

fn clock(us: u64) -> String {
    format!("{:>8}.{} ms", us / 1_000, us / 100 % 10)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use grader::report::Evidence;

    use super::*;

    #[test]
    fn a_run_is_told_in_order_of_time() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let kept = folder.join("../grader/tests/simulated/split_register/evidence.json");
        let evidence = serde_json::from_slice(&std::fs::read(kept).unwrap()).unwrap();
        let Evidence::Wire { title, lanes, events, left_out, run: Some(mut run), .. } = evidence else { panic!() };
        let mut said = String::new();
        run.token = Some("sgAAABA".to_owned());
        let run = Run { title: &title, lanes: &lanes, events: &events, left_out: &left_out, run: &run };
        write(&mut said, &run, "sim-04-kv-linearizable", "new-then-old");
        let golden = folder.join("tests/golden/run-split_register.txt");
        if std::env::var("PRACTICUM_GOLDEN").is_ok_and(|what| what == "write") {
            std::fs::write(golden, said).unwrap();
            return;
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert!(said == expected, "{} says otherwise:\n{expected}\nnow it reads:\n{said}", golden.display());
    }
}
