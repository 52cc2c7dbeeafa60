//! A schedule that fails, as text: the wait-for table, and a line for each event with the source beside it.
//!
//! ```text
//!   Thread-1  line 11  takes Lock#1  | with source.lock:
//! > Thread-2  line 11  takes Lock#2  | with source.lock:
//! ```

use std::fmt::Write as _;

use grader::report::ScheduleEvidence;
use grader::report::schedule::{ScheduleAct, ScheduleEvent, SchedulePlace, ScheduleWait, ScheduleWhy};

use super::printable;

/// Widest columns, in characters.
const THREAD_CHARS_MAX: usize = 24;
const DEED_CHARS_MAX: usize = 56;
const SOURCE_CHARS_MAX: usize = 72;
const MARGIN: &str = "      ";

/// `exercise` and `case` go into the line that repeats the schedule.
pub fn write(text: &mut String, schedule: &ScheduleEvidence, exercise: &str, case: &str) {
    let _ = writeln!(text, "{MARGIN}{}, the {}:", lower(&schedule.title), ordinal(schedule));
    for fact in &schedule.facts {
        let _ = writeln!(text, "{MARGIN}{}", one_line(fact, usize::MAX));
    }
    if !schedule.waits.is_empty() {
        let _ = writeln!(text, "{MARGIN}who waits for whom:");
        let rows = schedule.waits.iter().map(|wait| Names(schedule).row(wait)).collect();
        aligned(text, rows);
    }
    if let Some(legend) = legend(schedule) {
        let _ = writeln!(text, "{MARGIN}what happened, in order; {legend}:");
    } else {
        let _ = writeln!(text, "{MARGIN}what happened, in order:");
    }
    events(text, schedule);
    let _ = writeln!(text, "{MARGIN}{}", one_line(&schedule.reach, usize::MAX));
    if let Some(token) = &schedule.token {
        let token = one_line(token, usize::MAX);
        let _ = writeln!(text, "{MARGIN}replay: practicum grade {exercise} PATH --case {case} --replay {token}");
    }
}

/// `7th of 300 schedules that were tried`.
fn ordinal(schedule: &ScheduleEvidence) -> String {
    let suffix = match (schedule.found_after % 10, schedule.found_after % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{suffix} of {} tried", schedule.found_after, schedule.schedules.max(schedule.found_after))
}

/// What `>` means here; `None` where no line has it.
fn legend(schedule: &ScheduleEvidence) -> Option<&'static str> {
    let marked = || schedule.events.iter().filter(|event| is_marked(event)).filter_map(|event| event.switch);
    let interrupts = marked().any(|switch| switch.why == ScheduleWhy::Preempted);
    let chooses = marked().any(|switch| switch.why != ScheduleWhy::Preempted);
    match (interrupts, chooses) {
        (true, true) => Some("> here another thread is interrupted, or this one goes before others that could go on"),
        (true, false) => Some("> here another thread is interrupted that could have gone on"),
        (false, true) => Some("> here this thread goes before others that could go on"),
        (false, false) => None,
    }
}

fn is_marked(event: &ScheduleEvent) -> bool {
    event.switch.is_some_and(|switch| switch.choice.is_some() || switch.why == ScheduleWhy::Preempted)
}

fn events(text: &mut String, schedule: &ScheduleEvidence) {
    let names = Names(schedule);
    let cells = |event: &ScheduleEvent| {
        let line = event.place.as_ref().map(|place| names.line(place)).unwrap_or_default();
        [names.name(event.thread), line, cut(&one_line(&deed(event), usize::MAX), DEED_CHARS_MAX)]
    };
    let rows: Vec<[String; 3]> = schedule.events.iter().map(cells).collect();
    let widths = widths(&rows);
    for (index, (event, row)) in schedule.events.iter().zip(&rows).enumerate() {
        gaps(text, schedule, index);
        let source = event.place.as_ref().and_then(|place| names.source(place));
        let source = source.map(|source| format!("  | {}", one_line(source.trim(), SOURCE_CHARS_MAX)));
        let mark = if is_marked(event) { "    > " } else { MARGIN };
        let line = format!("{mark}{}{}", padded(row, &widths), source.unwrap_or_default());
        let _ = writeln!(text, "{}", line.trim_end());
    }
    gaps(text, schedule, schedule.events.len());
}

