"""Hamming distances by the million: the inner loops of the search, compiled.

A code is four words of 64 bits; two codes differ in `popcount(a XOR b)` bits, summed over the words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from watermark.compiling import compiled, popcount

Words = NDArray[np.uint64]
"""Codes as words, shape (n, 4)."""

_TILE = 512
"""Codes laid out word by word at a time: they stay in the first-level cache."""


def words(codes: NDArray[np.uint8]) -> Words:
    """Codes, shape (n, 32), uint8, as words, shape (n, 4)."""
    return np.ascontiguousarray(codes).view(np.uint64).reshape(-1, 4)


@compiled
def _distances(wanted: Words, i: int, tile: Words, size: int, apart: NDArray[np.uint64]) -> Any:
    """Bits between one code and `size` others that lie word by word, (4, m), so that the loop is vectorised; the least.

    The distances go to `apart`.
    """
    a, b, c, d = wanted[i, 0], wanted[i, 1], wanted[i, 2], wanted[i, 3]
    least = np.uint64(300)
    for j in range(size):
        bits = popcount(a ^ tile[0, j]) + popcount(b ^ tile[1, j])
        bits += popcount(c ^ tile[2, j]) + popcount(d ^ tile[3, j])
        apart[j] = bits
        least = min(least, bits)
    return least


@compiled
def nearest_pivots(codes: Words, pivots: Words, count: int) -> NDArray[np.int32]:
    """The `count` nearest pivots of every code, in no order; shape (n, count)."""
    found = np.empty((len(codes), count), np.int32)
    distances = np.empty(len(pivots), np.uint16)
    for i in range(len(codes)):
        a, b, c, d = codes[i, 0], codes[i, 1], codes[i, 2], codes[i, 3]
        populations = np.zeros(257, np.int32)
        for j in range(len(pivots)):
            bits = popcount(a ^ pivots[j, 0]) + popcount(b ^ pivots[j, 1])
            bits += popcount(c ^ pivots[j, 2]) + popcount(d ^ pivots[j, 3])
            distances[j] = bits
            populations[bits] += 1
        within, radius = 0, 0
        while within + populations[radius] < count:
            within += populations[radius]
            radius += 1
        at_radius = count - within
        n = 0
        for j in range(len(pivots)):
            if distances[j] < radius:
                found[i, n] = j
                n += 1
            elif distances[j] == radius and at_radius > 0:
                found[i, n] = j
                n += 1
                at_radius -= 1
    return found


@compiled
def scan_buckets(
    wanted: Words,
    probes: NDArray[np.int32],
    codes: Words,
    starts: NDArray[np.int64],
    owners: NDArray[np.int32],
    alive: NDArray[np.bool_],
    first_row: int,
    distances: NDArray[np.int32],
    rows: NDArray[np.int64],
) -> None:
    """Compare every wanted code with the codes in its probed buckets, and improve its list of nearest ones.

    All visits to one bucket follow each other, so that it is read from memory once.

    Parameters
    ----------
    wanted : (n, 4) and probes : (n, P)
    codes : (m, 4), in bucket order; starts : (buckets + 1,); owners : (m,), into `alive`.
    first_row : what the first code's row is called in `rows`.
    distances, rows : (n, K), ascending; changed in place.
    """
    visits = np.zeros(len(starts), np.int64)
    for i in range(probes.shape[0]):
        for p in range(probes.shape[1]):
            visits[probes[i, p] + 1] += 1
    for b in range(1, len(visits)):
        visits[b] += visits[b - 1]
    visitors = np.empty(probes.size, np.int32)
    place = visits[:-1].copy()
    for i in range(probes.shape[0]):
        for p in range(probes.shape[1]):
            visitors[place[probes[i, p]]] = i
            place[probes[i, p]] += 1
    last = distances.shape[1] - 1
    tile, apart = np.empty((4, _TILE), np.uint64), np.empty(_TILE, np.uint64)
    for bucket in range(len(starts) - 1):
        if visits[bucket] == visits[bucket + 1]:
            continue
        for begin in range(starts[bucket], starts[bucket + 1], _TILE):
            size = min(_TILE, starts[bucket + 1] - begin)
            for j in range(size):
                for word in range(4):
                    tile[word, j] = codes[begin + j, word]
            for visit in range(visits[bucket], visits[bucket + 1]):
                i = visitors[visit]
                worst = np.uint64(distances[i, last])
                if _distances(wanted, i, tile, size, apart) >= worst:
                    continue
                for j in range(size):
                    bits = apart[j]
                    if bits < worst and alive[owners[begin + j]]:
                        k = last
                        while k > 0 and distances[i, k - 1] > bits:
                            distances[i, k] = distances[i, k - 1]
                            rows[i, k] = rows[i, k - 1]
                            k -= 1
                        distances[i, k] = bits
                        rows[i, k] = first_row + begin + j
                        worst = np.uint64(distances[i, last])


@compiled
def two_nearest(wanted: Words, codes: Words) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The two nearest codes of every wanted one: indices and distances in bits, (n, 2); at least two codes needed."""
    found = np.empty((len(wanted), 2), np.int32)
    distances = np.empty((len(wanted), 2), np.int32)
    tile, keys = np.ascontiguousarray(codes.T), np.empty(len(codes), np.uint64)
    shift, most = np.uint64(32), np.uint64(300 << 32)
    for i in range(len(wanted)):
        a, b, c, d = wanted[i, 0], wanted[i, 1], wanted[i, 2], wanted[i, 3]
        nearest = most
        for j in range(len(codes)):  # distance above, index below: the least of such keys is found without a branch
            bits = popcount(a ^ tile[0, j]) + popcount(b ^ tile[1, j])
            bits += popcount(c ^ tile[2, j]) + popcount(d ^ tile[3, j])
            keys[j] = (bits << shift) | np.uint64(j)
            nearest = min(nearest, keys[j])
        keys[np.uint32(nearest)] = most
        following = most
        for j in range(len(codes)):
            following = min(following, keys[j])
        found[i, 0], found[i, 1] = np.uint32(nearest), np.uint32(following)
        distances[i, 0], distances[i, 1] = nearest >> shift, following >> shift
    return found, distances


@compiled
def nearest_by_groups(
    codes: Words, heads: Words, pivots: Words, members: NDArray[np.int64], starts: NDArray[np.int64], groups: int
) -> NDArray[np.int32]:
    """The nearest pivot of every code, (n,), sought in the groups of its nearest heads only.

    Parameters
    ----------
    heads : (G, 4); members : pivots sorted by group; starts : (G + 1,), group g is members[starts[g]:starts[g + 1]].
    groups : how many groups to look into.
    """
    near = nearest_pivots(codes, heads, groups)
    found = np.empty(len(codes), np.int32)
    for i in range(len(codes)):
        a, b, c, d = codes[i, 0], codes[i, 1], codes[i, 2], codes[i, 3]
        best = np.uint64(300)
        for g in near[i]:
            for k in range(starts[g], starts[g + 1]):
                j = members[k]
                bits = popcount(a ^ pivots[j, 0]) + popcount(b ^ pivots[j, 1])
                bits += popcount(c ^ pivots[j, 2]) + popcount(d ^ pivots[j, 3])
                if bits < best:
                    best = bits
                    found[i] = j
    return found
