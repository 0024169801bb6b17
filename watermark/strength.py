"""How strong the mark may be: as strong as the eye allows on the delivered file, whole and in every part of it.

Two viewers are asked: one who sees the picture fitted to a window, which is its canonical raster, and one who sees it
pixel for pixel. The first settles the strength. The second may only take away: from all of it, and more where a part
of the picture would show the mark although the whole does not. The worst tiles are cut out and looked at alone, since
what lies beside them may hide the mark. Large pictures are seen in coarse bands but for those tiles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from . import rendering, visibility
from .issuing import variant_amplitudes

Image = NDArray[np.uint8]
Plane = NDArray[np.float32]
Mask = NDArray[np.float16]
Floats = NDArray[np.float64]
Grid = tuple[int, int]
Chances = Callable[[Grid, Plane], Floats]
Cut = Callable[[int, int], Image]
Deliver = Callable[[Image], Image]

TARGET_JOD = 9.92
TILE_JOD = 9.88  # of any part of the picture as large as a tile
TILE_PX = 256
WEAKEST, STRONGEST = 0.05, 6.0
ALLOWED, ALLOWED_IN_TILE = 10 - TARGET_JOD, 10 - TILE_JOD
ROUNDS = 3  # of taking away, each with a new copy
FORESEEN = 2 / 3  # factor of amplitude down to which a weaker mark looks as foreseen: rounding does not shrink with it
GUESSES = 3  # within a round, without a new copy
WORST_TILES = 12  # that are cut out and looked at alone, in every band
SLOPE = 1.8  # of log visibility over log amplitude: a little below 2, so that few rounds do
SUSCEPTIBLE_PX = 8.0  # canonical px: a cell and its neighbours
UNLUCKY = 3.5  # standard deviations of a tile's energy over all copies
TOLERANCE, TOLERANCE_IN_TILE = 1.03, 1.1
NEAR = 0.002  # JOD from the target at which the strength is settled
SMALL_STEP = 0.12  # of log strength, over which visibility follows its slope to within a thousandth of a JOD


def solve_strength(rgb: Image, mark: Plane, chroma_share: float, delivered: Deliver | None = None) -> float:
    """Find the strength at which a copy, as delivered, is at 9.92 on the scale where its original is at 10.

    Parameters
    ----------
    rgb : (h, w, 3) uint8, the canonical raster.
    mark : (h, w) float32, the mark of a sample copy at strength 1, as far as it shows.
    chroma_share : Cb levels per luma level.
    delivered : what a lossy format makes of pixels; its loss takes part of what the eye allows the mark.
    """
    rgb = delivered(rgb) if delivered else rgb
    original = visibility.Original.seen(rgb)
    strength, target = 0.6, np.log(ALLOWED)
    points: list[tuple[float, float]] = []
    for _ in range(4):
        copy: Image = rendering.add_mark(rgb, mark * np.float32(strength), chroma_share)
        copy = delivered(copy) if delivered else copy
        visible = np.log(max(10 - visibility.jod(original.difference(copy)), 1e-4))
        points.append((np.log(strength), visible))
        if abs(np.exp(visible) - ALLOWED) < NEAR:
            break
        slope, bracketed = 2.0, len(points) > 1 and abs(points[-1][0] - points[-2][0]) > 0.01
        if bracketed:
            slope = np.clip((points[-1][1] - points[-2][1]) / (points[-1][0] - points[-2][0]), 1.0, 3.0)
        step = np.clip((target - visible) / slope, -2, 2)
        strength = float(np.clip(strength * np.exp(step), WEAKEST, STRONGEST))
        if bracketed and abs(step) < SMALL_STEP:
            break
    return strength


@dataclass(frozen=True)
class Overview:
    """How a copy is seen as a whole, on a grid of tiles.

    Attributes
    ----------
    factors : of amplitude that would hide the mark; None where it is hidden.
    losses : what each tile of an unlucky copy loses of 10 JOD, nearly as weak as that.
    chances : by how much that is more than the sample's.
    """

    factors: Floats | None
    losses: Floats
    chances: Floats


@dataclass(frozen=True)
class Viewer:
    """Someone who sees a picture pixel for pixel, and judges its copies.

    Attributes
    ----------
    shown : (h, w, 3) uint8, the original as it is delivered.
    original : how it is seen.
    tile_px : width of a tile of 256 px of the picture, in the finest band that is looked at.
    chances : how much more of a tile an unlucky copy loses than the sample does, by the grid of tiles and where the
        sample is seen; see `chances`.
    """

    shown: Image
    original: visibility.Original
    tile_px: float
    chances: Chances

    @classmethod
    def of(cls, shown: Image, *, first: int = 0, chances: Chances = lambda grid, _: np.ones(grid)) -> "Viewer":
        """See an original from the band `first` on."""
        return cls(shown, visibility.Original.seen(shown, first=first), TILE_PX / 2**first, chances)

    def bearable(self, copy: Image) -> Floats | None:
        """Factors of amplitude, on a grid over the picture, that would hide a copy's mark; None where it is hidden."""
        return self.closer(partial(square, copy), self.overview(copy))

    def overview(self, copy: Image) -> Overview:
        """See a copy as a whole.

        What a weaker mark would look like is taken from the copy itself, as the original and part of the difference.
        """
        planes = self.original.opened(copy)
        apart = [copied - own for copied, own in zip(planes, self.original.planes, strict=True)]
        energies, factors = self.original.energies(planes), None
        chances = self.chances(tile_grid(energies[0].shape, self.tile_px), over_bands(energies))
        for guess in range(GUESSES):
            if guess:
                energies = self.original.energies(planes)
            whole = 10 - visibility.jod(visibility.pool([float(e.mean()) for e in energies]))
            tiles = tile_losses(energies, self.tile_px) * chances
            if whole <= ALLOWED * TOLERANCE and tiles.max() <= ALLOWED_IN_TILE * TOLERANCE_IN_TILE:
                break
            needed = np.minimum(relief(whole, ALLOWED), cv2.erode(relief(tiles, ALLOWED_IN_TILE), np.ones((3, 3))))
            factors = needed if factors is None else factors * needed
            share = cv2.resize(factors.astype(np.float32), planes[0].shape[::-1], interpolation=cv2.INTER_LINEAR)
            planes = [own + share * a for own, a in zip(self.original.planes, apart, strict=True)]
        return Overview(factors, tiles, chances)

    def closer(self, cut: Cut, overview: Overview) -> Floats | None:
        """Look at the worst tiles alone, cut out of a copy; factors as in `bearable`."""
        closer = np.ones(overview.losses.shape) if overview.factors is None else overview.factors.copy()
        for (top, left), (row, column) in worst_squares(self.shown.shape, overview.losses).items():
            original = visibility.Original.seen(np.ascontiguousarray(square(self.shown, top, left)))
            planes = original.opened(np.ascontiguousarray(cut(top, left)))
            share = np.float32(closer[row, column])
            planes = [own + share * (copied - own) for copied, own in zip(planes, original.planes, strict=True)]
            means = [float(energy.mean()) for energy in original.energies(planes)]
            loss = (10 - visibility.jod(visibility.pool(means))) * overview.chances[row, column]
            if loss > ALLOWED_IN_TILE * TOLERANCE_IN_TILE:
                around = slice(max(0, row - 2), row + 2), slice(max(0, column - 2), column + 2)
                closer[around] *= relief(loss, ALLOWED_IN_TILE)
        return None if overview.factors is None and closer.min() == 1 else closer


