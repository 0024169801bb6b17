"""The schema that migrations make is the schema that the models mean."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from service.db import Database
from service.migrations.upgrade import SchemaOutOfDate, current, require_current, upgrade
from service.models import Base


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'x.sqlite'}")


def test_models_and_migrations_agree(database: Database) -> None:
    upgrade(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    with pytest.raises(SchemaOutOfDate):
        require_current(database)
    upgrade(database)
    first = current(database)
    upgrade(database)
    require_current(database)
    assert current(database) == first


def test_rows_of_the_first_schema_survive_the_second(database: Database) -> None:
    upgrade(database, "0001")
    with database.engine.execution_options(writing=True).begin() as connection:
        for statement in (
            "INSERT INTO tenants VALUES ('brd_1', 'x', x'00', '2026-01-01')",
            "INSERT INTO assets (id, title, state, progress, size_bytes, sha256, data_key, mark_key, last_serial, "
            "created_by, created_at, tenant_id) "
            "VALUES ('ast_1', 'x', 'ready', 1, 1, '', x'00', x'00', 1, '', '2026-01-01', 'brd_1')",
            "INSERT INTO copies (id, asset_id, kind, serial, created_at, tenant_id) "
            "VALUES ('cpy_1', 'ast_1', 'recipient', 1, '2026-01-01', 'brd_1')",
        ):
            connection.execute(sa.text(statement))
    upgrade(database)
    with database.engine.connect() as connection:
        row = connection.execute(sa.text("SELECT serial, batch_id, certificate FROM copies, assets")).one()
    assert tuple(row) == (1, None, None)


def test_postgresql_would_accept_every_table() -> None:
    for table in Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert len(table.name) <= 63


def test_events_can_be_added_but_neither_changed_nor_removed(database: Database) -> None:
    upgrade(database)
    with database.engine.execution_options(writing=True).begin() as connection:
        connection.execute(sa.text("INSERT INTO tenants VALUES ('brd_1', 'x', x'00', '2026-01-01')"))
        connection.execute(
            sa.text("INSERT INTO events (at, kind, detail, tenant_id) VALUES ('2026-01-01', 'x', '{}', 'brd_1')")
        )
    for statement in ("UPDATE events SET kind = 'y'", "DELETE FROM events"):
        with (
            pytest.raises(sa.exc.DBAPIError, match="append-only"),
            database.engine.execution_options(writing=True).begin() as connection,
        ):
            connection.execute(sa.text(statement))
