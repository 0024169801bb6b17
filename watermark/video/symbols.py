"""One frame of a leak against one delivered frame: what each slice says, band by band.

The steps are those of `watermark.symbols` for a still: the original's tones and spectrum are brought to the leak's,
the difference is correlated with the mark, places that are noisy or drawn over count little. A slice is the cell. No
codeword is used.

One thing is different in a clip. Who compresses it hard codes little but its first frame, and copies most of a still
scene from frame to frame: there the mark of the group of pictures in which that frame lay stays on through all that
follow, and in each of those it is noise. Only what was coded again since a group began says anything of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark import registration
from watermark.photometry import Residual
from watermark.registration.geometry import Matrix, shift
from watermark.registration.warping import Leak
from watermark.symbols import BandResponse, explain, sum_cells

from .placing import shown_part
from .references import BANK, Reference

Floats = NDArray[np.float64]
Plane = NDArray[np.float32]
OWN, DRAWN = 0, 1
FAINTEST = 0.02  # of the noise's share
HALF_PX = 30  # of the working raster: what codecs leave behind is not alike so far apart
NEARBY_PX = 7
UNCHANGED = 0.5  # squared levels: rounding and resampling of what was not coded again


@dataclass(frozen=True)
class FrameSymbols:
    """What one frame says.

    Attributes
    ----------
    matched, energies : (2, bands, 2, slices), by template - the frame's own mark, the pattern alone - fine to coarse,
        and by half of the slice: numerator and denominator of its least-squares amplitude in units of half the
        distance of the variants. The halves are columns by turns, far enough apart that their noise is independent.
    shown : share of the frame that the leak shows.
    """

    matched: Floats
    energies: Floats
    shown: float

    @property
    def correlations(self) -> Floats:
        """Numerators of whole slices: (2, bands, slices)."""
        return np.asarray(self.matched.sum(2))

    @property
    def precisions(self) -> Floats:
        """Denominators of whole slices: (2, bands, slices)."""
        return np.asarray(self.energies.sum(2))

    def survival(self, template: int) -> tuple[Floats, Floats]:
        """What is left of the mark in each band: its amplitude, and its noise over what the precision says.

        Both halves of a slice show one symbol, and what a codec left behind is independent in them: of their
        correlations c₁ and c₂, A = ⟨c₁ c₂⟩ is signal and V = ⟨(c₁ - c₂)²⟩ noise. With n the slices' mean precision the
        amplitude is 2 √A / n, the excess of noise V / n. An amplitude that is not told from nothing is small, not 0.

        Returns
        -------
        amplitude, excess : (bands,) each, positive.
        """
        first, second = self.matched[template, :, 0], self.matched[template, :, 1]
        precision = self.energies[template].sum(1).mean(-1) + 1e-12
        noise = np.mean((first - second) ** 2, axis=-1) + 1e-12
        signal = np.maximum(np.mean(first * second, axis=-1), FAINTEST * noise)
        return 2 * np.sqrt(signal) / precision, noise / precision

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


def read_frame(
    leak: Leak, homography: Matrix, reference: Reference, slices: int, before: Leak | None = None
) -> FrameSymbols:
    """Correlate one registered frame with the mark.

    Parameters
    ----------
    leak : the frame.
    homography : leak px -> working raster.
    reference : the frame of the video that it shows.
    slices : in a key frame.
    before : the leak's frame from before this group of pictures, where it shows the same place: what has not changed
        since was not coded again, and shows the mark of the group before.
    """
    part = shown_part(homography, leak.shape, (reference.sum.shape[0], reference.sum.shape[1]))
    clean, own, drawn = (np.ascontiguousarray(p[part]) for p in (reference.clean, reference.mark, reference.drawn))
    labels = np.ascontiguousarray(halved(reference.labels.astype(np.int32), slices)[part])
    onto, shape = shift(-part[1].start, -part[0].start) @ homography, (clean.shape[0], clean.shape[1])
    warped, seen = leak.onto(onto, shape)
    shown = registration.evidence_mask(clean, warped, seen)
    floors = [own * np.float32(band.passed**0.5) for band in reference.responses[OWN]]
    left = explain(clean, warped, seen, shown, floors, BANK)
    told = seen if before is None else seen * renewed(warped, before.onto(onto, shape)[0])
    found = [
        correlate(left, mark, bands, told, labels, slices)
        for mark, bands in zip((own, drawn), reference.responses, strict=True)
    ]
    return FrameSymbols(
        np.stack([c for c, _ in found]), np.stack([n for _, n in found]), float(shown.sum() / reference.sum.size)
    )


def renewed(now: Plane, before: Plane) -> Plane:
    """How surely each place was coded again between two frames: e / (e + e₀), e the local energy of the change."""
    change = now - before
    energy = cv2.blur(change * change, (NEARBY_PX, NEARBY_PX))
    return energy / (energy + np.float32(UNCHANGED))


def halved(labels: NDArray[np.int32], slices: int) -> NDArray[np.int32]:
    """Number the halves of slices apart: those of the second half follow those of the first."""
    second = (np.arange(labels.shape[1], dtype=np.int32) // HALF_PX) % 2
    return np.asarray(labels + second * np.int32(slices + 1))


def by_half(labels: NDArray[np.int32], values: Plane, slices: int) -> Floats:
    """Sum a plane over the halves of each slice: (2, slices)."""
    return sum_cells(labels, values, 2 * (slices + 1)).reshape(2, slices + 1)[:, :slices]


def correlate(
    left: list[Residual],
    mark: Plane,
    bands: list[BandResponse],
    seen: Plane,
    labels: NDArray[np.int32],
    slices: int,
) -> tuple[Floats, Floats]:
    """Correlate what is left of a frame with one template, band by band: two of (bands, 2, slices)."""
    correlations, precisions = np.zeros((len(bands), 2, slices)), np.zeros((len(bands), 2, slices))
    for number, (band, residual) in enumerate(zip(bands, left, strict=True)):
        expected = residual.gain * mark
        weight = seen / residual.variance
        matched = by_half(labels, expected * residual.difference * weight, slices)
        energy = by_half(labels, expected * expected * weight, slices)
        correlations[number] = band.held / band.smoothness * matched
        precisions[number] = band.held**2 / band.smoothness * energy
    return correlations, precisions
