"""Read a leak: one soft symbol per cell, from the registered difference between leak and original.

No codeword is used anywhere in this module. That is what makes the accusation's bound a theorem: for an innocent copy
the symbols are independent of its bits, whatever happened to the picture.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from . import photometry, registration
from .master import Master
from .preparing import luma_and_cb

Plane = NDArray[np.float32]
Floats = NDArray[np.float64]

SMALLEST_LEAK_PX = 16
LARGEST_LEAK_SIDE = 6000  # px; a larger leak carries nothing more than the canonical raster holds
LEAST_COVERAGE = 0.002
COLOURLESS = 0.5  # standard deviation of Cb below which a leak has no colour to read


@dataclass(frozen=True)
class Symbols:
    """Soft symbols of one hypothesis about the leak.

    Attributes
    ----------
    correlations, precisions : (m,) numerator and denominator of each cell's least-squares amplitude, in units of the
        mark; 0 where nothing of the cell was seen.
    coverage : share of the asset's area that the leak shows.
    fit : the registration behind it.
    """

    correlations: Floats
    precisions: Floats
    coverage: float
    fit: registration.Fit


@dataclass(frozen=True)
class Reading:
    """What was read off a leak, or why nothing was.

    Attributes
    ----------
    hypotheses : soft symbols of every registration that evidence could not rule out; each counts as a look.
    reason, hint : why the leak could not be read, and what better capture would help; None when it could.
    """

    hypotheses: list[Symbols] = field(default_factory=list)
    reason: str | None = None
    hint: str | None = None

    @property
    def readable(self) -> bool:
        """Whether there are any symbols at all."""
        return bool(self.hypotheses)

    @property
    def coverage(self) -> float:
        """Share of the asset's area that the best hypothesis shows, 0 … 1."""
        return self.hypotheses[0].coverage if self.hypotheses else 0.0

    @property
    def fits(self) -> list[registration.Fit]:
        """The registrations, best first."""
        return [h.fit for h in self.hypotheses]


def read(
    master: Master, leak: NDArray[np.uint8], *, hint: NDArray[np.float64] | None = None, budget_s: float | None = None
) -> Reading:
    """Register a leak onto the original and read its symbols.

    Parameters
    ----------
    master : the prepared asset the leak may show.
    leak : (H', W', 3) uint8, any size.
    hint : 3×3 homography from leak px to the original's px, where the look-up already has one.
    budget_s : CPU seconds after which the search for a registration gives up.

    Returns
    -------
    Reading, with a stated reason where nothing could be registered.
    """
    if min(leak.shape[:2]) < SMALLEST_LEAK_PX:
        return Reading(
            reason=f"The picture is only {leak.shape[1]}×{leak.shape[0]} px.",
            hint="Capture it in a larger size: open the picture itself rather than its thumbnail.",
        )
    longest = max(leak.shape[:2])
    scale = min(1.0, LARGEST_LEAK_SIDE / longest)
    if scale < 1:
        leak = cv2.resize(leak, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    planes = luma_and_cb(leak, (leak.shape[0], leak.shape[1]))
    start = None
    if hint is not None:
        ratio = master.design.canonical_shape[1] / master.design.width
        start = resize_matrix(ratio) @ hint @ resize_matrix(1 / scale)
    fits = registration.register(master.index, planes[0], hint=start, budget_s=budget_s)
    hypotheses = [s for s in (read_symbols(master, planes, fit) for fit in fits) if s.coverage >= LEAST_COVERAGE]
    if hypotheses:
        return Reading(hypotheses)
    return Reading(
        reason="The picture could not be laid onto the original.",
        hint="Capture more of the picture, in a larger size and less compressed, with fewer things drawn over it.",
    )


def resize_matrix(factor: float) -> NDArray[np.float64]:
    """Homography of a resize, pixel centres at whole numbers: x -> factor (x + 1/2) - 1/2."""
    shift = (factor - 1) / 2
    return np.array([[factor, 0, shift], [0, factor, shift], [0, 0, 1.0]])


def read_symbols(master: Master, planes: Plane, fit: registration.Fit) -> Symbols:
    """Correlate what is left of a registered leak with the mark, cell by cell.

    Luma and Cb carry the same bit in the same cell, so their correlations add, each weighted by its own noise.

    Parameters
    ----------
    planes : (2, H', W') float32, luma and Cb of the leak.
    fit : where the leak lies on the canonical raster.
    """
    shape = master.design.canonical_shape
    cells = master.lattice.count
    correlations, precisions = np.zeros(cells), np.zeros(cells)
    coverage = 0.0
    for channel, share in enumerate((1.0, master.design.chroma_share)):
        if channel and (not share or planes[channel].std() < COLOURLESS):
            continue
        warped, seen = registration.warp(planes[channel], fit, shape)
        coverage = max(coverage, float(seen.mean()))
        pattern = master.amplitude * np.float32(share)
        original = best_original(master.canonical[channel], warped, seen, pattern)
        bands = photometry.split_bands(pattern)
        for mark, residual in zip(bands, photometry.subtract(original, warped, seen, bands), strict=True):
            expected = residual.gain * mark
            weight = seen / residual.variance
            correlations += sum_cells(master.lattice.labels, expected * residual.difference * weight, cells)
            precisions += sum_cells(master.lattice.labels, expected * expected * weight, cells)
    return Symbols(correlations, precisions, coverage, fit)


def best_original(original: Plane, leak: Plane, seen: Plane, pattern: Plane) -> Plane:
    """The original, or the original at the leak's spectrum: whichever leaves the leak less unexplained.

    Judged by the mean log variance of the residual where the mark lives, so that a few wild pixels do not decide.
    """
    if seen.sum() < 100:
        return original
    shown = registration.evidence_mask(original, leak, seen)
    if shown.sum() < 0.05 * seen.sum():
        return original
    matched = photometry.match_spectrum(original, leak, shown)
    bands = photometry.split_bands(pattern)

    def unexplained(candidate: Plane) -> float:
        residuals = photometry.subtract(candidate, leak, seen, bands)
        weights = [float(np.mean(b * b)) for b in bands]
        logs = [float(np.sum(np.log(r.variance) * shown)) for r in residuals]
        return sum(w * v for w, v in zip(weights, logs, strict=True))

    return matched if unexplained(matched) < unexplained(original) else original


def sum_cells(labels: NDArray[np.int32], values: Plane, count: int) -> Floats:
    """Sum a plane over each cell: (count,) float64."""
    return np.bincount(labels.ravel(), values.ravel(), count).astype(np.float64)
