"""The database itself counts sessions that have ended and that their batch has not heard of.

Versions that do not count, that count themselves, and that leave it to the database may run side by side: a trigger
counts whoever writes, and what an earlier version adds to the counts by itself is left out.
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ENDED = "awaited and batch_id is not null and state in ('cancelled', 'completed', 'failed', 'timed_out')"

_COUNT = f"""
    create function count_ended_sessions() returns trigger language plpgsql as $$
    begin
        insert into session_ends as known (batch_id, state, slot, sessions)
        select batch_id, state, case when sum(sign) < 0 then -1 else pg_backend_pid() % 16 end, sum(sign)
        from (
            select batch_id, state, 1 as sign from after where {_ENDED}
            union all
            select batch_id, state, -1 from before where {_ENDED}
        ) as changes
        group by batch_id, state having sum(sign) <> 0
        order by batch_id, state
        on conflict (batch_id, state, slot) do update set sessions = known.sessions + excluded.sessions;
        return null;
    end
    $$
"""  # noqa: S608 - a constant

_COUNTED_ALREADY = """
    create function leave_out_what_is_counted() returns trigger language plpgsql as $$ begin return null; end $$
"""

_COUNT_ANEW = f"""
    insert into session_ends (batch_id, state, slot, sessions)
    select batch_id, state, 0, count(*) from update_sessions where {_ENDED} group by batch_id, state
"""  # noqa: S608 - a constant


def upgrade() -> None:
    op.execute(_COUNT)
    op.execute(_COUNTED_ALREADY)
    # The sessions first, as whoever ends one does: this waits for what is under way, and others wait for its commit.
    op.execute(
        "create trigger count_ended after update on update_sessions referencing old table as before new table as after "
        "for each statement execute function count_ended_sessions()"
    )
    op.execute("delete from session_ends")
    op.execute(_COUNT_ANEW)
    op.execute(
        "create trigger leave_out before insert on session_ends "
        "for each row when (pg_trigger_depth() = 0) execute function leave_out_what_is_counted()"
    )


def downgrade() -> None:
    op.execute("drop trigger count_ended on update_sessions")
    op.execute("drop trigger leave_out on session_ends")
    op.execute("drop function count_ended_sessions()")
    op.execute("drop function leave_out_what_is_counted()")
