"""How codes are cut into bands so that a radius search looks into few buckets and still misses nothing.

Multi-index hashing (Norouzi, Punjani & Fleet 2014, doi:10.1109/TPAMI.2013.231), with a threshold per band: cut a code
into ``m`` disjoint bands and choose thresholds with ``Σ (t_i + 1) > r``. Two codes within ``r`` bits cannot differ by
more than ``t_i`` bits in every band ``i``, or they would differ by at least ``Σ (t_i + 1)`` bits. So some band agrees
within its threshold, and the union of those buckets holds every code within the radius. Bits in no band do no harm.

A table costs ``4·2^k`` bytes for ``k`` bits and 4 bytes a code; the first band costs no list, for the codes lie sorted
by it. :func:`plan` spends a given memory where it saves most work.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

_PROBE_COST = 0.5  # opening a bucket, in units of comparing one code: measured, and flat around this value
_MOST_BITS = 24


@dataclass(frozen=True)
class Band:
    """``bits`` bits of a code from ``offset``, counted from the first word's highest bit, and a threshold in bits."""

    offset: int
    bits: int
    threshold: int

    @property
    def buckets(self) -> int:
        """How many values the band can have."""
        return 1 << self.bits


def plan(codes: int, code_bits: int, radius: int, bytes_per_code: float) -> list[Band]:
    """Choose the bands with the least expected work for uniformly distributed codes.

    Parameters
    ----------
    codes : int
        How many codes will be held.
    code_bits, radius : int
        Length of a code and the radius to be exact for, in bits.
    bytes_per_code : float
        Memory for tables and lists; where it is too small for any plan, the smallest plan is returned.

    Returns
    -------
    list of Band
        Disjoint, with ``Σ (threshold + 1) = radius + 1``.

    Examples
    --------
    >>> bands = plan(10_000_000, 256, 31, 52.0)
    >>> sum(band.threshold + 1 for band in bands), len(bands)
    (32, 11)
    """
    best: tuple[bool, float, list[tuple[int, int]]] | None = None
    for count in range(2, min(radius + 1, 24) + 1):
        thresholds = [(radius + 1) // count - 1 + (index < (radius + 1) % count) for index in range(count)]
        if thresholds[0] > 4:
            continue
        memory = bytes_per_code * codes - 4.0 * codes * (count - 1)
        bits = _widths(codes, code_bits, thresholds, memory)
        spent = sum(4 << width for width in bits)
        cost = sum(_cost(codes, width, limit) for width, limit in zip(bits, thresholds, strict=True))
        candidate = (spent > memory, cost, list(zip(bits, thresholds, strict=True)))
        if best is None or candidate[:2] < best[:2]:
            best = candidate
    if best is None:
        raise ValueError(f"no bands for codes of {code_bits} bits and a radius of {radius} bits")
    offset, bands = 0, []
    for width, limit in best[2]:
        bands.append(Band(offset, width, limit))
        offset += width
    return bands


def within(bands: list[Band], radius: int) -> list[int]:
    """Lower the thresholds to what a smaller radius needs, the highest first; −1 leaves a band out.

    >>> within([Band(0, 16, 1), Band(16, 16, 1)], 2)
    [1, 0]
    """
    limits = [band.threshold for band in bands]
    spare = sum(limit + 1 for limit in limits) - (radius + 1)
    if spare < 0:
        raise ValueError(f"these bands are exact up to a radius of {radius + spare} bits, not {radius}")
    for _ in range(spare):
        limits[max(range(len(limits)), key=lambda index: (limits[index], index))] -= 1
    return limits


def masks(bits: int, threshold: int) -> np.ndarray:
    """List every pattern of at most ``threshold`` flipped bits, fewest first (uint32).

    >>> masks(3, 1).tolist()
    [0, 1, 2, 4]
    """
    patterns = [
        sum(1 << place for place in places)
        for weight in range(threshold + 1)
        for places in combinations(range(bits), weight)
    ]
    return np.array(patterns, np.uint32)


def _probes(bits: int, threshold: int) -> int:
    return sum(comb(bits, weight) for weight in range(threshold + 1))


def _cost(codes: int, bits: int, threshold: int) -> float:
    return _probes(bits, threshold) * (_PROBE_COST + codes / (1 << bits))


def _widths(codes: int, code_bits: int, thresholds: list[int], memory: float) -> list[int]:
    """Widen the band that saves most per byte, as long as bits and memory last."""
    bits = [min(8, code_bits // len(thresholds))] * len(thresholds)
    spent = sum(4 << width for width in bits)
    while sum(bits) < code_bits:
        gains = [
            ((_cost(codes, width, limit) - _cost(codes, width + 1, limit)) / (4 << width), -index)
            for index, (width, limit) in enumerate(zip(bits, thresholds, strict=True))
            if width < _MOST_BITS and spent + (4 << width) <= memory
        ]
        if not gains or max(gains)[0] <= 0:
            break
        chosen = -max(gains)[1]
        spent += 4 << bits[chosen]
        bits[chosen] += 1
    return bits
