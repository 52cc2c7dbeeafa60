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
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use grader::runtime::LocalRuntime;
use sqlx::PgPool;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::db;
use crate::embedded_postgres::{self, Cluster};

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
    /// Postgres to use, such as `postgres://practicum@localhost/practicum?host=/run/postgresql`; without it a cluster
    /// of our own in DIR/postgres
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where files of this server are kept
    #[arg(long, env = "PRACTICUM_DATA", default_value = "data", value_name = "DIR")]
    data: PathBuf,
}

/// Where the Python of the simulated lane is.
#[derive(Clone, Debug, Args)]
struct RuntimeFile {
    /// Python of the simulated lane; without it the python.wasm beside this program, in ../share/practicum or, built in a
    /// working tree, in .cache/runtime there
    #[arg(long, env = grader::runtime::VARIABLE, value_name = "FILE")]
    runtime: Option<PathBuf>,
}

impl RuntimeFile {
    fn local(&self) -> LocalRuntime {
        LocalRuntime::new(self.runtime.clone())
    }
}

/// A database that can be connected to. A cluster of our own that no other process runs lives until this is closed.
struct OpenDatabase {
    url: String,
    cluster: Option<Cluster>,
}

impl Database {
    fn open(&self) -> anyhow::Result<OpenDatabase> {
        if let Some(url) = &self.database_url {
            return Ok(OpenDatabase { url: url.clone(), cluster: None });
        }
        let cluster = embedded_postgres::start(&self.data.join("postgres"))?;
        Ok(OpenDatabase { url: cluster.url().to_owned(), cluster: Some(cluster) })
    }

    /// Does `work` on a pool of at most `connections_max` connections, on a runtime of its own.
    fn with<T, F>(&self, connections_max: u32, work: impl FnOnce(PgPool) -> F) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<T>>,
    {
        let database = self.open()?;
        let done = block_on(async {
            let db = db::connect(&database.url, connections_max).await;
            work(db.context("reach the database: check --database-url")?).await
        });
        database.close().and(done)
    }
}

impl OpenDatabase {
    fn close(self) -> anyhow::Result<()> {
        self.cluster.map_or(Ok(()), Cluster::stop)
    }
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
