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
from watermark.registration.geometry import Matrix
from watermark.registration.warping import Leak
from watermark.symbols import BandResponse, Channel, band_responses

from .references import Reference

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FrameSymbols:
    """What one frame says.

    Attributes
    ----------
    correlations, precisions : (bands, slices), fine to coarse: numerator and denominator of each slice's
        least-squares amplitude in units of half the distance of the variants.
    shown : share of the frame that the leak shows.
    """

    correlations: Floats
    precisions: Floats
    shown: float

    @property
    def presence(self) -> float:
        """How much of the mark is there: near 1 where the frame is in its place and time, else near 0.

        Σ c₁ c₂ / Σ n₁ n₂ over the slices, c and n of the two coarser bands, whose noise is independent: the mean
        square of the amplitude. Uses the pattern, which is secret, and no codeword: it may choose among moments.
        """
        middle, coarse = self.correlations[-2], self.correlations[-1]
        expected = float(np.sum(self.precisions[-2] * self.precisions[-1]))
        return float(np.sum(middle * coarse)) / (expected + 1e-12)


def responses(reference: Reference, labels: NDArray[np.int32], slices: int) -> list[BandResponse]:
    """What the bands do to the mark of a group of pictures; the same for all its frames."""
    return band_responses(labels, reference.mark.astype(np.float32), slices)


def read_frame(
    leak: Leak,
    homography: Matrix,
    reference: Reference,
    labels: NDArray[np.int32],
    slices: int,
    bands: list[BandResponse],
) -> FrameSymbols:
    """Correlate one registered frame with the mark.

    Parameters
    ----------
    leak : the frame.
    homography : leak px -> working raster.
    reference : the frame of the video that it shows.
    labels : (h, w) int32, slice of each pixel of the working raster.
    slices : in a frame.
    bands : what `responses` gave.
    """
    clean, mark = reference.clean.astype(np.float32), reference.mark.astype(np.float32)
    warped, seen = leak.onto(homography, (clean.shape[0], clean.shape[1]))
    shown = registration.evidence_mask(clean, warped, seen)
    found = Channel(clean, mark, labels, slices, bands).correlate(warped, seen, shown)
    return FrameSymbols(np.stack([c for c, _ in found]), np.stack([p for _, p in found]), float(shown.mean()))
