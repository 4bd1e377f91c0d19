"""Groups, and in which of them and at which site a device is.

Devices that the copy has already are told again with their next event, or all at once by a resync.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fleet_devices", sa.Column("serial_number", sa.String(length=128), nullable=True))
    op.add_column(
        "fleet_devices", sa.Column("group_ids", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False)
    )
    op.add_column("fleet_devices", sa.Column("site_id", sa.BigInteger(), nullable=True))
    op.add_column("fleet_devices", sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("update fleet_devices set registered_at = changed_at")
    op.alter_column("fleet_devices", "registered_at", nullable=False)
    op.alter_column("fleet_devices", "group_ids", server_default=None)
    op.drop_index("ix_fleet_devices_organization_id", table_name="fleet_devices")
    op.create_index("ix_fleet_devices_organization_id_device_uid", "fleet_devices", ["organization_id", "device_uid"])
    op.create_index("ix_fleet_devices_site_id", "fleet_devices", ["site_id"])
    op.create_index("ix_fleet_devices_group_ids", "fleet_devices", ["group_ids"], postgresql_using="gin")
    op.create_index(
        "ix_fleet_devices_attributes",
        "fleet_devices",
        ["attributes"],
        postgresql_using="gin",
        postgresql_ops={"attributes": "jsonb_path_ops"},
    )
    op.create_table(
        "fleet_groups",
        sa.Column("group_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("rql", sa.Text(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_fleet_groups")),
    )
    op.create_index("ix_fleet_groups_organization_id", "fleet_groups", ["organization_id"])


def downgrade() -> None:
    op.drop_table("fleet_groups")
    op.drop_index("ix_fleet_devices_attributes", table_name="fleet_devices")
    op.drop_index("ix_fleet_devices_group_ids", table_name="fleet_devices")
    op.drop_index("ix_fleet_devices_site_id", table_name="fleet_devices")
    op.drop_index("ix_fleet_devices_organization_id_device_uid", table_name="fleet_devices")
    op.create_index("ix_fleet_devices_organization_id", "fleet_devices", ["organization_id"])
    op.drop_column("fleet_devices", "registered_at")
    op.drop_column("fleet_devices", "site_id")
    op.drop_column("fleet_devices", "group_ids")
    op.drop_column("fleet_devices", "serial_number")
