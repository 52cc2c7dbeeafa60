-- The queue: a narrow table beside the gradings, so that claiming never touches wide rows. A row is there while a
-- grading waits or runs; the clock is the database's alone.
create table queue (
    grading_id bigint primary key references gradings,
    -- Whose it is: what a person has outstanding puts their next one back.
    person_id bigint not null references people,
    -- 10 staff, 100 students, 200 regrades.
    band smallint not null,
    -- Order inside a band: the time of entry, put back by what the person has outstanding. It is a point in time, so
    -- everybody's turn comes.
    fair_at timestamptz not null,
    -- Not before then (retries wait a little).
    run_at timestamptz not null default now(),
    tries smallint not null default 0,
    -- Null while it waits. Fresh for each claim: the fencing token that every report must carry.
    lease_token uuid,
    -- Null while it waits. Past: the worker is taken for dead.
    lease_until timestamptz,
    -- Null while it waits: who has it, for people to read.
    worker text
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);

-- The next one to claim, and a position in the line.
create index queue_waiting on queue (band, fair_at, grading_id) where lease_token is null;
-- Leases that have run out.
create index queue_leased on queue (lease_until) where lease_token is not null;
-- What a person has outstanding.
create index queue_person on queue (person_id);
