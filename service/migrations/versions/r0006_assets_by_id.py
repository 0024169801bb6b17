"""Many of a brand's assets, fetched by their ids.

Without it, SQLite reads all assets of the brand.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_assets_tenant_id_id", "assets", ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_assets_tenant_id_id", table_name="assets")