fn gaps(text: &mut String, schedule: &ScheduleEvidence, index: usize) {
    for gap in schedule.left_out.iter().filter(|gap| gap.before as usize == index) {
        let _ = match (gap.again, gap.events) {
            (0, 1) => writeln!(text, "{MARGIN}… 1 event left out"),
            (0, events) => writeln!(text, "{MARGIN}… {events} events left out"),
            (1, _) => writeln!(text, "{MARGIN}… the same once more"),
            (again, _) => writeln!(text, "{MARGIN}… the same {again} times more"),
        };
    }
}

/// What the parts of a schedule are called.
struct Names<'a>(&'a ScheduleEvidence);

impl Names<'_> {
    fn name(&self, thread: u32) -> String {
        self.0.threads.get(thread as usize).map_or("?".to_owned(), |name| one_line(name, THREAD_CHARS_MAX))
    }

    fn names(&self, threads: &[u32]) -> String {
        threads.iter().map(|thread| self.name(*thread)).collect::<Vec<_>>().join(", ")
    }

    /// `line 7`; with the file where there are several.
    fn line(&self, place: &SchedulePlace) -> String {
        let several = self.0.source.iter().any(|line| line.file != place.file);
        match several {
            true => format!("{}:{}", one_line(&place.file, THREAD_CHARS_MAX), place.line),
            false => format!("line {}", place.line),
        }
    }

    fn source(&self, place: &SchedulePlace) -> Option<&str> {
        let line = self.0.source.iter().find(|line| line.file == place.file && line.number == place.line);
        line.map(|line| line.text.as_str())
    }

    /// `Thread-1`, `in Lock.acquire(Lock#2)`, `line 12`, `held by Thread-2`, `holds Lock#1`.
    fn row(&self, wait: &ScheduleWait) -> [String; 5] {
        let object = wait.object.as_deref().unwrap_or_default();
        // What is no name of a function is said in words.
        let in_words = wait.call.contains(' ');
        let call = if in_words { format!("for {}", wait.call) } else { format!("in {}({object})", wait.call) };
        let call = cut(&one_line(&call, usize::MAX), DEED_CHARS_MAX);
        let line = wait.place.as_ref().map(|place| self.line(place)).unwrap_or_default();
        let held = match (&wait.held_by[..], &wait.missed) {
            (_, Some(missed)) => format!("notified too early, at {}", self.line(missed)),
            ([], None) => String::new(),
            // Nobody holds a thread.
            (held_by, None) if in_words || wait.call.ends_with(".join") || wait.call == "threads" => {
                format!("for {}", self.names(held_by))
            }
            (held_by, None) => format!("held by {}", self.names(held_by)),
        };
        let holds = match &wait.holds[..] {
            [] => String::new(),
            holds => format!("holds {}", one_line(&holds.join(", "), DEED_CHARS_MAX)),
        };
        [self.name(wait.thread), call, line, held, holds]
    }
}

/// `writes Account#1.balance = 3`.
fn deed(event: &ScheduleEvent) -> String {
    let mut said = verb(event.act).to_owned();
    let object = event.object.as_deref().unwrap_or_default();
    if !object.is_empty() {
        let _ = write!(said, " {object}");
    }
    match (event.value.as_deref(), event.act) {
        (None, _) => {}
        (Some(value), ScheduleAct::Reads | ScheduleAct::Writes) => _ = write!(said, " = {value}"),
        (Some(value), _) if object.is_empty() => _ = write!(said, " {value}"),
        (Some(value), _) => _ = write!(said, ": {value}"),
    }
    said
}

