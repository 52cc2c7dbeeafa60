//! `practicum serve`: web, API and in-process workers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::work::Conditions;
use super::{Database, RuntimeFile, catalogue, demo, start_logging, stop_signal};
use crate::db;
use crate::db::exercises::Exercises;
use crate::db::notify::Notices;
use crate::http::{self, App, TokenSigner};

/// Database connections of the web side.
const WEB_CONNECTIONS_MAX: u32 = 16;
/// How long open requests may take once the server stops.
const HTTP_GRACE: Duration = Duration::from_secs(10);
/// Time between two rounds of forgetting what is over.
const SWEEP: Duration = Duration::from_secs(3600);

/// Serve the web page and the API, with workers in the same process
///
/// Brings the schema up to date, fills the catalogue from --exercises, then listens. On SIGTERM it answers what is
/// open, lets its gradings finish for a while and gives back the rest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    practicum serve --data ./data --exercises ./exercises --demo\n  \
    practicum serve --listen 0.0.0.0:8000 --public-url https://labs.example.org --workers 0 \\\n      \
    --database-url postgres://practicum@db/practicum")]
pub struct Serve {
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:8000", value_name = "ADDR")]
    listen: SocketAddr,
    /// How many submissions are graded at the same time in this process; 0 leaves grading to `practicum work`
    #[arg(long, default_value_t = 1, value_name = "N")]
    workers: usize,
    #[command(flatten)]
    database: Database,
    /// Folder of exercises to offer, one subfolder each
    #[arg(long, value_name = "DIR")]
    exercises: Option<PathBuf>,
    /// How browsers reach this server; https:// makes cookies insist on it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Make a course with people to try things out; their passwords are printed once and kept in
    /// DIR/demo-accounts.txt. Only on a loopback address
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    runtime: RuntimeFile,
    #[command(flatten)]
    conditions: Conditions,
}

impl Serve {
    pub fn run(self) -> anyhow::Result<()> {
        ensure!(
            !self.demo || self.listen.ip().is_loopback(),
            "serve the demo on {}: accounts with known names belong on a loopback address, such as 127.0.0.1:8000",
            self.listen
        );
        start_logging();
        let connections_max = WEB_CONNECTIONS_MAX + 2 * u32::try_from(self.workers)?;
        let database = self.database.clone();
        database.with(connections_max, |db| self.serve(db))
    }

    async fn serve(self, db: PgPool) -> anyhow::Result<()> {
        let stop = stop_signal()?;
        self.prepare(&db).await?;
        // Workers note what moved until the last of them is done.
        let notices_stop = CancellationToken::new();
        let notices = Notices::start(&db, &notices_stop);
        let exercises = Exercises::default();
        tokio::spawn(stop.clone().run_until_cancelled_owned(sweep_forever(db.clone())));
        let workers = self.start_workers(&db, &exercises, &notices, &stop)?;
        self.listen(db, exercises, notices, &stop).await?;
        if let Some(workers) = workers {
            workers.await.context("a worker died")??;
        }
        Ok(())
    }

    async fn prepare(&self, db: &PgPool) -> anyhow::Result<()> {
        db::migrate(db).await.context("bring the schema up to date")?;
        if let Some(folder) = &self.exercises {
            catalogue::fill(db, folder, &self.runtime.local()).await?;
        }
        if self.demo {
            demo::seed(db, &self.database.data).await.context("make the demo course")?;
        }
        Ok(())
    }

    fn start_workers(
        &self,
        db: &PgPool,
        exercises: &Exercises,
        notices: &Notices,
        stop: &CancellationToken,
    ) -> anyhow::Result<Option<tokio::task::JoinHandle<anyhow::Result<()>>>> {
        if self.workers == 0 {
            return Ok(None);
        }
        let worker = self.conditions.worker(db, self.conditions.grader()?, exercises, notices, self.workers);
        Ok(Some(tokio::spawn(worker.run(stop.clone()))))
    }

    async fn listen(
        &self,
        db: PgPool,
        exercises: Exercises,
        notices: Notices,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let signer = TokenSigner::new(&db::secrets::token_key(&db).await?);
        let https = self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        let app = App::new(db, exercises, notices, signer, https, stop.clone());
        let listener = TcpListener::bind(self.listen).await.with_context(|| format!("listen on {}", self.listen))?;
        info!("listening on http://{}", listener.local_addr()?);
        if self.demo {
            let accounts = self.database.data.join("demo-accounts.txt");
            println!("Open http://{} and log in with an account from {}.", listener.local_addr()?, accounts.display());
        }
        let service = http::router(app).into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(HTTP_GRACE).await;
        };
        tokio::select! {
            served = serving => served.context("serve")?,
            () = late => warn!("left requests unanswered that took too long"),
        }
        Ok(())
    }
}

/// Forgets sessions and keys that are over.
async fn sweep_forever(db: PgPool) {
    let mut round = interval(SWEEP);
    loop {
        round.tick().await;
        let swept = async {
            db::sessions::sweep(&db).await?;
            db::submissions::sweep_idempotency(&db).await
        };
        if let Err(error) = swept.await {
            let error: sqlx::Error = error;
            warn!(%error, "failed to forget old sessions");
        }
    }
}
