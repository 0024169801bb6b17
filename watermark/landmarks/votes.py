"""From single code matches to a verdict on an asset: votes, agreement in scale and turn, then a homography.

A match counts for an asset when its code lies within 75 bits and clearly nearer than any *other* asset's. Assets that
look alike (colourways of one shot) would silence each other under that rule, so those that keep turning up together
are no rivals. What votes survive must agree on scale and rotation, as in Lowe's Hough transform, and on a homography.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

MATCH_BITS = 75
RIVAL_RATIO = 0.9
RIVAL_BITS = 64
"""Where the nearest rival lies in a large index; assumed of a small one, whose few rivals would screen nothing out."""
MATCH_INLIERS = 10
"""Unique inliers that make a match: none of 150 unrelated pictures had more than 9."""

_ALIKE_BITS = 48  # far below what unrelated landmarks reach by chance
_ALIKE_POINTS = 10  # query points at which two assets tie …
_ALIKE_SHARE = 0.5  # … and their share of all points at which the lesser asset is that near
_MOST_FITS = 16  # assets that are tried for a homography
_FEWEST_VOTES = 4
_THRESHOLDS = 6 / 640, 8 / 640  # of a homography and of a similarity, in shares of the asset's long side
_SAME_PLACE = 3 / 640
_MAGNIFICATION = 0.003, 60.0  # areas
_TURN_BINS, _SCALE_BINS = 12, 16  # 30 degrees; factors of two


@dataclass(frozen=True)
class Candidate:
    """An asset that a query picture shows.

    Attributes
    ----------
    asset_id : as it was added.
    inliers : distinct landmarks that agree on the homography.
    homography : ndarray, shape (3, 3), float64: query px -> asset px.
    mirrored, inverted : whether the query shows the asset mirrored, or as a negative.
    """

    asset_id: str
    inliers: int
    homography: NDArray[np.float64]
    mirrored: bool
    inverted: bool = False


@dataclass(frozen=True)
class Matches:
    """Code matches of one query with one asset: places (n, 2), sizes (n,), angles (n,) on either side."""

    query_points: NDArray[np.float32]
    query_sizes: NDArray[np.float32]
    query_angles: NDArray[np.float32]
    asset_points: NDArray[np.float32]
    asset_sizes: NDArray[np.float32]
    asset_angles: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.query_points)

    def only(self, keep: NDArray[np.bool_]) -> Matches:
        """A subset."""
        return Matches(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def elect(distances: NDArray[np.int32], owners: NDArray[np.int64]) -> list[tuple[int, NDArray[np.intp]]]:
    """Which assets the matches speak for, and which matches.

    Parameters
    ----------
    distances : ndarray, shape (n, K), int32
        Bits from every query code to its K nearest codes, in ascending order.
    owners : ndarray, shape (n, K), int64
        The assets those codes belong to; -1 for none.

    Returns
    -------
    list of (owner, columns)
        Most votes first; `columns`, shape (n,), says which of the K neighbours is the match, -1 for none.
    """
    near = (distances <= MATCH_BITS) & (owners >= 0)
    contending = near & (distances * RIVAL_RATIO <= distances[:, :1])
    alike = _alike(owners, contending & (distances <= _ALIKE_BITS))
    elected = []
    for owner in np.unique(owners[contending]):
        own = near & (owners == owner)
        first = np.where(own.any(axis=1), own.argmax(axis=1), -1)
        rival = (owners >= 0) & ~np.isin(owners, [owner, *alike.get(int(owner), ())])
        next_best = np.where(rival, distances, RIVAL_BITS).min(axis=1).clip(max=RIVAL_BITS)
        best = np.where(first >= 0, np.take_along_axis(distances, first[:, None], axis=1)[:, 0], 256)
        columns = np.where(best < RIVAL_RATIO * next_best, first, -1)
        if (columns >= 0).sum() >= _FEWEST_VOTES:
            elected.append((int(owner), columns))
    elected.sort(key=lambda pair: (-int((pair[1] >= 0).sum()), pair[0]))
    return elected[:_MOST_FITS]


def one_to_one(distances: NDArray[np.int32], rows: NDArray[np.int64], columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """Query landmarks whose match `columns` is the nearest of all that chose the same asset landmark.

    Every letter of a page may resemble one corner of the asset; a map that collapses the page into that corner would
    otherwise have the most supporters.
    """
    asked = np.flatnonzero(columns >= 0)
    asked = asked[np.argsort(distances[asked, columns[asked]], kind="stable")]
    _, first = np.unique(rows[asked, columns[asked]], return_index=True)
    return np.sort(asked[first])


def _alike(owners: NDArray[np.int64], tied: NDArray[np.bool_]) -> dict[int, set[int]]:
    alone: Counter[int] = Counter()
    together: Counter[tuple[int, int]] = Counter()
    for row in np.flatnonzero(tied.any(axis=1)):
        present = sorted({int(owner) for owner in owners[row, tied[row]]})
        alone.update(present)
        together.update(combinations(present, 2))
    alike: dict[int, set[int]] = {}
    for (a, b), count in together.items():
        if count >= max(_ALIKE_POINTS, _ALIKE_SHARE * min(alone[a], alone[b])):
            alike.setdefault(a, set()).add(b)
            alike.setdefault(b, set()).add(a)
    return alike


def agreeing(matches: Matches, mirrored: bool) -> Matches:
    """Matches in the most popular neighbourhood of scale (a factor of 4) and turn (90 degrees)."""
    sense = -1 if mirrored else 1  # a mirror reverses the sense in which angles grow
    turn = (matches.asset_angles - sense * matches.query_angles) % 360
    octave = np.log2(matches.asset_sizes / matches.query_sizes)
    row = (turn * (_TURN_BINS / 360)).astype(int) % _TURN_BINS
    column = np.clip(np.rint(octave).astype(int) + _SCALE_BINS // 2, 1, _SCALE_BINS - 2)
    votes = np.zeros((_TURN_BINS, _SCALE_BINS), int)
    np.add.at(votes, (row, column), 1)
    wide = votes + np.roll(votes, 1, axis=0) + np.roll(votes, -1, axis=0)
    wide[:, 1:-1] = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    top, left = np.unravel_index(int(wide[:, 1:-1].argmax()), (_TURN_BINS, _SCALE_BINS - 2))
    apart = (row - top + _TURN_BINS // 2) % _TURN_BINS - _TURN_BINS // 2
    return matches.only((abs(apart) <= 1) & (abs(column - left - 1) <= 1))


def fit(matches: Matches, long_side: int) -> tuple[int, NDArray[np.float64]] | None:
    """The homography, query px -> asset px, that most matches agree on, and how many distinct ones do.

    A similarity is tried as well: it needs fewer matches, and stands where a homography would be bent by outliers.
    """
    if len(matches) < _FEWEST_VOTES:
        return None
    source, target = matches.query_points, matches.asset_points
    bent, straight = (share * long_side for share in _THRESHOLDS)
    homography, kept = cv2.findHomography(source, target, cv2.RANSAC, bent, maxIters=2000, confidence=0.995)
    similarity, kept_too = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=straight, maxIters=2000
    )
    best: tuple[int, NDArray[np.float64]] | None = None
    if similarity is not None:
        similarity = np.vstack([similarity, [0, 0, 1]])
    for matrix, inside in ((homography, kept), (similarity, kept_too)):
        if matrix is None or not _MAGNIFICATION[0] < abs(np.linalg.det(matrix[:2, :2])) < _MAGNIFICATION[1]:
            continue
        chosen = inside.ravel() > 0
        scale = abs(np.linalg.det(matrix[:2, :2])) ** 0.5
        cell = _SAME_PLACE * long_side
        distinct = min(_distinct(target[chosen], cell), _distinct(source[chosen], cell / scale))
        if best is None or distinct > best[0]:
            best = distinct, np.asarray(matrix, np.float64)
    return best


def _distinct(points: NDArray[np.float32], cell: float) -> int:
    """Points that do not share a cell: one landmark found at two sizes is one witness."""
    return len(np.unique(np.rint(points / cell), axis=0))
