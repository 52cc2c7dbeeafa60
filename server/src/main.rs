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
    end_quietly_when_nobody_reads();
    cli::run()
}

/// `practicum … | head` is no bug of ours: printing to a reader that has gone ends the program as it ends others.
fn end_quietly_when_nobody_reads() {
    /// What shells report of a program that SIGPIPE ended.
    const ENDED_BY_SIGPIPE: i32 = 128 + 13;
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
            std::process::exit(ENDED_BY_SIGPIPE);
        }
        report(panic);
    }));
}
