//! Reports and progress on a terminal.
//!
//! What students made (messages, output) may hold control characters: they are shown escaped, never obeyed.

mod bytes;
mod history;
mod run;
mod schedule;
mod wire;

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use bytes::Bytes;
use grader::check::Acceptance;
use grader::report::{CaseReport, Evidence};
use grader::{Event, Report};
use run::Run;
use wire::Wire;

/// Lines of one piece of evidence that are shown.
const LINES_MAX: usize = 40;
/// Characters of a line that are shown: a program that floods its output ends no line.
const LINE_CHARS_MAX: usize = 400;

/// A line on standard error that tells which case runs; nothing where that is no terminal.
#[derive(Debug)]
pub struct Progress {
    shown: bool,
    /// How many cases there are, where that is known.
    cases: Option<usize>,
    finished: usize,
}

impl Progress {
    pub fn new(wanted: bool, cases: Option<usize>) -> Progress {
        Progress { shown: wanted && std::io::stderr().is_terminal(), cases, finished: 0 }
    }

    pub fn show(&mut self, event: &Event) {
        let text = match event {
            Event::BuildFinished { .. } => "built".to_owned(),
            Event::CaseStarted { case } => {
                let of = self.cases.map(|cases| format!("/{cases}")).unwrap_or_default();
                format!("{}{of}  {case}", self.finished + 1)
            }
            Event::CaseFinished { .. } => {
                self.finished += 1;
                return;
            }
        };
        if self.shown {
            eprint!("\r\x1b[K{text}");
            let _ = std::io::stderr().flush();
        }
    }

    pub fn clear(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

/// The whole report as aligned text.
pub fn report(report: &Report) -> String {
    let mut text = String::new();
    let width = report.cases.iter().map(|case| case.id.len()).max().unwrap_or(0);
    if !report.build.ok {
        let _ = writeln!(text, "{}", printable(&report.build.message));
    }
    for case in &report.cases {
        let mark = if case.verdict.passed() { "✓" } else { "✗" };
        let _ = writeln!(
            text,
            "{mark} {:width$}  {:>3}/{:<3}  {}",
            case.id,
            case.points,
            case.points_max,
            case.verdict.label()
        );
        explain(&mut text, case, &report.exercise);
    }
    let _ = writeln!(
        text,
        "{}: {} of {} points, {}",
        report.exercise,
        report.points,
        report.points_max,
        report.verdict.label()
    );
    text
}

/// What `check` found: its line, and below it each program that disagrees.
pub fn acceptance(found: &Acceptance) -> String {
    let mut text = format!("{}\n", found.line());
    for disagreement in &found.disagreements {
        let program = &disagreement.program;
        let _ = writeln!(text, "  {program} must fail {:?}", disagreement.expected);
        let _ = writeln!(text, "  {:width$} but fails {:?}", "", disagreement.actual, width = program.len());
        for (case, message) in &disagreement.messages {
            let _ = writeln!(text, "    {case}: {}", printable(message));
        }
        let _ = writeln!(text, "    replay: {}", disagreement.replay);
    }
    text
}

fn explain(text: &mut String, case: &CaseReport, exercise: &str) {
    if let Some(message) = &case.message {
        indented(text, &printable(message));
    }
    if let Some(hint) = &case.hint {
        indented(text, &format!("hint: {}", printable(hint)));
    }
    for evidence in &case.evidence {
        match evidence {
            Evidence::Bytes { got, want, offset, first_difference, fields, .. } => {
                let (offset, first_difference) = (*offset, *first_difference);
                bytes::write(text, &Bytes { got, want, offset, first_difference, fields });
            }
            // Short values stand in the message itself.
            Evidence::Diff { got, want, .. }
                if case
                    .message
                    .as_ref()
                    .is_some_and(|message| message.ends_with(&format!("got {got}, expected {want}"))) => {}
            Evidence::Diff { got, want, .. } => {
                indented(text, &format!("got:    {}\nwanted: {}", printable(got), printable(want)));
            }
            Evidence::Traceback { text: trace } => indented(text, &printable(trace)),
            Evidence::Output { program, stream, text: output, truncated } => {
                let cut = if *truncated { ", its end" } else { "" };
                indented(text, &format!("{program} wrote to {stream:?}{cut}:").to_lowercase());
                indented(text, &printable(output));
            }
            Evidence::History { operations, order, refusals, .. } => history::write(text, operations, order, refusals),
            // Below the others: they are the longest, and explain them.
            Evidence::Wire { .. } | Evidence::Schedule(_) => {}
        }
    }
    for evidence in &case.evidence {
        match evidence {
            Evidence::Wire { title, lanes, events, left_out, run: Some(run), .. } => {
                run::write(text, &Run { title, lanes, events, left_out, run }, exercise, &case.id);
            }
            Evidence::Wire { lanes, events, left_out, connections_left_out, divergence, .. } => {
                let (connections_left_out, divergence) = (*connections_left_out, *divergence);
                wire::write(text, &Wire { lanes, events, left_out, connections_left_out, divergence });
            }
            Evidence::Schedule(schedule) => schedule::write(text, schedule, exercise, &case.id),
            Evidence::Bytes { .. }
            | Evidence::Diff { .. }
            | Evidence::History { .. }
            | Evidence::Traceback { .. }
            | Evidence::Output { .. } => {}
        }
    }
}

fn indented(text: &mut String, block: &str) {
    let lines: Vec<&str> = block.lines().collect();
    let skipped = lines.len().saturating_sub(LINES_MAX);
    if skipped > 0 {
        let _ = writeln!(text, "      … {skipped} lines");
    }
    for line in &lines[skipped..] {
        match line.char_indices().nth(LINE_CHARS_MAX) {
            None => {
                let _ = writeln!(text, "      {line}");
            }
            Some((end, _)) => {
                let _ = writeln!(text, "      {} … {} characters", &line[..end], line[end..].chars().count());
            }
        }
    }
}

/// Control characters escaped, line ends kept.
fn printable(text: &str) -> String {
    text.chars()
        .map(
            |char| if char.is_control() && char != '\n' { char.escape_default().to_string() } else { char.to_string() },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_cut() {
        let mut text = String::new();
        indented(&mut text, &format!("short\n{}", "é".repeat(LINE_CHARS_MAX + 7)));
        assert_eq!(text, format!("      short\n      {} … 7 characters\n", "é".repeat(LINE_CHARS_MAX)));
    }
}
