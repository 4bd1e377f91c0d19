"""Update sessions and their history."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OPEN = "state in ('acknowledged', 'downloading', 'flashed', 'initiated')"
_FINAL = "state in ('cancelled', 'completed', 'failed', 'timed_out')"


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("update_session_counters", data_type=sa.BigInteger())))
    op.create_table(
        "update_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("device_uid", sa.String(length=64), nullable=False),
        sa.Column("firmware_id", sa.BigInteger(), nullable=False),
        sa.Column("firmware_name", sa.String(length=64), nullable=False),
        sa.Column("firmware_version", sa.String(length=64), nullable=False),
        sa.Column("previous_version", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"{_OPEN} or {_FINAL}", name=op.f("ck_update_sessions_state")),
        sa.CheckConstraint(f"({_OPEN}) = (deadline is not null)", name=op.f("ck_update_sessions_deadline")),
        sa.CheckConstraint("progress between 0 and 100", name=op.f("ck_update_sessions_progress")),
        sa.ForeignKeyConstraint(["firmware_id"], ["firmwares.id"], name=op.f("fk_update_sessions_firmware_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_update_sessions")),
        sa.UniqueConstraint("counter", name=op.f("uq_update_sessions_counter")),
    )
    op.create_index(op.f("ix_update_sessions_firmware_id"), "update_sessions", ["firmware_id"], unique=False)
    op.create_index(
        "ix_update_sessions_organization_id_counter", "update_sessions", ["organization_id", "counter"], unique=False
    )
    op.create_index("ix_update_sessions_device_uid_counter", "update_sessions", ["device_uid", "counter"], unique=False)
    op.create_index(
        "ix_update_sessions_deadline", "update_sessions", ["deadline"], unique=False, postgresql_where=sa.text(_OPEN)
    )
    op.create_index(
        "uq_update_sessions_device_uid_open",
        "update_sessions",
        ["device_uid"],
        unique=True,
        postgresql_where=sa.text(_OPEN),
    )
    op.create_table(
        "session_reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("reported", sa.String(length=16), nullable=False),
        sa.Column("state_before", sa.String(length=16), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["update_sessions.id"], name=op.f("fk_session_reports_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_reports")),
    )
    op.create_index(op.f("ix_session_reports_session_id"), "session_reports", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_table("session_reports")
    op.drop_table("update_sessions")
    op.execute(sa.schema.DropSequence(sa.Sequence("update_session_counters")))
