//! The `practicum` binary: reads the command line and hands over.

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser, Debug)]
#[command(name = "practicum", version, about = "Lab exercises, graded")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Grade(cli::grade::Grade),
    Check(cli::check::Check),
}

fn main() -> ExitCode {
    // Before anything else: as a launcher this process must stay small and single-threaded.
    grader::sandbox::launcher_main();
    match Cli::parse().command {
        Command::Grade(grade) => grade.run(),
        Command::Check(check) => check.run(),
    }
}
