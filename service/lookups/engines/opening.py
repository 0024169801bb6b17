"""The look-up engine that the settings' URL asks for."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from service.db import Database
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.engines.port import EngineUnavailable, LookupEngine


def open_engine(url: str, database: Database) -> LookupEngine:
    """Open ``file:///folder``, ``memory://``, ``postgresql://`` or ``pgvector://``.

    The last two work in the database of records, so that nothing follows the scheme.

    Raises
    ------
    EngineUnavailable
        For any other URL, or when the database of records is of another kind.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return EmbeddedEngine(database, Path(unquote(parts.path)))
    if parts.scheme == "memory":
        return EmbeddedEngine(database)
    if parts.scheme in ("postgresql", "pgvector") and not parts.netloc:
        from service.lookups.engines.pgvector import PgvectorEngine
        from service.lookups.engines.postgres import PostgresEngine

        return PostgresEngine(database) if parts.scheme == "postgresql" else PgvectorEngine(database)
    raise EngineUnavailable(
        "TELLTALE_LOOKUP_URL names no look-up engine.",
        hint="Leave it empty, or set file:///folder, memory://, postgresql:// or pgvector://.",
    )
