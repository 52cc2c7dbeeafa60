//! A history as text: a row for each operation, and how it lies in time to the others.
//!
//! ```text
//! thread 1  put(3)  ├──┤
//! thread 2  get()      ├──┤  gave 7
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use grader::report::{HistoryOperation, HistoryRefusal};

use super::printable;

const MARGIN: &str = "      ";
/// Columns between two moments.
const MOMENT_WIDTH: usize = 3;
/// Rows that are shown, the last ones.
const ROWS_MAX: usize = 40;

pub fn write(text: &mut String, operations: &[HistoryOperation], order: &[u32], refusals: &[HistoryRefusal]) {
    let skipped = operations.len().saturating_sub(ROWS_MAX);
    let shown = &operations[skipped..];
    if skipped > 0 {
        let _ = writeln!(text, "{MARGIN}… {skipped} operations");
    }
    let moments = moments(shown);
    let width = |of: fn(&HistoryOperation) -> &str| shown.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (who, call) = (width(|row| &row.who), width(|row| &row.call));
    for row in shown {
        let result = row.result.as_ref().map(|result| format!("  {}", printable(result))).unwrap_or_default();
        let (name, deed) = (printable(&row.who), printable(&row.call));
        let _ = writeln!(text, "{MARGIN}{name:who$}  {deed:call$}  {}{result}", span(row, &moments));
    }
    let named = |index: u32| operations.get(index as usize).map(|row| format!("{}'s {}", row.who, row.call));
    let placed: Vec<String> = order.iter().filter_map(|index| named(*index)).collect();
    if !placed.is_empty() {
        let _ = writeln!(text, "{MARGIN}explained so far: {}", printable(&placed.join(", then ")));
    }
    for refusal in refusals {
        let Some(row) = operations.get(refusal.operation as usize) else { continue };
        let had = row.result.as_ref().map_or("waits".to_owned(), |result| came(result, ["raised", "gave"]));
        let must = refusal.expected.as_ref().map_or("wait".to_owned(), |value| came(value, ["raise", "give"]));
        let line = format!("then {}'s {} {had}, but had to {must}", row.who, row.call);
        let _ = writeln!(text, "{MARGIN}{}", printable(&line));
    }
}

/// `gave 7`, `raised Empty`, by the verbs that are given.
fn came(result: &str, [raised, gave]: [&str; 2]) -> String {
    match result.strip_prefix("raised ") {
        Some(exception) => format!("{raised} {exception}"),
        None => format!("{gave} {result}"),
    }
}

/// Every moment at which something is begun or returns, by rank.
fn moments(operations: &[HistoryOperation]) -> BTreeMap<u32, usize> {
    let mut moments: Vec<u32> = operations.iter().flat_map(|row| [Some(row.begun), row.returned]).flatten().collect();
    moments.sort_unstable();
    moments.dedup();
    moments.into_iter().enumerate().map(|(rank, moment)| (moment, rank)).collect()
}

fn span(row: &HistoryOperation, moments: &BTreeMap<u32, usize>) -> String {
    let end = moments.len() * MOMENT_WIDTH;
    let at = |moment: u32| moments.get(&moment).map_or(0, |rank| rank * MOMENT_WIDTH);
    let from = at(row.begun);
    let bar = match row.returned {
        Some(returned) => format!("├{}┤", "─".repeat(at(returned).saturating_sub(from + 1))),
        None => format!("├{}", "─".repeat(end.saturating_sub(from + 1))),
    };
    format!("{:end$}", format!("{}{bar}", " ".repeat(from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(call: &str, result: Option<&str>, begun: u32) -> HistoryOperation {
        let (who, call, result) = ("thread-1".to_owned(), call.to_owned(), result.map(str::to_owned));
        HistoryOperation { who, call, result, begun, returned: Some(begun + 1) }
    }

    #[test]
    fn exceptions_are_raised_and_values_are_given() {
        let operations = [operation("get()", Some("raised Empty"), 1), operation("get()", Some("7"), 2)];
        let refusal = |operation, expected: &str| HistoryRefusal { operation, expected: Some(expected.to_owned()) };
        let mut text = String::new();
        write(&mut text, &operations, &[], &[refusal(0, "7"), refusal(1, "raised Empty")]);
        assert!(text.contains("thread-1's get() raised Empty, but had to give 7"), "{text}");
        assert!(text.contains("thread-1's get() gave 7, but had to raise Empty"), "{text}");
    }
}
