"""Soft symbols: what is left of a registered leak, correlated with the mark, cell by cell.

No codeword is used anywhere in this module. That is what makes the accusation's bound a theorem: for an innocent copy
the symbols are independent of its bits, whatever happened to the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import photometry, registration, rendering

if TYPE_CHECKING:
    from .master import Master

Plane = NDArray[np.float32]
Floats = NDArray[np.float64]
Band = tuple[Floats, Floats]

BANK = photometry.FilterBank(sigmas_px=(1.5, 3.0, 6.0), noise_windows_px=(17, 25, 33, 49))
COLOURLESS = 0.5  # standard deviation of Cb below which a leak has no colour to read
CUT = 0.85  # share of the leak below which its part that is surely the original is also read alone


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


@dataclass(frozen=True)
class Channel:
    """Luma or Cb of an asset, as a leak of it is correlated with.

    Attributes
    ----------
    original : (h, w) float32, the canonical raster.
    mark : (h, w) float32, amplitude of the mark in this channel.
    labels : (h, w) intp, cell of each pixel.
    cells : how many cells there are.
    responses : of the bands, fine to coarse; the same at every reading.
    """

    original: Plane
    mark: Plane
    labels: NDArray[np.intp]
    cells: int
    responses: list[BandResponse]

    @classmethod
    def of(cls, master: Master, number: int) -> Channel:
        """Luma (0) or Cb (1)."""
        labels, cells = master.lattice.labels.astype(np.intp), master.lattice.count
        mark = master.amplitude * cb_share(master) if number else master.amplitude
        return cls(master.canonical[number], mark, labels, cells, band_responses(labels, mark, cells, BANK))

    def correlate(self, warped: Plane, seen: Plane, shown: Plane) -> list[Band]:
        """Correlate a warped leak with the mark, band by band.

        A cell's template is its own bump: what a band holds of it within the cell is the signal, and the band's noise,
        correlated from pixel to pixel, is weighed as what it adds up to over the bump. A mark is fainter than most of a
        picture's detail, and codecs and denoisers take the faint first: it is expected at the square of their gain.

        Parameters
        ----------
        warped : (h, w), the leak on the canonical raster.
        seen, shown : (h, w), 1 where the leak is, and where what it shows there is the original.

        Returns
        -------
        fine to coarse, numerator and denominator of each cell's least-squares amplitude.
        """
        floors = [self.mark * np.float32(r.passed**0.5) for r in self.responses]
        out = []
        residuals = explain(self.original, warped, seen, shown, floors, BANK)
        for band, residual in zip(self.responses, residuals, strict=True):
            expected = residual.gain**2 * self.mark
            weighed = expected * (seen / residual.variance)
            matched = sum_cells(self.labels, weighed * residual.difference, self.cells)
            energy = sum_cells(self.labels, weighed * expected, self.cells)
            out.append((band.held / band.smoothness * matched, band.held**2 / band.smoothness * energy))
        return out


def channels(master: Master) -> list[Channel]:
    """Luma, and Cb where the asset carries a mark in it."""
    return [Channel.of(master, number) for number in range(2 if master.design.chroma_share else 1)]


def read_symbols(
    carriers: list[Channel],
    planes: Plane,
    fit: registration.Fit,
    *,
    cut: Callable[[Plane, Plane, Plane], Plane | None] = registration.cutout,
) -> list[Symbols]:
    """Correlate what is left of a registered leak with the mark, cell by cell.

    Luma and Cb carry the same bit in the same cell, in four bands each. Together they resist noise best; blur leaves
    little but noise of the finest bands, and compression, of those and of Cb, so the leak is also read without them.
    How much of the mark each band has kept is not known where what was done took the mark but not the picture: codecs
    that predict, denoisers, strong blur. So the leak is also read in the coarse bands as if they told equally much,
    and in the two coarsest alone.
    Where only a part of the leak is surely the original, that part is read alone as well: a fragment would drown in
    its surroundings, but a picture under lettering has more to say than what lies between the letters.

    Parameters
    ----------
    carriers : of the asset, see `Master.channels`.
    planes : (2, H', W') float32, luma and Cb of the leak.
    fit : where the leak lies on the canonical raster.
    cut : which part of the leak is surely the original: of (original, warped leak, where it is), (h, w) each.

    Returns
    -------
    list of Symbols: everything, and what `ways` leaves out and levels; areas one after the other.
    """
    if planes[1].std() < COLOURLESS:
        carriers = carriers[:1]
    luma = carriers[0]
    pairs = [registration.warp(plane, fit, luma.labels.shape) for plane in planes[: len(carriers)]]
    warped, seen = [pair[0] for pair in pairs], pairs[0][1]
    own = cut(luma.original, warped[0], seen)
    found = []
    if own is not None and own.sum() < CUT * seen.sum():
        found = ways(carriers, warped, own, own, fit)
    return found + ways(carriers, warped, seen, registration.evidence_mask(luma.original, warped[0], seen), fit)


def ways(
    carriers: list[Channel], warped: list[Plane], seen: Plane, shown: Plane, fit: registration.Fit
) -> list[Symbols]:
    """Read one area of a leak in every way that is worth a look.

    Everything; all but the finest bands; coarse bands of luma and Cb levelled; of luma alone; luma's two coarsest.
    Where the leak has no colour, those of luma.
    """
    luma, *cb = [c.correlate(plane, seen, shown) for c, plane in zip(carriers, warped, strict=True)]
    coverage = float(shown.mean())
    found = [luma] if not cb else [luma + cb[0], luma[1:] + cb[0][1:], levelled(luma[1:] + cb[0][2:])]
    return [add_up(bands, coverage, fit) for bands in (*found, levelled(luma[1:]), luma[2:])]


def levelled(bands: list[Band]) -> list[Band]:
    """Bands scaled so that none has more to say than another, whatever it says of its own precision."""
    norms = [float(np.linalg.norm(correlations)) for correlations, _ in bands]
    scales = [max(norms) / norm if norm > 0 else 0.0 for norm in norms]
    return [(scale * one, scale * other) for scale, (one, other) in zip(scales, bands, strict=True)]


def add_up(bands: list[Band], coverage: float, fit: registration.Fit) -> Symbols:
    """Add correlations and precisions of independent bands."""
    return Symbols(sum(b[0] for b in bands), sum(b[1] for b in bands), coverage, fit)  # type: ignore[arg-type]


def cb_share(master: Master) -> Plane:
    """Cb levels that copies show per luma level at each place of the canonical raster: (h, w) float32."""
    luma, cb = master.canonical
    blue = luma + (cb - np.float32(128)) / np.float32(0.564)
    return rendering.chroma_room(blue) * np.float32(master.design.chroma_share)


def band_responses(
    labels: NDArray[np.integer[Any]], mark: Plane, cells: int, bank: photometry.FilterBank
) -> list[BandResponse]:
    """Measure each band's response on bumps of random sign and on white noise; the same at every reading."""
    rng = np.random.default_rng(0)
    signed = mark * rng.choice(np.array([-1, 1], np.float32), cells)[labels]
    noise = rng.standard_normal(mark.shape, np.float32)
    energy = float(np.sum(signed * signed)) + 1e-12
    out = []
    for bumps, grain in zip(bank.split(signed), bank.split(noise), strict=True):
        held = float(np.sum(signed * bumps)) / energy
        sums = sum_cells(labels, mark * grain, cells)
        smoothness = float(np.sum(sums**2)) / (energy * float(np.var(grain)) + 1e-12)
        out.append(BandResponse(max(held, 0.0), float(np.sum(bumps * bumps)) / energy, smoothness))
    return out


