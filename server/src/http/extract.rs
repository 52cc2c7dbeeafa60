//! Extractors that prove things: whoever holds one need not check again.
//!
//! [`SignedIn`] proves a session or a good token, [`InPerson`] a session, [`Enrolled`] a place in the course of the
//! path, [`HandsIn`] also the right to hand in, [`Staff`] a role that sees everybody's work, [`MayRead`] the right to
//! read the submission of the path. What one may not see answers as if it were not there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum_extra::extract::CookieJar;
use grader::report::Reader;
use serde::de::DeserializeOwned;

use super::App;
use super::error::Error;
use crate::db;
use crate::db::assignments::Assignment;
use crate::db::courses::MyCourse;
use crate::db::people::Person;
use crate::db::sessions::SessionToken;
use crate::db::submissions::Standing;
use crate::db::tokens::Scope;
use crate::ids::{Role, Slug, SubmissionId};

const SIGN_IN: &str = "sign in first: a session cookie or `Authorization: Bearer TOKEN` is wanted";

/// How a person proved who they are.
#[derive(Clone, Debug)]
pub enum Proof {
    Session(SessionToken),
    Token(Scope),
}

/// A person with a live session or a good token.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub person: Person,
    pub proof: Proof,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<SignedIn, Error> {
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let text = header.to_str().unwrap_or_default();
            let token = text.strip_prefix("Bearer ").ok_or(Error::Unauthorized(SIGN_IN))?;
            return by_token(app, token.trim()).await;
        }
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = jar.get(app.cookie_name()).ok_or(Error::Unauthorized(SIGN_IN))?;
        by_session(app, SessionToken::claimed(cookie.value())).await
    }
}

async fn by_token(app: &App, token: &str) -> Result<SignedIn, Error> {
    const REFUSED: Error = Error::Unauthorized("this token is not good: it may be revoked, expired or cut off");
    let id = app.token_signer.verify(token).ok_or(REFUSED)?;
    let owner = db::tokens::owner(&app.db, id).await?.ok_or(REFUSED)?;
    db::tokens::touch(&app.db, id).await?;
    Ok(SignedIn { person: owner.person, proof: Proof::Token(owner.scope) })
}

async fn by_session(app: &App, token: SessionToken) -> Result<SignedIn, Error> {
    let person = db::sessions::person(&app.db, &token)
        .await?
        .ok_or(Error::Unauthorized("your session is over: sign in again"))?;
    db::sessions::touch(&app.db, &token).await?;
    Ok(SignedIn { person, proof: Proof::Session(token) })
}

/// A person at a browser: tokens make no tokens and change no marks.
#[derive(Clone, Debug)]
pub struct InPerson {
    pub person: Person,
    pub session: SessionToken,
}

impl FromRequestParts<App> for InPerson {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<InPerson, Error> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        match signed_in.proof {
            Proof::Session(session) => Ok(InPerson { person: signed_in.person, session }),
            Proof::Token(_) => Err(Error::Forbidden("a token may not do this: sign in at the web page".into())),
        }
    }
}

/// A person with a place in the course that the path names.
#[derive(Clone, Debug)]
pub struct Enrolled {
    pub person: Person,
    pub course: MyCourse,
}

impl FromRequestParts<App> for Enrolled {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Enrolled, Error> {
        let SignedIn { person, .. } = SignedIn::from_request_parts(parts, app).await?;
        let slug = path_slug(parts, app, "course").await?;
        let course = db::courses::one_of_person(&app.db, &person, &slug).await?;
        Ok(Enrolled { person, course: course.ok_or(Error::NotFound("course"))? })
    }
}

/// An assistant, instructor or admin in the course of the path.
#[derive(Clone, Debug)]
pub struct Staff {
    pub course: MyCourse,
}

impl FromRequestParts<App> for Staff {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Staff, Error> {
        let enrolled = Enrolled::from_request_parts(parts, app).await?;
        if enrolled.course.role.staff() {
            return Ok(Staff { course: enrolled.course });
        }
        Err(Error::Forbidden("only assistants and instructors of this course may see this".into()))
    }
}

