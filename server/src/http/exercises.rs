//! The catalogue, for staff.

use axum::Json;
use axum::extract::State;

use super::App;
use super::error::{Error, Problem};
use super::extract::SignedIn;
use crate::db;
use crate::db::exercises::CatalogueEntry;

#[utoipa::path(get, path = "/api/v1/exercises", operation_id = "list_exercises", tag = "exercises",
    responses((status = 200, body = Vec<CatalogueEntry>), (status = 403, body = Problem)))]
pub async fn list(me: SignedIn, State(app): State<App>) -> Result<Json<Vec<CatalogueEntry>>, Error> {
    let courses = db::courses::of_person(&app.db, &me.person).await?;
    if !me.person.admin && !courses.iter().any(|course| course.role.staff()) {
        return Err(Error::Forbidden("only staff of a course may see the catalogue".into()));
    }
    Ok(Json(db::exercises::catalogue(&app.db).await?))
}
