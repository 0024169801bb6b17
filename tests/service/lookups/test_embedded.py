"""The embedded engine keeps the contract, unsorted, sorted and mapped, and its file is only ever a copy."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from engines.contract import ONE, TWO, EngineContract, Rig, flipped

from service.db import Database
from service.lookups.engines import snapshot
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.engines.opening import open_engine
from service.lookups.engines.port import EngineUnavailable, Hit
from service.lookups.models import Fingerprint
from service.migrations.upgrade import upgrade


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    upgrade(database)
    yield database
    database.close()


class Settled(EmbeddedEngine):
    """Sorts before anybody asks, so that a test knows what it tests."""

    def refresh(self) -> None:
        super().refresh()
        self.settle()


def small(records: Database, folder: Path | None) -> Settled:
    return Settled(records, folder, merge_at=8, banded_from=8)


class TestUnsorted(EngineContract):
    @pytest.fixture
    def rig(self, records: Database) -> Iterator[Rig]:
        rig = Rig(records, lambda: EmbeddedEngine(records))
        yield rig
        rig.engine.close()


class TestSortedInMemory(EngineContract):
    @pytest.fixture
    def rig(self, records: Database) -> Iterator[Rig]:
        rig = Rig(records, lambda: small(records, None))
        yield rig
        rig.engine.close()


class TestMapped(EngineContract):
    @pytest.fixture
    def rig(self, records: Database, tmp_path: Path) -> Iterator[Rig]:
        rig = Rig(records, lambda: small(records, tmp_path / "lookups"))
        yield rig
        rig.engine.close()


class TestSortedWhileAsked(EngineContract):
    """Sorting goes on in its thread as it does in a server."""

    @pytest.fixture
    def rig(self, records: Database, tmp_path: Path) -> Iterator[Rig]:
        rig = Rig(records, lambda: EmbeddedEngine(records, tmp_path / "lookups", merge_at=8, banded_from=8))
        yield rig
        rig.engine.settle()  # type: ignore[attr-defined]
        rig.engine.close()


@pytest.fixture
def rig(records: Database, tmp_path: Path) -> Iterator[Rig]:
    """A rig with 400 codes in a written snapshot and a few more behind it."""
    rng = np.random.default_rng(20)
    made = Rig(records, lambda: small(records, tmp_path / "lookups"))
    made.add(ONE, [(f"ast_{number // 8:03}", rng.bytes(32)) for number in range(400)])
    made.add(TWO, [("ast_two", rng.bytes(32))])
    yield made
    made.engine.close()


def file_of(rig: Rig) -> Path:
    return rig.database.url.database and Path(rig.database.url.database).with_name("lookups") / "snapshot"  # type: ignore[return-value]


def reopened(rig: Rig) -> Settled:
    rig.engine.close()
    rig.engine = rig.open()
    rig.engine.refresh()
    return rig.engine  # type: ignore[return-value]


def codes_of(rig: Rig) -> list[bytes]:
    return [code for shelf, _, code in rig.rows if shelf == ONE]


def test_a_restart_maps_the_file_and_reads_only_what_is_new(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    covered = snapshot.last_code(file_of(rig))
    assert covered == 400
    monkeypatch.setattr("service.lookups.engines.view.View.sorted_anew", None)
    rig.add(ONE, [("ast_late", bytes(32))])
    rig.remove("ast_007")
    engine = reopened(rig)
    assert engine._view is not None
    assert engine._view.shelves[ONE].sorted is not None
    assert engine._view.tail == 2
    rig.agrees(ONE, [*codes_of(rig), flipped(bytes(32), 31)], 0, 31, 70)


@pytest.mark.parametrize("harm", ["missing", "empty", "cut", "header", "middle", "end", "longer", "other version"])
def test_a_damaged_file_is_built_anew(rig: Rig, harm: str) -> None:
    file = file_of(rig)
    data = bytearray(file.read_bytes())
    if harm == "middle":
        data[len(data) // 2] ^= 1
    elif harm == "header":
        data[80] ^= 1
    elif harm == "end":
        data[-1] ^= 1
    elif harm == "other version":
        data[:18] = b"telltale lookup 0\n"
    changed = {"empty": b"", "cut": bytes(data[: len(data) // 2]), "longer": bytes(data) + b"x"}.get(harm, bytes(data))
    file.unlink() if harm == "missing" else file.write_bytes(changed)
    assert snapshot.load(file) is None
    reopened(rig)
    rig.agrees(ONE, codes_of(rig), 0, 31)
    assert snapshot.load(file) is not None


def test_the_file_of_a_database_since_restored_is_not_believed(rig: Rig) -> None:
    """The backup lacks the last assets, and what was added since has their ids."""
    rig.engine.close()
    rng = np.random.default_rng(21)
    with rig.database.writing() as session:
        gone = [row for row in rig.rows if row[1] >= "ast_040"]
        session.execute(sa.delete(Fingerprint).where(Fingerprint.id > 320))
        session.execute(sa.text("UPDATE sqlite_sequence SET seq = 320 WHERE name = 'fingerprints'"))
    rig.rows = [row for row in rig.rows if row not in gone and row[0] == ONE]
    rig.engine = EmbeddedEngine(rig.database)
    rig.add(ONE, [(f"ast_new{number // 8}", rng.bytes(32)) for number in range(80)])
    rig.add(TWO, [("ast_two", rng.bytes(32))])
    reopened(rig)
    rig.agrees(ONE, [*codes_of(rig), *(row[2] for row in gone)], 31)


def test_a_full_disk_costs_the_file_but_no_answer(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = file_of(rig).read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    rng = np.random.default_rng(22)
    rig.add(ONE, [(f"ast_x{number}", rng.bytes(32)) for number in range(100)])
    rig.agrees(ONE, codes_of(rig), 31)
    assert "cannot be written" in caplog.text
    assert file_of(rig).read_bytes() == before
    assert {path.name for path in file_of(rig).parent.iterdir()} == {"snapshot", "lock"}


def test_two_processes_sort_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    other = small(rig.database, file_of(rig).parent)
    other.refresh()
    rng = np.random.default_rng(23)
    rig.add(ONE, [(f"ast_y{number:03}", rng.bytes(32)) for number in range(100)])
    monkeypatch.setattr("service.lookups.engines.view.View.sorted_anew", None)
    other.refresh()
    assert other._view is not None
    assert other._view.tail == 0
    assert other.search(ONE, codes_of(rig), radius=31, limit=9) == rig.engine.search(
        ONE, codes_of(rig), radius=31, limit=9
    )
    other.close()


def test_asking_while_others_add_never_misses_what_was_there(rig: Rig) -> None:
    known, stop, missed = codes_of(rig)[:64], threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            found = rig.engine.search(ONE, known, radius=0, limit=1)
            missed.extend(code for code, hits in zip(known, found, strict=True) if not hits)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    rng = np.random.default_rng(24)
    for step in range(12):
        rig.add(ONE, [(f"ast_z{step}", rng.bytes(32)) for _ in range(20)])
        rig.remove(f"ast_z{step - 3}")
    stop.set()
    for asker in askers:
        asker.join()
    assert not missed


def test_only_its_owner_may_look_into_the_folder(rig: Rig) -> None:
    assert file_of(rig).parent.stat().st_mode & 0o777 == 0o700
    assert file_of(rig).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("url", ["postgresql://", "pgvector://", "redis://x", "file:lookups", "", "postgresql://h/db"])
def test_an_engine_that_cannot_work_says_what_to_do(records: Database, url: str) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        open_engine(url, records)
    assert "TELLTALE_LOOKUP_URL" in str(caught.value) + caught.value.hint


def test_the_url_chooses_the_engine(records: Database, tmp_path: Path) -> None:
    for url in ("memory://", (tmp_path / "a folder").as_uri()):
        engine = open_engine(url, records)
        engine.refresh()
        assert engine.search(ONE, [bytes(32)], radius=31, limit=1) == [[]]
        engine.close()
    assert (tmp_path / "a folder").is_dir()


def test_many_hits_are_taken_in_parts(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.lookups.engines.shelves._MOST_HITS", 5000)
    monkeypatch.setattr("service.lookups.engines.shelves._ROOM", 16)
    rig.agrees(ONE, codes_of(rig)[:40], 256, limit=3)
    assert rig.engine.search(ONE, codes_of(rig)[:1], radius=0, limit=1) == [[Hit("ast_000", 0)]]
