-- What was handed in, and what was found. History only grows.

-- One immutable upload.
create table submissions (
    -- UUIDv7: sorts by time.
    id uuid primary key,
    assignment_id bigint not null references assignments,
    person_id bigint not null references people,
    -- 1, 2, 3 … per assignment and person.
    ordinal integer not null check (ordinal > 0),
    -- SHA-256 over names and contents, lower-case hex: printed on the receipt.
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    -- The version that the assignment was pinned to when this was handed in.
    suite_hash text not null references exercises,
    received_at timestamptz not null default now(),
    constraint submissions_ordinal unique (assignment_id, person_id, ordinal)
);

-- The files of a submission.
create table files (
    submission_id uuid not null references submissions,
    name text not null,
    content bytea not null,
    primary key (submission_id, name)
);

-- One run of the grader over a submission. The newest one that is graded counts.
create table gradings (
    id bigint generated always as identity primary key,
    submission_id uuid not null references submissions,
    reason text not null check (reason in ('hand-in', 'regrade')),
    -- What it is graded against: the submission's version, or for a regrade the assignment's.
    suite_hash text not null references exercises,
    state text not null default 'queued' check (state in ('queued', 'running', 'graded', 'dead')),
    -- Null until graded: the report's verdict and points, on the exercise's own scale.
    verdict text,
    points integer,
    points_max integer,
    -- Null until graded. Kept whole and as text: jsonb refuses U+0000, which a student's output may well hold.
    report json,
    -- How often it was claimed; set when it ends.
    tries smallint,
    -- Null unless dead: the grader's own words, for staff.
    error text,
    queued_at timestamptz not null default now(),
    -- Null until first claimed; of the latest claim.
    started_at timestamptz,
    -- Null until graded or dead.
    finished_at timestamptz,
    constraint gradings_graded_is_whole check (
        state <> 'graded' or (verdict is not null and points is not null and points_max > 0 and report is not null))
);

-- The newest grading of a submission.
create index gradings_submission on gradings (submission_id, id desc);
-- Dead gradings, for staff.
create index gradings_dead on gradings (finished_at) where state = 'dead';

-- How far a grading got: one row when a case starts, one when it finishes.
create table progress (
    -- The event id of the live stream.
    seq bigint generated always as identity primary key,
    grading_id bigint not null references gradings,
    -- Rows of an earlier claim are history.
    tries smallint not null,
    case_id text not null,
    state text not null check (state in ('running', 'finished')),
    -- Null while running.
    verdict text,
    points integer,
    at timestamptz not null default now()
);

-- The steps of a grading after an event id.
create index progress_grading on progress (grading_id, seq);

-- A hand-in that a client may repeat without handing in twice.
create table idempotency (
    person_id bigint not null references people on delete cascade,
    key text not null,
    -- SHA-256 of what was asked: the same key for something else is refused.
    request_sha256 text not null,
    -- The receipt as it was answered.
    response json not null,
    created_at timestamptz not null default now(),
    primary key (person_id, key)
);

-- Old keys are forgotten.
create index idempotency_age on idempotency (created_at);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'a % never changes once it stands', tg_argv[0];
end
$$;

create trigger submissions_are_immutable before update or delete on submissions
    for each row execute function refuse_change('submission');
create trigger files_are_immutable before update or delete on files
    for each row execute function refuse_change('submission''s file');
create trigger finished_gradings_are_immutable before update or delete on gradings
    for each row when (old.state in ('graded', 'dead')) execute function refuse_change('finished grading');

-- Where each submission stands. The state is that of its newest grading; verdict and points are those of the newest
-- graded one, so that a regrade in the queue takes nothing away, and a dead regrade leaves the old report standing.
-- Points are on the assignment's scale.
create view standings as
select s.id as submission_id, s.assignment_id, s.person_id, s.ordinal, s.received_at, s.sha256,
       newest.id as grading_id,
       graded.id as graded_id,
       case when newest.state = 'dead' and graded.id is not null then 'graded' else newest.state end as state,
       graded.verdict,
       (graded.points::bigint * a.points / graded.points_max)::integer as points,
       a.points as points_max
from submissions s
join assignments a on a.id = s.assignment_id
join lateral (
    select g.id, g.state
    from gradings g
    where g.submission_id = s.id
    order by g.id desc
    limit 1) newest on true
left join lateral (
    select g.id, g.verdict, g.points, g.points_max
    from gradings g
    where g.submission_id = s.id and g.state = 'graded'
    order by g.id desc
    limit 1) graded on true;
