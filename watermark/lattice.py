"""Where an asset's cells are: on its canonical raster, or on the grid of the JPEG that its copies are joined from."""

import math
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import cells, jpeg
from .compiling import compiled_in_any_order

Plane = NDArray[np.float32]

PITCH = 8.0  # canonical px between sites: codecs and denoisers take narrower bumps, wider ones leave a crop too few
NARROWEST_PITCH = 6.0  # of pictures so small that they would have few cells
FEW_CELLS = 2400  # which smaller pictures keep, as long as their cells may be narrower
WORKING_PX = 4  # picture px in a pixel of the raster on which the bumps of segment cells are drawn


@dataclass(frozen=True)
class Design:
    """The numbers that fix an asset's mark, together with its key.

    Attributes
    ----------
    height, width : of the picture in px.
    strength : rms amplitude of the mark in luma levels where the mask is 1.
    chroma_share : Cb levels per luma level.
    run : MCUs per restart segment, 0 where cells are cut on the canonical raster.
    subsampling : of the JPEG whose segments the cells are made of, which fixes the size of its MCUs.
    """

    height: int
    width: int
    strength: float
    chroma_share: float
    run: int
    subsampling: str = "4:2:0"

    @property
    def mcu_px(self) -> tuple[int, int]:
        """Height and width of an MCU of the picture's JPEG."""
        return jpeg.MCU_PX[self.subsampling]

    @property
    def mcu_shape(self) -> tuple[int, int]:
        """Rows and columns of MCUs of the picture's JPEG."""
        return -(-self.height // self.mcu_px[0]), -(-self.width // self.mcu_px[1])

    @property
    def canonical_shape(self) -> tuple[int, int]:
        """Height and width of the canonical raster."""
        return cells.canonical_shape(self.height, self.width)

    @property
    def pitch(self) -> float:
        """Distance of the sites in canonical px."""
        height, width = self.canonical_shape
        return min(PITCH, max(NARROWEST_PITCH, math.sqrt(height * width / FEW_CELLS)))

    @property
    def pitch_px(self) -> float:
        """Distance of the sites of segment cells in picture px."""
        return self.pitch * self.height / self.canonical_shape[0]


@dataclass(frozen=True)
class Lattice:
    """Where the cells are, and the unit pattern they carry.

    Attributes
    ----------
    labels : (h, w) int32, cell of each canonical pixel.
    pattern : (h, w) float32, unit bumps on the canonical raster.
    count : number of cells.
    segments : (n,) int32, cell of each JPEG segment; None where cells are cut on the canonical raster.
    drawn : (h', w') float32, the bumps of segment cells at 4 px of the picture per pixel; None likewise.
    """

    labels: NDArray[np.int32]
    pattern: Plane
    count: int
    segments: NDArray[np.int32] | None = None
    drawn: Plane | None = field(default=None, repr=False)

    @classmethod
    def build(cls, key: bytes, design: Design) -> "Lattice":
        """Cut the picture into cells by key."""
        height, width = design.canonical_shape
        if not design.run:
            labels = cells.voronoi(key, height, width, design.pitch)
            return cls(labels, cells.bumps(labels, design.pitch), int(labels.max()) + 1)
        segments = segment_cells(key, design)
        by_mcu = mcu_cells(segments, design)
        y = ((np.arange(height) + 0.5) * design.height / height / design.mcu_px[0]).astype(int)
        x = ((np.arange(width) + 0.5) * design.width / width / design.mcu_px[1]).astype(int)
        fine = repeat(by_mcu, design.mcu_px[0] // WORKING_PX, design.mcu_px[1] // WORKING_PX)
        drawn = cells.bumps(fine, design.pitch_px / WORKING_PX)
        pattern = resample(drawn, design, (height, width))
        return cls(by_mcu[np.ix_(y, x)], pattern, int(segments.max()) + 1, segments, drawn)


def segment_cells(key: bytes, design: Design) -> NDArray[np.int32]:
    """Hand every restart segment of the picture's JPEG to the keyed site nearest to its middle.

    Segments follow the scan, also across the end of a row, so any width will do.

    Returns
    -------
    (segments,) int32, labels 0 … m-1 all used.
    """
    (rows, cols), (mcu_height, mcu_width), run = design.mcu_shape, design.mcu_px, design.run
    middle = np.minimum(np.arange(-(-rows * cols // run)) * run + (run - 1) // 2, rows * cols - 1)
    y = (middle // cols + 0.5) * mcu_height
    x = (middle % cols + 0.5 + (0 if run % 2 else 0.5)) * mcu_width
    sites = cells.Sites.scatter(key, rows * mcu_height, cols * mcu_width, design.pitch_px)
    return cells.compact(sites.nearest(y.astype(np.float32), x.astype(np.float32)))


def mcu_cells(segments: NDArray[np.int32], design: Design) -> NDArray[np.int32]:
    """Cell of each MCU: (rows, cols) int32."""
    rows, cols = design.mcu_shape
    return segments[np.arange(rows * cols) // design.run].reshape(rows, cols)


def repeat(values: NDArray[Any], down: int, across: int) -> NDArray[Any]:
    """Show each value as a block of `down` × `across` pixels."""
    return np.repeat(np.repeat(values, down, 0), across, 1)


def resample(drawn: Plane, design: Design, shape: tuple[int, int]) -> Plane:
    """Bring a plane from the working resolution to a raster of `shape` over the picture.

    The padding of the last MCUs lies outside the picture and is left out.
    """
    sy, sx = design.height / shape[0] / WORKING_PX, design.width / shape[1] / WORKING_PX
    y = ((np.arange(shape[0], dtype=np.float32) + 0.5) * sy - 0.5)[:, None]
    x = ((np.arange(shape[1], dtype=np.float32) + 0.5) * sx - 0.5)[None]
    across = np.ascontiguousarray(np.broadcast_to(x, shape), np.float32)
    down = np.ascontiguousarray(np.broadcast_to(y, shape), np.float32)
    return cv2.remap(drawn, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def enlarged_rows(drawn: Plane, width: int, top: int, stop: int) -> Plane:
    """Rows `top` … `stop` - 1 of the picture, `width` px wide, of a plane at the working resolution: linear."""
    rows = blend_linearly(drawn, np.arange(top, stop), 1 / WORKING_PX)
    return cv2.resize(rows, None, fx=WORKING_PX, fy=1, interpolation=cv2.INTER_LINEAR)[:, :width]


def cubic_rows(plane: Plane, shape: tuple[int, int], top: int, stop: int) -> Plane:
    """Rows `top` … `stop` - 1 of the plane enlarged to `shape` by cubic interpolation, as cv2.resize does it.

    Each row is a mean of four with Keys' weights for a = -3/4 (R. Keys 1981, doi:10.1109/TASSP.1981.1163711), then
    widened.
    """
    a, (at, t) = -0.75, source_rows(np.arange(top, stop), plane.shape[0] / shape[0])
    far = 1 - t
    weights = [
        a * ((t + 1) ** 3 - 5 * (t + 1) ** 2 + 8 * (t + 1) - 4),
        (a + 2) * t**3 - (a + 3) * t**2 + 1,
        (a + 2) * far**3 - (a + 3) * far**2 + 1,
        a * ((far + 1) ** 3 - 5 * (far + 1) ** 2 + 8 * (far + 1) - 4),
    ]
    rows = blend(plane, weights, at - 1)
    return cv2.resize(rows, (shape[1], stop - top), interpolation=cv2.INTER_CUBIC)


def linear_rows(plane: Plane, shape: tuple[int, int], top: int, stop: int) -> Plane:
    """Rows `top` … `stop` - 1 of the plane enlarged to `shape` by linear interpolation, as cv2.resize does it."""
    rows = blend_linearly(plane, np.arange(top, stop), plane.shape[0] / shape[0])
    return cv2.resize(rows, (shape[1], stop - top), interpolation=cv2.INTER_LINEAR)


def source_rows(rows: NDArray[np.int_], step: float) -> tuple[NDArray[np.int_], Plane]:
    """For each output row, `step` rows of the plane high, the row above its centre, and how far below that it lies."""
    at = (rows + 0.5) * step - 0.5
    first = np.floor(at).astype(int)
    return first, (at - first).astype(np.float32)


def blend_linearly(plane: Plane, rows: NDArray[np.int_], step: float) -> Plane:
    """Output rows, each `step` rows of the plane high, between the two rows that their centres lie between."""
    first, t = source_rows(rows, step)
    return blend(plane, [1 - t, t], first)


def blend(plane: Plane, weights: list[Plane], first: NDArray[np.int_]) -> Plane:
    """Weighted sum of successive rows from `first` on, the outermost repeated beyond the plane: (rows, w) float32."""
    rows = np.zeros((len(first), plane.shape[1]), np.float32)
    for tap, weight in enumerate(weights):
        _add_rows(plane, np.clip(first + tap, 0, len(plane) - 1), weight, rows)
    return rows


@compiled_in_any_order
def _add_rows(plane: Plane, chosen: NDArray[np.int_], weights: Plane, out: Plane) -> None:
    """Add rows of a plane at their weights, one to each row of `out`."""
    for row in range(len(out)):
        source, weight = plane[chosen[row]], weights[row]
        for column in range(out.shape[1]):
            out[row, column] += weight * source[column]
