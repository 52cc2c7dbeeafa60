//! A report as JUnit XML, the shape that CI systems read.

use std::fmt::Write as _;

use grader::Report;

/// The document. Text from students is escaped, and characters that XML cannot hold are replaced.
pub fn document(report: &Report) -> String {
    let failures = report.cases.iter().filter(|case| !case.verdict.passed()).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let seconds: f64 = report.cases.iter().map(|case| case.usage.wall_ms as f64 / 1000.0).sum();
    let _ = writeln!(
        xml,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"{seconds:.3}\">",
        escaped(&report.exercise),
        report.cases.len(),
    );
    for case in &report.cases {
        let _ = write!(
            xml,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
            escaped(&report.exercise),
            escaped(&case.id),
            case.usage.wall_ms as f64 / 1000.0,
        );
        if case.verdict.passed() {
            xml.push_str("/>\n");
            continue;
        }
        let message = case.message.as_deref().unwrap_or(&report.build.message);
        let _ = writeln!(
            xml,
            ">\n    <failure type=\"{}\" message=\"{}\">{}</failure>\n  </testcase>",
            escaped(case.verdict.label()),
            escaped(message.lines().next().unwrap_or_default()),
            escaped(message),
        );
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            char => escaped.push(char),
        }
    }
    escaped
}
