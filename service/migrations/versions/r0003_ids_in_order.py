"""Ids of what the look-up follows become visible in order, on PostgreSQL too.

Every process follows these tables by the last id it has seen. A PostgreSQL sequence hands out ids before commit, so a
slow transaction's rows could appear behind that id and never be found. Writers of one of these tables now take turns
from their first insert to their commit; the trigger runs before any id is taken. SQLite has one writer anyway.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("fingerprints", "landmarks", "removals")


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE FUNCTION write_in_turn() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN PERFORM pg_advisory_xact_lock(hashtext('telltale write in turn')); RETURN NULL; END$$"
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_in_turn BEFORE INSERT ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION write_in_turn()"
        )


def downgrade() -> None:
    """Hand out ids as they come again."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.execute(f"DROP TRIGGER {table}_in_turn ON {table}")
    op.execute("DROP FUNCTION write_in_turn()")
