-- Least privilege for workers: a login that is `in role practicum_worker` can claim, report progress and complete, and
-- can read what it grades. It sees no person, password, session or token, and cannot touch a finished grading.
--
-- Roles belong to the whole cluster, so the role may be there already, and on a hosted Postgres this login may not be
-- permitted to make it: both are fine. Without the role workers log in as the server does.
do $$
begin
    create role practicum_worker nologin;
exception
    when duplicate_object or unique_violation then null;
    when insufficient_privilege then
        raise notice 'role practicum_worker was not made: create it as a superuser and grant it as in this migration';
end
$$;

do $$
begin
    if not exists (select from pg_roles where rolname = 'practicum_worker') then
        return;
    end if;
    grant usage on schema public to practicum_worker;
    grant select (suite_hash, exercise, archive) on exercises to practicum_worker;
    grant select (id, suite_hash) on submissions to practicum_worker;
    grant select on files to practicum_worker;
    grant select (seed_root) on secrets to practicum_worker;
    grant select (id, submission_id, suite_hash, state) on gradings to practicum_worker;
    grant update (state, verdict, points, points_max, report, tries, error, started_at, finished_at)
        on gradings to practicum_worker;
    grant select, delete on queue to practicum_worker;
    grant update (run_at, tries, lease_token, lease_until, worker) on queue to practicum_worker;
    grant insert on progress to practicum_worker;
end
$$;
