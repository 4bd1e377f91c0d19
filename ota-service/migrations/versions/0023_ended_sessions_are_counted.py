"""Sessions that have ended and that their batch has not heard of are counted when they end."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_COUNT = """
    insert into session_ends (batch_id, state, slot, sessions)
    select batch_id, state, 0, count(*) from update_sessions
    where awaited and batch_id is not null and state in ('cancelled', 'completed', 'failed', 'timed_out')
    group by batch_id, state
"""


def upgrade() -> None:
    op.create_table(
        "session_ends",
        sa.Column("batch_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "state", "slot", name=op.f("pk_session_ends")),
    )
    op.execute(_COUNT)


def downgrade() -> None:
    op.drop_table("session_ends")
