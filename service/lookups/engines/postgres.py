"""The engine for a cluster whose processes should hold nothing: banded terms under GIN in the database of records.

An index on an expression of ``fingerprints`` holds 16 bits of a code and their place as one number, for each band. A
query asks for every number within the band's threshold, the same bound as in :mod:`service.lookups.engines.bands`, and
``bit_count`` decides. There is no table beside the fingerprints: a code is findable with its commit and gone with its
deletion. Exact, and nothing to install; PostgreSQL 14 or newer, for ``bit_count``.

Brand and kind are hashed into the numbers, so that a brand's search costs what its own shelf costs, and the time it
takes tells nothing of others'.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import Database
from service.lookups.engines.bands import Band, masks, within
from service.lookups.engines.port import EngineUnavailable, Hit, Shelf
from service.lookups.models import HashKind

_LEAST_VERSION = 140_000
_SCAN_UP_TO = 20_000
_COUNTED_FOR_S = 60.0
_RADIUS = {32: (31, 1), 8: (11, 2)}  # by length in bytes: the radius that 16-bit bands reach, and their threshold

_PREPARE = (
    "SELECT pg_advisory_xact_lock(hashtext('telltale lookup'))",
    """CREATE OR REPLACE FUNCTION telltale_bits(code bytea) RETURNS varbit
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT ('x' || encode(code, 'hex'))::varbit $$""",
    """CREATE OR REPLACE FUNCTION telltale_terms(tenant text, kind text, code bytea) RETURNS int[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
      digest bytea := sha256(convert_to(tenant || '/' || kind, 'UTF8'));
      salt int := (get_byte(digest, 0) << 24) | (get_byte(digest, 1) << 16) | (get_byte(digest, 2) << 8)
        | get_byte(digest, 3);
      terms int[] := '{}';
    BEGIN
      FOR band IN 0 .. octet_length(code) / 2 - 1 LOOP
        terms := terms || (salt # ((band << 16) | (get_byte(code, 2 * band) << 8) | get_byte(code, 2 * band + 1)));
      END LOOP;
      RETURN terms;
    END $$""",
    """CREATE INDEX IF NOT EXISTS ix_fingerprints_terms ON fingerprints
    USING gin (telltale_terms(tenant_id, kind, code)) WITH (fastupdate = off)""",
)

_SEARCH = """
SELECT place, asset_id, distance FROM (
  SELECT place, asset_id, distance,
         row_number() OVER (PARTITION BY place ORDER BY distance, asset_id COLLATE "C") AS rank
  FROM (
    SELECT asked.place, held.asset_id, min(bit_count(telltale_bits(held.code) # telltale_bits(asked.code))) AS distance
    FROM unnest(CAST(:codes AS bytea[])) WITH ORDINALITY AS asked(code, place)
    JOIN fingerprints AS held ON {candidates}
    WHERE held.tenant_id || '' = :tenant AND held.kind = :kind
      AND octet_length(held.code) = octet_length(asked.code)
      AND bit_count(telltale_bits(held.code) # telltale_bits(asked.code)) <= :radius
    GROUP BY asked.place, held.asset_id
  ) AS found
) AS ranked WHERE rank <= :limit ORDER BY place, rank
"""
_BANDED = """telltale_terms(held.tenant_id, held.kind, held.code)
    && (CAST(:terms AS int[]))[(asked.place - 1) * :probes + 1 : asked.place * :probes]"""


class PostgresEngine:
    """Exact search in the database of records."""

    def __init__(self, database: Database) -> None:
        if database.engine.dialect.name != "postgresql":
            raise EngineUnavailable(
                "This look-up engine needs the records in PostgreSQL.",
                hint="Set TELLTALE_DATABASE_URL=postgresql+psycopg://…, or leave TELLTALE_LOOKUP_URL empty.",
            )
        self._database = database
        self._lock = threading.Lock()
        self._ready = False
        self._counts: dict[Shelf, tuple[float, int]] = {}

    def refresh(self) -> None:
        """Make the index, once; from then on the database keeps it.

        On a table that is full already this takes a minute or two for a million codes, in which nothing can be added.
        """
        with self._lock:
            if not self._ready:
                with self._database.writing() as session:
                    self._prepare(session)
                self._ready = True

    def search(self, shelf: Shelf, codes: Sequence[bytes], *, radius: int, limit: int) -> list[list[Hit]]:
        """Return the nearest assets for each code, in one round trip for each length of code."""
        answers: list[list[Hit]] = [[] for _ in codes]
        for length in {len(code) for code in codes} - {0}:
            places = [place for place, code in enumerate(codes) if len(code) == length]
            distinct = sorted({codes[place] for place in places})
            with self._database.reading() as session:
                found = self._search(session, shelf, distinct, radius, limit)
            for place in places:
                answers[place] = found.get(codes[place], [])
        return answers

    def count(self, shelf: Shelf) -> int:
        """Count the codes on a shelf."""
        query = sa.text("SELECT count(*) FROM fingerprints WHERE tenant_id = :tenant AND kind = :kind")
        with self._database.reading() as session:
            return int(session.scalar(query, {"tenant": shelf.tenant_id, "kind": shelf.kind}) or 0)

    def reach(self, shelf: Shelf) -> int:
        """Beyond the radius of the bands every code is compared, which only a small shelf allows."""
        if self._size(shelf) <= _SCAN_UP_TO:
            return 256
        return _RADIUS[32 if shelf.kind == HashKind.PDQ else 8][0]

    def close(self) -> None:
        """There is nothing of its own to give back."""

    def _size(self, shelf: Shelf) -> int:
        """Count, or remember the count of a minute ago."""
        counted = self._counts.get(shelf)
        if counted is None or time.monotonic() > counted[0]:
            counted = self._counts[shelf] = (time.monotonic() + _COUNTED_FOR_S, self.count(shelf))
        return counted[1]

    def _prepare(self, session: Session) -> None:
        version = int(session.scalar(sa.text("SELECT current_setting('server_version_num')")) or 0)
        if version < _LEAST_VERSION:
            raise EngineUnavailable(f"This look-up engine needs PostgreSQL 14 or newer, not {version // 10_000}.")
        for statement in _PREPARE:
            session.execute(sa.text(statement))

    def _search(
        self, session: Session, shelf: Shelf, codes: list[bytes], radius: int, limit: int
    ) -> dict[bytes, list[Hit]]:
        """Answer for codes of one length."""
        terms = _probes(shelf, codes, radius)
        for setting in ("jit = off", *(("enable_seqscan = off",) if terms is not None else ())):
            session.execute(sa.text(f"SET LOCAL {setting}"))
        given: dict[str, Any] = {"limit": limit, "radius": radius, "tenant": shelf.tenant_id, "kind": shelf.kind}
        if terms is None:
            query = _SEARCH.format(candidates="true")
        else:
            query = _SEARCH.format(candidates=_BANDED)
            given |= {"terms": terms.ravel().tolist(), "probes": terms.shape[1]}
        return collected(session, query, given, codes)


def collected(session: Session, query: str, given: dict[str, Any], codes: list[bytes]) -> dict[bytes, list[Hit]]:
    """Run a query that yields place, asset and distance in order, and sort its rows by code."""
    found: dict[bytes, list[Hit]] = {}
    for place, asset_id, distance in session.execute(sa.text(query), {**given, "codes": codes}):
        found.setdefault(codes[place - 1], []).append(Hit(asset_id, int(distance)))
    return found


def _probes(shelf: Shelf, codes: list[bytes], radius: int) -> np.ndarray | None:
    """List the terms to ask for, a row for each code (int32); None when the bands do not reach so far."""
    reach, threshold = _RADIUS.get(len(codes[0]), (-1, 0))
    if radius > reach:
        return None
    values = np.frombuffer(b"".join(codes), ">u2").reshape(len(codes), -1).astype(np.uint32)
    bands = [Band(16 * number, 16, threshold) for number in range(values.shape[1])]
    digest = hashlib.sha256(f"{shelf.tenant_id}/{shelf.kind}".encode()).digest()
    salt = np.uint32(int.from_bytes(digest[:4]))
    parts = [
        (values[:, number, None] ^ masks(16, limit)[None]) | np.uint32(number << 16)
        for number, limit in enumerate(within(bands, radius))
        if limit >= 0
    ]
    return (np.concatenate(parts, axis=1) ^ salt).view(np.int32)