def explain(
    original: Plane, leak: Plane, seen: Plane, shown: Plane, bands: list[Plane], bank: photometry.FilterBank
) -> list[photometry.Residual]:
    """Subtract the original, or the original at the leak's spectrum: whichever leaves the leak less unexplained.

    Judged by the mean log variance of the residual where the mark lives, so that a few wild pixels do not decide.

    Parameters
    ----------
    original, leak : (h, w) planes on the canonical raster.
    seen, shown : (h, w), 1 where the leak covers the raster, and where what it shows there is the original.
    bands : (h, w) each, amplitude of the mark that passes each band.
    bank : the bands.
    """
    share = photometry.coarse_share(seen)
    floors = bank.noise_floors(bands)
    flat_leak = photometry.Flattened.of(leak, seen, share, bank)

    def residuals(candidate: Plane) -> list[photometry.Residual]:
        flat = photometry.Flattened.of(candidate, seen, share, bank)
        return photometry.subtract(flat, flat_leak, seen, share, floors, bank)

    plain = residuals(original)
    if shown.sum() < max(100.0, 0.05 * float(seen.sum())):
        return plain
    matched = residuals(photometry.match_spectrum(original, leak, shown))
    weights = [float(np.mean(b * b)) for b in bands]

    def unexplained(found: list[photometry.Residual]) -> float:
        return sum(w * float(np.sum(np.log(r.variance) * shown)) for w, r in zip(weights, found, strict=True))

    return min(plain, matched, key=unexplained)


def sum_cells(labels: NDArray[np.integer[Any]], values: Plane, count: int) -> Floats:
    """Sum a plane over each cell: (count,) float64."""
    return np.bincount(labels.ravel(), values.ravel(), count).astype(np.float64, copy=False)
