"""The database schema over time (Alembic)."""
