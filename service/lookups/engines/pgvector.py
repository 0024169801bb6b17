"""For those who have pgvector and ask for it: an HNSW graph over PDQ codes. Fast, and the only engine that may miss.

HNSW (Malkov & Yashunin 2018, doi:10.1109/TPAMI.2018.2889473) is approximate: at a million codes it leaves out some of
the true matches, and it is not meant for many equal codes. So a small shelf, every kind but PDQ, and any radius that
wants all codes compared are answered exactly, as :mod:`service.lookups.engines.postgres` does; the benchmark prints
what is missed on a large one.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.db import Database
from service.lookups.engines.port import EngineUnavailable, Hit, Shelf
from service.lookups.engines.postgres import PostgresEngine, collected
from service.lookups.models import HashKind

_EXACT_UP_TO = 20_000
_NEAREST = 40
_SETTINGS = (
    "hnsw.ef_search = 400",
    "hnsw.iterative_scan = relaxed_order",  # go on while the nearest are other brands'
    "enable_seqscan = off",
    "enable_sort = off",
    "jit = off",
)

_PREPARE = """CREATE INDEX IF NOT EXISTS ix_fingerprints_hnsw ON fingerprints
    USING hnsw ((telltale_bits(code)::bit(256)) bit_hamming_ops) WHERE kind = 'pdq'"""
_SEARCH = """
SELECT place, asset_id, distance FROM (
  SELECT place, asset_id, min(distance) AS distance,
         row_number() OVER (PARTITION BY place ORDER BY min(distance), asset_id COLLATE "C") AS rank
  FROM unnest(CAST(:codes AS bytea[])) WITH ORDINALITY AS asked(code, place)
  CROSS JOIN LATERAL (
    SELECT asset_id, telltale_bits(held.code)::bit(256) <~> telltale_bits(asked.code)::bit(256) AS distance
    FROM fingerprints AS held WHERE held.kind = 'pdq' AND held.tenant_id || '' = :tenant
    ORDER BY telltale_bits(held.code)::bit(256) <~> telltale_bits(asked.code)::bit(256) LIMIT :nearest
  ) AS near WHERE distance <= :radius GROUP BY place, asset_id
) AS ranked WHERE rank <= :limit ORDER BY place, rank
"""


class PgvectorEngine(PostgresEngine):
    """Approximate search of PDQ on large shelves, exact elsewhere."""

    def __init__(self, database: Database, *, exact_up_to: int = _EXACT_UP_TO) -> None:
        super().__init__(database)
        self._exact_up_to = exact_up_to

    def reach(self, shelf: Shelf) -> int:
        """The graph returns the nearest codes whatever their distance."""
        return 256 if shelf.kind == HashKind.PDQ else super().reach(shelf)

    def _prepare(self, session: Session) -> None:
        super()._prepare(session)
        try:
            session.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
        except DBAPIError as error:
            raise EngineUnavailable(
                "pgvector is not available in this database.",
                hint="Install pgvector and run CREATE EXTENSION vector, or leave TELLTALE_LOOKUP_URL empty.",
            ) from error
        session.execute(sa.text(_PREPARE))

    def _search(
        self, session: Session, shelf: Shelf, codes: list[bytes], radius: int, limit: int
    ) -> dict[bytes, list[Hit]]:
        if shelf.kind != HashKind.PDQ or len(codes[0]) != 32 or self._size(shelf) <= self._exact_up_to:
            return super()._search(session, shelf, codes, radius, limit)
        for setting in _SETTINGS:
            session.execute(sa.text(f"SET LOCAL {setting}"))
        given = {"limit": limit, "radius": radius, "tenant": shelf.tenant_id, "nearest": max(_NEAREST, limit)}
        return collected(session, _SEARCH, given, codes)
