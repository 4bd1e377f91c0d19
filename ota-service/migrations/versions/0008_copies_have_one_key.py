"""A copy's only unique key is the uid, by which it is taken over.

With a second one two workers that copy a device for the first time could both pass the look at the uid, and the slower
would be refused at the id instead of waiting.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("uq_fleet_devices_device_id", "fleet_devices", type_="unique")
    op.create_index("ix_fleet_devices_device_id", "fleet_devices", ["device_id"])


def downgrade() -> None:
    op.drop_index("ix_fleet_devices_device_id", table_name="fleet_devices")
    op.create_unique_constraint("uq_fleet_devices_device_id", "fleet_devices", ["device_id"])
