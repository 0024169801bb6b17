"""Exact search of binary codes under Hamming distance, behind five verbs that other engines will implement.

The source of truth is the ``fingerprints`` table; an engine is a view of it that is built anew at every start. Codes
of one brand and one kind form a shelf; a search never crosses shelves, so no brand can learn of another's pictures.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Hit:
    """An asset with a code within the radius, and the least distance in bits."""

    asset_id: str
    distance: int


class LookupEngine(Protocol):
    """Binary codes, by shelf."""

    def add(self, shelf: str, asset_id: str, code: bytes) -> None:
        """Put a code on a shelf; all codes of a shelf have one length."""
        ...

    def remove(self, asset_id: str) -> None:
        """Take every code of an asset off every shelf."""
        ...

    def search(self, shelf: str, code: bytes, radius: int) -> list[Hit]:
        """Return the assets within ``radius`` bits, nearest first."""
        ...

    def count(self, shelf: str) -> int:
        """Return how many codes a shelf holds."""
        ...

    def clear(self) -> None:
        """Empty all shelves."""
        ...


@dataclass
class _Shelf:
    """Codes in one growing array (capacity × words of 64 bits), so that a search is one pass over memory."""

    words: int
    codes: np.ndarray = field(init=False)
    assets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.codes = np.zeros((16, self.words), np.uint64)


class ExactEngine:
    """Exact search in memory with NumPy: ``distance = popcount(code XOR query)``, summed over words.

    >>> engine = ExactEngine()
    >>> engine.add("brand/pdq", "ast_1", bytes(32))
    >>> engine.search("brand/pdq", bytes(31) + bytes([7]), radius=31)
    [Hit(asset_id='ast_1', distance=3)]
    """

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._lock = threading.Lock()

    def add(self, shelf: str, asset_id: str, code: bytes) -> None:
        """Put a code on a shelf; all codes of a shelf have one length."""
        words = np.frombuffer(code, np.uint64)
        with self._lock:
            held = self._shelves.setdefault(shelf, _Shelf(len(words)))
            if len(words) != held.words:
                raise ValueError(f"codes on {shelf} have {held.words * 8} bytes, not {len(code)}")
            if len(held.assets) == len(held.codes):
                held.codes = np.concatenate([held.codes, np.zeros_like(held.codes)])
            held.codes[len(held.assets)] = words
            held.assets.append(asset_id)

    def remove(self, asset_id: str) -> None:
        """Take every code of an asset off every shelf."""
        with self._lock:
            for held in self._shelves.values():
                keep = [row for row, asset in enumerate(held.assets) if asset != asset_id]
                if len(keep) != len(held.assets):
                    spare = np.zeros((16, held.words), np.uint64)
                    held.codes = np.concatenate([held.codes[keep], spare])
                    held.assets = [held.assets[row] for row in keep]

    def search(self, shelf: str, code: bytes, radius: int) -> list[Hit]:
        """Return the assets within ``radius`` bits, nearest first."""
        with self._lock:
            held = self._shelves.get(shelf)
            if held is None or len(code) != held.words * 8:
                return []
            codes, assets = held.codes[: len(held.assets)], held.assets
            distances = np.bitwise_count(codes ^ np.frombuffer(code, np.uint64)).sum(axis=1, dtype=np.int64)
            best: dict[str, int] = {}
            for row in np.flatnonzero(distances <= radius):
                asset, distance = assets[row], int(distances[row])
                best[asset] = min(distance, best.get(asset, distance))
        return [Hit(asset, distance) for asset, distance in sorted(best.items(), key=lambda item: (item[1], item[0]))]

    def count(self, shelf: str) -> int:
        """Return how many codes a shelf holds."""
        with self._lock:
            held = self._shelves.get(shelf)
            return len(held.assets) if held else 0

    def clear(self) -> None:
        """Empty all shelves."""
        with self._lock:
            self._shelves.clear()
