"""Sessions know for good the batch, the release and the wave that they were opened for."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INDEX = "ix_update_sessions_awaited"
_FINAL = "state in ('cancelled', 'completed', 'failed', 'timed_out')"

_WAVES = """
    update update_batches as batch set release = release.slug, wave = wave.slug
    from release_clusters as cluster
    join release_waves as wave on wave.id = cluster.wave_id
    join releases as release on release.id = cluster.release_id
    where cluster.batch_id = batch.id
"""
_WAYS_BACK = """
    update update_batches as batch set release = release.slug
    from release_clusters as cluster join releases as release on release.id = cluster.release_id
    where cluster.rollback_batch_id = batch.id
"""
_SESSIONS = """
    update update_sessions as session set batch_id = batch.id, release = batch.release, wave = batch.wave
    from batch_devices as device join update_batches as batch on batch.id = device.batch_id
    where device.session_id = session.id
"""


def upgrade() -> None:
    for table in ("update_batches", "update_sessions"):
        op.add_column(table, sa.Column("release", sa.String(length=64), nullable=True))
        op.add_column(table, sa.Column("wave", sa.String(length=240), nullable=True))
    op.add_column("update_sessions", sa.Column("awaited", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("update_sessions", "awaited", server_default=None)
    op.execute("update update_sessions set awaited = true where batch_id is not null")
    for statement in (_WAVES, _WAYS_BACK, _SESSIONS):
        op.execute(statement)
    op.drop_index(_INDEX, table_name="update_sessions")
    op.create_index(_INDEX, "update_sessions", ["batch_id"], postgresql_where=sa.text(f"{_FINAL} and awaited"))


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="update_sessions")
    op.execute("update update_sessions set batch_id = null where not awaited")
    op.create_index(
        _INDEX, "update_sessions", ["batch_id"], postgresql_where=sa.text(f"{_FINAL} and batch_id is not null")
    )
    for column in ("awaited", "wave", "release"):
        op.drop_column("update_sessions", column)
    for column in ("wave", "release"):
        op.drop_column("update_batches", column)
