//! Courses and what is set in them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{Error, Problem};
use super::extract::{Enrolled, SignedIn};
use crate::db;
use crate::db::assignments::AssignmentSummary;
use crate::db::courses::MyCourse;

/// A course with its assignments, as the asker stands in them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Course {
    #[serde(flatten)]
    course: MyCourse,
    assignments: Vec<AssignmentSummary>,
}

#[utoipa::path(get, path = "/api/v1/courses", operation_id = "list_courses", tag = "courses",
    responses((status = 200, body = Vec<MyCourse>), (status = 401, body = Problem)))]
pub async fn list(me: SignedIn, State(app): State<App>) -> Result<Json<Vec<MyCourse>>, Error> {
    Ok(Json(db::courses::of_person(&app.db, &me.person).await?))
}

#[utoipa::path(get, path = "/api/v1/courses/{course}", operation_id = "get_course", tag = "courses",
    params(("course" = String, Path)), responses((status = 200, body = Course), (status = 404, body = Problem)))]
pub async fn show(me: Enrolled, State(app): State<App>) -> Result<Json<Course>, Error> {
    let assignments = db::assignments::of_course(&app.db, me.course.id, me.person.id).await?;
    Ok(Json(Course { course: me.course, assignments }))
}
