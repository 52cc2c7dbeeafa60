//! Personal access tokens, for the command line and CI.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::error::{Error, Problem};
use super::extract::{self, InPerson, SignedIn};
use crate::db;
use crate::db::tokens::{Scope, TokenInfo};
use crate::ids::TokenId;

/// Longest label, in characters.
const LABEL_CHARACTERS_MAX: usize = 80;
/// Longest life of a token.
const DAYS_MAX: u16 = 366;

#[derive(Debug, Deserialize, ToSchema)]
pub struct NewToken {
    /// What it is for, in the owner's words.
    label: String,
    scope: Scope,
    /// Days until it expires, 1 to 366.
    days: u16,
}

/// The only time the token itself is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedToken {
    token: String,
    #[serde(flatten)]
    info: TokenInfo,
}

#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "list_tokens", tag = "tokens",
    responses((status = 200, body = Vec<TokenInfo>), (status = 401, body = Problem)))]
pub async fn list(me: SignedIn, State(app): State<App>) -> Result<Json<Vec<TokenInfo>>, Error> {
    Ok(Json(db::tokens::of_person(&app.db, me.person.id).await?))
}

#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "create_token", tag = "tokens", request_body = NewToken,
    responses((status = 201, body = CreatedToken), (status = 422, body = Problem)))]
pub async fn create(
    me: InPerson,
    State(app): State<App>,
    extract::Json(wanted): extract::Json<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Error> {
    let label = parse_label(&wanted.label)?;
    let days = parse_days(wanted.days)?;
    let id = TokenId(Uuid::new_v4());
    let info = db::tokens::create(&app.db, id, me.person.id, label, wanted.scope, days).await?;
    let token = app.token_signer.sign(&info, &me.person.login);
    Ok((StatusCode::CREATED, Json(CreatedToken { token, info })))
}

fn parse_label(label: &str) -> Result<&str, Error> {
    let label = label.trim();
    if label.is_empty() || label.chars().count() > LABEL_CHARACTERS_MAX || label.chars().any(char::is_control) {
        return Err(Error::unprocessable(
            "/label",
            format!("a label of 1 to {LABEL_CHARACTERS_MAX} characters is wanted"),
        ));
    }
    Ok(label)
}

fn parse_days(days: u16) -> Result<u16, Error> {
    if (1..=DAYS_MAX).contains(&days) {
        return Ok(days);
    }
    Err(Error::unprocessable("/days", format!("{days} days: 1 to {DAYS_MAX} are wanted")))
}

#[utoipa::path(delete, path = "/api/v1/tokens/{id}", operation_id = "revoke_token", tag = "tokens",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub async fn revoke(me: InPerson, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Error> {
    let id = id.parse().map(TokenId).map_err(|_| Error::NotFound("token"))?;
    if db::tokens::revoke(&app.db, me.person.id, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Error::NotFound("token"))
}
