"""Many assets' landmarks, and the question which of them a picture shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .codes import VARIANTS, Landmarks, Query
from .neighbours import EXACT_CODES, Buckets, Codes, choose_pivots, label, nearest, nearest_in_buckets
from .votes import MATCH_INLIERS, Candidate, Matches, agreeing, elect, fit, one_to_one


@dataclass
class _Pool:
    """All landmarks in a row, asset after asset; built when a search first needs them."""

    names: list[str]
    long_sides: NDArray[np.int64]
    owners: NDArray[np.int64]
    points: NDArray[np.float32]
    sizes: NDArray[np.float32]
    angles: NDArray[np.float32]
    codes: Codes
    buckets: Buckets | None


@dataclass
class LandmarkIndex:
    """Landmarks of many assets; not safe for concurrent use by several threads.

    Exact up to some hundred assets, by buckets beyond (see `neighbours`). Adding is cheap; the first search after it
    puts the landmarks in a row again, 0.2 s a million.
    """

    _assets: dict[str, Landmarks] = field(default_factory=dict)
    _labels: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    _pivots: Codes | None = None
    _pool: _Pool | None = None

    def __len__(self) -> int:
        return len(self._assets)

    def add(self, asset_id: str, landmarks: Landmarks) -> None:
        """Take in an asset, replacing what was there under its id."""
        self._assets[asset_id] = landmarks
        self._labels.pop(asset_id, None)
        self._pool = None

    def remove(self, asset_id: str) -> None:
        """Forget an asset; an unknown one is no error."""
        if self._assets.pop(asset_id, None) is not None:
            self._labels.pop(asset_id, None)
            self._pool = None

    def search(self, query: Query, fewest_inliers: int = MATCH_INLIERS) -> list[Candidate]:
        """The assets that a picture shows, most inliers first.

        The picture as it is and its mirror image are tried; the negatives of both only when these show nothing.

        Parameters
        ----------
        query : as `watermark.landmarks.query` gives it.
        fewest_inliers : distinct landmarks that must agree on a homography.
        """
        if not self._assets or not len(query):
            return []
        found: dict[str, Candidate] = {}
        for variant, (mirrored, inverted) in enumerate(VARIANTS):
            if inverted and not mirrored and any(c.inliers >= MATCH_INLIERS for c in found.values()):
                break
            for candidate in self._matching(query, variant, mirrored, inverted, fewest_inliers):
                known = found.get(candidate.asset_id)
                if known is None or candidate.inliers > known.inliers:
                    found[candidate.asset_id] = candidate
        return sorted(found.values(), key=lambda c: (-c.inliers, c.asset_id))

    def _matching(
        self, query: Query, variant: int, mirrored: bool, inverted: bool, fewest_inliers: int
    ) -> list[Candidate]:
        pool = self._pooled()
        if not len(pool.codes):
            return []
        wanted = query.codes[variant]
        distances, rows = nearest_in_buckets(wanted, pool.buckets) if pool.buckets else nearest(wanted, pool.codes)
        owners = np.where(rows >= 0, pool.owners[rows], -1)
        found = []
        for owner, columns in elect(distances, owners):
            asked = one_to_one(distances, rows, columns)
            given = rows[asked, columns[asked]]
            matches = Matches(
                query.points[asked],
                query.sizes[asked],
                query.angles[asked],
                pool.points[given],
                pool.sizes[given],
                pool.angles[given],
            )
            fitted = fit(agreeing(matches, mirrored), int(pool.long_sides[owner]))
            if fitted is not None and fitted[0] >= fewest_inliers:
                found.append(Candidate(pool.names[owner], *fitted, mirrored, inverted))
        return found

    def _pooled(self) -> _Pool:
        if self._pool is None:
            held = list(self._assets.values())
            codes = np.ascontiguousarray(np.concatenate([x.codes for x in held]))
            self._pool = _Pool(
                list(self._assets),
                np.array([max(x.shape) for x in held]),
                np.repeat(np.arange(len(held)), [len(x) for x in held]),
                np.concatenate([x.points for x in held]),
                np.concatenate([x.sizes for x in held]),
                np.concatenate([x.angles for x in held]),
                codes,
                self._sorted(codes) if len(codes) > EXACT_CODES else None,
            )
        return self._pool

    def _sorted(self, codes: Codes) -> Buckets:
        if self._pivots is None:
            self._pivots = choose_pivots(codes)
        for asset_id, landmarks in self._assets.items():
            if asset_id not in self._labels:  # each asset is labelled once, however often the pool is built
                self._labels[asset_id] = label(landmarks.codes, self._pivots)
        return Buckets.sort(self._pivots, codes, np.concatenate([self._labels[name] for name in self._assets]))
