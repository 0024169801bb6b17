"""Killed at any moment, the look-up loses no committed hash and finds no removed one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from service.db import Database, everywhere
from service.lookups.engines import snapshot
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.engines.port import Hit, Shelf
from service.lookups.models import Fingerprint, Removal
from service.migrations.upgrade import upgrade
from service.tenants.models import Tenant

pytestmark = pytest.mark.fault

SHELF = Shelf("brd_one", "pdq")
ADDER = Path(__file__).with_name("adder.py")


@pytest.fixture
def records(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    upgrade(database)
    with database.writing() as session:
        session.add(Tenant(id="brd_one", name="x", wrapped_key=b""))
    return database


def killed_after(folder: Path, wait_s: float) -> list[str]:
    """Let the adder run for a moment, kill it, and return what it had said."""
    child = subprocess.Popen([sys.executable, str(ADDER), str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(wait_s)
    child.send_signal(signal.SIGKILL)
    said = child.stdout.read().splitlines()
    child.wait()
    return said


def test_killed_while_adding_and_writing_it_equals_the_table(records: Database, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    added, removed, wrote = set[str](), set[str](), 0
    for _ in range(8):
        for line in killed_after(tmp_path, float(rng.uniform(0.02, 0.7))):
            verb, _, name = line.partition(" ")
            if name.startswith("ast_") and len(name) == 36:  # the last line may be cut off
                (added if verb == "added" else removed).add(name)
        wrote += snapshot.load(tmp_path / "lookups" / "snapshot") is not None
        with records.reading() as session:
            rows = [(row.asset_id, row.code) for row in session.scalars(everywhere(Fingerprint))]
            buried = {row.asset_id for row in session.scalars(everywhere(Removal))}
        held = {name for name, _ in rows}
        assert added - buried <= held
        assert removed <= buried
        assert not buried & held
        engine = EmbeddedEngine(records, tmp_path / "lookups", merge_at=1 << 30)
        engine.refresh()
        found = engine.search(SHELF, [code for _, code in rows], radius=0, limit=9)
        assert found == [[Hit(name, 0)] for name, _ in rows]
        assert engine.count(SHELF) == len(rows)
        engine.close()
    assert len(added) > 20
    assert wrote >= 4
    assert len(removed) > 2


def test_killed_in_the_middle_of_writing_the_old_file_stays(records: Database, tmp_path: Path) -> None:
    """Stopped before the new file has its name, which no timing of signals hits reliably."""
    killed_after(tmp_path, 0.5)
    file = tmp_path / "lookups" / "snapshot"
    before = file.read_bytes()
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys, runpy\n"
            "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            f"sys.argv = ['adder', {str(tmp_path)!r}]\n"
            f"runpy.run_path({str(ADDER)!r}, run_name='__main__')",
        ],
        stdout=subprocess.DEVNULL,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    assert list(file.parent.glob("*.part"))
    assert file.read_bytes() == before
    engine = EmbeddedEngine(records, tmp_path / "lookups", merge_at=16, banded_from=16)
    engine.refresh()
    with records.reading() as session:
        rows = [(row.asset_id, row.code) for row in session.scalars(everywhere(Fingerprint))]
    found = engine.search(SHELF, [code for _, code in rows], radius=0, limit=9)
    assert found == [[Hit(name, 0)] for name, _ in rows]
    engine.settle()
    engine.close()
