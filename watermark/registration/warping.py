"""Warping a leak onto a raster: quickly from a shrunken leak while searching, once from its own pixels at the end."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from watermark.registration.fit import Fit
from watermark.registration.geometry import Matrix, Plane, corners, inverse, project, resize_matrix, resized
from watermark.registration.photometry import blur

_SHRINKING = 1.4  # leak pixels per raster pixel from which aliasing matters
_PREFILTER = 0.35  # sigma of the pre-filter, raster pixels
_EROSION = np.ones((5, 5), np.uint8)  # bicubic taps and JPEG borders reach 2 px inwards
_SMALLEST_LEVEL = 64
_ADDRESSABLE = 32_000  # px a side: OpenCV addresses pixels of a warp with 16 bits


@dataclass(frozen=True)
class Leak:
    """A leak at its own size and halved again and again, so that warping a large leak costs no more than a small one.

    Attributes
    ----------
    levels : tuple of (plane, map)
        float32 planes, and homographies leak pixel -> pixel of that plane. The first is the leak itself.
    """

    levels: tuple[tuple[Plane, Matrix], ...]

    @classmethod
    def build(cls, luma: Plane) -> Leak:
        """Halve `luma`, shape (H, W), float32, until its short side is below 64 px."""
        levels = [(luma, np.eye(3))]
        while min(levels[-1][0].shape) >= 2 * _SMALLEST_LEVEL:
            large, to_large = levels[-1]
            shape = large.shape[0] // 2, large.shape[1] // 2
            small = cv2.resize(large, shape[::-1], interpolation=cv2.INTER_AREA)
            levels.append((small, resize_matrix(large.shape, shape) @ to_large))
        return cls(tuple(levels))

    @property
    def luma(self) -> Plane:
        """The leak at its own size."""
        return self.levels[0][0]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the leak at its own size."""
        h, w = self.luma.shape
        return h, w

    def negative(self) -> Leak:
        """The same leak with its brightness reversed."""
        return Leak(tuple((np.float32(255) - plane, to_plane) for plane, to_plane in self.levels))

    def onto(self, homography: Matrix, shape: tuple[int, int], flow: Plane | None = None) -> tuple[Plane, Plane]:
        """Warp the coarsest sufficient level; see `resample`."""
        halvings = int(np.ceil(np.log2(max(1.0, density(homography, self.shape, shape) / _SHRINKING))))
        plane, to_plane = self.levels[min(halvings, len(self.levels) - 1)]
        return resample(plane, homography @ inverse(to_plane), shape, flow)


def density(homography: Matrix, leak: tuple[int, int], raster: tuple[int, int]) -> float:
    """Leak pixels per raster pixel (along a side), median over the part of the raster that the leak covers."""
    h, w = raster
    grid = np.stack(np.meshgrid(np.linspace(0, w - 1, 9), np.linspace(0, h - 1, 9)), -1).reshape(-1, 2)
    back = inverse(homography)
    denominator = grid @ back[2, :2] + back[2, 2]
    places = project(grid, back)
    inside = (places > -1).all(1) & (places[:, 0] < leak[1]) & (places[:, 1] < leak[0])
    if not inside.any():
        inside[:] = True
    area = abs(np.linalg.det(back)) / np.maximum(np.abs(denominator[inside]) ** 3, 1e-12)
    return float(np.clip(np.sqrt(np.median(area)), 0.03, 30))


def resample(
    plane: Plane, homography: Matrix, shape: tuple[int, int], flow: Plane | None = None
) -> tuple[Plane, Plane]:
    """Warp a plane onto a raster: Gaussian pre-filter if it shrinks, bicubic.

    Parameters
    ----------
    plane : ndarray, shape (H, W), float32
    homography : ndarray, shape (3, 3)
        Plane pixel -> raster pixel.
    shape : (int, int)
        Rows and columns of the raster.
    flow : ndarray, shape (2, h, w), float32, or None
        Raster px, added to a raster place before it is looked up in the plane.

    Returns
    -------
    warped : ndarray, shape (h, w), float32
    mask : ndarray, shape (h, w), float32
        1 where the plane was seen, eroded by 2 px, else 0.
    """
    h, w = shape
    if max(plane.shape) > _ADDRESSABLE:
        plane, shrink = resized(plane, _ADDRESSABLE)
        homography = homography @ inverse(shrink)
    scale = density(homography, (plane.shape[0], plane.shape[1]), shape)
    if scale > _SHRINKING:
        plane, homography = _used_part(plane, homography, shape, margin=round(4 * scale))
        plane = blur(plane, _PREFILTER * scale)
    if flow is None:
        warped = cv2.warpPerspective(plane, homography, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        ones = np.ones(plane.shape, np.uint8)
        mask = cv2.warpPerspective(ones, homography, (w, h), flags=cv2.INTER_NEAREST)
    else:
        back = inverse(homography).astype(np.float32)
        x = np.arange(w, dtype=np.float32)[None] + flow[0]
        y = np.arange(h, dtype=np.float32)[:, None] + flow[1]
        depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
        u = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth
        v = (back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth
        warped = cv2.remap(plane, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        mask = ((u > 0) & (v > 0) & (u < plane.shape[1] - 1) & (v < plane.shape[0] - 1)).astype(np.uint8)
    eroded = cv2.erode(mask, _EROSION, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return warped, eroded.astype(np.float32)


def _used_part(plane: Plane, homography: Matrix, shape: tuple[int, int], margin: int) -> tuple[Plane, Matrix]:
    """The rectangle of `plane` that the raster shows: blurring a whole 12-MP page for one thumbnail would be waste."""
    back = inverse(homography)
    if (np.c_[corners(shape), np.ones(4)] @ back[2] * back[2, 2] <= 0).any():
        return plane, homography  # the horizon crosses the raster
    places = project(corners(shape), back)
    left, top = np.clip(np.floor(places.min(0)) - margin, 0, None).astype(int)
    right, bottom = np.ceil(places.max(0)).astype(int) + margin + 1
    part = plane[top:bottom, left:right]
    if part.size == 0:
        return plane, homography
    return part, homography @ np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]])


def warp(channel: Plane, fit: Fit, shape: tuple[int, int]) -> tuple[Plane, Plane]:
    """One plane of a leak on the canonical raster, warped once from the leak's own pixels.

    A negative is reversed here (``255 - channel``), for luma and chroma alike: whatever constant that leaves in a
    channel centred elsewhere than on 127.5 is taken out by the local fit of brightness.

    Parameters
    ----------
    channel : ndarray, shape (H, W), float32
        Same raster as the luma that was registered.
    fit : Fit
    shape : (int, int)
        Rows and columns of the canonical raster.

    Returns
    -------
    warped : ndarray, shape (h, w), float32
    mask : ndarray, shape (h, w), float32
        1 where the leak was seen, eroded by 2 px, else 0.
    """
    plane = np.ascontiguousarray(channel, np.float32)
    warped, mask = resample(plane, fit.homography, shape, fit.flow)
    return (np.float32(255) - warped if fit.inverted else warped), mask
