"""Devices that wait for their maintenance window are found by their uid."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_batch_devices_outside_window",
        "batch_devices",
        ["device_uid"],
        postgresql_where=sa.text("state = 'pending' and reason = 'outside_window'"),
    )


def downgrade() -> None:
    op.drop_index("ix_batch_devices_outside_window", table_name="batch_devices")
