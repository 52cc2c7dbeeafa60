-- Courses, who is in them, and what is set.

-- A course, known by its slug.
create table courses (
    id bigint generated always as identity primary key,
    slug text not null constraint courses_slug_taken unique
        constraint courses_slug_shape check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 64),
    title text not null,
    created_at timestamptz not null default now()
);

-- Who is what in a course: one role each.
create table enrollments (
    course_id bigint not null references courses on delete cascade,
    person_id bigint not null references people on delete cascade,
    role text not null constraint enrollments_role check (role in ('student', 'assistant', 'instructor')),
    primary key (course_id, person_id)
);

-- "My courses".
create index enrollments_person on enrollments (person_id);

-- Every version of every exercise that was ever added, whole. A version is never changed or deleted: old reports and
-- regrades lean on it.
create table exercises (
    -- SHA-256 of all files, lower-case hex.
    suite_hash text primary key check (suite_hash ~ '^[0-9a-f]{64}$'),
    -- The exercise's id, shared by its versions.
    exercise text not null,
    title text not null,
    section smallint not null,
    topics text[] not null,
    points_max integer not null check (points_max > 0),
    -- The folder as one tar.
    archive bytea not null,
    -- When this version was last found in the catalogue folder; the newest is the current one.
    added_at timestamptz not null default now()
);

-- The newest version of an exercise.
create index exercises_newest on exercises (exercise, added_at desc);

-- An exercise in a course.
create table assignments (
    id bigint generated always as identity primary key,
    course_id bigint not null references courses on delete cascade,
    slug text not null check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 64),
    -- The version it is pinned to. Moving it is followed by a regrade.
    suite_hash text not null references exercises,
    -- What a full report is worth here.
    points integer not null check (points > 0),
    -- Null: open from the start.
    opens_at timestamptz,
    -- Null: no date to keep. Hand-ins are still taken after it, until `closes_at`.
    due_at timestamptz,
    -- Null: never closes. After it nothing is taken and after-due cases open.
    closes_at timestamptz,
    -- Null: as often as one likes.
    attempts_max integer check (attempts_max > 0),
    constraint assignments_slug_taken unique (course_id, slug),
    constraint assignments_dates check (opens_at < due_at and due_at <= closes_at and opens_at < closes_at)
);
