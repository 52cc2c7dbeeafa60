//! Wake-up calls between processes: "something to claim" and "this submission moved".
//!
//! NOTIFY takes a database-wide lock through commit, so it is never sent from a transaction that matters: callers drop
//! a note here after their commit, and one task per process sends the notes of [`DEBOUNCE`] together. A call may get
//! lost (a restart, a full channel, a pooler without LISTEN): whoever waits also polls.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::ids::SubmissionId;

/// How long notes are gathered before they are sent.
const DEBOUNCE: Duration = Duration::from_millis(30);
/// Ids in one notification: its payload must stay under 8000 bytes.
const IDS_MAX: usize = 100;
/// Notes that may wait; more are left to polling.
const NOTES_MAX: usize = 10_000;
/// Wait before a failed LISTEN is tried again.
const RETRY: Duration = Duration::from_secs(2);
const CHANNEL: &str = "practicum_moved";

/// Where one process notes what moved, and hears what others noted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Notices {
    notes: mpsc::Sender<SubmissionId>,
    heard: broadcast::Sender<SubmissionId>,
}

impl Notices {
    /// Starts the two tasks; they end with `stop`.
    pub fn start(db: &PgPool, stop: &CancellationToken) -> Notices {
        let (notes, gathered) = mpsc::channel(NOTES_MAX);
        let (heard, _) = broadcast::channel(NOTES_MAX);
        let notices = Notices { notes, heard };
        tokio::spawn(stop.clone().run_until_cancelled_owned(send_notes(db.clone(), gathered)));
        tokio::spawn(stop.clone().run_until_cancelled_owned(listen(db.clone(), notices.heard.clone())));
        notices
    }

    /// Notes, after commit, that a submission was queued, got on or ended.
    pub fn moved(&self, submission: SubmissionId) {
        // A full channel means the database does not keep up; those who wait poll.
        let _ = self.notes.try_send(submission);
    }

    /// What moved anywhere, from now on. Lagging means "anything may have moved".
    pub fn subscribe(&self) -> broadcast::Receiver<SubmissionId> {
        self.heard.subscribe()
    }
}

async fn send_notes(db: PgPool, mut notes: mpsc::Receiver<SubmissionId>) {
    while let Some(first) = notes.recv().await {
        tokio::time::sleep(DEBOUNCE).await;
        let mut ids = BTreeSet::from([first]);
        while ids.len() < IDS_MAX
            && let Ok(id) = notes.try_recv()
        {
            ids.insert(id);
        }
        if let Err(error) = send(&db, &ids).await {
            warn!(%error, "failed to send a notification");
        }
    }
}

async fn send(db: &PgPool, ids: &BTreeSet<SubmissionId>) -> sqlx::Result<()> {
    let payload: Vec<String> = ids.iter().map(SubmissionId::to_string).collect();
    sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(payload.join(",")).execute(db).await?;
    Ok(())
}

async fn listen(db: PgPool, heard: broadcast::Sender<SubmissionId>) {
    loop {
        if let Err(error) = pass_on(&db, &heard).await {
            warn!(%error, "failed to listen for notifications");
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn pass_on(db: &PgPool, heard: &broadcast::Sender<SubmissionId>) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(db).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let notification = listener.recv().await?;
        for id in notification.payload().split(',').filter_map(|id| id.parse().ok()) {
            // Nobody waiting is no error.
            let _ = heard.send(SubmissionId(id));
        }
    }
}
