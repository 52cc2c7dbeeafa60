//! The HTTP side: the API under `/api/v1` and the web app everywhere else.
//!
//! A handler extracts, parses, makes one call below `db` and answers. Who may do what is proved by the extractors in
//! [`extract`]; every error leaves as problem+json through [`error::render`]. The API document is made from the same
//! table that makes the routes.

mod assignments;
mod courses;
mod document;
mod error;
mod events;
mod exercises;
mod extract;
mod gradebook;
mod hand_in;
mod health;
mod layers;
mod login_limit;
mod replays;
mod session;
mod submissions;
#[cfg(test)]
mod tests;
mod token_signer;
mod tokens;
mod upload;
mod watch;
mod web;

use std::sync::Arc;

use axum::Router;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::db::exercises::Exercises;
use crate::db::notify::Notices;
use login_limit::LoginLimit;
pub use token_signer::TokenSigner;

/// Live streams and long polls that one process holds at the same time.
const WATCHERS_MAX: usize = 2000;

/// What handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub db: PgPool,
    pub exercises: Exercises,
    pub notices: Notices,
    pub token_signer: TokenSigner,
    logins: Arc<LoginLimit>,
    watchers: Arc<Semaphore>,
    /// Ends live streams and long polls.
    stop: CancellationToken,
    /// Whether browsers come by https, so that cookies may insist on it.
    https: bool,
}

impl App {
    pub fn new(
        db: PgPool,
        exercises: Exercises,
        notices: Notices,
        token_signer: TokenSigner,
        https: bool,
        stop: CancellationToken,
    ) -> App {
        App {
            db,
            exercises,
            notices,
            token_signer,
            logins: Arc::default(),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
            stop,
            https,
        }
    }

    /// `__Host-` makes browsers refuse the cookie from anywhere but this host over https.
    fn cookie_name(&self) -> &'static str {
        if self.https { "__Host-practicum_session" } else { "practicum_session" }
    }
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document::Document::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(session::me))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(courses::list))
        .routes(routes!(courses::show))
        .routes(routes!(assignments::show))
        .routes(routes!(assignments::starter))
        .routes(routes!(hand_in::list, hand_in::create))
        .routes(routes!(submissions::show))
        .routes(routes!(submissions::file))
        .routes(routes!(events::follow))
        .routes(routes!(submissions::regrade))
        .routes(routes!(replays::create))
        .routes(routes!(replays::show))
        .routes(routes!(gradebook::show))
        .routes(routes!(gradebook::csv))
        .routes(routes!(exercises::list))
        .route("/api/v1/openapi.json", axum::routing::get(openapi_json))
}

/// The API document, as `practicum openapi` prints it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    document::finish(routes().into_openapi())
}

async fn openapi_json() -> axum::Json<utoipa::openapi::OpenApi> {
    axum::Json(openapi())
}

/// Everything, with its layers.
pub fn router(app: App) -> Router {
    let (router, _) = routes().split_for_parts();
    layers::around(router.fallback(web::serve)).with_state(app)
}
