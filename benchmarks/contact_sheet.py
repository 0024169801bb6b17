"""Tiles of pictures for the eye: original | copy | difference, contrast raised until a mark would show."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.attacks.drawing import draw, font
from benchmarks.photographs import Rgb

SIDE = 256
CONTRAST = 4
DIFFERENCE = 16
LABEL_PX = 24
Tile = tuple[slice, slice]


def tiles(shape: tuple[int, ...], side: int = SIDE) -> list[Tile]:
    """Cut a picture of `shape` into squares of `side` px; the last of a row or column is moved inside.

    >>> [(rows.start, rows.stop) for rows, _ in tiles((300, 200))]
    [(0, 256), (44, 300)]
    """
    starts = [sorted({min(at, max(0, length - side)) for at in range(0, length, side)}) for length in shape[:2]]
    return [np.s_[y : y + side, x : x + side] for y in starts[0] for x in starts[1]]


def smoothest(rgb: Rgb, among: Sequence[Tile]) -> Tile:
    """Return the tile of least detail that is neither all white nor all black, if there is one."""

    def detail(tile: Tile) -> tuple[bool, float]:
        grey = cv2.cvtColor(np.ascontiguousarray(rgb[tile]), cv2.COLOR_RGB2GRAY)
        clipped = not 2 < grey.mean() < 253
        return clipped, float(np.abs(cv2.Laplacian(cv2.blur(grey, (5, 5)), cv2.CV_32F)).mean())

    return min(among, key=detail)


def raised(picture: Rgb, centre: npt.NDArray[np.floating], factor: float) -> Rgb:
    """Raise contrast about a colour, which becomes middle grey."""
    return np.clip(np.rint(128 + factor * (picture.astype(np.float32) - centre)), 0, 255).astype(np.uint8)


def strip(label: str, original: Rgb, copy: Rgb) -> Rgb:
    """Draw one line of the sheet: (24 + 256, 3 · 264, 3) uint8."""
    centre = original.mean((0, 1), dtype=np.float32)
    apart = np.clip(np.rint(128 + DIFFERENCE * (copy.astype(np.float32) - original)), 0, 255).astype(np.uint8)
    out = np.full((LABEL_PX + SIDE, 3 * (SIDE + 8), 3), 40, np.uint8)
    for column, shown in enumerate((raised(original, centre, CONTRAST), raised(copy, centre, CONTRAST), apart)):
        left = column * (SIDE + 8)
        out[LABEL_PX : LABEL_PX + shown.shape[0], left : left + shown.shape[1]] = shown
    image, pen = draw(out)
    pen.text((4, 3), f"{label}   original x{CONTRAST} | copy x{CONTRAST} | difference x{DIFFERENCE}",
             (235, 235, 235), font(15))  # fmt: skip
    return np.array(image)


def stack(strips: Sequence[Rgb], columns: int = 2) -> Rgb:
    """Lay strips out in columns."""
    blank = np.zeros_like(strips[0])
    padded = [*strips, *[blank] * (-len(strips) % columns)]
    return np.vstack([np.hstack(padded[i : i + columns]) for i in range(0, len(padded), columns)])
