"""Sessions wait for consent, are being cancelled, and soak; presence is copied."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_OPEN_BEFORE = "state in ('acknowledged', 'downloading', 'flashed', 'initiated')"
_OPEN = "state in ('acknowledged', 'cancelling', 'downloading', 'flashed', 'held', 'initiated')"
_FINAL = "state in ('cancelled', 'completed', 'failed', 'timed_out')"


def _put(is_open: str) -> None:
    """The constraints and indexes that know which states are open."""
    op.drop_constraint(op.f("ck_update_sessions_state"), "update_sessions", type_="check")
    op.drop_constraint(op.f("ck_update_sessions_deadline"), "update_sessions", type_="check")
    op.drop_index("uq_update_sessions_device_uid_open", table_name="update_sessions")
    op.drop_index("ix_update_sessions_deadline", table_name="update_sessions")
    op.create_check_constraint(op.f("ck_update_sessions_state"), "update_sessions", f"{is_open} or {_FINAL}")
    op.create_check_constraint(
        op.f("ck_update_sessions_deadline"), "update_sessions", f"({is_open}) = (deadline is not null)"
    )
    op.create_index(
        "uq_update_sessions_device_uid_open",
        "update_sessions",
        ["device_uid"],
        unique=True,
        postgresql_where=sa.text(is_open),
    )
    op.create_index("ix_update_sessions_deadline", "update_sessions", ["deadline"], postgresql_where=sa.text(is_open))


def upgrade() -> None:
    op.add_column("update_sessions", sa.Column("resumes", sa.String(length=16), nullable=True))
    op.add_column("update_sessions", sa.Column("soak_s", sa.Integer(), nullable=True))
    op.add_column("update_sessions", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    _put(_OPEN)
    op.create_index(
        "ix_update_sessions_soaking",
        "update_sessions",
        ["confirmed_at"],
        postgresql_where=sa.text("state = 'flashed' and soak_s is not null"),
    )
    op.add_column("fleet_devices", sa.Column("reported_firmware_version", sa.String(length=64), nullable=True))
    op.create_table(
        "device_presences",
        sa.Column("device_uid", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("device_uid", name=op.f("pk_device_presences")),
    )


def downgrade() -> None:
    """Sessions in a state that there was not yet are cancelled."""
    op.drop_table("device_presences")
    op.drop_column("fleet_devices", "reported_firmware_version")
    op.drop_index("ix_update_sessions_soaking", table_name="update_sessions")
    op.execute("update update_sessions set state = 'cancelled', deadline = null where state in ('held', 'cancelling')")
    _put(_OPEN_BEFORE)
    for column in ("confirmed_at", "soak_s", "resumes"):
        op.drop_column("update_sessions", column)
