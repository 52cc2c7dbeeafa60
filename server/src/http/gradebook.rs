//! The gradebook, as JSON for the dashboard and as CSV for spreadsheets.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{Error, Problem};
use super::extract::{Enrolled, Staff};
use crate::db;
use crate::db::courses::MyCourse;
use crate::db::gradebook::{Cell, Column};
use crate::ids::{Login, PersonId, Slug};

/// Students × assignments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Gradebook {
    course: Slug,
    assignments: Vec<Column>,
    students: Vec<StudentRow>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct StudentRow {
    login: Login,
    name: String,
    /// One for each assignment, in their order; null before the first submission.
    cells: Vec<Option<Cell>>,
}

/// Staff get the whole course, a student their own row.
#[utoipa::path(get, path = "/api/v1/courses/{course}/gradebook", operation_id = "get_gradebook", tag = "gradebook",
    params(("course" = String, Path)), responses((status = 200, body = Gradebook), (status = 404, body = Problem)))]
pub async fn show(me: Enrolled, State(app): State<App>) -> Result<Json<Gradebook>, Error> {
    let only = Some(me.person.id).filter(|_| !me.course.role.staff());
    Ok(Json(gather(&app, &me.course, only).await?))
}

#[utoipa::path(get, path = "/api/v1/courses/{course}/gradebook.csv", operation_id = "get_gradebook_csv",
    tag = "gradebook", params(("course" = String, Path)),
    responses((status = 200, content_type = "text/csv", body = String), (status = 403, body = Problem)))]
pub async fn csv(staff: Staff, State(app): State<App>) -> Result<impl IntoResponse, Error> {
    let name = format!("attachment; filename=\"{}-gradebook.csv\"", staff.course.slug);
    let text = to_csv(&gather(&app, &staff.course, None).await?);
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], text))
}

async fn gather(app: &App, course: &MyCourse, only: Option<PersonId>) -> Result<Gradebook, Error> {
    let assignments = db::gradebook::columns(&app.db, course.id).await?;
    let rows = db::gradebook::rows(&app.db, course.id, only).await?;
    let cells = db::gradebook::cells(&app.db, course.id, only).await?;
    let mut cells: HashMap<_, _> = cells.into_iter().map(|cell| ((cell.person, cell.assignment), cell)).collect();
    let students = rows
        .into_iter()
        .map(|row| StudentRow {
            cells: assignments.iter().map(|column| cells.remove(&(row.id, column.id))).collect(),
            login: row.login,
            name: row.name,
        })
        .collect();
    Ok(Gradebook { course: course.slug.clone(), assignments, students })
}

/// RFC 4180: a line a student, a column an assignment, best points or nothing.
fn to_csv(gradebook: &Gradebook) -> String {
    let head = ["login", "name"].into_iter().map(str::to_owned);
    let head = head.chain(gradebook.assignments.iter().map(|column| column.slug.to_string())).collect();
    let mut lines: Vec<Vec<String>> = vec![head];
    for student in &gradebook.students {
        let points = |cell: &Option<Cell>| {
            cell.as_ref().and_then(|cell| cell.points).map(|points| points.to_string()).unwrap_or_default()
        };
        let line = [student.login.to_string(), student.name.clone()].into_iter();
        lines.push(line.chain(student.cells.iter().map(points)).collect());
    }
    lines.iter().map(|line| line.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",") + "\r\n").collect()
}

/// Spreadsheets run cells that begin like a formula: those are made text with a quote in front.
fn csv_cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if guard.is_empty() && !text.contains(['"', ',', '\n', '\r']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
