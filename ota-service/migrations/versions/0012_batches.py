"""Batches of updates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COUNTS = ("pending", "initiated", "succeeded", "failed", "skipped", "cancelled")
_AWAITED = "state in ('cancelled', 'completed', 'failed', 'timed_out') and batch_id is not null"


def upgrade() -> None:
    op.add_column("update_sessions", sa.Column("batch_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_update_sessions_awaited", "update_sessions", ["batch_id"], postgresql_where=sa.text(_AWAITED))
    op.create_table(
        "update_batches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("target", postgresql.JSONB(), nullable=False),
        sa.Column("chosen_to", sa.String(length=64), nullable=True),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        sa.Column("per_site", sa.Integer(), nullable=True),
        sa.Column("window", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("release_ref", sa.String(length=64), nullable=True),
        sa.Column("rollback_of", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("untold", sa.Boolean(), nullable=False),
        sa.Column("stepped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_step_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"least({', '.join(_COUNTS)}) >= 0", name=op.f("ck_update_batches_counts")),
        sa.ForeignKeyConstraint(["rollback_of"], ["update_batches.id"], name=op.f("fk_update_batches_rollback_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_update_batches")),
        sa.UniqueConstraint("rollback_of", name=op.f("uq_update_batches_rollback_of")),
    )
    op.create_index("ix_update_batches_organization_id_id", "update_batches", ["organization_id", "id"])
    op.create_index(
        "ix_update_batches_next_step_at",
        "update_batches",
        ["next_step_at"],
        postgresql_where=sa.text("next_step_at is not null"),
    )
    op.create_table(
        "batch_devices",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("device_uid", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("firmware_ids", sa.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state <> 'initiated' or session_id is not null", name=op.f("ck_batch_devices_session")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["update_batches.id"], name=op.f("fk_batch_devices_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_id", "device_uid", name=op.f("pk_batch_devices")),
    )
    op.create_index(
        "ix_batch_devices_pending",
        "batch_devices",
        ["batch_id", "next_at", "device_uid"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_batch_devices_pending_at_site",
        "batch_devices",
        ["batch_id", "site_id", "next_at", "device_uid"],
        postgresql_where=sa.text("state = 'pending' and site_id is not null"),
    )
    op.create_index(
        "ix_batch_devices_initiated",
        "batch_devices",
        ["batch_id", "device_uid"],
        postgresql_where=sa.text("state = 'initiated'"),
    )


def downgrade() -> None:
    op.drop_table("batch_devices")
    op.drop_table("update_batches")
    op.drop_index("ix_update_sessions_awaited", table_name="update_sessions")
    op.drop_column("update_sessions", "batch_id")
