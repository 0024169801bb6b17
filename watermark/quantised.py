"""Read a hard-compressed leak from the rounding thresholds that its mark crossed.

At quality 8 a JPEG's steps are tens of levels and the mark's own coefficients a few: nearly every coefficient is
rounded to what the unmarked original's would be, and tells nothing. Those that lie next to a threshold are rounded by
the mark. Subtracting the original treats the rounding of all others as noise; here the held original says which
coefficients were in the balance, and only those speak.

With `c` a coefficient of the original as the leak shows it, `a` that of one cell's bump, and `s²` the variance of all
that is not known (the other cells, and what the original leaves unexplained), the leak's coefficient fell between two
thresholds with probability `P = Phi((hi - c) / s) - Phi((lo - c) / s)`. The score of a cell's amplitude at 0 and its
Fisher information,

    u = sum a (phi(lo) - phi(hi)) / (s P),      I = sum a² E[(phi(lo) - phi(hi))² / (s P)²],

are numerator and denominator of its least-squares amplitude, summed over the coefficients of the blocks it lies in. No
codeword is used.

References
----------
E. L. Lehmann, J. P. Romano, "Testing Statistical Hypotheses", 4th ed., 2022, 15.5 (locally most powerful tests),
doi:10.1007/978-3-030-70578-7. Thresholds: ITU-T T.81, A.3.4.
"""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from . import registration, steps
from .master import Master
from .registration.geometry import corners, inverse, project, resize_matrix
from .registration.warping import resample
from .symbols import Symbols

Plane = NDArray[np.float32]
Floats = NDArray[np.float64]
Matrix = NDArray[np.float64]

COARSE = 10.0  # mean of the lowest steps from which thresholds say more than residuals, levels times 8
LOWEST = 6
FREQUENCIES = 24  # of the lowest steps; the others' coefficients are 0 whatever the mark does
GAINS = (1.0, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 1.1, 1.25)  # of a frequency, by blur or sharpening before the JPEG
SPREADS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # of what the original leaves unexplained, levels times 8
SAMPLE_BLOCKS = 3000  # that gains and spreads are fitted on
SURPRISE = 0.02, 1 / 8  # share of coefficients that follow no model, and how probable each of their values is
WILD = 2.5  # standard deviations and half a step off: not explained
WILD_SHARE = 0.15  # of a block's coefficients, from which it shows something else
WHOLE_PX = 0.2  # a map this near to a shift by whole pixels, or to a plain resize, is one
UNTOUCHED = 0.02, 1.0  # gain and levels by which tones may seem changed that were not
CHUNK = 4096  # blocks
FEWEST_BLOCKS = 16
LEAST = 1e-12


