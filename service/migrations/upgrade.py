"""Bringing a database up to date, from the server's start and from the command line alike."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.db import Database
from service.errors import SetupError


class SchemaOutOfDate(SetupError):
    """The database's schema is not the one this version needs."""

    hint = "Run 'telltale db upgrade', or set TELLTALE_MIGRATE_ON_START=true."


def config() -> Config:
    """Return Alembic's configuration; there is no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    return settings


def upgrade(database: Database, revision: str = "head") -> None:
    """Upgrade the schema in one transaction."""
    settings = config()
    with database.engine.execution_options(writing=True).begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)


def current(database: Database) -> str | None:
    """Return the revision the database is at."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_current(database: Database) -> None:
    """Raise :class:`SchemaOutOfDate` unless the schema is up to date."""
    if current(database) != ScriptDirectory.from_config(config()).get_current_head():
        raise SchemaOutOfDate
