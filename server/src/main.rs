//! `practicum`: the web service, its workers and the command line in one binary.
//!
//! `main → {http, worker} → db`: http and worker never import each other, and SQL is found only below `db`.

mod cli;
mod db;
mod embedded_postgres;
mod http;
mod ids;
mod password;
#[cfg(test)]
mod testing;
mod worker;

use std::process::ExitCode;

/// A plain function: subcommands build their own runtime, because some of what they start must be started while the
/// process still has a single thread.
fn main() -> ExitCode {
    // Does not return in a process that was started to be a launcher.
    grader::sandbox::launcher_main();
    cli::run()
}
