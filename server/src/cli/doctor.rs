//! `practicum doctor`: what this machine's sandbox can do.

use std::process::ExitCode;

use clap::Args;
use grader::doctor;
use serde_json::json;

/// Say what this machine's sandbox can do, by trying attack programs, and what to fix.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: 0 everything stands, 1 something is missing.")]
pub struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// Only time the start and stop of N sandboxes, and print the milliseconds as JSON
    #[arg(long, value_name = "N", hide = true)]
    bench_sandbox: Option<usize>,
}

impl Doctor {
    pub fn run(self) -> ExitCode {
        match self.bench_sandbox {
            Some(count) => time_sandboxes(count),
            None => self.examine(),
        }
    }

    fn examine(&self) -> ExitCode {
        let findings = doctor::examine();
        if self.json {
            println!("{}", serde_json::to_string_pretty(&findings).expect("findings are plain data"));
        } else {
            for finding in &findings {
                let mark = if finding.ok { "✓" } else { "✗" };
                println!("{mark} {}: {}", finding.what, finding.detail);
                if !finding.remedy.is_empty() {
                    println!("  {}", finding.remedy);
                }
            }
        }
        ExitCode::from(u8::from(findings.iter().any(|finding| !finding.ok)))
    }
}

fn time_sandboxes(count: usize) -> ExitCode {
    match doctor::time_sandboxes(count) {
        Ok(start_stop_ms) => {
            println!("{}", json!({ "start_stop_ms": start_stop_ms }));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("practicum: failed to time sandboxes: {error}");
            ExitCode::FAILURE
        }
    }
}
