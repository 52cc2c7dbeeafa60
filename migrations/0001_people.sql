-- Who may sign in, and what proves it.

-- A person, once, whatever the courses.
create table people (
    id bigint generated always as identity primary key,
    login text not null constraint people_login_taken unique
        constraint people_login_shape check (login ~ '^[a-z][a-z0-9._-]{0,31}$'),
    name text not null,
    -- argon2id in PHC form: parameters and salt travel with the hash.
    password_hash text not null,
    -- Admins act as instructors in every course.
    admin boolean not null default false,
    created_at timestamptz not null default now()
);

-- A browser that is signed in. Only the hash is kept: whoever reads this table cannot sign in with it.
create table sessions (
    token_sha256 bytea primary key,
    person_id bigint not null references people on delete cascade,
    created_at timestamptz not null default now(),
    -- Moves at most once a minute; a session that idles too long is over.
    seen_at timestamptz not null default now(),
    -- The session is over then, however busy.
    expires_at timestamptz not null
);

-- Signing out everywhere, and the cascade of a deleted person.
create index sessions_person on sessions (person_id);

-- Personal access tokens. The token itself is a signed JWT that holds this id; the row makes it revocable.
create table tokens (
    id uuid primary key,
    person_id bigint not null references people on delete cascade,
    label text not null,
    scope text not null constraint tokens_scope check (scope in ('submit', 'read')),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    -- Null until it is first used; moves at most once a minute.
    last_used_at timestamptz,
    -- Null while it is good.
    revoked_at timestamptz
);

-- "My tokens".
create index tokens_person on tokens (person_id, created_at desc);

-- The server's own keys: one row, made at the first migration and never changed.
create table secrets (
    only_row boolean primary key default true check (only_row),
    -- The root that all case seeds hang on (32 bytes). Workers may read this column alone.
    seed_root bytea not null check (length(seed_root) = 32),
    -- Signs personal access tokens (32 bytes).
    token_key bytea not null check (length(token_key) = 32)
);
