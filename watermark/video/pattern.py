"""The unit pattern of one group of pictures: rows of soft patches of random sign, one row to a slice.

Patches are as high as a slice and about as wide, so that they survive a copy at 360 lines and strong compression, and
each slice's own patches fill its whole width, so that a vertical crop of the frame still shows part of every symbol.
A patch fades to nothing at its slice's border: neighbouring slices meet without a step whichever variants they show.
The pattern is drawn anew for each group from the key, so that two copies reveal it only where they differ.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark import keys

from .design import MACROBLOCK, Design

Plane = NDArray[np.float32]

WIDTH_PER_HEIGHT = 1.25
FULL_AT = 0.35  # of the slice's height: distance from its border at which a patch is full
FINEST_PX = 12
COARSEST_PX = 40


def patch_width(design: Design) -> int:
    """Distance of neighbouring patches' middles in px."""
    box = design.boxes[0]
    return int(np.clip(round(WIDTH_PER_HEIGHT * float(box[1] - box[0])), FINEST_PX, COARSEST_PX))


def unit_pattern(key: bytes, design: Design, segment: int, group: int) -> Plane:
    """Draw the pattern of one group of pictures.

    Parameters
    ----------
    key : the asset's key.
    segment, group : which group, counted within its segment.

    Returns
    -------
    (H, W) float32, mean about 0, root mean square 1.
    """
    pitch, width = patch_width(design), design.width
    across = -(-width // pitch) + 3
    signs = keys.uniform(key, f"video pattern {segment} {group}", design.slices * (across + 1)).reshape(
        design.slices, across + 1
    )
    values = np.where(signs[:, :-1] < 0.5, -1, 1).astype(np.float32)
    wide = cv2.resize(values, (across * pitch, design.slices), interpolation=cv2.INTER_CUBIC)
    out = np.zeros((design.height, width), np.float32)
    for row, (top, bottom, left, right), shift in zip(wide, design.boxes, signs[:, -1], strict=True):
        start = pitch + int(shift * pitch)  # no two rows are cut at the same places
        line = row[start : start + right - left] * (window(right - left) if right - left < width else 1)
        out[top:bottom, left:right] = window(bottom - top)[:, None] * line
    return out / np.float32(np.sqrt(np.mean(out * out)))


def window(length: int) -> Plane:
    """Fade in and out over a slice: sin(π/2 · min(1, d / (0.35 h))), d the distance to the nearer border, h ≤ 40."""
    reach = FULL_AT * min(max(length, MACROBLOCK), COARSEST_PX)
    d = np.minimum(np.arange(length), np.arange(length)[::-1]) + 0.5
    return np.sin(np.pi / 2 * np.minimum(1, d / reach)).astype(np.float32)
