"""The codes nearest to a query's codes, by comparing every pair: exact, and as fast as memory.

130 million pairs a second on one core: a query of 1,500 landmarks against 100 assets of 500 takes 0.6 s.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

NEAREST = 6
"""Neighbours kept of every code: enough to see past a few assets that look alike."""

_BLOCK = 100_000  # codes a pass: OpenCV holds one int32 a pair of one query code and the block


def nearest(
    wanted: NDArray[np.uint8], codes: NDArray[np.uint8], count: int = NEAREST
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Nearest codes by Hamming distance, in ascending order.

    Parameters
    ----------
    wanted : ndarray, shape (n, 32), uint8
    codes : ndarray, shape (m, 32), uint8

    Returns
    -------
    distances : ndarray, shape (n, count), int32
        256 where there are fewer than `count` codes.
    rows : ndarray, shape (n, count), int64
        Rows of `codes`; -1 where there are fewer.
    """
    distances = np.full((len(wanted), count), 256, np.int32)
    rows = np.full((len(wanted), count), -1, np.int64)
    for start in range(0, len(codes) if len(wanted) else 0, _BLOCK):
        block = codes[start : start + _BLOCK]
        kept = min(count, len(block))
        d, i = cv2.batchDistance(
            wanted, block, cv2.CV_32S, nidx=np.zeros((len(wanted), kept), np.int32), normType=cv2.NORM_HAMMING, K=kept
        )
        distances, rows = merge(distances, rows, d, i.astype(np.int64) + start, count)
    return distances, rows


def merge(
    d1: NDArray[np.int32], i1: NDArray[np.int64], d2: NDArray[np.int32], i2: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The `count` nearest of two lists of neighbours."""
    d, i = np.hstack([d1, d2]), np.hstack([i1, i2])
    order = np.argsort(d, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(d, order, axis=1), np.take_along_axis(i, order, axis=1)
