//! The `practicum` binary: the command line and nothing else.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod cli;
mod embedded_postgres;

#[derive(Debug, Parser)]
#[command(name = "practicum", version)]
struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Run a command beside a throw-away database
    #[command(hide = true)]
    WithPostgres {
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Subcommands::WithPostgres { command } => cli::with_postgres::run(&command),
    };
    done.unwrap_or_else(|error| {
        eprintln!("practicum: failed to {error:#}");
        ExitCode::FAILURE
    })
}