/// The assignment that the path names, for somebody who may see it: students not before it opens.
#[derive(Clone, Debug)]
pub struct At {
    pub person: Person,
    pub course: MyCourse,
    pub assignment: Assignment,
}

impl FromRequestParts<App> for At {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<At, Error> {
        let Enrolled { person, course } = Enrolled::from_request_parts(parts, app).await?;
        let slug = path_slug(parts, app, "assignment").await?;
        let assignment = db::assignments::by_slug(&app.db, course.id, &slug).await?;
        let assignment = assignment.ok_or(Error::NotFound("assignment"))?;
        if !assignment.opened && !course.role.staff() {
            return Err(Error::Forbidden(format!("assignment {slug} is not open yet")));
        }
        Ok(At { person, course, assignment })
    }
}

/// Somebody who may hand in to the assignment of the path, now.
#[derive(Clone, Debug)]
pub struct HandsIn(pub At);

impl FromRequestParts<App> for HandsIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<HandsIn, Error> {
        match SignedIn::from_request_parts(parts, app).await?.proof {
            Proof::Session(_) | Proof::Token(Scope::Submit) => {}
            Proof::Token(Scope::Read) => {
                return Err(Error::Forbidden("this token may only read: make one with the scope submit".into()));
            }
        }
        let at = At::from_request_parts(parts, app).await?;
        if at.assignment.closed && !at.course.role.staff() {
            return Err(Error::Conflict(format!("assignment {} is closed", at.assignment.slug)));
        }
        Ok(HandsIn(at))
    }
}

/// A submission that the asker may read: its author, or staff of its course.
#[derive(Clone, Debug)]
pub struct MayRead {
    pub standing: Standing,
    pub role: Role,
}

impl MayRead {
    /// For whom the report is cut.
    pub fn reader(&self) -> Reader {
        match self.role {
            Role::Student => Reader::Student { assignment_closed: self.standing.closed },
            Role::Assistant | Role::Instructor => Reader::Staff,
        }
    }
}

impl FromRequestParts<App> for MayRead {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<MayRead, Error> {
        const HIDDEN: Error = Error::NotFound("submission");
        let SignedIn { person, .. } = SignedIn::from_request_parts(parts, app).await?;
        let id = path_text(parts, app, "id").await?.parse().map_err(|_| HIDDEN)?;
        let standing = db::submissions::standing(&app.db, SubmissionId(id)).await?.ok_or(HIDDEN)?;
        let course = db::courses::one_of_person(&app.db, &person, &standing.course).await?.ok_or(HIDDEN)?;
        if course.role.staff() || standing.person == person.id {
            return Ok(MayRead { standing, role: course.role });
        }
        Err(HIDDEN)
    }
}

async fn path_text(parts: &mut Parts, app: &App, name: &str) -> Result<String, Error> {
    let parameters =
        RawPathParams::from_request_parts(parts, app).await.map_err(|error| Error::BadRequest(error.body_text()))?;
    let found = parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    Ok(found.expect("the route names it"))
}

async fn path_slug(parts: &mut Parts, app: &App, name: &'static str) -> Result<Slug, Error> {
    Slug::parse(&path_text(parts, app, name).await?).map_err(|_| Error::NotFound(name))
}

/// The address that a request came from.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<ClientAddress, Error> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        Ok(ClientAddress(peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

/// A JSON body; what is wrong with one is a problem.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Json<T>, Error> {
        use axum::extract::rejection::JsonRejection;
        match axum::Json::<T>::from_request(request, app).await {
            Ok(axum::Json(value)) => Ok(Json(value)),
            Err(JsonRejection::JsonDataError(error)) => Err(Error::unprocessable("", error.body_text())),
            Err(JsonRejection::MissingJsonContentType(error)) => Err(Error::UnsupportedMediaType(error.body_text())),
            Err(error) if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Error::TooLarge(error.body_text()))
            }
            Err(error) => Err(Error::BadRequest(error.body_text())),
        }
    }
}

/// A query string; what is wrong with one is a problem.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Query<T>, Error> {
        match axum::extract::Query::<T>::from_request_parts(parts, app).await {
            Ok(axum::extract::Query(value)) => Ok(Query(value)),
            Err(error) => Err(Error::unprocessable("query", error.body_text())),
        }
    }
}
