"""From amplitudes to pixels: add the mark, round so that it survives, stay within what the pixels can hold.

Rounding to the nearest level would wipe a mark of half a level out of every flat area; rounding against a fixed
blue-noise threshold keeps its mean exact and its grain fine. The threshold does not depend on the copy, so two copies
differ only where their codewords do.

References
----------
R. Ulichney, "Void-and-cluster method for dither array generation", Proc. SPIE 1913, 1993, doi:10.1117/12.152707.
"""

from functools import cache, lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .compiling import compiled_in_any_order
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


@lru_cache(maxsize=8)
def threshold_tiles(across: int) -> Plane:
    """So many tiles of thresholds side by side: (128, 128 across) float32."""
    return np.tile(blue_noise(), (1, across))


def thresholds(height: int, width: int, top: int = 0) -> Plane:
    """Rounding thresholds for rows `top` … `top + height - 1` of a picture of that width: (height, width)."""
    return threshold_tiles(-(-width // TILE))[np.arange(top, top + height) % TILE, :width]


@compiled_in_any_order
def chroma_room(blue: Any) -> Any:
    """Share of the chroma mark that a place has room for, 0 … 1, by its blue level of 0 … 255, or those of a plane.

    Blue that is nearly full cannot rise, and a mark that can only take blue away shows as yellow spots on white; blue
    that is nearly absent cannot fall, and shows as violet ones on black.
    """
    room = np.minimum(np.float32(NO_ROOM_BLUE) - blue, blue - np.float32(255 - NO_ROOM_BLUE)) / np.float32(ROOM_RAMP)
    return np.minimum(np.maximum(room, np.float32(0)), np.float32(1))


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
    channels = cv2.split(pixels)
    marked = [np.empty(luma.shape, np.uint16 if levels == SIXTEEN else np.uint8) for _ in channels]
    weights = CB_RGB * np.float32(chroma_share) if len(channels) == 3 else np.zeros(1, np.float32)
    tiles = threshold_tiles(-(-luma.shape[1] // TILE))
    unit = np.float32(1 / SIXTEEN if deep else 1)
    for channel, weight, out in zip(channels, weights, marked, strict=True):
        _add(channel, channels[-1], luma, weight, tiles, top, unit, np.float32(levels), out)
    return cv2.merge(marked)


@compiled_in_any_order
def _add(
    samples: NDArray[Any],
    blue: NDArray[Any],
    luma: Plane,
    weight: np.float32,
    tiles: Plane,
    top: int,
    unit: np.float32,
    levels: np.float32,
    out: NDArray[Any],
) -> None:
    """Add a mark to one channel, in one pass over it.

    Parameters
    ----------
    weight : levels of the channel per level of luma, besides those of luma itself, where chroma has room.
    tiles : of thresholds, as wide as the channel or wider.
    top : see `add_mark`.
    unit : level of 0 … 255 of one unit of the samples.
    levels : units of `out` per level.
    """
    height, width = luma.shape
    highest = np.float32(255) * levels
    for row in range(height):
        threshold = tiles[(top + row) % TILE]
        for column in range(width):
            mark = luma[row, column]
            mark += weight * mark * chroma_room(blue[row, column] * unit)
            level = (samples[row, column] * unit + mark) * levels + threshold[column] - np.float32(0.5)
            out[row, column] = np.rint(min(max(level, np.float32(0)), highest))
