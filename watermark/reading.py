"""Read a leak: one soft symbol per cell, from the registered difference between leak and original.

No codeword is used anywhere in this module. That is what makes the accusation's bound a theorem: for an innocent copy
the symbols are independent of its bits, whatever happened to the picture.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from . import photometry, registration, rendering
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
    hypotheses : soft symbols of every registration that evidence could not rule out, with and without colour; each
        counts as a look.
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
        return list({id(h.fit): h.fit for h in self.hypotheses}.values())


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
    hypotheses = [s for fit in fits for s in read_symbols(master, planes, fit) if s.coverage >= LEAST_COVERAGE]
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


def read_symbols(master: Master, planes: Plane, fit: registration.Fit) -> list[Symbols]:
    """Correlate what is left of a registered leak with the mark, cell by cell.

    Luma and Cb carry the same bit in the same cell, in three bands each. Together they resist noise best; heavy
    compression leaves little but noise of Cb, and blur, of the finest band, so the leak is also read without either.

    Parameters
    ----------
    planes : (2, H', W') float32, luma and Cb of the leak.
    fit : where the leak lies on the canonical raster.

    Returns
    -------
    list of Symbols: everything, luma alone, everything but the finest band; without Cb where the leak has no colour.
    """
    shown, luma = correlate(master, planes[0], fit, 0)
    coverage = float(shown.mean())
    if not master.design.chroma_share or planes[1].std() < COLOURLESS:
        return [add_up(luma, coverage, fit), add_up(luma[1:], coverage, fit)]
    _, cb = correlate(master, planes[1], fit, 1)
    ways = [*luma, *cb], luma, [*luma[1:], *cb[1:]]
    return [add_up(way, coverage, fit) for way in ways]


Band = tuple[Floats, Floats]


def add_up(bands: list[Band], coverage: float, fit: registration.Fit) -> Symbols:
    """Add correlations and precisions of independent bands."""
    return Symbols(sum(b[0] for b in bands), sum(b[1] for b in bands), coverage, fit)  # type: ignore[arg-type]


def correlate(master: Master, plane: Plane, fit: registration.Fit, channel: int) -> tuple[Plane, list[Band]]:
    """Correlate one channel of a leak, band by band.

    A cell's template is its own bump: what a band holds of it within the cell is the signal, and the band's noise,
    correlated from pixel to pixel, is weighed as what it adds up to over the bump.

    Returns
    -------
    shown : (h, w), 1 where the leak shows the original.
    bands : fine to coarse, numerator and denominator of each cell's least-squares amplitude.
    """
    cells, labels = master.lattice.count, master.lattice.labels
    warped, seen = registration.warp(plane, fit, master.design.canonical_shape)
    mark = master.amplitude if channel == 0 else master.amplitude * cb_share(master)
    responses = band_responses(labels, mark, cells)
    floors = [mark * np.float32(r.passed**0.5) for r in responses]
    out = []
    shown = registration.evidence_mask(master.canonical[channel], warped, seen)
    residuals = explain(master.canonical[channel], warped, seen, shown, floors)
    for band, residual in zip(responses, residuals, strict=True):
        expected = residual.gain * mark
        weight = seen / residual.variance
        matched = sum_cells(labels, expected * residual.difference * weight, cells)
        energy = sum_cells(labels, expected * expected * weight, cells)
        out.append((band.held / band.smoothness * matched, band.held**2 / band.smoothness * energy))
    return shown, out


def cb_share(master: Master) -> Plane:
    """Cb levels that copies show per luma level at each place of the canonical raster: (h, w) float32."""
    luma, cb = master.canonical
    blue = luma + (cb - np.float32(128)) / np.float32(0.564)
    return rendering.chroma_room(blue) * np.float32(master.design.chroma_share)


@dataclass(frozen=True)
class BandResponse:
    """What one band does to the bumps of a lattice.

    Attributes
    ----------
    held : share of a bump's energy that the band holds within its own cell; the shares of all bands sum to 1.
    passed : share of the mark's energy that passes the band.
    smoothness : variance of a cell's correlation with the band's noise, over what independent pixels would give.
    """

    held: float
    passed: float
    smoothness: float


def band_responses(labels: NDArray[np.int32], mark: Plane, cells: int) -> list[BandResponse]:
    """Measure each band's response on bumps of random sign and on white noise; the same at every reading."""
    rng = np.random.default_rng(0)
    signed = mark * rng.choice(np.array([-1, 1], np.float32), cells)[labels]
    noise = rng.standard_normal(mark.shape, np.float32)
    energy = float(np.sum(signed * signed)) + 1e-12
    out = []
    for bumps, grain in zip(photometry.split_bands(signed), photometry.split_bands(noise), strict=True):
        held = float(np.sum(signed * bumps)) / energy
        sums = sum_cells(labels, mark * grain, cells)
        smoothness = float(np.sum(sums**2)) / (energy * float(np.var(grain)) + 1e-12)
        out.append(BandResponse(max(held, 0.0), float(np.sum(bumps * bumps)) / energy, smoothness))
    return out


def explain(original: Plane, leak: Plane, seen: Plane, shown: Plane, bands: list[Plane]) -> list[photometry.Residual]:
    """Subtract the original, or the original at the leak's spectrum: whichever leaves the leak less unexplained.

    Judged by the mean log variance of the residual where the mark lives, so that a few wild pixels do not decide.

    Parameters
    ----------
    original, leak : (h, w) planes on the canonical raster.
    seen, shown : (h, w), 1 where the leak covers the raster, and where what it shows there is the original.
    bands : (h, w) each, amplitude of the mark that passes each band.
    """
    share = photometry.wide_mean(seen) + np.float32(1e-6)
    floors = photometry.noise_floors(bands)
    flat_leak = photometry.Flattened.of(leak, seen, share)

    def residuals(candidate: Plane) -> list[photometry.Residual]:
        flat = photometry.Flattened.of(candidate, seen, share)
        return photometry.subtract(flat, flat_leak, seen, share, floors)

    plain = residuals(original)
    if shown.sum() < max(100.0, 0.05 * float(seen.sum())):
        return plain
    matched = residuals(photometry.match_spectrum(original, leak, shown))
    weights = [float(np.mean(b * b)) for b in bands]

    def unexplained(found: list[photometry.Residual]) -> float:
        return sum(w * float(np.sum(np.log(r.variance) * shown)) for w, r in zip(weights, found, strict=True))

    return min(plain, matched, key=unexplained)


def sum_cells(labels: NDArray[np.int32], values: Plane, count: int) -> Floats:
    """Sum a plane over each cell: (count,) float64."""
    return np.bincount(labels.ravel(), values.ravel(), count).astype(np.float64)
