"""A device's own state names the fixed groups that it is in, and the site where it is.

What is known already becomes a new version of each device, for copies to take it over at the next resync.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("group_ids", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False))
    op.add_column("devices", sa.Column("site_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_devices_organization_id_site_id"),
        "devices",
        "sites",
        ["organization_id", "site_id"],
        ["organization_id", "id"],
    )
    op.create_index("ix_devices_site_id", "devices", ["site_id"])
    op.execute(
        """
        update devices
        set group_ids = array(select group_id from group_members where device_id = devices.id order by group_id),
            site_id = (
                select site_id from site_devices where device_id = devices.id order by first_heard_at, site_id limit 1
            ),
            version = version + 1, revision = revision + 1
        where lifecycle <> 'purged' and (
            exists (select from group_members where device_id = devices.id)
            or exists (select from site_devices where device_id = devices.id)
        )
        """
    )


def downgrade() -> None:
    op.drop_index("ix_devices_site_id", table_name="devices")
    op.drop_constraint("fk_devices_organization_id_site_id", "devices", type_="foreignkey")
    op.drop_column("devices", "site_id")
    op.drop_column("devices", "group_ids")
