"""The codes nearest to a query's codes: every pair while there are few, the promising buckets when there are many.

Comparing every pair is exact: 130 million pairs a second on one core, 0.7 s for a query against 100 assets. Above
`EXACT_CODES` the codes are sorted into buckets by the nearest of 1,024 pivots, themselves codes of the index, and a
query code is compared with the buckets of its nearest pivots only (an inverted file: Jégou, Douze, Schmid 2011,
doi:10.1109/TPAMI.2010.57). A neighbour in another bucket is missed, never invented: what is found is still verified.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
Neighbours = tuple[NDArray[np.int32], NDArray[np.int64]]
"""Distances in bits, ascending, 256 for none; and rows of the codes, -1 for none; both (n, count)."""

NEAREST = 6
"""Neighbours kept of every code: enough to see past a few assets that look alike."""

EXACT_CODES = 60_000
PIVOTS = 1024

_PROBES = 8
_BLOCK = 100_000  # codes a pass: bounds OpenCV's working memory


@dataclass(frozen=True)
class Buckets:
    """Codes sorted by their nearest pivot.

    Attributes
    ----------
    pivots : ndarray, shape (P, 32), uint8
    codes : ndarray, shape (m, 32), uint8: in bucket order.
    rows : ndarray, shape (m,), int64: where each code stood before.
    starts : ndarray, shape (P + 1,), int64: bucket p is codes[starts[p]:starts[p + 1]].
    """

    pivots: Codes
    codes: Codes
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def sort(cls, pivots: Codes, codes: Codes, labels: NDArray[np.int64]) -> Buckets:
        """Sort codes into buckets by their labels, as `label` gives them."""
        rows = np.argsort(labels, kind="stable")
        return cls(pivots, codes[rows], rows, np.searchsorted(labels[rows], np.arange(len(pivots) + 1)))


def choose_pivots(codes: Codes) -> Codes:
    """1,024 of the codes, evenly spread over their order."""
    return codes[np.linspace(0, len(codes) - 1, PIVOTS).astype(int)]


def label(codes: Codes, pivots: Codes) -> NDArray[np.int64]:
    """The nearest pivot of every code, shape (n,)."""
    return nearest(codes, pivots, 1)[1][:, 0]


def nearest(wanted: Codes, codes: Codes, count: int = NEAREST) -> Neighbours:
    """Nearest codes by Hamming distance, exactly.

    Parameters
    ----------
    wanted : ndarray, shape (n, 32), uint8
    codes : ndarray, shape (m, 32), uint8
    """
    distances, rows = _none(len(wanted), count)
    for start in range(0, len(codes) if len(wanted) else 0, _BLOCK):
        block = codes[start : start + _BLOCK]
        kept = min(count, len(block))
        d, i = cv2.batchDistance(
            wanted, block, cv2.CV_32S, nidx=np.zeros((len(wanted), kept), np.int32), normType=cv2.NORM_HAMMING, K=kept
        )
        distances, rows = _best(np.hstack([distances, d]), np.hstack([rows, i + np.int64(start)]), count)
    return distances, rows


def nearest_in_buckets(wanted: Codes, buckets: Buckets, count: int = NEAREST) -> Neighbours:
    """Nearest codes within the buckets of the nearest pivots; rows as the codes stood before sorting."""
    if not len(wanted):
        return _none(0, count)
    probes = nearest(wanted, buckets.pivots, _PROBES)[1]
    distances, rows = _none(len(wanted) * _PROBES, count)
    order = np.argsort(probes.ravel(), kind="stable")  # all visits to one bucket together
    visits = np.searchsorted(probes.ravel()[order], np.arange(len(buckets.pivots) + 1))
    for bucket in np.flatnonzero(np.diff(visits)):
        visiting = order[visits[bucket] : visits[bucket + 1]]
        start, end = buckets.starts[bucket : bucket + 2]
        d, i = nearest(wanted[visiting // _PROBES], buckets.codes[start:end], count)
        distances[visiting] = d
        rows[visiting] = np.where(i >= 0, i + start, -1)
    d, i = _best(distances.reshape(len(wanted), -1), rows.reshape(len(wanted), -1), count)
    return d, np.where(i >= 0, buckets.rows[i], -1)


def _none(n: int, count: int) -> Neighbours:
    return np.full((n, count), 256, np.int32), np.full((n, count), -1, np.int64)


def _best(distances: NDArray[np.int32], rows: NDArray[np.int64], count: int) -> Neighbours:
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)
