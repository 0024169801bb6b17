"""Where pieces of a leak lie that keep the original's grain: a crop of a wall, a fragment of sky in a collage.

A blank piece has no key points, and among eight other pictures its place drowns in their correlations. Tile by tile it
does not: grain, however faint, correlates over thousands of pixels. So detail of one or two pixels is brought to equal
strength everywhere, its spectrum is flattened halfway (between correlation, which long edges rule, and phase
correlation, which noise rules), and every tile of the leak is sought in the whole original. That works at a known scale
only, upright; two are likely: the original's own pixels, and its size on a screen, which the canonical raster has.

References
----------
C. H. Knapp, G. C. Carter, "The generalized correlation method for estimation of time delay", IEEE Trans. ASSP 24, 1976,
doi:10.1109/TASSP.1976.1162830.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from watermark.registration.geometry import Matrix, Plane, resized, shift
from watermark.registration.index import Index
from watermark.registration.photometry import blur, wide_blur
from watermark.registration.warping import Leak

_TILE = 128  # canonical px
_MOST_TILES = 64  # of a larger leak the tiles are larger
_GRAIN = 0.5, 2.0  # sigmas between which detail is grain, px
_WINDOW_SIGMA = 3.0  # px, over which its strength is equalised
_FAINTEST = 0.05  # levels: rounding alone
_PLAIN = 3.0  # levels of grain below which an area is plain
_BRIDGE = 9  # px wide, that two plain areas may touch along
_LEAST_PLAIN, _MOST_PLAIN = 0.5, 8  # of a tile; of them
_LARGEST_SIDE = 2600  # canonical px of a leak that is sought so
_SAME_SCALE = 0.01
_TOGETHER_PX = 1.5  # tiles of one piece agree on its place
_AREA_SIGMA = 10.0
_AREA_CORRELATION = 0.12


class Piece(NamedTuple):
    """One place where tiles of a leak would lie.

    Attributes
    ----------
    homography : ndarray, shape (3, 3), float64
        Leak pixel -> canonical pixel.
    z : float
        Root of the sum of squares of the tiles' peaks, each in deviations of its correlation.
    """

    homography: Matrix
    z: float


def pieces(index: Index, leak: Leak) -> list[Piece]:
    """Seek every tile of a leak in the original, at both likely scales.

    Parameters
    ----------
    index : Index
    leak : Leak

    Returns
    -------
    list of Piece
        Surest first; empty where the leak is too large at either scale.
    """
    factors = [1.0] if abs(index.scale - 1) < _SAME_SCALE else [1.0, index.scale]
    sides = [max(leak.shape) * factor for factor in factors]
    sought = [side for side in sides if _TILE / 2 <= side <= _LARGEST_SIDE]
    original, _ = _equalised(index.canonical)
    found = [piece for side in sought for piece in _sought(original, leak, side)]
    return sorted(found, key=lambda piece: -piece.z)


def _sought(original: Plane, leak: Leak, side: float) -> list[Piece]:
    small, to_small = resized(leak.luma, side)
    grain, strength = _equalised(small)
    tile = max(_TILE, int(np.ceil(np.sqrt(grain.size / _MOST_TILES))))
    size = tuple(scipy.fft.next_fast_len(length + 2 * tile, real=True) for length in original.shape)
    whole = _half_white(scipy.fft.rfft2(original, size))
    peaks = []
    for needle, left, top in (*_tiles(grain, tile), *_plain_areas(grain, strength, tile)):
        likeness = scipy.fft.irfft2(whole * np.conj(_half_white(scipy.fft.rfft2(needle, size))), size)
        height, y, x = _peak(likeness)
        y, x = (p - (s if p >= o else 0) for p, s, o in zip((y, x), size, original.shape, strict=True))
        peaks.append((height / (float(likeness.std()) + 1e-12), x - left, y - top))
    return [Piece(shift(x, y) @ to_small, z) for z, x, y in _grouped(peaks)]


def _tiles(grain: Plane, tile: int) -> Iterator[tuple[Plane, int, int]]:
    """Tiles, and where each has its left and top."""
    for top in range(0, grain.shape[0], tile):
        for left in range(0, grain.shape[1], tile):
            yield grain[top : top + tile, left : left + tile], left, top


def _plain_areas(grain: Plane, strength: Plane, tile: int) -> Iterator[tuple[Plane, int, int]]:
    """The largest plain areas of a tile or two, whole: four tiles that share one have but a quarter of it each."""
    plain = cv2.morphologyEx(
        (strength < _PLAIN).astype(np.uint8), cv2.MORPH_OPEN, np.ones((_BRIDGE, _BRIDGE), np.uint8)
    )
    _, areas, stats, _ = cv2.connectedComponentsWithStats(plain, connectivity=4)
    found = 0
    for number in 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA]):
        left, top, width, height, size = (int(v) for v in stats[number])
        if size < _LEAST_PLAIN * tile * tile or found == _MOST_PLAIN:
            return
        if max(width, height) <= 2 * tile:
            found += 1
            box = slice(top, top + height), slice(left, left + width)
            yield grain[box] * (areas[box] == number), left, top


def _peak(likeness: Plane) -> tuple[float, float, float]:
    """Height of the highest sample, and row and column of the parabolas' tops through it and its neighbours."""
    place = np.unravel_index(int(likeness.argmax()), likeness.shape)
    top = []
    for axis, middle in enumerate(place):
        before, here, after = np.take(
            np.take(likeness, place[1 - axis], 1 - axis), [middle - 1, middle, middle + 1], mode="wrap"
        )
        top.append(float(middle + (before - after) / (2 * (before - 2 * here + after) - 1e-12)))
    return float(likeness[place]), top[0], top[1]


def _grouped(peaks: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Tiles that agree on one place, as the surest of them says it: z of all together, x, y."""
    grouped: list[tuple[float, float, float]] = []
    for z, x, y in sorted(peaks, reverse=True):
        for place, (others, left, top) in enumerate(grouped):
            if max(abs(x - left), abs(y - top)) <= _TOGETHER_PX:
                grouped[place] = (float(np.hypot(others, z)), left, top)
                break
        else:
            grouped.append((z, x, y))
    return grouped


def _equalised(picture: Plane) -> tuple[Plane, Plane]:
    """Grain of a picture, everywhere of about unit strength; and its strength in levels."""
    grain = blur(picture, _GRAIN[0]) - blur(picture, _GRAIN[1])
    strength = np.sqrt(blur(grain * grain, _WINDOW_SIGMA))
    return np.asarray(grain / (strength + np.float32(_FAINTEST)), np.float32), np.asarray(strength, np.float32)


def _half_white(spectrum: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """A spectrum with half of its unevenness taken out; that of a blank tile stays 0."""
    strength = np.sqrt(np.abs(spectrum))
    return np.asarray(spectrum / (strength + np.float32(0.3) * strength.mean() + np.float32(1e-12)), np.complex64)


def piece_area(original: Plane, warped: Plane, mask: Plane) -> Plane:
    """Where the grain of a leak is the original's: (h, w) float32, 0 or 1; all as in `registration.cutout`."""
    x, z = _equalised(original)[0] * mask, _equalised(warped)[0] * mask
    common, ours, theirs = (wide_blur(p, _AREA_SIGMA) for p in (x * z, x * x, z * z))
    alike = common / np.sqrt((ours + 0.05) * (theirs + 0.05))
    return (alike > _AREA_CORRELATION).astype(np.float32) * mask