def take_away(mask: Mask, show_copy: Callable[[Mask], Image], bearable: Callable[[Image], Floats | None]) -> Mask:
    """Weaken the mark until nobody who looks at the pixels sees it, in the whole picture or in any part.

    Parameters
    ----------
    mask : (h, w) float16, relative amplitude on the canonical raster.
    show_copy : shows a sample copy under a mask.
    bearable : what `Viewer.bearable` says of it.

    Returns
    -------
    (h, w) float16, nowhere above `mask`.
    """
    for turn in range(1, ROUNDS + 1):
        factors = bearable(show_copy(mask))
        if factors is None:
            break
        mask = weaken(mask, factors**turn)  # what did not go as it should is rounding, which gives way more slowly
    return mask


def take_away_at_once(
    mask: Mask, show_copy: Callable[[Mask], Image], show_square: Callable[[Mask, int, int], Image], viewer: Viewer
) -> Mask:
    """Weaken the mark as `take_away` does, for pictures so large that one copy is looked at, and then the worst tiles.

    Parameters
    ----------
    show_square : shows the square at some row and column of a sample copy under a mask.
    """
    copy = show_copy(mask)
    overview = viewer.overview(copy)
    factors = viewer.closer(partial(square, copy), overview)
    if factors is None:
        return mask
    mask = weaken(mask, factors)
    unforeseen = Overview(None, overview.losses * (factors < FORESEEN), overview.chances)
    again = viewer.closer(partial(show_square, mask), unforeseen)
    return mask if again is None else weaken(mask, again**2)


def square(picture: Image, top: int, left: int) -> Image:
    """A square of a picture, as wide as a tile."""
    return picture[top : top + TILE_PX, left : left + TILE_PX]


def relief(losses: Floats | float, allowed: float) -> Floats:
    """Factor of amplitude that brings each loss to what is allowed, at most 1."""
    return np.minimum(1, (allowed / np.maximum(losses, 1e-6)) ** (1 / SLOPE))


