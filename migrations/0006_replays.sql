-- A schedule that a report has named, run again for whoever reads the report: a grading of one case that counts for
-- nothing. It shares the queue, the leases and the fences of the others.

alter table gradings
    drop constraint gradings_reason_check,
    add constraint gradings_reason_check check (reason in ('hand-in', 'regrade', 'replay')),
    -- Null unless it is a replay: the one case that is run, and the token of the schedule.
    add column replay_case text,
    add column replay_token text,
    add constraint gradings_replay_is_whole check (
        (reason = 'replay') = (replay_case is not null) and (reason = 'replay') = (replay_token is not null));

-- As before, but for replays: they move nothing.
create or replace view standings as
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
    where g.submission_id = s.id and g.reason <> 'replay'
    order by g.id desc
    limit 1) newest on true
left join lateral (
    select g.id, g.verdict, g.points, g.points_max
    from gradings g
    where g.submission_id = s.id and g.state = 'graded' and g.reason <> 'replay'
    order by g.id desc
    limit 1) graded on true;

do $$
begin
    if exists (select from pg_roles where rolname = 'practicum_worker') then
        grant select (replay_case, replay_token) on gradings to practicum_worker;
    end if;
end
$$;
