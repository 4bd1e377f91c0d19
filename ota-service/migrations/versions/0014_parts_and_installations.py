"""A session has parts, and what is on each device is known."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "update_session_parts",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("firmware_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("release_counter", sa.BigInteger(), nullable=False),
        sa.Column("previous_firmware_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["update_sessions.id"], name=op.f("fk_update_session_parts_session_id")
        ),
        sa.ForeignKeyConstraint(["firmware_id"], ["firmwares.id"], name=op.f("fk_update_session_parts_firmware_id")),
        sa.ForeignKeyConstraint(
            ["previous_firmware_id"], ["firmwares.id"], name=op.f("fk_update_session_parts_previous_firmware_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("pk_update_session_parts")),
    )
    op.create_index(op.f("ix_update_session_parts_firmware_id"), "update_session_parts", ["firmware_id"])
    op.execute(
        "insert into update_session_parts (session_id, position, firmware_id, name, version, release_counter) "
        "select s.id, 1, f.id, f.name, f.version, f.release_counter "
        "from update_sessions s join firmwares f on f.id = s.firmware_id"
    )
    op.create_table(
        "installations",
        sa.Column("device_uid", sa.String(length=64), nullable=False),
        sa.Column("firmware_name", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("firmware_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("release_counter", sa.BigInteger(), nullable=False),
        sa.Column("session_counter", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_id", sa.BigInteger(), nullable=True),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["firmware_id"], ["firmwares.id"], name=op.f("fk_installations_firmware_id")),
        sa.ForeignKeyConstraint(["confirmed_id"], ["firmwares.id"], name=op.f("fk_installations_confirmed_id")),
        sa.PrimaryKeyConstraint("device_uid", "firmware_name", name=op.f("pk_installations")),
    )
    op.create_index(op.f("ix_installations_firmware_id"), "installations", ["firmware_id"])
    op.create_index(op.f("ix_installations_confirmed_id"), "installations", ["confirmed_id"])
    op.execute(
        "insert into installations (device_uid, firmware_name, organization_id, firmware_id, version, release_counter, "
        "session_counter, confirmed_id, installed_at) "
        "select distinct on (s.device_uid, f.name) s.device_uid, f.name, s.organization_id, f.id, f.version, "
        "f.release_counter, s.counter, f.id, s.updated_at "
        "from update_sessions s join firmwares f on f.id = s.firmware_id "
        "where s.state = 'completed' order by s.device_uid, f.name, s.counter desc"
    )


def downgrade() -> None:
    op.drop_table("installations")
    op.drop_table("update_session_parts")
