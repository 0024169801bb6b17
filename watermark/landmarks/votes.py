"""Which assets are worth a closer look: every similar landmark votes for where the whole asset would lie.

One pair of landmarks fixes a similarity, and so the place, size and turn at which the query would show the asset.
Pairs that belong together agree, chance pairs scatter: Lowe's Hough transform (2004, section 7.3) for all assets at
once. Among thousands of assets four agreeing votes stand out, so a search may miss most of the neighbours, and needs no
rule that a rival asset must be farther: the colourways of one shot do not silence each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watermark.compiling import compiled

_TURN_BINS = 24  # of 15 degrees; windows are two bins wide in every dimension
_CENTRE_BIN = 0.2  # of the asset's long side, as the query would show it
_FULL_BITS, _NO_BITS = 40, 76  # a pair's weight falls from 1 to 0 between these distances
_AS_NEAR_BITS = 8


@dataclass(frozen=True)
class Shortlisted:
    """An asset with a strength: the weight of the votes that agree best."""

    owner: int
    strength: float


def weigh(distances: NDArray[np.int32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weights of all pairs of a search, 0 … 1: near pairs weigh more, pairs of things that are everywhere less.

    A letter looks like every such letter of every page in the index, and of the query: a pair is divided by how many
    neighbours of its query code lie about as near, and by the root of how many query codes chose its index code (Jégou,
    Douze, Schmid 2009, doi:10.1109/CVPR.2009.5206609, on bursts).

    Parameters
    ----------
    distances, rows : (n, K), bits in ascending order and the codes' rows, -1 for none.

    Returns
    -------
    ndarray, shape (n, K), float32; 0 where there is no neighbour.
    """
    near = np.clip((_NO_BITS - distances) / (_NO_BITS - _FULL_BITS), 0, 1) * (rows >= 0)
    rivals = (distances[:, None, :] <= distances[:, :, None] + _AS_NEAR_BITS).sum(axis=2)
    _, place, count = np.unique(rows, return_inverse=True, return_counts=True)
    return (near / (rivals * np.sqrt(count[place.reshape(rows.shape)]))).astype(np.float32)


def shortlist(
    query: NDArray[np.float32],
    asset: NDArray[np.float32],
    owners: NDArray[np.int64],
    centres: NDArray[np.float32],
    weights: NDArray[np.float32],
    most: int,
    least: float,
) -> list[Shortlisted]:
    """The assets for which most votes agree.

    Parameters
    ----------
    query, asset : (pairs, 4), x, y, diameter, angle on either side.
    owners : (pairs,), the asset of each pair, counted from 0.
    centres : (pairs, 3), centre x, y and long side of that asset, px.
    weights : (pairs,)
    most, least : how many assets at most, and how strong at least.
    """
    if not len(owners):
        return []
    strengths = _strongest(query, asset, owners, centres, weights, int(owners.max()) + 1)
    order = np.argsort(-strengths, kind="stable")[:most]
    return [Shortlisted(int(a), float(strengths[a])) for a in order if strengths[a] >= least]


@compiled
def _strongest(
    query: NDArray[np.float32],
    asset: NDArray[np.float32],
    owners: NDArray[np.int64],
    centres: NDArray[np.float32],
    weights: NDArray[np.float32],
    assets: int,
) -> NDArray[np.float32]:
    """The fullest bin of every asset; each vote falls into the two nearest bins of turn, scale, x and y."""
    room = 1024
    while room < 32 * len(owners):
        room *= 2
    keys = np.zeros(room, np.uint64)  # an open-addressing table of bins; 0 is free
    histogram = np.zeros(room, np.float32)
    strengths = np.zeros(assets, np.float32)
    for i in range(len(owners)):
        turn = np.deg2rad(query[i, 3] - asset[i, 3])  # asset -> query
        growth = query[i, 2] / asset[i, 2]
        octave = np.log2(growth)
        dx, dy = centres[i, 0] - asset[i, 0], centres[i, 1] - asset[i, 1]
        x = query[i, 0] + growth * (np.cos(turn) * dx - np.sin(turn) * dy)
        y = query[i, 1] + growth * (np.sin(turn) * dx + np.cos(turn) * dy)
        low_turn, low_octave = int(np.floor(turn / (2 * np.pi) * _TURN_BINS)), int(np.floor(octave))
        for a in range(2):
            t = (low_turn + a) % _TURN_BINS
            for b in range(2):
                width = _CENTRE_BIN * centres[i, 2] * 2.0 ** (low_octave + b)
                left, top = int(np.floor(x / width - 0.5)), int(np.floor(y / width - 0.5))
                for c in range(2):
                    for d in range(2):
                        key = np.uint64(0)
                        for part in (owners[i] + 1, t, low_octave + b + 64, left + c + 65536, top + d + 65536):
                            key = (key ^ np.uint64(part)) * np.uint64(0x9E3779B97F4A7C15)
                            key ^= key >> np.uint64(29)
                        cell = np.int64(key & np.uint64(room - 1))
                        while keys[cell] != 0 and keys[cell] != key:
                            cell = (cell + 1) & (room - 1)
                        keys[cell] = key
                        histogram[cell] += weights[i]
                        if histogram[cell] > strengths[owners[i]]:
                            strengths[owners[i]] = histogram[cell]
    return strengths
