//! The lines of the submission that a schedule names.

use std::collections::{BTreeMap, BTreeSet};

use super::words::cut;
use super::{ScheduleEvent, ScheduleLine, SchedulePlace, ScheduleWait};

const LINE_CHARS_MAX: usize = 160;
const LINES_MAX: usize = 120;
/// So many lines between two that are named are shown too: code reads better than lines.
const BETWEEN_MAX: u32 = 3;
/// How far above the first line its function may begin to be shown.
const HEAD_MAX: u32 = 6;

pub fn lines(
    events: &[ScheduleEvent],
    waits: &[ScheduleWait],
    sources: &BTreeMap<String, String>,
) -> Vec<ScheduleLine> {
    let of_waits = waits.iter().flat_map(|wait| [wait.place.as_ref(), wait.missed.as_ref()]);
    let places: BTreeSet<&SchedulePlace> =
        events.iter().map(|event| event.place.as_ref()).chain(of_waits).flatten().collect();
    let mut named: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for place in places {
        named.entry(&place.file).or_default().insert(place.line);
    }
    let mut found = Vec::new();
    for (file, numbers) in named {
        let Some(text) = sources.get(file) else { continue };
        let texts: Vec<&str> = text.lines().collect();
        let shown = shown(&numbers, &texts).into_iter();
        found.extend(shown.filter_map(|number| line(file, number, &texts)));
    }
    found.truncate(LINES_MAX);
    found
}

fn line(file: &str, number: u32, texts: &[&str]) -> Option<ScheduleLine> {
    let text = texts.get(number.checked_sub(1)? as usize)?;
    Some(ScheduleLine { file: file.to_owned(), number, text: cut(text.trim_end(), LINE_CHARS_MAX) })
}

/// These, what little lies between them, and the heads of their functions where those are near.
fn shown(numbers: &BTreeSet<u32>, texts: &[&str]) -> BTreeSet<u32> {
    let mut wanted = numbers.clone();
    wanted.extend(numbers.iter().filter_map(|number| head(*number, texts)));
    let mut shown = wanted.clone();
    for (this, next) in wanted.iter().zip(wanted.iter().skip(1)) {
        if next - this <= BETWEEN_MAX + 1 {
            shown.extend(this + 1..*next);
        }
    }
    shown
}

/// The `def` above a line, if it is indented less.
fn head(number: u32, texts: &[&str]) -> Option<u32> {
    let indent = |text: &str| text.len() - text.trim_start().len();
    let inside = indent(texts.get(number.checked_sub(1)? as usize)?);
    let above = (number.saturating_sub(HEAD_MAX).max(1)..number).rev();
    above.into_iter().find(|above| {
        let text = texts[*above as usize - 1];
        let word = text.trim_start();
        indent(text) < inside && (word.starts_with("def ") || word.starts_with("async def "))
    })
}
