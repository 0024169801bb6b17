"""Many assets' codes side by side, sorted so that a search reads little of them.

A code stands in the bucket of the nearest of 4,096 fixed pivots, and a query code is compared with the buckets of its
nearest pivots only (an inverted file: Jégou, Douze, Schmid 2011, doi:10.1109/TPAMI.2010.57). The pivots are bitwise
medians of 373,000 landmarks of photographs, video frames, textures and pages, found once by k-medians and shipped: all
indexes sort alike. A neighbour in another bucket is missed, never invented; a small index visits so many buckets that
it misses none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from .codes import Landmarks
from .hamming import Words, nearest_by_groups, nearest_pivots, words

_HEADS = 64
_GROUPS_SOUGHT = 8


@lru_cache(maxsize=1)
def pivots() -> Words:
    """The pivots, shape (4096, 4)."""
    with resources.files(__package__).joinpath("pivots.npy").open("rb") as file:
        return words(np.load(file))


@lru_cache(maxsize=1)
def _groups() -> tuple[Words, NDArray[np.int64], NDArray[np.int64]]:
    """Every 64th pivot as the head of a group; pivots sorted by their nearest head; where each group starts."""
    heads = pivots()[:: len(pivots()) // _HEADS]
    group = nearest_pivots(pivots(), heads, 1)[:, 0]
    starts = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=len(heads)))])
    return heads, np.argsort(group, kind="stable"), starts


def label(codes: Words) -> NDArray[np.int32]:
    """The bucket of every code, (n,): its nearest pivot, sought in eight groups of 64, a sixth of the work."""
    heads, members, starts = _groups()
    return nearest_by_groups(codes, heads, pivots(), members, starts, _GROUPS_SOUGHT)


@dataclass(frozen=True)
class Outline:
    """What is kept of an asset besides its landmarks: its shape (H, W) in px and its small picture."""

    asset_id: str
    shape: tuple[int, int]
    thumbnail: NDArray[np.uint8]


@dataclass(frozen=True)
class Segment:
    """Assets that were sorted together; never changed afterwards, so any number of threads may read it.

    Attributes
    ----------
    outlines : of each asset.
    codes : (m, 4) words in bucket order.
    starts : (4097,): bucket b is codes[starts[b]:starts[b + 1]].
    owners : (m,) int32, into `outlines`.
    geometry : (m, 4) float32: x, y, diameter in px of the asset; angle in degrees.
    places : (m,) int32: where the landmarks stand, asset after asset.
    firsts : (assets + 1,): asset a's landmarks stand at places[firsts[a]:firsts[a + 1]].
    """

    outlines: tuple[Outline, ...]
    codes: Words
    starts: NDArray[np.int64]
    owners: NDArray[np.int32]
    geometry: NDArray[np.float32]
    places: NDArray[np.int32]
    firsts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.outlines)

    @classmethod
    def of(cls, assets: Sequence[tuple[str, Landmarks]]) -> Segment:
        """Sort new assets."""
        held = [landmarks for _, landmarks in assets]
        codes = words(np.concatenate([x.codes for x in held]))
        geometry = np.concatenate([np.c_[x.points, x.sizes, x.angles] for x in held]).astype(np.float32)
        outlines = tuple(Outline(name, x.shape, x.thumbnail) for name, x in assets)
        counts = np.array([len(x) for x in held])
        return cls._sorted(outlines, counts, codes, label(codes), geometry)

    @classmethod
    def merged(cls, parts: Sequence[tuple[Segment, NDArray[np.bool_]]]) -> Segment:
        """Put segments together, leaving out the assets that are no longer alive."""
        outlines = tuple(o for part, alive in parts for o, lives in zip(part.outlines, alive, strict=True) if lives)
        counts = np.concatenate([np.diff(part.firsts)[alive] for part, alive in parts])
        kept = [part.places[np.repeat(alive, np.diff(part.firsts))] for part, alive in parts]
        pieces = list(zip((part for part, _ in parts), kept, strict=True))
        codes = np.concatenate([part.codes[rows] for part, rows in pieces])
        geometry = np.concatenate([part.geometry[rows] for part, rows in pieces])
        labels = np.concatenate([np.searchsorted(part.starts, rows, "right") - 1 for part, rows in pieces])
        return cls._sorted(outlines, counts, codes, labels, geometry)

    @classmethod
    def _sorted(
        cls,
        outlines: tuple[Outline, ...],
        counts: NDArray[np.int64],
        codes: Words,
        labels: NDArray[np.integer],
        geometry: NDArray[np.float32],
    ) -> Segment:
        order = np.argsort(labels.astype(np.int16), kind="stable")
        places = np.empty(len(order), np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        owners = np.repeat(np.arange(len(counts), dtype=np.int32), counts)[order]
        starts = np.concatenate([[0], np.cumsum(np.bincount(labels, minlength=len(pivots())))])
        firsts = np.concatenate([[0], np.cumsum(counts)])
        return cls(outlines, codes[order], starts, owners, geometry[order], places, firsts)

    def landmarks_of(self, owner: int) -> tuple[Words, NDArray[np.float32]]:
        """Codes (n, 4) and geometry (n, 4) of one asset, in the order in which they were described."""
        rows = self.places[self.firsts[owner] : self.firsts[owner + 1]]
        return self.codes[rows], self.geometry[rows]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each asset by its id."""
        return {outline.asset_id: number for number, outline in enumerate(self.outlines)}

    @cached_property
    def centres(self) -> NDArray[np.float32]:
        """Centre x, y and long side of every asset, px; shape (assets, 3)."""
        shapes = np.array([outline.shape for outline in self.outlines], np.float32).reshape(-1, 2)
        return np.stack([(shapes[:, 1] - 1) / 2, (shapes[:, 0] - 1) / 2, shapes.max(axis=1, initial=1)], axis=1)


@dataclass(frozen=True)
class Snapshot:
    """What one search sees: segments, and which of their assets still live."""

    parts: tuple[tuple[Segment, NDArray[np.bool_]], ...] = ()

    @property
    def codes(self) -> int:
        """How many codes there are, those of the dead included."""
        return sum(len(segment.codes) for segment, _ in self.parts)

    def asset(self, owner: int) -> tuple[Segment, int]:
        """The segment of an asset that is counted over all segments, and its number there."""
        for segment, _ in self.parts:
            if owner < len(segment):
                return segment, owner
            owner -= len(segment)
        raise IndexError(owner)
