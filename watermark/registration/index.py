"""What is kept of an original so that leaks can be laid onto it: its features, and its canonical raster at three sizes.

Features come from the original at up to 1,440 px, not from the canonical raster: a crop of a few percent shown at full
size has detail that 1,024 px no longer hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from watermark.registration import sift
from watermark.registration.features import Features, Levels, detect, root
from watermark.registration.geometry import Matrix, Plane, corners, project, resize_matrix, shift

_LEVELS: Levels = ((1440, 3200), (720, 1800), (360, 800), (180, 300))
_REDUCTIONS = (1, 2, 4)
_SPARSE = 50
_WINDOW_MARGIN = 16  # px around the projected leak, for a fit that is still off
_SMALLEST_WINDOW = 24  # px


@dataclass(frozen=True)
class Raster:
    """The original, or a window of it, at one reduction.

    Attributes
    ----------
    picture : ndarray, shape (h, w), float32
    from_canonical : ndarray, shape (3, 3), float64
        Canonical pixel -> pixel of `picture`.
    reduction : int
        Canonical pixels per pixel of `picture`.
    """

    picture: Plane
    from_canonical: Matrix
    reduction: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        h, w = self.picture.shape
        return h, w

    def reduced(self, factor: int) -> Raster:
        """The same picture, `factor` times smaller, never below 16 px a side."""
        if factor == 1:
            return self
        h, w = self.shape
        shape = max(16, h // factor), max(16, w // factor)
        picture = cv2.resize(self.picture, shape[::-1], interpolation=cv2.INTER_AREA)
        return Raster(picture, resize_matrix((h, w), shape) @ self.from_canonical, self.reduction * factor)

    def window(self, homography: Matrix, leak: tuple[int, int]) -> Raster | None:
        """The part that a leak of shape `leak` can show under `homography` (leak -> canonical); None if too small."""
        onto = self.from_canonical @ homography
        depth = np.c_[corners(leak), np.ones(4)] @ onto[2] * onto[2, 2]
        if (depth <= 0).any():
            return self  # the horizon crosses the leak: no rectangle bounds it
        places = np.clip(project(corners(leak), onto), -1e6, 1e6)
        left, top = np.maximum(0, np.floor(places.min(0)).astype(int) - _WINDOW_MARGIN)
        right, bottom = np.ceil(places.max(0)).astype(int) + _WINDOW_MARGIN + 1
        part = self.part(slice(top, max(bottom, 0)), slice(left, max(right, 0)))
        return part if min(part.shape) >= _SMALLEST_WINDOW else None

    def part(self, rows: slice, columns: slice) -> Raster:
        """The rectangle of these rows and columns."""
        picture = np.ascontiguousarray(self.picture[rows, columns])
        return Raster(picture, shift(-columns.start, -rows.start) @ self.from_canonical, self.reduction)


@dataclass(frozen=True)
class Index:
    """An original, ready to be found in leaks. Immutable, so one index may serve many threads.

    Attributes
    ----------
    canonical : ndarray, shape (h, w), float32, 0..255
    scale : float
        Canonical width / original width.
    features : Features
        In canonical px.
    rasters : dict of int to Raster
        The canonical raster reduced 1, 2 and 4 times.
    """

    canonical: Plane
    scale: float
    features: Features
    rasters: dict[int, Raster] = field(repr=False)
    rooted: NDArray[np.float32] = field(repr=False)
    tree: Any = field(repr=False)

    @classmethod
    def build(cls, luma: Plane | NDArray[np.uint8], canonical: Plane) -> Index:
        """Find the features of an original.

        Parameters
        ----------
        luma : ndarray, shape (H, W), float32 or uint8, 0..255
            The original at full size.
        canonical : ndarray, shape (h, w), float32, 0..255
            The same picture area-resized to the canonical raster (long side <= 1024).
        """
        found = detect(luma, _LEVELS, sift.find)
        shrink = resize_matrix(luma.shape, canonical.shape)
        points = found.points.copy()
        points[:, :2] = points[:, :2] * [shrink[0, 0], shrink[1, 1]] + shrink[:2, 2]
        points[:, 2] *= shrink[0, 0]
        return cls._of(canonical, float(shrink[0, 0]), Features(points, found.descriptors))

    @classmethod
    def from_arrays(cls, canonical: Plane, scale: float, arrays: dict[str, NDArray[Any]]) -> Index:
        """Restore an index: the canonical raster, canonical / original width, and what `to_arrays` gave."""
        points = np.asarray(arrays["points"], np.float32).reshape(-1, 4)
        descriptors = np.asarray(arrays["descriptors"], np.uint8).reshape(-1, 128)
        return cls._of(canonical, scale, Features(points, descriptors))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Features for storage, about 1 MB: ``points`` (n, 4) float32 and ``descriptors`` (n, 128) uint8."""
        return {"points": self.features.points, "descriptors": self.features.descriptors}

    @classmethod
    def _of(cls, canonical: Plane, scale: float, features: Features) -> Index:
        canonical = np.ascontiguousarray(canonical, np.float32)
        full = Raster(canonical, np.eye(3), 1)
        rasters = {reduction: full.reduced(reduction) for reduction in _REDUCTIONS}
        tree = cKDTree(features.points[:, :2]) if len(features) else None
        return cls(canonical, scale, features, rasters, root(features.descriptors), tree)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the canonical raster."""
        h, w = self.canonical.shape
        return h, w

    @property
    def is_sparse(self) -> bool:
        """Whether so few features exist that none of their fits can be trusted alone."""
        return len(self.features) < _SPARSE
