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
from watermark.symbols import explain, sum_cells

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
        square of the amplitude. It ranks moments of one leak; how high it is depends on what the leak went through.
        Uses the pattern, which is secret, and no codeword: it may choose among moments.
        """
        middle, coarse = self.correlations[-2:]
        expected = float(np.sum(self.precisions[-2] * self.precisions[-1]))
        return float(np.sum(middle * coarse)) / (expected + 1e-12)

    @property
    def clarity(self) -> float:
        """Correlation of the two coarser bands over the slices: Σ c₁ c₂ / √(Σ c₁² Σ c₂²); 1 where nothing is noise.

        High in the wrong place too where the mark of another place is read, so it confirms, and presence chooses.
        """
        middle, coarse = self.correlations[-2:]
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
    clean, mark, labels = reference.clean, reference.mark.astype(np.float32), reference.labels.astype(np.int32)
    warped, seen = leak.onto(homography, (clean.shape[0], clean.shape[1]))
    shown = registration.evidence_mask(clean, warped, seen)
    floors = [mark * np.float32(band.passed**0.5) for band in reference.scene.responses]
    correlations, precisions = [], []
    for band, residual in zip(reference.scene.responses, explain(clean, warped, seen, shown, floors), strict=True):
        expected = residual.gain * mark
        weight = seen / residual.variance
        matched = sum_cells(labels, expected * residual.difference * weight, slices + 1)
        energy = sum_cells(labels, expected * expected * weight, slices + 1)
        correlations.append(band.held / band.smoothness * matched[:slices])
        precisions.append(band.held**2 / band.smoothness * energy[:slices])
    return FrameSymbols(np.stack(correlations), np.stack(precisions), float(shown.mean()))
