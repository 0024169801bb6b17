"""Run by a test and killed by it: adds and removes assets for ever, and says so after each commit.

The engine sorts and writes its file all the time meanwhile.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import sqlalchemy as sa

import service.models  # noqa: F401  every table, for the foreign keys
from service.db import Database, new_id
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.models import Fingerprint, Removal

folder = Path(sys.argv[1])
database = Database(f"sqlite:///{folder / 'x.sqlite'}")
engine = EmbeddedEngine(database, folder / "lookups", merge_at=16, banded_from=16)
engine.refresh()
print("ready", flush=True)
mine: list[str] = []
while True:
    name = new_id("ast")
    with database.writing() as session:
        session.add_all(
            Fingerprint(
                tenant_id="brd_one", asset_id=name, kind="pdq", orientation=turn, code=os.urandom(32), quality=99
            )
            for turn in range(8)
        )
    mine.append(name)
    print("added", name, flush=True)
    if len(mine) % 5 == 0:
        gone = mine.pop(0)
        with database.writing() as session:
            session.execute(sa.delete(Fingerprint).where(Fingerprint.asset_id == gone))
            session.add(Removal(tenant_id="brd_one", asset_id=gone))
        print("removed", gone, flush=True)
    engine.refresh()
