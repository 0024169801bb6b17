"""Run by Alembic: uses the connection it is given, alters tables in batches so that SQLite can follow."""

from __future__ import annotations

from alembic import context

from service.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
