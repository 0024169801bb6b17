"""What a preflight measured, and batches of copies.

Columns are added in place: SQLite would otherwise drop and rebuild tables that others refer to. Copies that were
issued before have no batch and stay downloadable; assets that were prepared before have no certificate.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "copy_batches",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("asset_id", sa.String(length=40), nullable=False),
        sa.Column("first_serial", sa.Integer(), nullable=False),
        sa.Column("last_serial", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("checked", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_copy_batches_asset_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_copy_batches_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy_batches")),
    )
    op.create_index(op.f("ix_copy_batches_asset_id"), "copy_batches", ["asset_id"], unique=False)
    op.create_index(op.f("ix_copy_batches_tenant_id"), "copy_batches", ["tenant_id"], unique=False)
    op.add_column("assets", sa.Column("certificate", sa.JSON(), nullable=True))
    op.add_column("copies", sa.Column("batch_id", sa.String(length=40), nullable=True))
    op.create_index(op.f("ix_copies_batch_id"), "copies", ["batch_id"], unique=False)


def downgrade() -> None:
    """Forget certificates and batches."""
    op.drop_index(op.f("ix_copies_batch_id"), "copies")
    op.drop_column("copies", "batch_id")
    op.drop_column("assets", "certificate")
    op.drop_table("copy_batches")
