"""Many assets' landmarks, and the question which of them a picture shows."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .codes import Landmarks, Query
from .ranking import Candidate, ranked
from .search import Details, find
from .segments import Segment, Snapshot


@dataclass
class LandmarkIndex:
    """Landmarks of many assets; may be searched and changed by several threads at once.

    What was added is sorted into a segment when a search first needs it; segments of like size are merged, as in a
    log-structured merge tree (O'Neil et al. 1996, doi:10.1007/s002360050048), so taking in one more asset costs little
    at any size. A search works on an immutable snapshot and holds no lock.
    """

    _fresh: dict[str, Landmarks] = field(default_factory=dict)
    _snapshot: Snapshot = field(default_factory=Snapshot)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        with self._lock:
            return len(self._fresh) + sum(int(alive.sum()) for _, alive in self._snapshot.parts)

    def add(self, asset_id: str, landmarks: Landmarks) -> None:
        """Take in an asset, replacing what was there under its id."""
        with self._lock:
            self._forget(asset_id)
            self._fresh[asset_id] = landmarks

    def remove(self, asset_id: str) -> None:
        """Forget an asset; an unknown one is no error."""
        with self._lock:
            self._fresh.pop(asset_id, None)
            self._forget(asset_id)

    def search(self, query: Query, details: Details = lambda _: None) -> list[Candidate]:
        """The assets that a picture shows, surest first; of colourways of one shot, the one of the right colours first.

        The picture as it is and its mirror image are tried; the negatives of both only when these show nothing.

        Parameters
        ----------
        query : as `watermark.landmarks.query` gives it.
        details : callable, asset id -> what `watermark.landmarks.detail` gave, or None
            Asked for a few assets each time; where it has nothing, the landmarks of the index must do.
        """
        snapshot = self._sealed()
        if not snapshot.codes or not len(query):
            return []
        for variants in ((0, 1), (2, 3)):
            found: list[Candidate] = []
            for variant in variants:
                found += find(snapshot, query, variant, details, found)
            if matches := ranked(found):
                return matches
        return []

    def _sealed(self) -> Snapshot:
        """The latest snapshot, with everything that was added."""
        with self._lock:
            if self._fresh:
                parts = [(segment, alive) for segment, alive in self._snapshot.parts if alive.any()]
                parts.append(_whole(Segment.of(list(self._fresh.items()))))
                while len(parts) > 1 and len(parts[-2][0].codes) <= 2 * len(parts[-1][0].codes):
                    parts[-2:] = [_whole(Segment.merged(parts[-2:]))]
                self._snapshot, self._fresh = Snapshot(tuple(parts)), {}
            return self._snapshot

    def _forget(self, asset_id: str) -> None:
        parts = []
        for segment, alive in self._snapshot.parts:
            number = segment.numbers.get(asset_id)
            if number is not None and alive[number]:
                alive = alive.copy()  # a search may be reading the old one
                alive[number] = False
            parts.append((segment, alive))
        self._snapshot = Snapshot(tuple(parts))


def _whole(segment: Segment) -> tuple[Segment, NDArray[np.bool_]]:
    return segment, np.ones(len(segment), np.bool_)
