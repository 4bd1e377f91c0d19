"""Releases: waves, clusters and apps, their names, the devices that take part, and what happened."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_STATES = "'cancelled', 'completed', 'draft', 'failed', 'paused', 'rolled_back', 'rolling_back', 'running', 'scheduled'"
_STEPPED = "state in ('rolling_back', 'running', 'scheduled')"


def _time(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _slug(name: str = "slug", *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length=240), nullable=nullable)


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _belongs(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "releases",
        _id(),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        _time("approved_at"),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        _time("created_at", nullable=False),
        _time("updated_at", nullable=False),
        _time("start_at"),
        _time("started_at"),
        _time("paused_at"),
        _time("ended_at"),
        _time("stepped_at", nullable=False),
        _time("joined_at", nullable=False),
        sa.CheckConstraint(f"state in ({_STATES})", name=op.f("ck_releases_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("organization_id", "slug", name=op.f("uq_releases_organization_id_slug")),
    )
    op.create_index("ix_releases_organization_id_id", "releases", ["organization_id", "id"])
    op.create_index("ix_releases_stepped", "releases", ["stepped_at"], postgresql_where=sa.text(_STEPPED))
    op.create_table(
        "release_waves",
        _id(),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        _slug(),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=True),
        sa.Column("success_threshold", sa.SmallInteger(), nullable=False),
        sa.Column("failure_threshold", sa.SmallInteger(), nullable=False),
        sa.Column("soak_s", sa.Integer(), nullable=False),
        sa.Column("min_s", sa.Integer(), nullable=False),
        sa.Column("max_s", sa.Integer(), nullable=True),
        sa.Column("forgiven", sa.Integer(), nullable=False),
        _time("opened_at"),
        _time("met_at"),
        _time("passed_at"),
        _time("failed_at"),
        _belongs("release_waves", "release_id", "releases"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_waves")),
        sa.UniqueConstraint("release_id", "position", name=op.f("uq_release_waves_release_id_position")),
    )
    op.create_table(
        "release_clusters",
        _id(),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("wave_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        _slug(),
        sa.Column("name", sa.String(length=100), nullable=False),
        _slug("bundle_slug"),
        sa.Column("bundle_name", sa.String(length=100), nullable=False),
        sa.Column("source", sa.SmallInteger(), nullable=False),
        sa.Column("devices", sa.Integer(), nullable=False),
        sa.Column("handed", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("rollback_batch_id", sa.BigInteger(), nullable=True),
        _time("taken_back_at"),
        _belongs("release_clusters", "release_id", "releases"),
        _belongs("release_clusters", "wave_id", "release_waves"),
        sa.ForeignKeyConstraint(["batch_id"], ["update_batches.id"], name=op.f("fk_release_clusters_batch_id")),
        sa.ForeignKeyConstraint(
            ["rollback_batch_id"], ["update_batches.id"], name=op.f("fk_release_clusters_rollback_batch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_clusters")),
        sa.UniqueConstraint("wave_id", "position", name=op.f("uq_release_clusters_wave_id_position")),
    )
    op.create_index("ix_release_clusters_release_id", "release_clusters", ["release_id"])
    op.create_table(
        "release_apps",
        sa.Column("cluster_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        _slug(),
        sa.Column("firmware_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("floor", sa.String(length=64), nullable=True),
        _belongs("release_apps", "cluster_id", "release_clusters"),
        sa.ForeignKeyConstraint(["firmware_id"], ["firmwares.id"], name=op.f("fk_release_apps_firmware_id")),
        sa.PrimaryKeyConstraint("cluster_id", "position", name=op.f("pk_release_apps")),
    )
    op.create_index(op.f("ix_release_apps_firmware_id"), "release_apps", ["firmware_id"])
    op.create_table(
        "release_names",
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        _slug(),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        _belongs("release_names", "release_id", "releases"),
        sa.PrimaryKeyConstraint("organization_id", "kind", "slug", name=op.f("pk_release_names")),
    )
    op.create_index("ix_release_names_release_id", "release_names", ["release_id"])
    op.create_table(
        "release_devices",
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("device_uid", sa.String(length=64), nullable=False),
        sa.Column("cluster_id", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        _time("handed_at"),
        _belongs("release_devices", "release_id", "releases"),
        _belongs("release_devices", "cluster_id", "release_clusters"),
        sa.PrimaryKeyConstraint("release_id", "device_uid", name=op.f("pk_release_devices")),
    )
    op.create_index("ix_release_devices_device_uid", "release_devices", ["device_uid", "release_id"])
    op.create_index(
        "ix_release_devices_waiting",
        "release_devices",
        ["cluster_id", "device_uid"],
        postgresql_where=sa.text("handed_at is null"),
    )
    op.create_table(
        "release_changes",
        _id(),
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        _slug("wave", nullable=True),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.Column("by", sa.String(length=80), nullable=False),
        _time("at", nullable=False),
        _belongs("release_changes", "release_id", "releases"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_changes")),
        sa.UniqueConstraint("release_id", "version", name=op.f("uq_release_changes_release_id_version")),
    )


def downgrade() -> None:
    for table in ("changes", "devices", "names", "apps", "clusters", "waves"):
        op.drop_table(f"release_{table}")
    op.drop_table("releases")
