//! Whether this process lives, and whether it can serve.

use axum::extract::State;

use super::App;
use super::error::Error;
use crate::db;

/// Answers as long as the process does.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "health", responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Answers 200 once the database is there with every migration.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "health",
    responses((status = 200, body = String), (status = 503, body = super::error::Problem)))]
pub async fn readyz(State(app): State<App>) -> Result<&'static str, Error> {
    match db::ready(&app.db).await {
        Ok(true) => Ok("ready\n"),
        Ok(false) => Err(Error::Unavailable(sqlx::Error::Protocol("migrations are missing".into()))),
        Err(error) => Err(Error::Unavailable(error)),
    }
}
