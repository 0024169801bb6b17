"""One shelf of the embedded engine: a sorted part with bands, and an unsorted tail that takes what is new.

The sorted part never changes, so it may lie in a file that several processes map. Rows carry the number of their
asset; what an asset's number means, and whether it still lives, is for :mod:`service.lookups.engines.view`.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

from service.lookups.engines.bands import Band, masks, plan, within

RADIUS = {32: 31, 8: 10}
"""For how many bits bands are laid out, by length of the code in bytes; wider searches compare every code."""
BANDED_FROM = 32_768
"""Smaller shelves are compared whole: their tables would be larger than they are."""
_ROOM = 4096
_MOST_HITS = 1 << 22
_WORTH_SHARING = 20_000_000  # comparisons: a few milliseconds


@dataclass(frozen=True)
class Sorted:
    """Codes in ascending order with the tables of their bands.

    Attributes
    ----------
    codes : ndarray, (n, words), uint64
    owners : ndarray, (n,), uint32
        The number of each code's asset.
    bands : list of Band
        Empty for a small shelf.
    starts, rows : ndarray, uint32
        The tables of all bands and their lists, one after the other; the first band needs no list.
    """

    codes: np.ndarray
    owners: np.ndarray
    bands: list[Band]
    starts: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, owners: np.ndarray, bytes_per_code: float, banded_from: int = BANDED_FROM) -> Sorted:
        """Sort codes, merge equal codes of one asset, and lay out bands within a memory for tables and lists."""
        codes, owners = _distinct(codes, owners)
        words, none = codes.shape[1], np.empty(0, np.uint32)
        radius = RADIUS.get(words * 8)
        if radius is None or len(codes) < banded_from:
            return cls(codes, owners, [], none, none)
        from service.lookups.engines import kernels

        heads = _heads(codes)
        bands = plan(len(heads), words * 64, radius, bytes_per_code)
        starts = np.empty(sum(band.buckets + 1 for band in bands), np.uint32)
        rows = np.empty((len(bands) - 1) * len(heads), np.uint32)
        table = 0
        for number, band in enumerate(bands):
            own = starts[table : table + band.buckets + 1]
            if number == 0:
                kernels.fill(codes, np.arange(len(codes), dtype=np.uint32), band.offset, band.bits, own, none)
            else:
                listed = rows[(number - 1) * len(heads) : number * len(heads)]
                kernels.fill(codes, heads, band.offset, band.bits, own, listed)
            table += len(own)
        return cls(codes, owners, bands, starts, rows)

    @cached_property
    def _masks(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """All bands' patterns of flipped bits, and how many there are up to each weight."""
        lists = [masks(band.bits, band.threshold) for band in self.bands]
        ends = [np.cumsum(np.bincount(np.bitwise_count(listed))) for listed in lists]
        return np.concatenate(lists), ends

    @property
    def radius(self) -> int:
        """The largest radius for which the bands are exact; −1 without bands."""
        return sum(band.threshold + 1 for band in self.bands) - 1

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        return self.codes.nbytes + self.owners.nbytes + self.starts.nbytes + self.rows.nbytes

    @cached_property
    def _layouts(self) -> dict[int, np.ndarray]:
        return {}

    def layout(self, radius: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the table that :func:`kernels.probe` reads for a radius, and the patterns it points into."""
        if radius not in self._layouts:
            self._layouts[radius] = self._layout(radius)
        return self._layouts[radius], self._masks[0]

    def _layout(self, radius: int) -> np.ndarray:
        _, ends = self._masks
        listed = len(self.rows) // max(1, len(self.bands) - 1)
        lines, table, mask = [], 0, 0
        for number, (band, limit) in enumerate(zip(self.bands, within(self.bands, radius), strict=True)):
            if limit >= 0:
                place = (number - 1) * listed if number else -1
                lines.append((band.offset, band.bits, limit, table, place, mask, mask + int(ends[number][limit])))
            table += band.buckets + 1
            mask += int(ends[number][-1])
        return np.array(lines, np.int64)


@dataclass
class Rows:
    """Codes and owners in arrays that grow; a reader takes ``size`` first and is safe from the one writer."""

    words: int
    size: int = 0
    codes: np.ndarray = field(init=False)
    owners: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.codes, self.owners = np.empty((64, self.words), np.uint64), np.empty(64, np.uint32)

    def extend(self, codes: np.ndarray, owners: np.ndarray) -> None:
        """Append rows; they exist once ``size`` says so."""
        end = self.size + len(codes)
        if end > len(self.codes):
            room = max(end, 2 * len(self.codes))
            self.owners = np.concatenate([self.owners, np.empty(room - len(self.owners), np.uint32)])
            self.codes = np.concatenate([self.codes, np.empty((room - len(self.codes), self.words), np.uint64)])
        self.owners[self.size : end] = owners
        self.codes[self.size : end] = codes
        self.size = end


@dataclass
class ShelfIndex:
    """A shelf: what is sorted, and the tail."""

    words: int
    sorted: Sorted | None = None
    tail: Rows = field(init=False)

    def __post_init__(self) -> None:
        self.tail = Rows(self.words)

    def cut(self) -> ShelfIndex:
        """Return the same, unmoved by what is appended later."""
        made = ShelfIndex(self.words, self.sorted)
        made.tail.size, made.tail.codes, made.tail.owners = self.tail.size, self.tail.codes, self.tail.owners
        return made

    @property
    def size(self) -> int:
        """How many rows there are, with those of dead assets."""
        return self.tail.size + (len(self.sorted.codes) if self.sorted else 0)

    def all_rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all codes and their owners."""
        size = self.tail.size
        codes, owners = self.tail.codes[:size], self.tail.owners[:size]
        if self.sorted is None:
            return codes, owners
        return np.concatenate([self.sorted.codes, codes]), np.concatenate([self.sorted.owners, owners])

    def banded(self, radius: int) -> bool:
        """Whether the sorted part has bands that are exact for a radius."""
        return self.sorted is not None and radius <= self.sorted.radius

    def search(self, queries: np.ndarray, radius: int) -> np.ndarray:
        """Return every code within the radius: rows of query, owner, distance (uint32)."""
        size = self.tail.size
        found = [_scanned(self.tail.codes, self.tail.owners, size, queries, radius)]
        held = self.sorted
        if held is not None and self.banded(radius):
            found.append(_probed(held, queries, radius))
        elif held is not None:
            found.append(_scanned(held.codes, held.owners, len(held.codes), queries, radius))
        return np.concatenate(found)


class TooManyHits(Exception):
    """More hits than should be held at once; ask with fewer queries."""


def _scanned(codes: np.ndarray, owners: np.ndarray, size: int, queries: np.ndarray, radius: int) -> np.ndarray:
    """Compare every code: on every core where a page of queries meets a large shelf."""
    parts = (os.cpu_count() or 1) if size * len(queries) >= _WORTH_SHARING else 1
    ends = [size * part // parts for part in range(parts + 1)]

    def scan(first: int, last: int) -> np.ndarray:
        from service.lookups.engines import kernels

        out = np.empty((_ROOM, 3), np.uint32)
        found = kernels.scan(codes, first, last, queries, radius, out, 0)
        if found > len(out):
            out = _more_room(found, queries)
            kernels.scan(codes, first, last, queries, radius, out, 0)
        return out[:found]

    found = list(_cores().map(scan, ends, ends[1:])) if parts > 1 else [scan(0, size)]
    return _with_owners(np.concatenate(found), owners)


@cache
def _cores() -> ThreadPoolExecutor:
    """Threads that run compiled code, which holds no lock of the interpreter."""
    return ThreadPoolExecutor(os.cpu_count() or 1, "look-up")


def _probed(held: Sorted, queries: np.ndarray, radius: int) -> np.ndarray:
    """Probe the bands, except for queries whose buckets hold so much that comparing every code is cheaper."""
    from service.lookups.engines import kernels

    layout, patterns = held.layout(radius)
    out, hot = np.empty((_ROOM, 3), np.uint32), np.zeros(len(queries), np.bool_)
    given = (held.codes, layout, held.starts, held.rows, patterns, queries, radius)
    found = kernels.probe_all(*given, len(held.codes) // 16, hot, out)
    if found > len(out):
        out = _more_room(found, queries)
        kernels.probe_all(*given, len(held.codes) // 16, hot, out)
    hits = _with_owners(out[:found], held.owners)
    if not hot.any():
        return hits
    crowded = np.flatnonzero(hot)
    more = _scanned(held.codes, held.owners, len(held.codes), np.ascontiguousarray(queries[crowded]), radius)
    more[:, 0] = crowded[more[:, 0]]
    return np.concatenate([hits, more])


def _more_room(found: int, queries: np.ndarray) -> np.ndarray:
    if found > _MOST_HITS and len(queries) > 1:
        raise TooManyHits
    return np.empty((found, 3), np.uint32)


def _with_owners(hits: np.ndarray, owners: np.ndarray) -> np.ndarray:
    hits[:, 1] = owners[hits[:, 1]]
    return hits


def _distinct(codes: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort by code and then by owner, and drop what is equal in both.

    The first word alone tells nearly all codes apart; only where it does not are the others compared.
    """
    order = np.argsort(codes[:, 0], kind="stable")
    first = codes[order, 0]
    tied = np.zeros(len(first), np.bool_)
    tied[1:] = first[1:] == first[:-1]
    tied[:-1] |= tied[1:]
    places = np.flatnonzero(tied)
    if len(places):
        group = order[places]
        columns = (owners[group], *(codes[group, word] for word in range(codes.shape[1] - 1, -1, -1)))
        order[places] = group[np.lexsort(columns)]
    codes, owners = codes[order], owners[order]
    keep = np.ones(len(codes), np.bool_)
    keep[1:] = (codes[1:] != codes[:-1]).any(axis=1) | (owners[1:] != owners[:-1])
    return (codes, owners) if keep.all() else (codes[keep], owners[keep])


def _heads(codes: np.ndarray) -> np.ndarray:
    """Return the rows that begin a run of equal codes."""
    new = np.ones(len(codes), np.bool_)
    new[1:] = (codes[1:] != codes[:-1]).any(axis=1)
    return np.flatnonzero(new).astype(np.uint32)
