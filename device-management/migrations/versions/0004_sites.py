"""Sites, their links and the devices heard there."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_devices_organization_id_id", table_name="devices")
    op.create_index("ix_devices_organization_id_id", "devices", ["organization_id", "id"], unique=True)
    op.create_table(
        "sites",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=True),
        sa.Column("password", sa.LargeBinary(), nullable=True),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("ca_certificate", sa.Text(), nullable=True),
        sa.Column("client_id", sa.String(length=32), nullable=False),
        sa.Column("topic_template", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_sites_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_sites_organization_id_name")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_sites_organization_id_id")),
    )
    op.create_table(
        "site_links",
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False, server_default="waiting"),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forwarded", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("unknown", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("refused", sa.BigInteger(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_site_links_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_site_links")),
    )
    op.create_table(
        "site_devices",
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("first_heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "site_id"],
            ["sites.organization_id", "sites.id"],
            name=op.f("fk_site_devices_organization_id_site_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "device_id"],
            ["devices.organization_id", "devices.id"],
            name=op.f("fk_site_devices_organization_id_device_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "device_id", name=op.f("pk_site_devices")),
    )
    op.create_index(op.f("ix_site_devices_device_id"), "site_devices", ["device_id"])


def downgrade() -> None:
    for table in ("site_devices", "site_links", "sites"):
        op.drop_table(table)
    op.drop_index("ix_devices_organization_id_id", table_name="devices")
    op.create_index("ix_devices_organization_id_id", "devices", ["organization_id", "id"])
