"""One search, from a query's codes to assets: probe the buckets, count votes, look closer at a few assets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from watermark import colourway
from watermark.registration.geometry import inverse

from .codes import QUERY_LEVELS, VARIANTS, Landmarks, Query
from .hamming import nearest_pivots, scan_buckets, words
from .matching import match, visible
from .ranking import Candidate, can_match
from .segments import Snapshot, pivots
from .votes import shortlist, weigh

NEAREST = 8
"""Neighbours kept of every code of a query: enough to see past some colourways of one shot."""

SCANNED_CODES = 10_000
"""Codes with which every code of a query is compared, about; an index with fewer is searched exactly."""

_LEAST_PROBES = 8
_FARTHEST_BITS = 76
_ASKING = 2000, 1000, 500, 500  # landmarks of the query that ask the index: plain, mirrored, negative, both
_CLOSER_LOOKS = (16, 24), (3, 8), (2, 4), (2, 4)  # at few assets always, at more if they are nearly as strong
_NEARLY = 0.5
_BESIDE_A_CLEAR_MATCH = 5  # looks at whatever comes next
_BY_CHANCE = 2.0  # times the median of the listed: what chance votes reach
_LEAST_STRENGTH = 0.3
_SMALLEST_PX = 2.5  # SIFT finds no smaller key point, at the largest of the query's sizes


Details = Callable[[str], Landmarks | None]
"""An asset's landmarks for a closer look (`watermark.landmarks.detail`), by its id; None where there are none."""


def find(
    snapshot: Snapshot, query: Query, variant: int, details: Details, before: Sequence[Candidate] = ()
) -> list[Candidate]:
    """The assets that a query may show in one of the `VARIANTS`: those that its small picture can still make a match.

    Once a match is clear, few more assets are worth a look: those with nearly as many votes, as a colourway has, or
    with more than chance gives, as another picture on the same page has.

    Parameters
    ----------
    snapshot : with at least one code.
    query : with at least one landmark.
    variant : int, into `VARIANTS`.
    before : what the query showed in other variants.
    """
    mirrored, inverted = VARIANTS[variant]
    geometry, unmirror = _oriented(query, mirrored, inverted)
    wanted = words(query.codes[variant])
    asking = np.arange(0, len(wanted), max(1, -(-len(wanted) // _ASKING[variant])))
    distances, rows = _neighbours(snapshot, wanted[asking])
    asked, column = np.nonzero(rows >= 0)
    theirs, owners, centres = _gathered(snapshot, rows[asked, column])
    votes = weigh(distances, rows)[asked, column]
    always, most = _CLOSER_LOOKS[variant]
    listed = shortlist(geometry[asking[asked]], theirs, owners, centres, votes, most, _LEAST_STRENGTH)
    by_chance = _BY_CHANCE * float(np.median([item.strength for item in listed])) if listed else 0.0
    listed = [
        item for place, item in enumerate(listed) if place < always or item.strength > _NEARLY * listed[0].strength
    ]
    least_px = _SMALLEST_PX * max(1.0, max(query.shape) / QUERY_LEVELS[0][0])
    found: list[Candidate] = []
    clear = max((c.votes for c in before if c.is_clear), default=0.0)
    for place, item in enumerate(listed, _BESIDE_A_CLEAR_MATCH if clear else 0):
        if place >= _BESIDE_A_CLEAR_MATCH and item.strength < min(_NEARLY * clear, by_chance):
            break
        segment, number = snapshot.asset(item.owner)
        outline = segment.outlines[number]
        close = details(outline.asset_id)
        codes, places = segment.landmarks_of(number) if close is None else (words(close.codes), close.geometry)
        fitted = match(geometry, wanted, places, codes, outline.shape)
        if fitted is None:
            continue
        homography = fitted.homography @ unmirror
        share = fitted.support / max(1, visible(places, homography, query.shape, outline.shape, least_px))
        if not can_match(fitted.support, share, fitted.spread):
            continue
        onto = homography @ inverse(query.shrink)
        like = colourway.compare(outline.thumbnail, outline.shape, query.picture, onto, fitted.hull)
        candidate = Candidate(
            outline.asset_id,
            outline.shape,
            item.strength,
            fitted.support,
            fitted.spread,
            share,
            homography,
            mirrored,
            inverted,
            like.structure,
            like.colour,
        )
        found.append(candidate)
        if candidate.is_clear:
            clear = max(clear, item.strength)
    return found


def _oriented(query: Query, mirrored: bool, inverted: bool) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The query's geometry (n, 4) without mirror and negative, and the map of px that undoes the mirror."""
    x, y = query.points.T
    angles = query.angles
    if mirrored:
        x, angles = -x, 180 - angles
    if inverted:
        angles = angles + 180
    return np.stack([x, y, query.sizes, angles], axis=1), np.diag([-1.0 if mirrored else 1.0, 1, 1])


def _neighbours(snapshot: Snapshot, wanted: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The nearest codes of each: bits and rows counted over all segments, -1 for none; both (n, NEAREST)."""
    share = SCANNED_CODES / snapshot.codes
    count = int(np.clip(np.ceil(share * len(pivots())), _LEAST_PROBES, len(pivots())))
    probes = nearest_pivots(wanted, pivots(), count)
    distances = np.full((len(wanted), NEAREST), _FARTHEST_BITS + 1, np.int32)
    rows = np.full((len(wanted), NEAREST), -1, np.int64)
    first = 0
    for segment, alive in snapshot.parts:
        scan_buckets(wanted, probes, segment.codes, segment.starts, segment.owners, alive, first, distances, rows)
        first += len(segment.codes)
    return distances, rows


def _gathered(
    snapshot: Snapshot, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Geometry (n, 4), owner counted over all segments (n,), and its centre and long side (n, 3) of codes by row."""
    geometry = np.empty((len(rows), 4), np.float32)
    owners = np.empty(len(rows), np.int64)
    centres = np.empty((len(rows), 3), np.float32)
    first_row, first_owner = 0, 0
    for segment, _ in snapshot.parts:
        here = (rows >= first_row) & (rows < first_row + len(segment.codes))
        local = rows[here] - first_row
        geometry[here] = segment.geometry[local]
        owners[here] = segment.owners[local] + first_owner
        centres[here] = segment.centres[segment.owners[local]]
        first_row += len(segment.codes)
        first_owner += len(segment)
    return geometry, owners, centres
