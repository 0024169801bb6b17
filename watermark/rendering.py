"""From amplitudes to pixels: add the mark, round so that it survives, stay within what the pixels can hold.

Rounding to the nearest level would wipe a mark of half a level out of every flat area; rounding against a fixed
blue-noise threshold keeps its mean exact and its grain fine. The threshold does not depend on the copy, so two copies
differ only where their codewords do.

References
----------
R. Ulichney, "Void-and-cluster method for dither array generation", Proc. SPIE 1913, 1993, doi:10.1117/12.152707.
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .picture import SIXTEEN, Samples

Plane = NDArray[np.float32]

CB_RGB = np.array([0.0, -0.344, 1.772], np.float32)  # change of R, G, B for one level of Cb (ITU-R BT.601)
TILE = 128
NO_ROOM_BLUE, ROOM_RAMP = 248, 24


@cache
def blue_noise() -> Plane:
    """A (128, 128) tile of thresholds in (0, 1), uniform and without low frequencies; the same in every build.

    High-pass filtering and rank ordering in turn, a cheap relative of void-and-cluster.
    """
    index = np.arange(TILE * TILE, dtype=np.uint64)
    mixed = (index * np.uint64(0x9E3779B97F4A7C15)) ^ (index >> np.uint64(3))
    mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    tile = (mixed >> np.uint64(11)).astype(np.float64).reshape(TILE, TILE) * 2.0**-53
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 1.5) ** 2)
    kernel /= kernel.sum()
    for _ in range(12):
        wrapped = np.pad(tile, 8, mode="wrap")
        rows = np.apply_along_axis(np.convolve, 1, wrapped, kernel, "valid")
        tile = tile - np.apply_along_axis(np.convolve, 0, rows, kernel, "valid")
        tile = np.argsort(np.argsort(tile.ravel(), kind="stable")).reshape(TILE, TILE) + 0.5
        tile /= TILE * TILE
    return tile.astype(np.float32)


def thresholds(height: int, width: int, top: int = 0) -> Plane:
    """Rounding thresholds for rows `top` … `top + height - 1` of a picture of that width: (height, width)."""
    rows = np.arange(top, top + height) % TILE
    return np.tile(blue_noise(), (1, width // TILE + 1))[rows, :width]


def chroma_room(blue: Plane) -> Plane:
    """Share of the chroma mark that a place has room for, 0 … 1, by its blue level of 0 … 255.

    Blue that is nearly full cannot rise, and a mark that can only take blue away shows as yellow spots on white; blue
    that is nearly absent cannot fall, and shows as violet ones on black.
    """
    room = np.minimum(np.float32(NO_ROOM_BLUE) - blue, blue - np.float32(255 - NO_ROOM_BLUE))
    return np.clip(room / np.float32(ROOM_RAMP), 0, 1)


@cache
def room_by_level() -> Plane:
    """`chroma_room` of every 8-bit level of blue: (256,)."""
    return chroma_room(np.arange(256, dtype=np.float32))


def add_mark(
    pixels: Samples, luma: Plane, chroma_share: float, top: int = 0, *, eight_bit: bool = False
) -> NDArray[Any]:
    """Add a mark to a picture, or to a band of its rows.

    Parameters
    ----------
    pixels : (h, w, 3) RGB or (h, w) grey, uint8 or uint16.
    luma : (h, w) float32, the mark in luma levels of 0 … 255.
    chroma_share : Cb levels added per luma level; a grey picture has none.
    top : first row of the band, for the rounding thresholds.
    eight_bit : whether a 16-bit picture comes out in 8 bits, rounded once.

    Returns
    -------
    Array of the shape of `pixels`, and of its dtype unless `eight_bit`.
    """
    deep = pixels.dtype == np.uint16
    levels = 1 if eight_bit or not deep else SIXTEEN
    offset = thresholds(luma.shape[0], luma.shape[1], top) - np.float32(0.5)  # OpenCV rounds where a threshold floors
    channels = list(cv2.split(pixels))
    if deep and eight_bit:
        channels = [c.astype(np.float32) / np.float32(SIXTEEN) for c in channels]
    if levels > 1:
        luma = luma * np.float32(levels)
    marks = [luma + offset] * len(channels)
    if chroma_share and pixels.ndim == 3:
        blue = channels[2]
        room = chroma_room(blue.astype(np.float32) / np.float32(levels)) if deep else cv2.LUT(blue, room_by_level())
        cb = cv2.multiply(luma, room, scale=chroma_share)
        marks = [
            cv2.scaleAdd(cb, float(weight), mark) if weight else mark
            for weight, mark in zip(CB_RGB, marks, strict=True)
        ]
    depth = cv2.CV_16U if levels == SIXTEEN else cv2.CV_8U
    return cv2.merge([cv2.add(c, m, dtype=depth) for c, m in zip(channels, marks, strict=True)])
