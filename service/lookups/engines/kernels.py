"""The compiled inner loops of the embedded engine: arrays in, arrays out, without the interpreter's lock.

Compiled for the processor at hand by Numba when this module is first imported, which :meth:`EmbeddedEngine.refresh`
does before the first request. The result is kept beside the module, or in the user's cache; an installation that nobody
may write to compiles anew at every start, in a few seconds.

Hits go to ``out`` (rows of query, row of the code, distance in bits); what does not fit is only counted, and the
caller asks again with more room.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from watermark.compiling import compiled, popcount

TILE = 256
"""Codes that stay in the first-level cache while a whole batch of queries passes over them."""
_AHEAD = 512


def _for(signature: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile now, for arguments of these types."""
    return partial(compiled, signature=signature)


@_for("u8(u8[:,::1], i8, u8[:,::1], i8)")
def distance(codes: np.ndarray, row: int, queries: np.ndarray, query: int) -> Any:
    """Count the bits in which a code and a query differ."""
    if codes.shape[1] == 4:
        return (
            popcount(codes[row, 0] ^ queries[query, 0])
            + popcount(codes[row, 1] ^ queries[query, 1])
            + popcount(codes[row, 2] ^ queries[query, 2])
            + popcount(codes[row, 3] ^ queries[query, 3])
        )
    bits = np.uint64(0)
    for word in range(codes.shape[1]):
        bits += popcount(codes[row, word] ^ queries[query, word])
    return bits


@_for("i8(u8[:,::1], i8, i8, i8)")
def key(codes: np.ndarray, row: int, offset: int, bits: int) -> Any:
    """Cut a band out of a code; ``offset`` counts from the first word's highest bit."""
    word, shift = offset >> 6, np.uint64(offset & 63)
    value = codes[row, word] << shift
    if shift > 0 and word + 1 < codes.shape[1]:
        value |= codes[row, word + 1] >> (np.uint64(64) - shift)
    return np.int64(value >> np.uint64(64 - bits))


@_for("b1(u8[:,::1], i8, i8)")
def same(codes: np.ndarray, one: int, other: int) -> Any:
    """Whether two rows hold the same code."""
    differing = np.uint64(0)
    for word in range(codes.shape[1]):
        differing |= codes[one, word] ^ codes[other, word]
    return differing == 0


@_for("i8(u8[:,::1], i8, i8, u8[:,::1], u8, u4[:,::1], i8)")
def scan(
    codes: np.ndarray, first: int, last: int, queries: np.ndarray, radius: int, out: np.ndarray, found: int
) -> Any:
    """Compare every query with the rows ``first`` to ``last``; returns ``found`` plus the number of hits.

    A tile of codes is laid out word by word, so that the compiler can vectorise over codes. For 256 bits, three words
    are compared first, with one carry-save addition (two counts instead of three), and the fourth only where the
    nearest code of the tile is not yet too far: exact, for the fourth word can only add to the distance.
    """
    words = codes.shape[1]
    tile = np.empty((words, TILE), np.uint64)
    for start in range(first, last, TILE):
        size = min(TILE, last - start)
        for row in range(size):
            for word in range(words):
                tile[word, row] = codes[start + row, word]
        for query in range(len(queries)):
            nearest = np.uint64(1 << 20)
            if words == 4:
                one, two, three = queries[query, 0], queries[query, 1], queries[query, 2]
                for row in range(size):
                    x, y, z = tile[0, row] ^ one, tile[1, row] ^ two, tile[2, row] ^ three
                    least = popcount(x ^ y ^ z) + (popcount((x & y) | (z & (x | y))) << np.uint64(1))
                    nearest = min(nearest, least)
            else:
                for row in range(size):
                    nearest = min(nearest, popcount(tile[0, row] ^ queries[query, 0]))
            if nearest > radius:
                continue
            for row in range(size):
                bits = distance(codes, start + row, queries, query)
                if bits <= radius:
                    if found < len(out):
                        out[found, 0], out[found, 1], out[found, 2] = query, start + row, bits
                    found += 1
    return found


@_for("void(u8[:,::1], u4[::1], i8, i8, u4[::1], u4[::1])")
def fill(codes: np.ndarray, heads: np.ndarray, offset: int, bits: int, starts: np.ndarray, rows: np.ndarray) -> None:
    """Sort ``heads`` into the buckets of a band by counting; bucket ``v`` is ``rows[starts[v]:starts[v + 1]]``."""
    starts[:] = 0
    for index in range(len(heads)):
        starts[key(codes, heads[index], offset, bits) + 1] += np.uint32(1)
    for value in range(1, len(starts)):
        starts[value] += starts[value - 1]
    if len(rows) == 0:  # the first band: the codes lie in its order
        return
    for index in range(len(heads)):
        value = key(codes, heads[index], offset, bits)
        rows[starts[value]] = heads[index]
        starts[value] += np.uint32(1)
    for value in range(len(starts) - 1, 0, -1):
        starts[value] = starts[value - 1]
    starts[0] = 0


