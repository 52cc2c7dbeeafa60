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
        let had = row.result.as_ref().map_or("waits".to_owned(), |result| format!("gave {result}"));
        let must = refusal.expected.as_ref().map_or("wait".to_owned(), |value| format!("give {value}"));
        let line = format!("then {}'s {} {had}, but had to {must}", row.who, row.call);
        let _ = writeln!(text, "{MARGIN}{}", printable(&line));
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
