//! `practicum doctor`: what this machine's sandbox can do.

use std::process::ExitCode;

use clap::Args;
use grader::doctor;

/// Say what this machine's sandbox can do, by trying attack programs, and what to fix.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: 0 everything stands, 1 something is missing.")]
pub struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub fn run(self) -> ExitCode {
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
