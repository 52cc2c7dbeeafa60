//! The live stream of one submission.
//!
//! Everything told comes from the progress rows, so a stream that broke resumes after `Last-Event-ID` and nothing is
//! told from memory. A notification only says "look now"; a look in between makes up for a lost one. The stream ends
//! by itself once the submission is graded or dead, and when the server stops.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Serialize;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use super::App;
use super::error::{Error, Problem};
use super::extract::MayRead;
use super::watch::{Watch, Woken};
use crate::db;
use crate::ids::{State as HowFar, SubmissionId};

/// Silence after which a comment keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events that wait for a slow reader.
const EVENTS_WAITING_MAX: usize = 64;
const LAST_EVENT_ID: &str = "last-event-id";
/// Proxies that gather answers would hold the stream back.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// How far the submission is, whenever that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateEvent {
    state: HowFar,
    /// Place in the line from 1; null once it no longer waits.
    queue_position: Option<i64>,
}

/// Server-sent events: `progress` (a Progress, with `id:` = its seq) and `state` (a StateEvent).
#[utoipa::path(get, path = "/api/v1/submissions/{id}/events", operation_id = "follow_submission", tag = "submissions",
    params(("id" = uuid::Uuid, Path), ("Last-Event-ID" = Option<i64>, Header, description = "resume after this seq")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = Problem)))]
pub async fn follow(may_read: MayRead, State(app): State<App>, headers: HeaderMap) -> Result<impl IntoResponse, Error> {
    let id = may_read.standing.summary.id;
    let watch = Watch::start(&app, id)?;
    let (sender, events) = channel(EVENTS_WAITING_MAX);
    let teller = Teller { app, submission: id, sender, seq: last_event_id(&headers), told: None };
    tokio::spawn(teller.run(watch));
    let stream = ReceiverStream::new(events).map(Ok::<_, Infallible>);
    Ok(([NO_BUFFERING], Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))))
}

fn last_event_id(headers: &HeaderMap) -> i64 {
    headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// The sending side of one stream.
#[derive(Debug)]
struct Teller {
    app: App,
    submission: SubmissionId,
    sender: Sender<Event>,
    /// Of the last step told.
    seq: i64,
    /// The last state told.
    told: Option<StateEvent>,
}

/// Whether there is more to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    More,
    /// The submission has ended, or nobody listens.
    All,
}

impl Teller {
    async fn run(mut self, mut watch: Watch) {
        loop {
            match self.tell().await {
                Ok(Told::More) => {}
                Ok(Told::All) => return,
                // The reader connects again and goes on after the last id.
                Err(error) => return tracing::warn!(%error, "ended a live stream"),
            }
            tokio::select! {
                woken = watch.next() => if woken == Woken::Stop { return },
                () = self.sender.closed() => return,
            }
        }
    }

    /// Tells what is new. The state is read before the steps, so that all steps are told before the end is.
    async fn tell(&mut self) -> sqlx::Result<Told> {
        let Some(standing) = db::submissions::standing(&self.app.db, self.submission).await? else {
            return Ok(Told::All);
        };
        for step in db::progress::after(&self.app.db, standing.grading, self.seq).await? {
            self.seq = step.seq;
            let event = Event::default().event("progress").id(step.seq.to_string());
            if self.send(event, &step).await == Told::All {
                return Ok(Told::All);
            }
        }
        let queue_position = db::queue::position(&self.app.db, standing.grading).await?;
        let now = StateEvent { state: standing.summary.state, queue_position };
        if self.told.replace(now) != Some(now) && self.send(Event::default().event("state"), &now).await == Told::All {
            return Ok(Told::All);
        }
        Ok(if now.state.ended() { Told::All } else { Told::More })
    }

    async fn send<T: Serialize>(&self, event: Event, data: &T) -> Told {
        let event = event.json_data(data).expect("plain data");
        if self.sender.send(event).await.is_ok() { Told::More } else { Told::All }
    }
}
