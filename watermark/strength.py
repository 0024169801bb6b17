"""How strong the mark may be: as strong as the eye allows on the delivered file, whole and in every part of it.

Two viewers are asked: one who sees the picture fitted to a window, which is its canonical raster, and one who sees it
pixel for pixel. The first settles the strength. The second may only take away: from all of it, and more where a part
of the picture would show the mark although the whole does not. Where copies are joined from segments the cells are so
wide, in pixels, that the second viewer sees less of a photograph than the first, and is not asked.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from . import rendering, visibility

Image = NDArray[np.uint8]
Plane = NDArray[np.float32]
Mask = NDArray[np.float16]

TARGET_JOD = 9.92
TILE_JOD = 9.88  # of any part of the picture as large as a tile
TILE_PX = 256
WEAKEST, STRONGEST = 0.05, 6.0
ALLOWED, ALLOWED_IN_TILE = 10 - TARGET_JOD, 10 - TILE_JOD
ROUNDS = 3  # of taking away
SLOPE = 1.8  # of log visibility over log amplitude: a little below 2, so that few rounds do
TOLERANCE = 1.03


def solve_strength(
    rgb: Image, mark: Plane, chroma_share: float, delivered: Callable[[Image], Image] | None = None
) -> float:
    """Find the strength at which a copy, as delivered, is at 9.92 on the scale where its original is at 10.

    Parameters
    ----------
    rgb : (h, w, 3) uint8, the canonical raster.
    mark : (h, w) float32, the mark of a sample copy at strength 1, as far as it shows.
    chroma_share : Cb levels per luma level.
    delivered : what a lossy format makes of pixels; its loss takes part of what the eye allows the mark.
    """
    rgb = delivered(rgb) if delivered else rgb
    strength, target = 0.6, np.log(10 - TARGET_JOD)
    points: list[tuple[float, float]] = []
    for _ in range(4):
        copy: Image = rendering.add_mark(rgb, mark * np.float32(strength), chroma_share)
        copy = delivered(copy) if delivered else copy
        visible = np.log(max(10 - visibility.jod(visibility.difference(rgb, copy)), 1e-4))
        points.append((np.log(strength), visible))
        if abs(np.exp(visible) - np.exp(target)) < 0.002:
            break
        slope = 2.0
        if len(points) > 1 and abs(points[-1][0] - points[-2][0]) > 0.01:
            slope = np.clip((points[-1][1] - points[-2][1]) / (points[-1][0] - points[-2][0]), 1.0, 3.0)
        step = np.clip((target - visible) / slope, -2, 2)
        strength = float(np.clip(strength * np.exp(step), WEAKEST, STRONGEST))
    return strength


def take_away(shown: Image, mask: Mask, show_copy: Callable[[Mask], Image]) -> Mask:
    """Weaken the mark until nobody who looks at the pixels sees it, in the whole picture or in any part.

    Parameters
    ----------
    shown : (H, W, 3) uint8, the original as it is delivered.
    mask : (h, w) float16, relative amplitude on the canonical raster.
    show_copy : renders a sample copy under a mask as it is delivered, in the size of `shown`.

    Returns
    -------
    (h, w) float16, nowhere above `mask`; the last one that `show_copy` was called with.
    """
    for left in reversed(range(ROUNDS + 1)):
        energies = visibility.energies(shown, show_copy(mask))
        whole = 10 - visibility.jod(visibility.pool([float(e.mean()) for e in energies]))
        tiles = tile_losses(energies)
        if not left or (whole <= ALLOWED * TOLERANCE and tiles.max() <= ALLOWED_IN_TILE * TOLERANCE):
            break
        everywhere = min(1.0, (ALLOWED / whole) ** (1 / SLOPE))
        mask = weaken(mask, np.minimum(everywhere, relief(tiles)))
    return mask


def relief(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor of amplitude that brings each tile to what is allowed, at most 1."""
    return np.minimum(1, (ALLOWED_IN_TILE / np.maximum(losses, 1e-6)) ** (1 / SLOPE))


def weaken(mask: Mask, factors: NDArray[np.float64]) -> Mask:
    """Multiply a mask by factors given on any grid over the picture."""
    factor = cv2.resize(factors.astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return (mask.astype(np.float32) * factor).astype(np.float16)


def tile_losses(energies: list[Plane]) -> NDArray[np.float64]:
    """What every tile of 256 px loses of 10 JOD, the tiles half a tile apart: (rows, columns).

    Parameters
    ----------
    energies : what `visibility.energies` returns for two pictures.
    """
    height, width = energies[0].shape
    grid = max(1, round(2 * width / TILE_PX)), max(1, round(2 * height / TILE_PX))
    fourth = np.zeros(grid[::-1])
    for energy in energies:
        fourth += cv2.blur(cv2.resize(energy, grid, interpolation=cv2.INTER_AREA), (2, 2)).astype(np.float64) ** 2
    return 10 - np.vectorize(visibility.jod)(visibility.POOL_GAIN * fourth**0.25)
