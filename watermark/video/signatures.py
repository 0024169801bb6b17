"""Small pictures that say which moment a frame shows: 27 × 48 px of luma, compared after gain and offset are taken out.

The prepared video keeps four a second. A leak's frame is laid onto the same raster by the homography found for its
shot, so that a crop or a picture in a picture is compared where it shows something. Nothing here uses the mark.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.registration.geometry import Matrix, resize_matrix
from watermark.registration.warping import Leak

Plane = NDArray[np.float32]

SHAPE = (27, 48)
LEAST_SEEN = 60  # px of a signature
FLAT = 1.5  # levels: standard deviation below which a picture says nothing


def whole(luma: NDArray[np.uint8]) -> Plane:
    """Signature of a whole frame: (27, 48) float32."""
    return cv2.resize(luma, SHAPE[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)


def placed(leak: Leak, homography: Matrix, working: tuple[int, int]) -> tuple[Plane, NDArray[np.bool_]]:
    """Signature of a registered frame, and where it shows the original.

    Parameters
    ----------
    leak : the frame.
    homography : leak px -> px of the working raster.
    working : rows and columns of that raster.
    """
    return_shape = resize_matrix(working, SHAPE) @ homography
    small, seen = leak.onto(return_shape, SHAPE)
    return small, seen > 0


def agreement(leak: Plane, seen: NDArray[np.bool_], references: Plane) -> NDArray[np.float64]:
    """Normalised correlation of one signature with many, where it shows anything: (k,), 0 where it says nothing.

    Parameters
    ----------
    leak, seen : (27, 48).
    references : (k, 27, 48).
    """
    if seen.sum() < LEAST_SEEN:
        return np.zeros(len(references))
    a = leak[seen].astype(np.float64)
    b = references[:, seen].astype(np.float64)
    a, b = a - a.mean(), b - b.mean(1, keepdims=True)
    spread = np.sqrt(np.mean(a * a)), np.sqrt(np.mean(b * b, axis=1))
    if spread[0] < FLAT:
        return np.zeros(len(references))
    return (b @ a) / (len(a) * spread[0] * np.maximum(spread[1], FLAT))


def shots(signatures: Plane, least: float = 0.55) -> list[tuple[int, int]]:
    """Split consecutive signatures where one does not resemble the next: (first, stop) of each shot."""
    every = np.ones(SHAPE, bool)
    cuts = [
        i + 1
        for i in range(len(signatures) - 1)
        if agreement(signatures[i], every, signatures[i + 1 : i + 2])[0] < least
        and float(np.abs(signatures[i] - signatures[i + 1]).mean()) > 2 * FLAT
    ]
    return list(zip([0, *cuts], [*cuts, len(signatures)], strict=True))