fn verb(act: ScheduleAct) -> &'static str {
    match act {
        ScheduleAct::Starts => "starts",
        ScheduleAct::Ends => "ends",
        ScheduleAct::Dies => "dies of",
        ScheduleAct::Reads => "reads",
        ScheduleAct::Writes => "writes",
        ScheduleAct::Calls => "calls",
        ScheduleAct::Takes => "takes",
        ScheduleAct::Releases => "releases",
        ScheduleAct::Notifies => "notifies",
        ScheduleAct::Sets => "sets",
        ScheduleAct::Looks => "looks at",
        ScheduleAct::Waits => "waits for",
        ScheduleAct::Wakes => "has waited for",
        ScheduleAct::TimesOut => "gives up on",
        ScheduleAct::Sleeps => "sleeps",
        ScheduleAct::Joins => "joins",
        ScheduleAct::Invokes => "begins",
        ScheduleAct::Returns => "returns from",
        ScheduleAct::Notes => "notes",
    }
}

fn aligned<const COLUMNS: usize>(text: &mut String, rows: Vec<[String; COLUMNS]>) {
    let widths = widths(&rows);
    for row in &rows {
        let _ = writeln!(text, "{MARGIN}{}", padded(row, &widths).trim_end());
    }
}

fn widths<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    std::array::from_fn(width)
}

fn padded<const COLUMNS: usize>(row: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let used = row.iter().zip(widths).filter(|(_, width)| **width > 0);
    used.map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>().join("  ")
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Escaped, without line ends, at most so long.
fn one_line(text: &str, room: usize) -> String {
    cut(&printable(text).replace('\n', "\\n"), room)
}

fn cut(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        None => text.to_owned(),
        Some(_) => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use grader::report::Evidence;

    use super::*;

    fn example(name: &str) -> ScheduleEvidence {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grader/tests/schedules").join(name);
        let evidence = serde_json::from_slice(&std::fs::read(file.join("evidence.json")).unwrap()).unwrap();
        let Evidence::Schedule(schedule) = evidence else { panic!("{name} is other evidence") };
        *schedule
    }

    /// Compares with what is kept in `tests/golden/`, as the test `golden` does with what programs print.
    #[track_caller]
    fn check(name: &str) {
        let mut said = String::new();
        write(&mut said, &example(name), "thr-01-example", "some-case");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/schedule-{name}.txt"));
        if std::env::var("PRACTICUM_GOLDEN").is_ok_and(|what| what == "write") {
            std::fs::write(golden, said).unwrap();
            return;
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert!(said == expected, "{} says otherwise:\n{expected}\nnow it reads:\n{said}", golden.display());
    }

    #[test]
    fn a_lost_update_is_told() {
        check("lost_update");
    }

    #[test]
    fn crossed_locks_are_told() {
        check("crossed_locks");
    }

    #[test]
    fn a_missed_notification_is_told() {
        check("missed_notification");
    }

    #[test]
    fn a_busy_wait_is_told() {
        check("busy_wait");
    }

    #[test]
    fn a_thread_that_dies_is_told() {
        check("dying_thread");
    }

    #[test]
    fn nothing_of_a_students_leaves_its_line() {
        let mut schedule = example("dying_thread");
        let hostile = "\u{1b}[2J\nverdict: passed\r".to_owned();
        schedule.threads.fill(hostile.clone());
        schedule.facts.fill(hostile.clone());
        schedule.source.iter_mut().for_each(|line| line.text.clone_from(&hostile));
        for event in &mut schedule.events {
            event.object = Some(hostile.clone());
            event.value = Some(hostile.clone());
        }
        let mut said = String::new();
        write(&mut said, &schedule, "thr-01-example", "some-case");
        assert!(!said.contains('\u{1b}') && !said.contains('\r'));
        assert!(said.lines().all(|line| line.starts_with("    ")), "{said}");
    }
}
