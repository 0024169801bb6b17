"""Key points that survive what leaks go through: several scales, everywhere in the picture, two symmetries for free.

A leak may be a thumbnail, a corner at full size, or a picture on a page full of text. SIFT (Lowe 2004,
doi:10.1023/B:VISI.0000029664.99615.94) is therefore given a very low contrast threshold, and the best key points are
kept *per octave and grid cell*: text or foliage elsewhere cannot use up the budget of a soft region. Descriptors are
compared as RootSIFT (Arandjelovic & Zisserman 2012, doi:10.1109/CVPR.2012.6248018).

A mirrored or negative picture has the same key points; its descriptors are permutations of the originals' 128 numbers,
so neither needs a second detection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.registration.geometry import Plane, inverse, resized

Levels = tuple[tuple[int, int], ...]
"""Pairs of (long side in px, key points kept at that size)."""

_CONTRAST = 0.004  # a tenth of the usual: soft skies and fabrics still give a few points, the quota sorts them
_EDGE = 12
_GRID_CELLS = 10  # along the long side
_SMALLEST_CELL_QUOTA = 4
_CONSIDERED = 6  # key points for each one that is kept and described: the strongest
_FIRST_OCTAVE = -1  # SIFT begins with the picture enlarged twice
_SAME_LEVEL = 0.8  # a level within 20 % of the one before it finds the same points again

_LAYOUT = np.arange(128).reshape(4, 4, 8)  # SIFT: 4 rows x 4 columns x 8 orientations
_MIRROR = _LAYOUT[::-1][:, :, (-np.arange(8)) % 8].ravel()
_NEGATIVE = _LAYOUT[::-1, ::-1].ravel()


class Features(NamedTuple):
    """Key points and what they look like.

    Attributes
    ----------
    points : ndarray, shape (n, 4), float32
        x, y, diameter in px; angle in degrees, clockwise.
    descriptors : ndarray, shape (n, 128), uint8
        SIFT as detected; `root` makes them comparable.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.points)