@_for("i8(u8[:,::1], i8, i8[:,::1], u4[::1], u4[::1])")
def expected(queries: np.ndarray, query: int, layout: np.ndarray, starts: np.ndarray, masks: np.ndarray) -> Any:
    """Count the codes in the buckets that :func:`probe` would open for a query."""
    total = np.int64(0)
    for band in range(len(layout)):
        wanted = key(queries, query, layout[band, 0], layout[band, 1])
        table = layout[band, 3]
        for mask in range(layout[band, 5], layout[band, 6]):
            bucket = table + (wanted ^ np.int64(masks[mask]))
            total += np.int64(starts[bucket + 1]) - np.int64(starts[bucket])
    return total


@_for("b1(u8[:,::1], i8, i8[:,::1], i8, u8[:,::1], i8)")
def _first(codes: np.ndarray, row: int, layout: np.ndarray, band: int, queries: np.ndarray, query: int) -> Any:
    """Whether a hit of this band is news: the first of equal codes, and in no bucket of an earlier band."""
    if row > 0 and same(codes, row, row - 1):
        return False
    for other in range(band):
        offset, bits = layout[other, 0], layout[other, 1]
        differing = np.uint64(key(codes, row, offset, bits) ^ key(queries, query, offset, bits))
        if np.int64(popcount(differing)) <= layout[other, 2]:
            return False
    return True


@_for("i8(u8[:,::1], i8, i8, u8, u4[:,::1], i8)")
def _report(codes: np.ndarray, row: int, query: int, bits: int, out: np.ndarray, found: int) -> Any:
    """Write down a hit and the equal codes that follow it."""
    equal = row
    while equal == row or (equal < len(codes) and same(codes, equal, row)):
        if found < len(out):
            out[found, 0], out[found, 1], out[found, 2] = query, equal, bits
        found += 1
        equal += 1
    return found


@_for("i8(u8[:,::1], i8[:,::1], u4[::1], u4[::1], u4[::1], u8[:,::1], i8, u8, u4[:,::1], i8)")
def probe(
    codes: np.ndarray,
    layout: np.ndarray,
    starts: np.ndarray,
    rows: np.ndarray,
    masks: np.ndarray,
    queries: np.ndarray,
    query: int,
    radius: int,
    out: np.ndarray,
    found: int,
) -> Any:
    """Find the codes within ``radius`` of one query by opening its buckets; returns ``found`` plus the hits.

    ``layout`` has a row for each band: offset, bits, threshold, place of its table in ``starts``, place of its list in
    ``rows`` (−1: the codes themselves), first and last mask. A code that several buckets hold is reported by the first
    band that holds it. Buckets hold the first of equal codes only; the others follow it.

    Almost all the time goes into waiting for memory, so each step runs over many places before the next begins:
    the bounds of all buckets, then their rows, then the codes. No branch then waits for a load that it depends on.
    """
    bounds = np.empty((_AHEAD, 2), np.int64)
    near = np.empty(_AHEAD, np.int64)
    for band in range(len(layout)):
        wanted = key(queries, query, layout[band, 0], layout[band, 1])
        table, listed = layout[band, 3], layout[band, 4]
        for begin in range(layout[band, 5], layout[band, 6], _AHEAD):
            opened = min(_AHEAD, layout[band, 6] - begin)
            for index in range(opened):
                bucket = table + (wanted ^ np.int64(masks[begin + index]))
                bounds[index, 0], bounds[index, 1] = starts[bucket], starts[bucket + 1]
            index, place, last = 0, bounds[0, 0], bounds[0, 1]
            while index < opened:
                size = 0
                while index < opened and size < _AHEAD:
                    take = min(last - place, _AHEAD - size)
                    for step in range(take):
                        near[size + step] = place + step if listed < 0 else np.int64(rows[listed + place + step])
                    size += take
                    place += take
                    if place == last:
                        index += 1
                        if index < opened:
                            place, last = bounds[index, 0], bounds[index, 1]
                for step in range(size):
                    bits = distance(codes, near[step], queries, query)
                    if bits <= radius and _first(codes, near[step], layout, band, queries, query):
                        found = _report(codes, near[step], query, bits, out, found)
    return found


@partial(
    compiled, signature="i8(u8[:,::1], i8[:,::1], u4[::1], u4[::1], u4[::1], u8[:,::1], u8, i8, b1[::1], u4[:,::1])"
)
def probe_all(
    codes: np.ndarray,
    layout: np.ndarray,
    starts: np.ndarray,
    rows: np.ndarray,
    masks: np.ndarray,
    queries: np.ndarray,
    radius: int,
    most: int,
    hot: np.ndarray,
    out: np.ndarray,
) -> Any:
    """Probe for every query, but only mark as ``hot`` those whose buckets hold more than ``most`` codes."""
    found = 0
    for query in range(len(queries)):
        if expected(queries, query, layout, starts, masks) > most:
            hot[query] = True
        else:
            found = probe(codes, layout, starts, rows, masks, queries, query, radius, out, found)
    return found
