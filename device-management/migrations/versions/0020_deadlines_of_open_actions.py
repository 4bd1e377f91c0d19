"""Deadlines are found by an index that a search for a device's open actions cannot take for its own.

Its condition was that of the queue's index. While the planner believes that nothing is open both are empty to it and
cost the same, and it read every open action for each device.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_actions_deadline", table_name="actions")
    op.create_index("ix_actions_deadline", "actions", ["deadline"], postgresql_where=sa.text("completed_at is null"))


def downgrade() -> None:
    op.drop_index("ix_actions_deadline", table_name="actions")
    open_ = sa.text("state in ('pending', 'running')")
    op.create_index("ix_actions_deadline", "actions", ["deadline"], postgresql_where=open_)
