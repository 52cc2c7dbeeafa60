//! The API document: what the routes say of themselves, and the two things that they cannot say.

use utoipa::OpenApi;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::{Object, OneOf, SchemaType};
use utoipa::openapi::{RefOr, Schema, Type};

use super::{error, events};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Practicum",
        description = "Lab exercises: hand in, follow, read reports. Errors are application/problem+json.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(error::Problem, events::StateEvent, crate::db::progress::Progress, grader::Verdict))
)]
pub struct Document;

/// The document of all routes, made fit for those who generate programs from it.
pub fn finish(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    plain_paths(&mut document.paths);
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    schemas.for_each(require_nullable);
    document
}

/// OpenAPI has no word for "the rest of the path".
fn plain_paths(paths: &mut Paths) {
    let starred = std::mem::take(&mut paths.paths);
    paths.paths = starred.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
}

/// An answer writes null and leaves nothing out, so a member that may be null is always there.
fn require_nullable(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => require_nullable_members(object),
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter_mut().for_each(require_nullable),
        RefOr::T(Schema::OneOf(variants)) => variants.items.iter_mut().for_each(require_nullable),
        // Nothing of ours that has members is made of anything else.
        _ => {}
    }
}

fn require_nullable_members(object: &mut Object) {
    for (name, member) in &object.properties {
        if may_be_null(member) && !object.required.contains(name) {
            object.required.push(name.clone());
        }
    }
}

fn may_be_null(schema: &RefOr<Schema>) -> bool {
    match schema {
        RefOr::T(Schema::Object(Object { schema_type: SchemaType::Type(kind), .. })) => *kind == Type::Null,
        RefOr::T(Schema::Object(Object { schema_type: SchemaType::Array(kinds), .. })) => kinds.contains(&Type::Null),
        RefOr::T(Schema::OneOf(OneOf { items, .. })) => items.iter().any(may_be_null),
        _ => false,
    }
}
