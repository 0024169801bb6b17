"""Videos: assets and sightings of two kinds, prepared segments, and moments in the look-up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "video_segments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bundle", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_video_segments_asset_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_video_segments_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video_segments")),
        sa.UniqueConstraint("asset_id", "number", name=op.f("uq_video_segments_asset_id_number")),
    )
    op.create_index(op.f("ix_video_segments_tenant_id"), "video_segments", ["tenant_id"], unique=False)
    for table in ("assets", "sightings"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("kind", sa.String(length=10), nullable=False, server_default="picture"))
    with op.batch_alter_table("assets") as batch_op:
        batch_op.add_column(sa.Column("duration_s", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("segments", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("notes", sa.JSON(), nullable=True))
    for table in ("fingerprints", "landmarks"):
        op.add_column(table, sa.Column("at_s", sa.Double(), nullable=True))


def downgrade() -> None:
    for table in ("landmarks", "fingerprints"):
        op.drop_column(table, "at_s")
    with op.batch_alter_table("assets") as batch_op:
        for column in ("notes", "segments", "duration_s"):
            batch_op.drop_column(column)
    for table in ("sightings", "assets"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("kind")
    op.drop_table("video_segments")
