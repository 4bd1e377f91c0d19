"""Organizations by their slugs, and what clients of the Direct Device Integration have said."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("organization_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slug", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_tenants")),
    )
    op.create_index(op.f("ix_tenants_slug"), "tenants", ["slug"])
    op.create_table(
        "ddi_targets",
        sa.Column("organization_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_uid", sa.String(64), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("attributes_wanted", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("auto_confirm", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("registration_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "device_uid", name=op.f("pk_ddi_targets")),
    )
    op.create_table(
        "ddi_feedbacks",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("execution", sa.String(16), nullable=False),
        sa.Column("finished", sa.String(16), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.Column("code", sa.BigInteger(), nullable=True),
        sa.Column("details", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("pk_ddi_feedbacks")),
        sa.ForeignKeyConstraint(["session_id"], ["update_sessions.id"], name=op.f("fk_ddi_feedbacks_session_id")),
    )


def downgrade() -> None:
    op.drop_table("ddi_feedbacks")
    op.drop_table("ddi_targets")
    op.drop_table("tenants")
