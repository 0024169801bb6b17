"""Pictures within a picture: what stands out as a rectangle from the plain ground of a page, a chat or a letterbox.

A perceptual hash speaks for whole pictures alone, and a plain picture has no landmarks to be found by; on a screenshot
it is still a rectangle on a ground of one colour. The ground is one of the colours that cover most of the screenshot;
words and lines on it are thinner than a picture, and are opened away (Serra 1982, *Image Analysis and Mathematical
Morphology*).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

WORKING_SIDE = 720
GROUNDS = 3
"""Colours tried as the ground: the picture's own may cover more."""

_MOST = 8
_LEAST_AREA = 0.008  # of the screenshot
_MOST_AREA = 0.97
_LEAST_SIDE_PX = 32
_THINNER = 1 / 36  # of the long side: words and lines
_FILLED = 0.9  # of the rectangle; the corners may be round, and a part of the ground's colour
_LEVELS_PER_BIN = 16
_APART = 10  # levels from the ground, in any channel
_SAME = 0.85  # intersection over union


class Inset(NamedTuple):
    """A rectangle, in px: left and top edge, width and height."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What it shows."""
        return rgb[self.top : self.top + self.height, self.left : self.left + self.width]


def insets(rgb: NDArray[np.uint8]) -> list[Inset]:
    """Rectangles that stand out from a plain ground, largest first, eight at most.

    Parameters
    ----------
    rgb : ndarray, shape (H, W, 3), uint8

    Examples
    --------
    >>> page = np.full((600, 800, 3), 255, np.uint8)
    >>> page[100:300, 200:500] = np.arange(200)[:, None, None]
    >>> insets(page)
    [Inset(left=200, top=100, width=300, height=200)]
    """
    scale = min(1.0, WORKING_SIDE / max(rgb.shape[:2]))
    if min(rgb.shape[:2]) * scale < _LEAST_SIDE_PX:
        return []
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    found: list[Inset] = []
    for ground in _grounds(small):
        for inset in _standing_out(small, ground):
            if all(_overlap(inset, other) < _SAME for other in found):
                found.append(inset)
    largest = sorted(found, key=lambda inset: -inset.width * inset.height)[:_MOST]
    return [Inset(*(round(side / scale) for side in inset)) for inset in largest]


def _grounds(small: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The colours that cover most of a picture, (3,) each."""
    bins = (small // _LEVELS_PER_BIN).astype(np.int32)
    keys = (bins[..., 0] << 8 | bins[..., 1] << 4 | bins[..., 2]).ravel()
    counts = np.bincount(keys, minlength=4096)
    most = np.argsort(-counts, kind="stable")[:GROUNDS]
    pixels = small.reshape(-1, 3)
    return [np.median(pixels[keys == key], axis=0).astype(np.uint8) for key in most if counts[key]]


def _standing_out(small: NDArray[np.uint8], ground: NDArray[np.uint8]) -> list[Inset]:
    apart = cv2.absdiff(small, np.broadcast_to(ground, small.shape)).max(axis=2) > _APART
    thick = 2 * round(_THINNER * max(apart.shape) / 2) + 1
    mask = cv2.morphologyEx(apart.astype(np.uint8), cv2.MORPH_OPEN, np.ones((thick, thick), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    out = []
    for left, top, width, height, area in boxes[1:].tolist():
        share = width * height / mask.size
        if (
            min(width, height) >= _LEAST_SIDE_PX
            and _LEAST_AREA <= share <= _MOST_AREA
            and area >= _FILLED * width * height
        ):
            out.append(Inset(left, top, width, height))
    return out


def _overlap(one: Inset, other: Inset) -> float:
    """Intersection over union."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    common = max(0, across) * max(0, down)
    return common / (one.width * one.height + other.width * other.height - common)
