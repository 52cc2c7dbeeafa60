//! `practicum`: the web service, its workers and the command line in one binary.
//!
//! `main → {http, worker} → db`: http and worker never import each other, and SQL is found only below `db`.

mod cli;
mod db;
mod http;
mod ids;
mod password;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
