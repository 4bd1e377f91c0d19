"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fleet_devices",
        sa.Column("device_uid", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("device_type", sa.String(length=64), nullable=True),
        sa.Column("hardware_version", sa.String(length=64), nullable=True),
        sa.Column("firmware_version", sa.String(length=64), nullable=True),
        sa.Column("lifecycle", sa.String(length=16), nullable=False),
        sa.Column("updates_enabled", sa.Boolean(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.String(length=64)), nullable=False),
        sa.Column("min_token_generation", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("device_uid", name=op.f("pk_fleet_devices")),
        sa.UniqueConstraint("device_id", name=op.f("uq_fleet_devices_device_id")),
    )
    op.create_index(op.f("ix_fleet_devices_organization_id"), "fleet_devices", ["organization_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_fleet_devices_organization_id"), table_name="fleet_devices")
    op.drop_table("fleet_devices")
