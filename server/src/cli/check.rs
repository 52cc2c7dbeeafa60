//! `practicum check`: the acceptance of exercises.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use grader::check::{Acceptance, Effort, REFERENCE_SEEDS, REFERENCE_SEEDS_MAX, check};

use super::catalogue::exercise_folders;
use super::display;
use super::grade::Machine;

/// Check that exercises tell right programs from wrong ones.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  practicum check                                  every exercise below ./exercises
  practicum check net-02-echo-server --thorough    one, also on a busy and on a slow machine
  practicum check sim-02-gossip --seeds 100        one, whose reference must pass by whatever chance

Exit status: 0 all accepted, 1 some not, 2 usage, 3 our own error.")]
pub struct Check {
    /// Exercise folders or ids; all below --exercises when none is named
    exercise: Vec<PathBuf>,
    /// Repeat the reference with every core busy, and with a fifth of a processor
    #[arg(long)]
    thorough: bool,
    /// Seeds on which the reference must pass
    #[arg(long, value_name = "N", default_value_t = REFERENCE_SEEDS, value_parser = clap::value_parser!(u8).range(1..=REFERENCE_SEEDS_MAX.into()))]
    seeds: u8,
    /// Print an array of results as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

impl Check {
    pub fn run(self) -> ExitCode {
        let folders = match self.folders() {
            Ok(folders) => folders,
            Err(reason) => {
                eprintln!("practicum: {reason}");
                return ExitCode::from(2);
            }
        };
        match self.check_all(&folders) {
            Ok(results) => {
                if self.json {
                    println!("{}", serde_json::to_string_pretty(&results).expect("results are plain data"));
                }
                ExitCode::from(u8::from(results.iter().any(|result| !result.ok)))
            }
            Err(reason) => {
                eprintln!("practicum: failed to check: {reason}");
                ExitCode::from(3)
            }
        }
    }

    fn folders(&self) -> Result<Vec<PathBuf>, String> {
        if !self.exercise.is_empty() {
            return Ok(self.exercise.clone());
        }
        let folder = &self.machine.exercises;
        let folders = exercise_folders(folder).map_err(|error| format!("failed to {error:#}"))?;
        if folders.is_empty() { Err(format!("{} holds no exercises", folder.display())) } else { Ok(folders) }
    }

    fn check_all(&self, folders: &[PathBuf]) -> Result<Vec<Acceptance>, String> {
        let effort = Effort { seeds: self.seeds, thorough: self.thorough };
        let grader = self.machine.grader().map_err(|error| error.to_string())?;
        let mut results = Vec::new();
        for folder in folders {
            let exercise = self.machine.exercise(folder)?;
            let checked = self.machine.prepare(&grader, &exercise).and_then(|()| check(&grader, &exercise, effort));
            let result = checked.map_err(|error| format!("{}: {error}", exercise.id()))?;
            if !self.json {
                print!("{}", display::acceptance(&result));
            }
            results.push(result);
        }
        Ok(results)
    }
}
