//! The `practicum` binary: reads the command line and hands over.

mod cli;
mod embedded_postgres;

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
    /// Run a command beside a throw-away database
    #[command(hide = true)]
    WithPostgres {
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    // Before anything else: as a launcher this process must stay small and single-threaded.
    grader::sandbox::launcher_main();
    match Cli::parse().command {
        Command::Grade(grade) => grade.run(),
        Command::Check(check) => check.run(),
        Command::WithPostgres { command } => cli::with_postgres::run(&command).unwrap_or_else(|error| {
            eprintln!("practicum: failed to {error:#}");
            ExitCode::FAILURE
        }),
    }
}
