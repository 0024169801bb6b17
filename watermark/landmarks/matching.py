"""A closer look at one asset: all its landmarks against all of the query's, and the map that most of them agree on.

Every landmark's two nearest are found without any index, so what the search missed is found here. The pair whose
similarity most others share is the seed; its followers give a homography (MAGSAC, `watermark.registration.geometry`);
then every pair near where that map puts it is gathered anew, more different ones included, and the map is fitted to all
of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.compiling import compiled
from watermark.registration.geometry import Matrix, estimate, inverse, is_plausible, project

from .hamming import Words, two_nearest

_SEED_BITS, _GUIDED_BITS = 76, 88
_SEEDS = 60
_FEWEST = 4
_SEED_MISS, _SEED_SLOPE = 8 / 640, 0.15  # of the asset's long side; of the distance from the seed
_SEED_OCTAVES, _SEED_DEGREES = 0.6, 30.0
_FIT_MISS = 4 / 640
_GUIDED_MISS, _GUIDED_SIZES = 3 / 640, 0.1  # of the long side; of the landmark's diameter
_GUIDED_OCTAVES, _GUIDED_DEGREES = 0.6, 30.0
_SAME_PLACE = 3 / 640


@dataclass(frozen=True)
class Fitted:
    """How a query lies on an asset.

    Attributes
    ----------
    homography : (3, 3) float64, query px -> asset px.
    inliers : distinct landmarks that agreed before the map guided the search for more: this is evidence.
    support : distinct landmarks that agree with the map in the end.
    hull : (k, 2), px of the asset: convex hull of these landmarks.
    spread : share of the asset's area within it.
    """

    homography: Matrix
    inliers: int
    support: int
    hull: NDArray[np.float32]
    spread: float


def match(
    query: NDArray[np.float32], wanted: Words, asset: NDArray[np.float32], codes: Words, shape: tuple[int, int]
) -> Fitted | None:
    """Lay a query onto an asset.

    Parameters
    ----------
    query, asset : (n, 4), (m, 4): x, y, diameter in px, angle in degrees; not mirror images of each other.
    wanted, codes : (n, 4), (m, 4) words.
    shape : (H, W) of the asset, px.
    """
    if len(asset) < _FEWEST or len(query) < _FEWEST:
        return None
    long_side = max(shape)
    found, apart = two_nearest(wanted, codes)
    asked, column = np.nonzero(apart <= _GUIDED_BITS)
    pairs = np.stack([asked.astype(np.int32), found[asked, column]], axis=1)
    bits = apart[asked, column]
    seedable = np.flatnonzero((bits <= _SEED_BITS) & (column == 0))
    if len(seedable) < _FEWEST:
        return None
    order = seedable[np.argsort(bits[seedable], kind="stable")]
    q, a = query[pairs[order, 0]], asset[pairs[order, 1]]
    followers = _followers(q, a, _seeds(pairs[order]), np.float32(_SEED_MISS * long_side))
    chosen = one_to_one(pairs[order][followers])
    source, target = q[followers][chosen, :2], a[followers][chosen, :2]
    homography, _ = estimate(source, target, _FIT_MISS * long_side)
    if homography is None:
        return None
    agreeing = np.hypot(*(project(source, homography) - target).T) < _FIT_MISS * long_side
    inliers = distinct(source[agreeing], target[agreeing], homography, long_side)
    for _ in range(2):
        near = _near(query, asset, pairs, homography, long_side)
        near = near[np.argsort(bits[near], kind="stable")]
        near = near[one_to_one(pairs[near])]
        if len(near) < _FEWEST:
            break
        source, target = query[pairs[near, 0], :2], asset[pairs[near, 1], :2]
        refitted, _ = estimate(source, target, _GUIDED_MISS * long_side)
        if refitted is None:
            break
        homography = refitted
    if not is_plausible(homography):
        return None
    miss = np.hypot(*(project(source, homography) - target).T)
    agreeing = miss < _GUIDED_MISS * long_side
    support = distinct(source[agreeing], target[agreeing], homography, long_side)
    if agreeing.sum() < _FEWEST:
        return None
    hull = cv2.convexHull(target[agreeing])[:, 0]
    return Fitted(homography, inliers, support, hull, cv2.contourArea(hull) / (shape[0] * shape[1]))


def visible(
    asset: NDArray[np.float32],
    homography: Matrix,
    shape: tuple[float, float],
    asset_shape: tuple[int, int],
    least_px: float,
) -> int:
    """How many distinct landmarks of an asset a query that lies on it so should show.

    Parameters
    ----------
    asset : (m, 4): x, y, diameter in px, angle.
    homography : query px -> asset px, mirror images undone.
    shape, asset_shape : (H, W) of the query and of the asset, px.
    least_px : diameter below which nothing is found in the query.
    """
    onto = inverse(homography)
    places = project(asset[:, :2], onto)
    grown = np.hypot(*(project(asset[:, :2] + _pointing(asset), onto) - places).T) * asset[:, 2]
    inside = (places > 0).all(axis=1) & (places < shape[::-1]).all(axis=1) & (grown >= least_px)
    return _places(asset[inside, :2], _SAME_PLACE * max(asset_shape))


def one_to_one(pairs: NDArray[np.int32]) -> NDArray[np.intp]:
    """Pairs, in order of preference, neither of whose landmarks was taken before; indices.

    Every letter of a page may resemble one corner of the asset; a map that collapses the page into that corner would
    otherwise have the most supporters.
    """
    _, first = np.unique(pairs[:, 0], return_index=True)
    first = np.sort(first)
    _, again = np.unique(pairs[first, 1], return_index=True)
    return np.sort(first[again])


def distinct(source: NDArray[np.float32], target: NDArray[np.float32], homography: Matrix, long_side: float) -> int:
    """Pairs that do not share a place on either side: one corner found at two sizes is one witness."""
    cell = _SAME_PLACE * long_side
    scale = abs(np.linalg.det(homography[:2, :2] / homography[2, 2])) ** 0.5
    return min(_places(target, cell), _places(source, cell / max(scale, 1e-6)))


def _places(points: NDArray[np.float32], cell: float) -> int:
    """How many cells of a square grid hold some of the points."""
    column, row = np.rint(points / cell).astype(np.int64).T
    return len(np.unique((row << 32) + column))


def _seeds(pairs: NDArray[np.int32]) -> NDArray[np.intp]:
    """The most similar pairs, at most one of each landmark of the query."""
    _, first = np.unique(pairs[:, 0], return_index=True)
    return np.sort(first)[:_SEEDS]


@compiled
def _followers(
    query: NDArray[np.float32], asset: NDArray[np.float32], seeds: NDArray[np.intp], miss: np.float32
) -> NDArray[np.bool_]:
    """Pairs that agree with the seed that most landmarks of the query agree with; (pairs,)."""
    octaves = np.log2(asset[:, 2] / query[:, 2])
    turns = asset[:, 3] - query[:, 3]
    best = np.zeros(len(query), np.bool_)
    most = 0
    now = np.zeros(len(query), np.bool_)
    for s in seeds:
        turn, growth = np.deg2rad(turns[s]), asset[s, 2] / query[s, 2]
        c, d = growth * np.cos(turn), growth * np.sin(turn)
        count = 0
        x_before, y_before = np.float32(-1e9), np.float32(-1e9)
        for i in range(len(query)):
            now[i] = False
            if abs(octaves[i] - octaves[s]) > _SEED_OCTAVES:
                continue
            apart = abs(turns[i] - turns[s])  # below 720
            if min(apart, abs(360 - apart), abs(720 - apart)) > _SEED_DEGREES:
                continue
            dx, dy = query[i, 0] - query[s, 0], query[i, 1] - query[s, 1]
            x, y = c * dx - d * dy, d * dx + c * dy
            allowed = miss + _SEED_SLOPE * np.sqrt(x * x + y * y)
            x, y = x - (asset[i, 0] - asset[s, 0]), y - (asset[i, 1] - asset[s, 1])
            if x * x + y * y > allowed * allowed:
                continue
            now[i] = True
            if query[i, 0] != x_before or query[i, 1] != y_before:
                count += 1
            x_before, y_before = query[i, 0], query[i, 1]
        if count > most:
            most = count
            best[:] = now
    return best


def _near(
    query: NDArray[np.float32],
    asset: NDArray[np.float32],
    pairs: NDArray[np.int32],
    homography: Matrix,
    long_side: float,
) -> NDArray[np.intp]:
    """Pairs that the map brings together, in place, size and angle."""
    places = project(query[:, :2], homography).astype(np.float32)
    ahead = project(query[:, :2] + _pointing(query), homography).astype(np.float32) - places
    q, a = pairs.T
    allowed = np.maximum(_GUIDED_MISS * long_side, _GUIDED_SIZES * asset[:, 2])[a]
    kept = np.flatnonzero((np.abs(places[q] - asset[a, :2]) < allowed[:, None]).all(axis=1))
    q, a = q[kept], a[kept]
    octave = np.log2(asset[a, 2] / np.maximum(query[q, 2] * np.hypot(*ahead[q].T), 1e-6))
    turn = (np.rad2deg(np.arctan2(ahead[q, 1], ahead[q, 0])) - asset[a, 3] + 540) % 360 - 180
    return kept[(np.abs(octave) < _GUIDED_OCTAVES) & (np.abs(turn) < _GUIDED_DEGREES)]


def _pointing(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors along the angles, (n, 2)."""
    angle = np.deg2rad(points[:, 3])
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
