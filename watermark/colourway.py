"""Which colourway: one garment shot in one pose in several colours gives pictures that only colour tells apart.

Landmarks and perceptual hashes see luma, so they find every colourway of a shot at once. Once a picture is registered,
its colours are compared with each one's, on 32 × 32 CIE Lab (ISO/CIE 11664-4). What a camera, a filter or a screen does
to all colours alike must not count, what changes a part of the picture must: so a few numbers that hold for the whole
picture are fitted first,

    L' = c L + d,   (a', b') = k (a, b) + t + u L,

which explains exposure, contrast, white balance, warm and cold filters, fading and grey, but no turn of hue: then a
neutral background would have to turn as well. The fit is least squares, reweighted so that places that have nothing to
do with the asset (captions, stickers) pull little (Holland & Welsch 1977, doi:10.1080/03610927708827533).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 32
"""Rows and columns of a small picture, whatever the asset's shape: cells are compared, not looked at."""

_OVERSAMPLED = 4
_LEAST_SEEN = 12  # cells; fewer tell no colours apart
_WORST_SHARE = 0.9
_ROUNDS = 6
_TUNING = 2.4  # Cauchy weights, in robust standard deviations
_LEAST_SCALE = 1.5  # Lab units: noise of JPEG on 32 × 32


@dataclass(frozen=True)
class Likeness:
    """How alike a registered picture and an asset are, as small pictures.

    Attributes
    ----------
    structure : correlation of luma over the cells seen, -1 … 1; 0 when hardly any is.
    colour : 90th percentile of the distances in (a, b) that the fit leaves, in Lab units; infinite when hardly any
        cell is seen.
    """

    structure: float
    colour: float


def thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The small picture to keep of an asset: (32, 32, 3) uint8, L, a, b as OpenCV scales them to bytes."""
    small = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    out: NDArray[np.uint8] = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    return out


def compare(
    kept: NDArray[np.uint8],
    shape: tuple[int, int],
    rgb: NDArray[np.uint8],
    homography: NDArray[np.float64],
    witnessed: NDArray[np.float32] | None = None,
) -> Likeness:
    """Compare a picture with an asset on which it was registered.

    Parameters
    ----------
    kept : (32, 32, 3) uint8, as `thumbnail` gives it.
    shape : (H, W) of the asset, px.
    rgb : (h, w, 3) uint8, the picture.
    homography : 3 × 3, picture px -> asset px.
    witnessed : (k, 2), optional
        Convex polygon, px of the asset, within which landmarks say that the picture shows it: structure is compared
        only there, for around a round thumbnail or a piece in a collage there is something else. Colour is compared
        everywhere: a plain garment has no landmarks.
    """
    seen, lab = _laid(shape, rgb, homography)
    if seen.sum() < _LEAST_SEEN:
        return Likeness(0.0, np.inf)
    colour = float(np.quantile(_unexplained(_lab(kept)[seen], _lab(lab)[seen]), _WORST_SHARE))
    where = seen if witnessed is None else seen & _within(witnessed, shape)
    return Likeness(_correlation(kept[where, 0], lab[where, 0]), colour)


def _within(polygon: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Cells within a convex polygon or next to one that is; (32, 32)."""
    places = np.rint((polygon + 0.5) * SIDE / np.array([shape[1], shape[0]]) - 0.5).astype(np.int32)
    inside = cv2.fillConvexPoly(np.zeros((SIDE, SIDE), np.uint8), places, 1)
    return cv2.dilate(inside, np.ones((3, 3), np.uint8)) > 0


def _correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    if len(a) < _LEAST_SEEN:
        return 0.0
    x, y = a - a.mean(), b - b.mean()
    energy = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / energy if energy > len(a) else 0.0


def _laid(
    shape: tuple[int, int], rgb: NDArray[np.uint8], homography: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """The picture on the asset's small raster: which cells it covers wholly, and their colours in bytes of Lab."""
    side = SIDE * _OVERSAMPLED
    shrink = np.array(
        [[side / shape[1], 0, side / shape[1] / 2 - 0.5], [0, side / shape[0], side / shape[0] / 2 - 0.5], [0, 0, 1]]
    )
    onto = shrink @ homography
    coarse = cv2.warpPerspective(rgb, onto, (side, side), flags=cv2.INTER_LINEAR)
    inside = cv2.warpPerspective(np.full(rgb.shape[:2], 255, np.uint8), onto, (side, side), flags=cv2.INTER_NEAREST)
    cells = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    covered = cv2.resize(inside, (SIDE, SIDE), interpolation=cv2.INTER_AREA) == 255
    return covered, cv2.cvtColor(cells, cv2.COLOR_RGB2LAB)


def _lab(cells: NDArray[np.uint8]) -> NDArray[np.float64]:
    return cells.astype(np.float64) * [100 / 255, 1, 1] - [0, 128, 128]


def _unexplained(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance in (a, b) that the global change of colour leaves in each cell, (n,)."""
    n = len(ours)
    luma, ab = ours[:, 0], ours[:, 1:]
    nothing, one = np.zeros(n), np.ones(n)
    design = np.stack(
        [
            np.stack([ab[:, 0], one, nothing, luma, nothing], axis=1),
            np.stack([ab[:, 1], nothing, one, nothing, luma], axis=1),
        ],
        axis=1,
    )  # (n, 2, 5): k, t_a, t_b, u_a, u_b
    weights = np.ones(n)
    left = np.zeros(n)
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)[:, None]
        solved, *_ = np.linalg.lstsq(
            (design * root[..., None]).reshape(2 * n, 5), (theirs[:, 1:] * root).reshape(2 * n), rcond=1e-6
        )
        solved[0] = max(solved[0], 0.0)
        left = np.hypot(*(theirs[:, 1:] - design @ solved).T)
        scale = max(_LEAST_SCALE, 1.4826 * float(np.median(left)))
        weights = 1 / (1 + (left / (_TUNING * scale)) ** 2)
    return left
