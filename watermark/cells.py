"""Cells: how an asset is divided, irregularly and by key, so that there is no grid to see or to strip out.

A small picture is divided on its canonical raster into Voronoi cells of keyed, jittered sites. A large one is divided
on the JPEG's own grid: restart segments of a few MCUs are handed to the nearest site, so that a copy can be joined
from prepared segments and still has irregular cells. In both the pattern of a cell is one smooth bump that vanishes
at the cell's border, so that neighbouring variants meet without a step.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from . import keys

CANONICAL_SIDE = 1024
JITTER = 0.35
BUMP_REACH = 0.4  # of the pitch: distance from the border at which the bump is full


def canonical_shape(height: int, width: int) -> tuple[int, int]:
    """Shape of the canonical raster: long side 1,024, or the picture's own size when that is smaller."""
    scale = min(1.0, CANONICAL_SIDE / max(height, width))
    return max(8, round(height * scale)), max(8, round(width * scale))


@dataclass(frozen=True)
class Sites:
    """Jittered grid of Voronoi sites over a raster of (height, width) at `pitch`; coordinates in raster px."""

    pitch: float
    y: NDArray[np.float32]
    x: NDArray[np.float32]

    @classmethod
    def scatter(cls, key: bytes, height: int, width: int, pitch: float) -> "Sites":
        """One site in each square of the grid, moved by up to 0.35 of the pitch by the key."""
        rows, cols = int(np.ceil(height / pitch)) + 2, int(np.ceil(width / pitch)) + 2
        shift = (2 * keys.uniform(key, "sites", 2 * rows * cols).reshape(2, rows, cols) - 1) * JITTER
        gy, gx = np.mgrid[0:rows, 0:cols] - 0.5
        return cls(pitch, ((gy + shift[0]) * pitch).astype(np.float32), ((gx + shift[1]) * pitch).astype(np.float32))

    def nearest(self, y: NDArray[np.float32], x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Index of the site nearest to each point; looks at the 3 × 3 squares around it."""
        row = np.floor(y / self.pitch).astype(np.int64) + 1
        col = np.floor(x / self.pitch).astype(np.int64) + 1
        best = np.full(y.shape, np.inf, np.float32)
        found = np.zeros(y.shape, np.int64)
        for dr in (-1, 0, 1):
            r = np.clip(row + dr, 0, self.y.shape[0] - 1)
            for dc in (-1, 0, 1):
                c = np.clip(col + dc, 0, self.y.shape[1] - 1)
                index = r * self.y.shape[1] + c
                distance = (self.y.ravel()[index] - y) ** 2 + (self.x.ravel()[index] - x) ** 2
                closer = distance < best
                best = np.where(closer, distance, best)
                found = np.where(closer, index, found)
        return found


def voronoi(key: bytes, height: int, width: int, pitch: float) -> NDArray[np.int32]:
    """Label map of keyed Voronoi cells: (height, width) int32, labels 0 … m-1 all used."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return compact(Sites.scatter(key, height, width, pitch).nearest(y, x))


def compact(found: NDArray[np.int64]) -> NDArray[np.int32]:
    """Renumber labels without gaps, in their order."""
    used = np.zeros(int(found.max()) + 1, bool)
    used[found.ravel()] = True
    return (np.cumsum(used) - 1).astype(np.int32)[found]


def bumps(labels: NDArray[np.int32], pitch: float) -> NDArray[np.float32]:
    """One smooth bump per cell, zero at its border, unit root mean square: (h, w) float32.

    p = sin(pi/2 min(1, d / (0.4 pitch))), d the distance to the nearest border of the label map in px: half a pixel
    beside it, since the border runs between pixels.
    """
    inner = np.ones(labels.shape, np.uint8)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    inner[:, 1:][across] = 0
    inner[:, :-1][across] = 0
    inner[1:][down] = 0
    inner[:-1][down] = 0
    if inner.all():
        return np.ones(labels.shape, np.float32)
    distance = cv2.distanceTransform(inner, cv2.DIST_L2, 5) + 0.5
    bump = np.sin(np.pi / 2 * np.minimum(1, distance / (BUMP_REACH * pitch))).astype(np.float32)
    return bump / np.float32(max(1e-6, np.sqrt(np.mean(bump * bump))))