def root(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """RootSIFT: the square root of the L1-normalised descriptor.

    ``r = sqrt(d / sum(d))`` has unit length, and ``r . r'`` is the Bhattacharyya coefficient of the two histograms.

    Parameters
    ----------
    descriptors : ndarray, shape (n, 128), uint8

    Returns
    -------
    ndarray, shape (n, 128), float32

    Examples
    --------
    >>> root(np.full((1, 128), 3, np.uint8)).sum().round(3)
    np.float32(11.314)
    """
    d = descriptors.astype(np.float32)
    normalised: NDArray[np.float32] = np.sqrt(d / (d.sum(1, keepdims=True) + 1e-9))
    return normalised


def permutation(mirrored: bool, inverted: bool) -> NDArray[np.intp]:
    """Order of the 128 numbers that a mirrored and/or negative picture's descriptor would have.

    Mirroring reverses the rows of a patch in its own frame and negates orientations. In a negative every gradient
    turns by 180 degrees, and so does the patch's frame: rows and columns are reversed, orientations stay.

    Returns
    -------
    ndarray, shape (128,), intp
    """
    order = np.arange(128)
    if mirrored:
        order = order[_MIRROR]
    if inverted:
        order = order[_NEGATIVE]
    return order


class KeyPoints(Protocol):
    """Key points of a picture, of which some are to be described."""

    @property
    def points(self) -> NDArray[np.float32]:
        """x, y, diameter in px; angle in degrees, clockwise: (n, 4)."""

    @property
    def strengths(self) -> NDArray[np.float32]:
        """Contrasts: (n,)."""

    @property
    def octaves(self) -> NDArray[np.int8]:
        """Octaves, -1 for the picture enlarged twice: (n,)."""

    def described(self, chosen: NDArray[np.intp]) -> NDArray[np.uint8]:
        """SIFT descriptors of some of them: (k, 128)."""


@dataclass(frozen=True)
class FoundByOpenCV:
    """Key points that OpenCV finds, and builds the picture's scale space anew to describe; see `KeyPoints`."""

    points: NDArray[np.float32]
    strengths: NDArray[np.float32]
    octaves: NDArray[np.int8]
    picture: NDArray[np.uint8]
    sift: Any
    found: tuple[Any, ...]

    @classmethod
    def of(cls, picture: NDArray[np.uint8], contrast: float, edge: float) -> FoundByOpenCV:
        """Find the key points of a picture, (h, w) uint8; thresholds as in `cv2.SIFT.create`."""
        sift = cv2.SIFT.create(contrastThreshold=contrast, edgeThreshold=edge)
        found = tuple(sift.detect(picture, None))
        return cls(
            np.array([(*k.pt, k.size, k.angle) for k in found], np.float32).reshape(-1, 4),
            np.array([k.response for k in found], np.float32),
            np.array([k.octave for k in found]).astype(np.int8),  # the rest of the number is layer and offset
            picture,
            sift,
            found,
        )

    def described(self, chosen: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Descriptors of some of the key points: (k, 128) uint8."""
        _, descriptors = self.sift.compute(self.picture, [self.found[int(place)] for place in chosen])
        return np.asarray(descriptors).astype(np.uint8)


Find = Callable[[NDArray[np.uint8], float, float], KeyPoints]


def detect(luma: Plane | NDArray[np.uint8], levels: Levels, find: Find = FoundByOpenCV.of) -> Features:
    """Key points of a picture, pooled over several sizes, in the picture's own pixels.

    The largest size has the smaller ones among the octaves of its scale space: each level takes its share of the
    key points from its own octave on, and none twice.

    Parameters
    ----------
    luma : ndarray, shape (H, W), float32 or uint8, 0..255
    levels : pairs (long side in px, key points kept)
        From large to small. Sizes above the picture's own are cut to it.
    find : finds the key points of a picture, given the thresholds of contrast and of edges.

    Returns
    -------
    Features
    """
    largest = min(levels[0][0], max(luma.shape))
    small, shrink = resized(luma, largest)
    picture = np.asarray(cv2.convertScaleAbs(small), np.uint8)
    found = find(picture, _CONTRAST, _EDGE)
    if not len(found.points):
        return Features(np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8))
    cell_px = largest / _GRID_CELLS
    chosen = np.zeros(0, np.intp)
    for finest, count in _octaves(levels, largest):
        eligible = np.setdiff1d(np.flatnonzero(found.octaves >= finest), chosen, assume_unique=True)
        places = _spread(found.points[eligible, :2], found.strengths[eligible], cell_px, count)
        chosen = np.concatenate([chosen, eligible[places]])
    descriptors = found.described(chosen)
    back = inverse(shrink)
    points = found.points[chosen]
    points[:, :2] = points[:, :2] * [back[0, 0], back[1, 1]] + back[:2, 2]
    points[:, 2] *= back[0, 0]
    return Features(points, descriptors)


def _octaves(levels: Levels, largest: int) -> Iterator[tuple[int, int]]:
    """The finest octave of each level in the scale space of the largest, and the key points kept of it."""
    last = np.inf
    for side, count in levels:
        target = min(side, largest)
        if target <= _SAME_LEVEL * last:
            last = target
            yield _FIRST_OCTAVE + round(np.log2(largest / target)), count


def _spread(
    places: NDArray[np.float32], strengths: NDArray[np.float32], cell_px: float, count: int
) -> NDArray[np.intp]:
    """Strongest first up to a quota per cell, then the strongest of the rest; indices, shape (<= count,)."""
    order = np.argsort(-strengths, kind="stable")[: _CONSIDERED * count]
    if len(order) <= count:
        return order
    column, row = (places[order] / cell_px).astype(int).T
    _, cell, population = np.unique(row * 1000 + column, return_inverse=True, return_counts=True)
    by_cell = np.argsort(cell, kind="stable")
    rank = np.empty(len(order), int)
    rank[by_cell] = np.arange(len(order)) - np.repeat(np.cumsum(population) - population, population)
    within = rank < max(_SMALLEST_CELL_QUOTA, count // len(population))
    return np.concatenate([order[within], order[~within]])[:count]
