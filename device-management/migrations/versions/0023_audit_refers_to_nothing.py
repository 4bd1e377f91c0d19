"""An audit entry refers to nothing: to look its organization up once more for each was a third of writing it."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("fk_audit_entries_organization_id"), "audit_entries", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key(
        op.f("fk_audit_entries_organization_id"), "audit_entries", "organizations", ["organization_id"], ["id"]
    )
