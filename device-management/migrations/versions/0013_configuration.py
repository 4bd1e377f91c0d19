"""Configurations of devices, jobs that configure many, and their items."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "configurations",
        sa.Column("device_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("desired", postgresql.JSONB(), nullable=False, server_default="{}"),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("reported", postgresql.JSONB(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.ForeignKeyConstraint(
            ["organization_id", "device_id"],
            ["devices.organization_id", "devices.id"],
            name=op.f("fk_configurations_organization_id_device_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_configurations")),
    )
    op.create_table(
        "configuration_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target", postgresql.JSONB(), nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("deadline_s", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stepped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_configuration_jobs_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration_jobs")),
    )
    op.create_index(
        "ix_configuration_jobs_organization_id_requested_at",
        "configuration_jobs",
        ["organization_id", "requested_at", "id"],
    )
    op.create_index(
        "ix_configuration_jobs_running",
        "configuration_jobs",
        ["stepped_at"],
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "configuration_job_items",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("device_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("bulk_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["configuration_jobs.id"],
            name=op.f("fk_configuration_job_items_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "name", name=op.f("pk_configuration_job_items")),
    )
    op.create_index("ix_configuration_job_items_state", "configuration_job_items", ["job_id", "state", "name"])
    op.create_index(
        "ix_configuration_job_items_bulk_id",
        "configuration_job_items",
        ["bulk_id", "name"],
        postgresql_where=sa.text("bulk_id is not null"),
    )


def downgrade() -> None:
    for table in ("configuration_job_items", "configuration_jobs", "configurations"):
        op.drop_table(table)