@dataclass(frozen=True)
class Scene:
    """What a leak's blocks would show without a mark, and with one.

    Attributes
    ----------
    original : (h, w) float32, luma of the original on the leak's pixels.
    mark : (h, w) float32, amplitude of the luma mark there.
    labels : (h, w) int32, cell of each pixel.
    mask : (h, w) float32, 1 where the leak shows the original.
    """

    original: Plane
    mark: Plane
    labels: NDArray[np.int32]
    mask: Plane

    @classmethod
    def of(cls, master: Master, shape: tuple[int, int], fit: registration.Fit) -> "Scene":
        """Bring an asset onto the pixels of a leak of `shape`."""
        design = master.design
        whole = (design.height, design.width)
        to_canonical = resize_matrix(whole, design.canonical_shape)
        onto = exact(inverse(inverse(to_canonical) @ fit.homography), whole, shape)
        light = cv2.cvtColor(master.picture.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        original, mask = resample(light, onto, shape)
        onto = onto @ inverse(to_canonical)
        mark, _ = resample(master.amplitude, onto, shape)
        labels = cv2.warpPerspective(
            master.lattice.labels.astype(np.float32),
            onto,
            shape[::-1],
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if fit.inverted:
            original, mark = np.float32(255) - original, -mark
        return cls(original, mark, labels.astype(np.int32), mask)


def exact(onto: Matrix, original: tuple[int, int], leak: tuple[int, int]) -> Matrix:
    """The map original px -> leak px, or the shift by whole pixels or plain resize that it was meant to be."""
    shift = np.eye(3)
    middle = np.array([[leak[1] / 2, leak[0] / 2]])
    shift[:2, 2] = np.rint((middle - project(middle, inverse(onto)))[0])
    places = corners(leak)
    for simple in (shift, resize_matrix(original, leak)):
        if np.abs(project(project(places, inverse(onto)), simple) - places).max() < WHOLE_PX:
            return simple
    return onto


def read_thresholds(master: Master, luma: Plane, fit: registration.Fit) -> Symbols | None:
    """Read one soft symbol per cell off the roundings of a leak's JPEG.

    Parameters
    ----------
    master : the prepared asset.
    luma : (h, w) float32, the leak as it was decoded, not resampled.
    fit : where the leak lies on the canonical raster.

    Returns
    -------
    Symbols, or None where the leak is no coarse JPEG, or is bent as no homography describes.
    """
    lattice = steps.find(luma) if fit.flow is None else None
    if lattice is None or np.sort(lattice.steps[lattice.steps > 0])[:LOWEST].mean() < COARSE:
        return None
    scene = Scene.of(master, (luma.shape[0], luma.shape[1]), fit)
    shown = lattice.blocks(scene.mask).all(1)
    if np.count_nonzero(shown) < FEWEST_BLOCKS:
        return None
    widths = lattice.steps.ravel()
    lowest = np.argsort(widths, kind="stable")[np.count_nonzero(widths == 0) :][:FREQUENCIES]
    bases, widths = steps.BASES[:, lowest], widths[lowest]
    leak, original, mark, labels = (
        lattice.blocks(plane)[shown] for plane in (luma, scene.original, scene.mark, scene.labels)
    )
    levels = np.rint((leak - steps.MID_GREY) @ bases / widths)
    clean = (with_tones_of(leak, original) - steps.MID_GREY) @ bases
    sample = np.linspace(0, len(leak) - 1, min(SAMPLE_BLOCKS, len(leak))).astype(int)
    others = Bumps.of(mark[sample], labels[sample], bases).variances()
    gains, spreads = fit_frequencies(levels[sample], clean[sample], others, widths)
    correlations, precisions = np.zeros(master.lattice.count), np.zeros(master.lattice.count)
    for start in range(0, len(leak), CHUNK):
        part = slice(start, start + CHUNK)
        bumps = Bumps.of(mark[part], labels[part], bases * gains)
        scores, information = weigh(levels[part], clean[part] * gains, bumps.variances() + spreads**2, widths)
        correlations += np.bincount(bumps.cells, np.sum(bumps.shapes * scores[bumps.blocks], 1), len(correlations))
        precisions += np.bincount(bumps.cells, np.sum(bumps.shapes**2 * information[bumps.blocks], 1), len(precisions))
    return Symbols(correlations, precisions, float(np.mean(precisions > 0)), fit)


@dataclass(frozen=True)
class Bumps:
    """Parts of cells that lie in one block each.

    Attributes
    ----------
    blocks, cells : (n,) which block, and which cell.
    shapes : (n, f) float32, coefficients of the cell's bump in that block.
    """

    blocks: NDArray[np.intp]
    cells: NDArray[np.int32]
    shapes: Plane

    @classmethod
    def of(cls, mark: Plane, labels: NDArray[np.int32], bases: Plane) -> "Bumps":
        """Take the mark of blocks, (n, 64), apart by cell."""
        order = np.argsort(labels, axis=1, kind="stable")
        ranked = np.take_along_axis(labels, order, 1)
        first = np.ones(labels.shape, bool)
        first[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
        number = (np.cumsum(first) - 1).reshape(labels.shape)
        alone = np.zeros((int(number[-1, -1]) + 1, labels.shape[1]), np.float32)
        alone[number, order] = np.take_along_axis(mark, order, 1)
        return cls(np.nonzero(first)[0], ranked[first], alone @ bases)

    def variances(self) -> Floats:
        """Variance of each block's coefficients over all copies: (blocks, f)."""
        return np.add.reduceat(self.shapes.astype(np.float64) ** 2, np.flatnonzero(np.diff(self.blocks, prepend=-1)))


def with_tones_of(leak: Plane, original: Plane) -> Plane:
    """The original's blocks at the leak's brightness and contrast; unchanged where they seem the same."""
    ours, theirs = original.mean(1), leak.mean(1)
    gain, lift = np.polyfit(ours, theirs, 1) if np.ptp(ours) > 0 else (1.0, 0.0)
    middle = float(np.mean(ours))
    if abs(gain - 1) < UNTOUCHED[0] and abs((gain - 1) * middle + lift) < UNTOUCHED[1]:
        return original
    return (original * np.float32(gain) + np.float32(lift)).astype(np.float32)


def fit_frequencies(levels: Plane, clean: Plane, others: Floats, widths: Plane) -> tuple[Plane, Plane]:
    """Gain and spread of each frequency that make the leak's coefficients likeliest: (f,) float32 each.

    Parameters
    ----------
    levels : (n, f), the leak's coefficients in steps.
    clean : (n, f), the original's coefficients.
    others : (n, f), variance that the mark adds.
    widths : (f,), the steps.
    """
    best = np.full(len(widths), -np.inf)
    gains, spreads = np.ones(len(widths), np.float32), np.full(len(widths), SPREADS[-1], np.float32)
    for gain, spread in product(GAINS, SPREADS):
        deviation = np.sqrt(gain**2 * others + spread**2)
        low = ((levels - 0.5) * widths - gain * clean) / deviation
        likely = np.log(falls_between(low, low + widths / deviation)).sum(0)
        better = likely > best + 1e-6
        best, gains[better], spreads[better] = np.where(better, likely, best), gain, spread
    return gains, spreads


def weigh(levels: Plane, clean: Plane, variances: Floats, widths: Plane) -> tuple[Floats, Floats]:
    """Score of a coefficient's expectation at `clean`, and its Fisher information: (n, f) each; see the module.

    A block with many coefficients that nothing explains is not the original, and has neither.
    """
    deviation = np.sqrt(variances)
    low = ((levels - 0.5) * widths - clean) / deviation
    high = low + widths / deviation
    scores = (1 - SURPRISE[0]) * (normal(low) - normal(high)) / (deviation * falls_between(low, high))
    nearest = np.rint(clean / widths)
    low = ((nearest - 0.5) * widths - clean) / deviation
    high = low + widths / deviation
    below, above = normal(low), normal(high)
    information = below**2 / (ndtr(low) + LEAST) + above**2 / (ndtr(-high) + LEAST)
    information = (information + (below - above) ** 2 / (between(low, high) + LEAST)) / variances
    wild = np.abs(levels * widths - clean) > 0.5 * widths + WILD * deviation
    same = wild.mean(1, keepdims=True) < WILD_SHARE
    return scores * same, information * same


def falls_between(low: Floats, high: Floats) -> Floats:
    """Probability of a coefficient to fall between two thresholds, those that follow no model included."""
    share, each = SURPRISE
    return (1 - share) * between(low, high) + share * each


def between(low: Floats, high: Floats) -> Floats:
    """Probability of a standard normal to fall between."""
    flip = low > 0  # the small tail is the exact one
    return ndtr(np.where(flip, -low, high)) - ndtr(np.where(flip, -high, low))


def normal(x: Floats) -> Floats:
    """Density of the standard normal distribution."""
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
