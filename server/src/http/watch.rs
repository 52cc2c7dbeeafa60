//! Waiting until a submission moves: a notification wakes at once, a poll now and then, and shutdown ends it.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::App;
use super::error::Error;
use crate::ids::SubmissionId;

/// Longest time between two looks, should no notification come.
const POLL: Duration = Duration::from_secs(2);
/// Seconds after which a refused watcher may try again.
const BUSY_RETRY_S: u64 = 5;

/// One who waits. Subscribed before the first look, so that nothing falls between look and wait.
#[derive(Debug)]
pub struct Watch {
    submission: SubmissionId,
    moved: broadcast::Receiver<SubmissionId>,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// Whether to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    Look,
    /// The server stops.
    Stop,
}

impl Watch {
    pub fn start(app: &App, submission: SubmissionId) -> Result<Watch, Error> {
        let full = |_| Error::TooManyRequests {
            detail: "too many are watching: try again soon".to_owned(),
            retry_after_s: BUSY_RETRY_S,
        };
        let place = app.watchers.clone().try_acquire_owned().map_err(full)?;
        Ok(Watch { submission, moved: app.notices.subscribe(), stop: app.stop.clone(), _place: place })
    }

    pub async fn next(&mut self) -> Woken {
        let submission = self.submission;
        let moved = async {
            // A lagging or closed channel may have dropped the call: look.
            while self.moved.recv().await.is_ok_and(|id| id != submission) {}
        };
        tokio::select! {
            () = self.stop.cancelled() => Woken::Stop,
            () = moved => Woken::Look,
            () = sleep(POLL) => Woken::Look,
        }
    }

    /// Waits until it is time to look again; `false` once there is no time left to.
    pub async fn again(&mut self, deadline: Instant) -> bool {
        timeout_at(deadline, self.next()).await == Ok(Woken::Look)
    }
}
