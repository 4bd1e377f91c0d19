"""A session may carry out an action of device-management."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("update_sessions", sa.Column("action_id", sa.BigInteger(), nullable=True))
    op.create_unique_constraint(op.f("uq_update_sessions_action_id"), "update_sessions", ["action_id"])


def downgrade() -> None:
    op.drop_constraint(op.f("uq_update_sessions_action_id"), "update_sessions", type_="unique")
    op.drop_column("update_sessions", "action_id")
