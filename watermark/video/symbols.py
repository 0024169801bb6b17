"""One frame of a leak against one delivered frame: what each slice says, band by band.

The steps are those of `watermark.symbols` for a still: the original's tones and spectrum are brought to the leak's,
the difference is correlated with the mark, places that are noisy or drawn over count little. A slice is the cell. No
codeword is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watermark import registration
from watermark.photometry import Residual
from watermark.registration.geometry import Matrix
from watermark.registration.warping import Leak
from watermark.symbols import BandResponse, explain, sum_cells

from .references import Reference

Floats = NDArray[np.float64]
Plane = NDArray[np.float32]
OWN, DRAWN = 0, 1


@dataclass(frozen=True)
class FrameSymbols:
    """What one frame says.

    Attributes
    ----------
    correlations, precisions : (2, bands, slices), by template - the frame's own mark, the pattern alone - and fine to
        coarse: numerator and denominator of each slice's least-squares amplitude in units of half the distance of the
        variants.
    shown : share of the frame that the leak shows.
    """

    correlations: Floats
    precisions: Floats
    shown: float

    @property
    def presence(self) -> float:
        """How much of the mark is there: near 1 where the frame is in its place and time, else near 0.

        Σ c₁ c₂ / Σ n₁ n₂ over the slices, c and n of the two coarser bands, whose noise is independent: the mean
        square of the amplitude. It ranks moments of one leak; how high it is depends on what the leak went through.
        Uses the pattern, which is secret, and no codeword: it may choose among moments.
        """
        middle, coarse = self.correlations[DRAWN, -2:]
        expected = float(np.sum(self.precisions[DRAWN, -2] * self.precisions[DRAWN, -1]))
        return float(np.sum(middle * coarse)) / (expected + 1e-12)

    @property
    def clarity(self) -> float:
        """Correlation of the two coarser bands over the slices: Σ c₁ c₂ / √(Σ c₁² Σ c₂²); 1 where nothing is noise.

        High in the wrong place too where the mark of another place is read, so it confirms, and presence chooses.
        """
        middle, coarse = self.correlations[DRAWN, -2:]
        return float(np.sum(middle * coarse) / (np.sqrt(np.sum(middle**2) * np.sum(coarse**2)) + 1e-12))


def read_frame(leak: Leak, homography: Matrix, reference: Reference, slices: int) -> FrameSymbols:
    """Correlate one registered frame with the mark.

    Parameters
    ----------
    leak : the frame.
    homography : leak px -> working raster.
    reference : the frame of the video that it shows.
    slices : in a key frame.
    """
    clean, own, labels = reference.clean, reference.mark, reference.labels.astype(np.int32)
    warped, seen = leak.onto(homography, (clean.shape[0], clean.shape[1]))
    shown = registration.evidence_mask(clean, warped, seen)
    floors = [own * np.float32(band.passed**0.5) for band in reference.scene.responses[OWN]]
    left = explain(clean, warped, seen, shown, floors)
    found = [
        correlate(left, mark, bands, seen, labels, slices)
        for mark, bands in zip((own, reference.drawn), reference.scene.responses, strict=True)
    ]
    return FrameSymbols(np.stack([c for c, _ in found]), np.stack([n for _, n in found]), float(shown.mean()))


def correlate(
    left: list[Residual],
    mark: Plane,
    bands: list[BandResponse],
    seen: Plane,
    labels: NDArray[np.int32],
    slices: int,
) -> tuple[Floats, Floats]:
    """Correlate what is left of a frame with one template, band by band: two of (bands, slices)."""
    correlations, precisions = np.zeros((len(bands), slices)), np.zeros((len(bands), slices))
    for number, (band, residual) in enumerate(zip(bands, left, strict=True)):
        expected = residual.gain * mark
        weight = seen / residual.variance
        matched = sum_cells(labels, expected * residual.difference * weight, slices + 1)[:slices]
        energy = sum_cells(labels, expected * expected * weight, slices + 1)[:slices]
        correlations[number] = band.held / band.smoothness * matched
        precisions[number] = band.held**2 / band.smoothness * energy
    return correlations, precisions