def weaken(mask: Mask, factors: Floats) -> Mask:
    """Multiply a mask by factors given on any grid over the picture."""
    factor = cv2.resize(factors.astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return (mask.astype(np.float32) * factor).astype(np.float16)


def over_bands(energies: list[Plane]) -> Plane:
    """Visible difference of all bands and channels together, on the raster of the finest: (h, w) float32."""
    total = np.zeros_like(energies[0])
    for energy in energies:
        total += cv2.resize(energy, total.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return total


def tile_losses(energies: list[Plane], tile_px: float = TILE_PX) -> Floats:
    """What every tile of a picture loses of 10 JOD, the tiles half a tile apart: (rows, columns).

    Parameters
    ----------
    energies : what `visibility.Original.energies` returns.
    tile_px : width of a tile in the finest of them.
    """
    height, width = energies[0].shape
    grid = tile_grid((height, width), tile_px)
    fourth = np.zeros(grid)
    for energy in energies:
        fourth += tile_means(energy, grid) ** 2
    return 10 - np.vectorize(visibility.jod)(visibility.POOL_GAIN * fourth**0.25)


def tile_grid(shape: tuple[int, int], tile_px: float) -> Grid:
    """Rows and columns of tiles, half a tile apart."""
    return max(1, round(2 * shape[0] / tile_px)), max(1, round(2 * shape[1] / tile_px))


def square_at(shape: tuple[int, ...], grid: Grid, row: int, column: int) -> tuple[int, int]:
    """First row and column of the square of 256 px that is nearest to a tile, of those a picture is cut into.

    Squares are counted from the top left; the last of a row or a column is moved inside.
    """
    top, left = (
        min(
            [*range(0, max(1, side - TILE_PX), TILE_PX), max(0, side - TILE_PX)],
            key=lambda start: abs(start + TILE_PX / 2 - middle),
        )
        for side, middle in zip(shape, (row * shape[0] / grid[0], column * shape[1] / grid[1]), strict=False)
    )
    return top, left


def worst_squares(shape: tuple[int, ...], losses: Floats) -> dict[tuple[int, int], tuple[int, int]]:
    """The squares nearest to the worst tiles, highest loss first, each with the worst of the tiles it stands for."""
    squares: dict[tuple[int, int], tuple[int, int]] = {}
    for tile in worst_apart(losses, WORST_TILES):
        squares.setdefault(square_at(shape, losses.shape, *tile), tile)
    return squares


def worst_apart(losses: Floats, count: int) -> list[tuple[int, int]]:
    """Rows and columns of the highest losses, none beside another, highest first."""
    left = losses.copy()
    found: list[tuple[int, int]] = []
    while len(found) < count and left.max() > 0:
        row, column = (int(place) for place in np.unravel_index(int(left.argmax()), left.shape))
        found.append((row, column))
        left[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = 0
    return found


def tile_means(plane: Plane, grid: Grid) -> Floats:
    """Mean of a plane in each tile."""
    halves = cv2.resize(plane, grid[::-1], interpolation=cv2.INTER_AREA)
    return cv2.blur(halves, (2, 2)).astype(np.float64)


def chances(
    pattern: Plane, labels: NDArray[np.int32], biases: Floats, sample: Plane, grid: Grid, seen: Plane
) -> Floats:
    """How much more of each tile an unlucky copy loses than the sample copy: its rarer, stronger variants fall there.

    What is visible of a cell grows with a high power of its amplitude, which is either variant's by the cell's bias;
    a tile's sum over cells is unlucky `UNLUCKY` standard deviations above the mean over all copies. Where the eye sees
    the mark best, it falls to fewer cells, and chance has more to say: a lamp in a dark street.

    Parameters
    ----------
    pattern : (h, w), unit bumps on the canonical raster.
    labels : (h, w), cell of each pixel.
    biases, sample : (m,) probability of variant + in each cell, and the sample copy's amplitude.
    grid : rows and columns of tiles.
    seen : visible difference of the sample copy, on any raster over the picture.
    """
    power = 2 * visibility.CONTRAST_EXPONENT
    minus, plus = (np.abs(amplitude.astype(np.float64)) ** power for amplitude in variant_amplitudes(biases))
    mean = biases * plus + (1 - biases) * minus
    variance = biases * (1 - biases) * (plus - minus) ** 2
    visible = visibility.power(np.abs(pattern), power)
    strong = np.abs(sample.astype(np.float64)) ** power
    visible *= susceptibility(visible * strong.astype(np.float32)[labels], seen)
    of_cell = np.bincount(labels.ravel(), visible.ravel(), len(biases))

    def in_tiles(per_cell: Floats) -> Floats:
        return tile_means(visible * per_cell.astype(np.float32)[labels], grid)

    tile_area = 4 * pattern.size / (grid[0] * grid[1])
    unlucky = in_tiles(mean) + UNLUCKY * np.sqrt(in_tiles(variance * of_cell) / tile_area)
    return np.sqrt(unlucky / np.maximum(in_tiles(strong), 1e-12))


def susceptibility(shown: Plane, seen: Plane) -> Plane:
    """How well the eye sees a mark at each place: what is seen of it by what is shown, around a few cells."""
    nearby = cv2.resize(seen, shown.shape[::-1], interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(nearby, (0, 0), SUSCEPTIBLE_PX) / (
        cv2.GaussianBlur(shown, (0, 0), SUSCEPTIBLE_PX) + np.float32(1e-6)
    )
    return np.asarray(smooth / (smooth.mean() + np.float32(1e-12)), np.float32)
