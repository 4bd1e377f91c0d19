"""A device shows what its running action makes of it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("current_action_id", sa.BigInteger(), nullable=True))
    op.add_column("devices", sa.Column("action_status", sa.String(length=16), nullable=True))


def downgrade() -> None:
    op.drop_column("devices", "action_status")
    op.drop_column("devices", "current_action_id")
