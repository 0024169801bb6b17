"""The engines in PostgreSQL keep the contract; the exact one needs no extension."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from service.db import Database
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.engines.opening import open_engine
from service.lookups.engines.pgvector import PgvectorEngine
from service.lookups.engines.port import EngineUnavailable, Shelf
from service.lookups.engines.postgres import PostgresEngine
from service.migrations.upgrade import upgrade

from .contract import ONE, EngineContract, Rig, flipped
from .servers import Server

pytestmark = pytest.mark.engine


def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def records(postgres: Server) -> Iterator[Database]:
    yield from opened(postgres.new_database())


@pytest.fixture
def vectors(pgvector: Server) -> Iterator[Database]:
    yield from opened(pgvector.new_database())


class TestPostgres(EngineContract):
    @pytest.fixture
    def rig(self, records: Database) -> Rig:
        return Rig(records, lambda: PostgresEngine(records))

    def test_nothing_is_installed(self, rig: Rig) -> None:
        with rig.database.reading() as session:
            assert list(session.scalars(sa.text("SELECT extname FROM pg_extension"))) == ["plpgsql"]

    def test_an_uncommitted_code_is_not_found(self, rig: Rig) -> None:
        code = np.random.default_rng(0).bytes(32)
        with rig.database.writing() as session:
            session.execute(
                sa.text(
                    "INSERT INTO fingerprints (tenant_id, kind, asset_id, orientation, code, quality) "
                    "VALUES ('brd_one', 'pdq', 'ast_1', 0, :code, 9)"
                ),
                {"code": code},
            )
            assert rig.engine.search(ONE, [code], radius=31, limit=1) == [[]]
        assert rig.engine.search(ONE, [code], radius=31, limit=1) != [[]]


class TestPgvector(EngineContract):
    """On shelves of this size it compares every code, and so is exact."""

    @pytest.fixture
    def rig(self, vectors: Database) -> Rig:
        return Rig(vectors, lambda: PgvectorEngine(vectors))

    def test_its_graph_finds_what_is_near(self, rig: Rig) -> None:
        rng = np.random.default_rng(1)
        codes = [rng.bytes(32) for _ in range(500)]
        rig.add(ONE, [(f"ast_{number:03}", code) for number, code in enumerate(codes)])
        graph = PgvectorEngine(rig.database, exact_up_to=0)
        graph.refresh()
        found = graph.search(ONE, [flipped(code, 9) for code in codes[:50]], radius=31, limit=1)
        assert sum(bool(hits) for hits in found) >= 45
        assert graph.search(Shelf("brd_two", "pdq"), codes[:1], radius=256, limit=1) == [[]]


class TestEmbeddedOverPostgres(EngineContract):
    @pytest.fixture
    def rig(self, records: Database, tmp_path: Path) -> Iterator[Rig]:
        rig = Rig(records, lambda: EmbeddedEngine(records, tmp_path, merge_at=64, banded_from=64))
        yield rig
        rig.engine.close()


def test_a_slow_transaction_is_not_overtaken(records: Database) -> None:
    """Ids are taken when a transaction's turn comes, so whoever follows by id misses nothing."""
    insert = sa.text(
        "INSERT INTO fingerprints (tenant_id, kind, asset_id, orientation, code, quality) "
        "VALUES ('brd_one', 'pdq', 'ast_1', 0, '\\x00', 9) RETURNING id"
    )
    with records.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO tenants VALUES ('brd_one', 'x', '\\x00', now())"))
    with records.engine.connect() as slow, records.engine.connect() as quick:
        first = slow.scalar(insert)
        quick.execute(sa.text("SET lock_timeout = '300ms'"))
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            quick.execute(insert)
        quick.rollback()
        slow.commit()
        assert quick.scalar(insert) > first


def test_without_the_extension_pgvector_says_what_to_do(records: Database) -> None:
    with records.reading() as session:
        if session.scalar(sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")):
            pytest.skip("this server has pgvector")
    with pytest.raises(EngineUnavailable) as caught:
        open_engine("pgvector://", records).refresh()
    assert "CREATE EXTENSION vector" in caught.value.hint
