//! Signing in and out with a browser.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::{Error, Problem};
use super::extract::{self, ClientAddress, InPerson, SignedIn};
use crate::db;
use crate::db::courses::MyCourse;
use crate::db::people::Person;
use crate::db::sessions::{SESSION_HOURS_MAX, SessionToken};
use crate::ids::Login;
use crate::password::{Password, PasswordHash};

/// What is typed at the door.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    login: String,
    password: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignIn({:?})", self.login)
    }
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    #[serde(flatten)]
    person: Person,
    courses: Vec<MyCourse>,
}

const WRONG: Error = Error::Unauthorized("login or password is wrong");

#[utoipa::path(post, path = "/api/v1/session", operation_id = "sign_in", tag = "session", request_body = SignIn,
    responses((status = 200, body = Me), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub async fn sign_in(
    ClientAddress(address): ClientAddress,
    State(app): State<App>,
    jar: CookieJar,
    extract::Json(typed): extract::Json<SignIn>,
) -> Result<(CookieJar, Json<Me>), Error> {
    let login = Login::parse(&typed.login).map_err(|_| WRONG)?;
    let password = Password::claimed(typed.password).map_err(|_| WRONG)?;
    app.logins.attempt(&login, address)?;
    let person = verify(&app, &login, password).await?;
    app.logins.succeeded(&login, address);
    let token = SessionToken::fresh();
    db::sessions::create(&app.db, person.id, &token).await?;
    let me = describe(&app, person).await?;
    Ok((jar.add(cookie(&app, &token)), Json(me)))
}

async fn verify(app: &App, login: &Login, password: Password) -> Result<Person, Error> {
    let (person, hash) = match db::people::credentials(&app.db, login).await? {
        Some(credentials) => (Some(credentials.person), Some(credentials.password_hash)),
        None => (None, None),
    };
    let right = PasswordHash::verify(hash, password).await;
    person.filter(|_| right).ok_or(WRONG)
}

fn cookie(app: &App, token: &SessionToken) -> Cookie<'static> {
    Cookie::build((app.cookie_name(), token.as_str().to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.https)
        .max_age(time::Duration::hours(i64::from(SESSION_HOURS_MAX)))
        .build()
}

#[utoipa::path(delete, path = "/api/v1/session", operation_id = "sign_out", tag = "session",
    responses((status = 204), (status = 401, body = Problem)))]
pub async fn sign_out(me: InPerson, State(app): State<App>, jar: CookieJar) -> Result<(CookieJar, StatusCode), Error> {
    db::sessions::end(&app.db, &me.session).await?;
    let jar = jar.remove(Cookie::build(app.cookie_name()).path("/").secure(app.https));
    Ok((jar, StatusCode::NO_CONTENT))
}

#[utoipa::path(get, path = "/api/v1/me", operation_id = "me", tag = "session",
    responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub async fn me(me: SignedIn, State(app): State<App>) -> Result<Json<Me>, Error> {
    Ok(Json(describe(&app, me.person).await?))
}

async fn describe(app: &App, person: Person) -> Result<Me, Error> {
    let courses = db::courses::of_person(&app.db, &person).await?;
    Ok(Me { person, courses })
}
