"""Events that the relay sends before all others."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_UNSENT = sa.text("sent_at is null and urgent")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("ix_outbox_urgent", "outbox", ["subject"], unique=False, postgresql_where=_UNSENT)


def downgrade() -> None:
    op.drop_index("ix_outbox_urgent", table_name="outbox", postgresql_where=_UNSENT)
    op.drop_column("outbox", "urgent")
