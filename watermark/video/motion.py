"""From where in its key frame every point of a picture comes.

The mark travels with what it lies on, so where something moved from one slice into another, it shows the other's
symbol. The pictures that all copies share say how everything moves, and FFmpeg hands their motion vectors out while it
decodes. A point's way back to the key frame is its own vector and then the way of the point that it leads to; what is
coded without reference comes from nowhere.

References
----------
ITU-T H.264 (08/2021), 8.4 (inter prediction); FFmpeg, libavutil/motion_vector.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Way = NDArray[np.float32]
Vectors = NDArray[Any]
Labels = NDArray[np.uint16]
Value = TypeVar("Value", np.uint16, np.float32)

BLOCK = 8  # px: smaller parts of a macroblock are not told apart
POINTS = 2  # of the raster, per block and axis
PAST, FUTURE = -1, 1
BOTH = 3  # FFmpeg's picture type B


class Ways:
    """The ways back of a group's pictures, followed through motion vectors to the key frame as they are asked for.

    Parameters
    ----------
    kinds : FFmpeg's type of each picture of a group, in the order shown; the first is the key frame.
    vectors : motion vectors of each.
    shape : rows and columns of the pictures, px.
    """

    def __init__(self, kinds: Sequence[int], vectors: Sequence[Vectors | None], shape: tuple[int, int]) -> None:
        blocks = -(-shape[0] // BLOCK), -(-shape[1] // BLOCK)
        self._vectors = vectors
        self._anchors = [number for number, kind in enumerate(kinds) if kind != BOTH]
        self._followed: dict[int, Way] = {0: np.zeros((POINTS * blocks[0], POINTS * blocks[1], 2), np.float32)}

    def back(self, number: int) -> Way:
        """Way back from one picture: (h, w, 2) float32 on a raster of 4 px.

        How far to the right and down, in px, the place in the key frame lies; NaN where there is none.
        """
        if number not in self._followed:
            near = {PAST: max(a for a in self._anchors if a < number)}
            if number not in self._anchors:
                near[FUTURE] = min(a for a in self._anchors if a > number)
            sources = {direction: self.back(anchor) for direction, anchor in near.items()}
            self._followed[number] = led(sources, self._vectors[number])
        return self._followed[number]


def led(sources: dict[int, Way], vectors: Vectors | None) -> Way:
    """Ways back from one picture, given those of the pictures it refers to; of two, the earlier one is followed."""
    like = next(iter(sources.values()))
    out = np.full_like(like, np.nan)
    if vectors is None:
        return out
    columns, rows = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in like.shape[1::-1]))
    pitch = np.float32(POINTS / BLOCK)
    for direction in (FUTURE, PAST):
        if direction in sources:
            blocks = flow(vectors[vectors["source"] == direction], (like.shape[0] // POINTS, like.shape[1] // POINTS))
            own = cv2.resize(blocks, like.shape[1::-1], interpolation=cv2.INTER_NEAREST)
            x, y = columns + own[..., 0] * pitch, rows + own[..., 1] * pitch
            before = cv2.remap(sources[direction], x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
            np.copyto(out, own + before, where=np.isfinite(own))
    return out


def flow(vectors: Vectors, blocks: tuple[int, int]) -> Way:
    """Lay vectors of parts of any size onto a raster of blocks of 8 px: (rows, columns, 2) float32, px; NaN if none."""
    out = np.full((*blocks, 2), np.nan, np.float32)
    for high in (16, 8):
        for wide in (16, 8):
            some = vectors[(vectors["h"] == high) & (vectors["w"] == wide)]
            moved = np.stack([some["motion_x"], some["motion_y"]], -1) / some["motion_scale"][:, None]
            top, left = (some["dst_y"] - high // 2) // BLOCK, (some["dst_x"] - wide // 2) // BLOCK
            for down in range(high // BLOCK):
                for right in range(wide // BLOCK):
                    y, x = top + down, left + right
                    inside = (y < blocks[0]) & (x < blocks[1])
                    out[y[inside], x[inside]] = moved[inside]
    return out


def carried(values: NDArray[Value], way: Way, shape: tuple[int, int], missing: float) -> NDArray[Value]:
    """Carry a map of the key frame to a picture.

    Parameters
    ----------
    values : (h, w) of the key frame, on any raster: uint16 labels, or float32 to be interpolated.
    way : how far back each point of the picture comes from, see `Ways`.
    shape : rows and columns of the pictures, px.
    missing : value of points that come from nowhere.
    """
    height, width = values.shape
    back = cv2.resize(way, (width, height), interpolation=cv2.INTER_NEAREST)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x = columns + back[..., 0] * np.float32(width / shape[1])
    y = rows + back[..., 1] * np.float32(height / shape[0])
    how = cv2.INTER_NEAREST if values.dtype == np.uint16 else cv2.INTER_LINEAR
    out = cv2.remap(values, x, y, how, borderMode=cv2.BORDER_REPLICATE)
    return np.where(np.isfinite(x), out, values.dtype.type(missing))
