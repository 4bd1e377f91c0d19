"""Devices are found by a tag through an index."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_devices_tags", "devices", ["tags"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_devices_tags", table_name="devices")
