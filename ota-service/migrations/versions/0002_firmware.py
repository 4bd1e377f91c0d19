"""Firmware."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "firmwares",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("hardware_versions", sa.ARRAY(sa.String(length=64)), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sha1", sa.String(length=40), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=False),
        sa.Column("pieces", sa.LargeBinary(), nullable=False),
        sa.Column("blob", sa.String(length=200), nullable=False),
        sa.Column("release_counter", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("uploaded_by", sa.String(length=64), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firmwares")),
        sa.UniqueConstraint("blob", name=op.f("uq_firmwares_blob")),
        sa.UniqueConstraint(
            "organization_id", "name", "release_counter", name=op.f("uq_firmwares_organization_id_name_release_counter")
        ),
        sa.UniqueConstraint(
            "organization_id", "name", "version", name=op.f("uq_firmwares_organization_id_name_version")
        ),
    )
    op.create_index(op.f("ix_firmwares_organization_id_id"), "firmwares", ["organization_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("firmwares")
