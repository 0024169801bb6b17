"""``telltale db upgrade``: the schema, brought up to date by hand."""

from __future__ import annotations

import typer

from service.cli.installation import settings_for
from service.cli.options import AsJson, DataDir, Debug
from service.cli.terminal import terminal
from service.db import Database
from service.migrations.upgrade import current
from service.migrations.upgrade import upgrade as upgrade_schema

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.callback()
def database() -> None:
    """The database."""


@app.command("upgrade")
def upgrade(as_json: AsJson = False, data_dir: DataDir = None, debug: Debug = False) -> None:
    """Bring the database schema up to date; does nothing where it is."""
    with terminal(as_json=as_json, debug=debug) as shown:
        settings = settings_for(data_dir)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        database = Database(settings.database_url)
        try:
            before = current(database)
            upgrade_schema(database)
            after = current(database)
        finally:
            database.close()
        line = (
            f"The schema is up to date ({after})."
            if before == after
            else f"Upgraded from {before or 'nothing'} to {after}."
        )
        shown.result({"before": before, "after": after, "changed": before != after}, line)
