"""Devices are found by a tag through an index."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_fleet_devices_tags", "fleet_devices", ["tags"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_fleet_devices_tags", table_name="fleet_devices")
