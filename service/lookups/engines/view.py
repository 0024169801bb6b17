"""What the embedded engine holds of the table at one moment, and how it follows the table from there.

The ids of the table become visible in order (SQLite writes one transaction at a time; on PostgreSQL a trigger makes
writers of these tables take turns), so one number per table says what was seen. A tombstone makes the asset's rows
unfindable, and whatever the table still holds of it, or holds again, is read anew: a view always equals the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import func
from sqlalchemy.orm import Session

from service.db import everywhere
from service.lookups.engines.assets import AssetNumbers
from service.lookups.engines.port import Hit, Shelf
from service.lookups.engines.shelves import BANDED_FROM, ShelfIndex, Sorted, TooManyHits
from service.lookups.models import Fingerprint, Removal

_CHUNK = 20_000
_IN_ONE_QUERY = 500
MOST_BYTES_PER_CODE = 99.0
_OVERHEAD_BYTES = 1 << 14


@dataclass
class View:
    """Shelves, assets, and the last ids seen of fingerprints and removals."""

    assets: AssetNumbers = field(default_factory=AssetNumbers)
    shelves: dict[Shelf, ShelfIndex] = field(default_factory=dict)
    last_code: int = 0
    last_removal: int = 0

    @property
    def tail(self) -> int:
        """How many codes are not sorted yet."""
        return sum(shelf.tail.size for shelf in self.shelves.values())

    @property
    def size(self) -> int:
        """How many codes are held, with those of dead assets."""
        return sum(shelf.size for shelf in self.shelves.values())

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        parts = [shelf.sorted.nbytes for shelf in self.shelves.values() if shelf.sorted]
        tails = [shelf.tail.codes.nbytes + shelf.tail.owners.nbytes for shelf in self.shelves.values()]
        return sum(parts) + sum(tails) + self.assets.nbytes

    def follow(self, session: Session) -> None:
        """Take in what is new since the last time, codes first: a tombstone seen later is then never missed."""
        query = _columns().where(Fingerprint.id > self.last_code).order_by(Fingerprint.id)
        for rows in session.connection().execute(query.execution_options(yield_per=_CHUNK)).partitions():
            self._take_in(rows)
            self.last_code = rows[-1][0]
        tombs = everywhere(Removal).with_only_columns(Removal.id, Removal.asset_id)
        gone = session.execute(tombs.where(Removal.id > self.last_removal).order_by(Removal.id)).all()
        for start in range(0, len(gone), _IN_ONE_QUERY):
            names = sorted({row.asset_id for row in gone[start : start + _IN_ONE_QUERY]})
            for name in names:
                self.assets.bury(name)
            again = _columns().where(Fingerprint.asset_id.in_(names), Fingerprint.id <= self.last_code)
            self._take_in(session.connection().execute(again.order_by(Fingerprint.id)).all())
        if gone:
            self.last_removal = gone[-1].id

    def cut(self) -> View:
        """Return the same, unmoved by what follows; the arrays are shared."""
        shelves = {key: shelf.cut() for key, shelf in self.shelves.items()}
        return View(self.assets.copy(), shelves, self.last_code, self.last_removal)

    def equals_table(self, session: Session) -> bool:
        """Whether as many rows are held as the table has up to the last id, and some of them are found here.

        A snapshot of another database, or of this one before it was restored from a backup, does not pass.
        """
        count = everywhere(Fingerprint).with_only_columns(func.count()).where(Fingerprint.id <= self.last_code)
        if session.scalar(count) != self.assets.rows_alive():
            return False
        rng = np.random.default_rng(self.last_code)
        some = {int(number) for number in rng.integers(1, self.last_code + 1, 64)} | {self.last_code}
        for row in session.execute(_columns().where(Fingerprint.id.in_(some))):
            shelf, number = Shelf(row.tenant_id, row.kind), self.assets.number(row.asset_id)
            hits = self.shelves[shelf].search(_words([row.code]), 0) if shelf in self.shelves else np.empty((0, 3))
            if number is None or number not in hits[:, 1]:
                return False
        return True

    def sorted_anew(self, *, banded_from: int = BANDED_FROM) -> View:
        """Return the same with everything sorted, the dead left out, and bands laid out within 99 bytes a code."""
        numbers, names, rows = self.assets.renumbered()
        made = View(AssetNumbers(names, rows), {}, self.last_code, self.last_removal)
        per_name = (made.assets.nbytes + _OVERHEAD_BYTES) / max(1, self.size)
        for key, shelf in self.shelves.items():
            codes, owners = shelf.all_rows()
            new = numbers[owners]
            if (new < 0).any():
                codes, new = codes[new >= 0], new[new >= 0]
            if len(codes):
                spare = MOST_BYTES_PER_CODE - per_name - codes.shape[1] * 8 - 4
                made.shelves[key] = ShelfIndex(
                    codes.shape[1], Sorted.of(codes, new.astype(np.uint32), spare, banded_from)
                )
        return made

    def search(self, shelf: Shelf, codes: Sequence[bytes], *, radius: int, limit: int) -> list[list[Hit]]:
        """Return the nearest living assets for each code."""
        held = self.shelves.get(shelf)
        answers: list[list[Hit]] = [[] for _ in codes]
        if held is None:
            return answers
        fitting = [place for place, code in enumerate(codes) if len(code) == held.words * 8]
        distinct = sorted({codes[place] for place in fitting})
        found = dict(zip(distinct, self._search(held, distinct, radius, limit), strict=True))
        for place in fitting:
            answers[place] = found[codes[place]]
        return answers

    def banded(self, shelf: Shelf, radius: int) -> bool:
        """Whether a search finds its codes through bands, without comparing every one."""
        held = self.shelves.get(shelf)
        return held is not None and held.banded(radius)

    def count(self, shelf: Shelf) -> int:
        """Count the codes of living assets on a shelf."""
        held = self.shelves.get(shelf)
        if held is None:
            return 0
        size = held.tail.size
        parts = [held.tail.owners[:size]] + ([held.sorted.owners] if held.sorted else [])
        return sum(int(np.count_nonzero(~self.assets.dead(part))) for part in parts)

    def _search(self, held: ShelfIndex, codes: list[bytes], radius: int, limit: int) -> list[list[Hit]]:
        if not codes:
            return []
        try:
            hits = held.search(_words(codes), radius)
        except TooManyHits:
            half = len(codes) // 2
            return self._search(held, codes[:half], radius, limit) + self._search(held, codes[half:], radius, limit)
        hits = hits[~self.assets.dead(hits[:, 1])]
        hits = hits[np.lexsort((hits[:, 2], hits[:, 1], hits[:, 0]))]
        nearest = np.ones(len(hits), np.bool_)
        nearest[1:] = (hits[1:, :2] != hits[:-1, :2]).any(axis=1)
        hits = hits[nearest]
        names = self.assets.names(hits[:, 1])
        order = np.lexsort((names, hits[:, 2], hits[:, 0]))
        ends = np.searchsorted(hits[order, 0], np.arange(len(codes) + 1))
        return [
            [Hit(names[place].decode(), int(hits[place, 2])) for place in order[start : min(start + limit, end)]]
            for start, end in pairwise(ends)
        ]

    def _take_in(self, rows: Sequence[Any]) -> None:
        if not rows:
            return
        _, tenants, kinds, assets, codes = zip(*rows, strict=True)
        numbers = np.array(self.assets.number_rows(assets), np.uint32)
        places: dict[tuple[str, str], list[int]] = {}
        for place, key in enumerate(zip(tenants, kinds, strict=True)):
            places.setdefault(key, []).append(place)
        for key, own in places.items():
            words = _words([codes[place] for place in own])
            held = self.shelves.setdefault(Shelf(*key), ShelfIndex(words.shape[1]))
            held.tail.extend(words, numbers[own])


def _columns() -> Any:
    return everywhere(Fingerprint).with_only_columns(
        Fingerprint.id, Fingerprint.tenant_id, Fingerprint.kind, Fingerprint.asset_id, Fingerprint.code
    )


def _words(codes: Sequence[bytes]) -> np.ndarray:
    """Return codes as rows of 64-bit words."""
    return np.frombuffer(bytearray().join(codes), np.uint64).reshape(len(codes), -1)
