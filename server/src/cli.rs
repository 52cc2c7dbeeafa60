//! The command line. One file a subcommand: its options, its help, its `run`.
//!
//! Exit codes are a contract: 0 done, 1 failed, 2 wrong usage (clap's), and what single subcommands say.

mod admin;
mod catalogue;
mod check;
mod demo;
mod display;
mod doctor;
mod grade;
mod junit;
mod migrate;
mod openapi;
mod serve;
mod submit;
mod with_postgres;
mod work;

use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use sqlx::PgPool;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::db;

/// Lab exercises, graded in sandboxes.
#[derive(Debug, Parser)]
#[command(name = "practicum", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Work(work::Work),
    Grade(grade::Grade),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Submit(submit::Submit),
    Migrate(migrate::Migrate),
    Openapi(openapi::Openapi),
    Admin(admin::Admin),
    /// Run a command beside a throw-away database
    #[command(hide = true)]
    WithPostgres {
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

/// Where Postgres is.
#[derive(Clone, Debug, Args)]
struct Database {
    /// Postgres to use, such as `postgres://practicum@localhost/practicum?host=/run/postgresql`
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: String,
}

impl Database {
    async fn connect(&self, connections_max: u32) -> anyhow::Result<PgPool> {
        connect(&self.database_url, connections_max).await
    }
}

async fn connect(url: &str, connections_max: u32) -> anyhow::Result<PgPool> {
    db::connect(url, connections_max).await.context("reach the database: check --database-url")
}

/// Parses the command line and does what it says.
pub fn run() -> ExitCode {
    let success = |()| ExitCode::SUCCESS;
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve.run().map(success),
        Command::Work(work) => work.run().map(success),
        Command::Grade(grade) => Ok(grade.run()),
        Command::Check(check) => Ok(check.run()),
        Command::Doctor(doctor) => Ok(doctor.run()),
        Command::Submit(submit) => Ok(submit.run()),
        Command::Migrate(migrate) => migrate.run().map(success),
        Command::Openapi(openapi) => openapi.run().map(success),
        Command::Admin(admin) => admin.run().map(success),
        Command::WithPostgres { command } => with_postgres::run(&command),
    };
    done.unwrap_or_else(|error| {
        eprintln!("practicum: failed to {error:#}");
        ExitCode::FAILURE
    })
}

/// Runs `work` on a runtime of its own.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?.block_on(work)
}

/// Logs to stderr; `RUST_LOG` chooses what, `PRACTICUM_LOG=json` how.
fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if std::env::var("PRACTICUM_LOG").is_ok_and(|kind| kind == "json") {
        logging.json().init();
    } else {
        logging.init();
    }
}

/// Cancelled by SIGTERM or Ctrl-C.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let cancel = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        cancel.cancel();
    });
    Ok(stop)
}
