"""What the leak did to the picture's tones and detail, so that the original can be subtracted from it.

Two models, both fitted without a codeword. Locally, each band of the leak is a multiple of the same band of the
original, in windows much wider than a cell. Globally, a blur, a rescaling or a sharpening changes the picture's
spectrum: a handful of band gains bring the original's spectrum to the leak's before subtracting.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .registration.photometry import wide_blur

Plane = NDArray[np.float32]

WINDOW_PX = 49
NOISE_FLOOR = 0.05  # squared levels: rounding alone
GAIN_PRIOR = 0.3  # squared levels: where the original is flat the gain is 1
SPECTRUM_SIGMAS_PX = (0.7, 1.4, 2.8, 5.6, 24.0)


@dataclass(frozen=True)
class FilterBank:
    """How planes are split into bands, fine to coarse.

    Attributes
    ----------
    sigmas_px : of the Gaussians whose differences the bands are; what the last of them leaves is the coarsest band.
    noise_windows_px : side of the window each band's noise is measured in: a coarse band has fewer independent values.
    """

    sigmas_px: tuple[float, ...]
    noise_windows_px: tuple[int, ...]

    def split(self, plane: Plane) -> list[Plane]:
        """Bands of a plane, which sum to it."""
        return split_bands(plane, self.sigmas_px)

    def noise_floors(self, patterns: list[Plane]) -> list[Plane]:
        """Local mean square of the mark's amplitude in each band."""
        return [cv2.blur(p * p, (side, side)) for p, side in zip(patterns, self.noise_windows_px, strict=True)]


def coarse_mean(plane: Plane) -> Plane:
    """Mean over a smooth window, two box filters wide, on a raster four times coarser."""
    height, width = plane.shape
    small = cv2.resize(plane, (max(4, width // 4), max(4, height // 4)), interpolation=cv2.INTER_AREA)
    box = WINDOW_PX // 4, WINDOW_PX // 4
    return cv2.blur(cv2.blur(small, box), box)


def widened(coarse: Plane, like: Plane) -> Plane:
    """A coarse plane, which is smooth, on the raster of `like`."""
    return cv2.resize(coarse, like.shape[::-1], interpolation=cv2.INTER_LINEAR)


def coarse_share(seen: Plane) -> Plane:
    """Share of each wide window that a leak shows, never quite 0, on the coarse raster."""
    return coarse_mean(seen) + np.float32(1e-6)


def split_bands(plane: Plane, sigmas: tuple[float, ...]) -> list[Plane]:
    """Differences of Gaussians, fine to coarse, and what remains; they sum to `plane`."""
    out = []
    for sigma in sigmas:
        smooth = wide_blur(plane, sigma)
        out.append(plane - smooth)
        plane = smooth
    return [*out, plane]


@dataclass(frozen=True)
class Residual:
    """One band of what is left of a leak after the original is taken out.

    Attributes
    ----------
    difference : (h, w) leak minus gain times original, 0 outside the leak.
    gain : (h, w) local gain of the band.
    variance : (h, w) local variance of `difference`, floored.
    """

    difference: Plane
    gain: Plane
    variance: Plane


@dataclass(frozen=True)
class Flattened:
    """A plane without its local mean, within what the leak shows, and split into bands."""

    plane: Plane
    bands: list[Plane]

    @classmethod
    def of(cls, plane: Plane, seen: Plane, share: Plane, bank: FilterBank) -> "Flattened":
        """Flatten `plane`; `share` is the `coarse_share` of `seen`."""
        flat = (plane - widened(coarse_mean(seen * plane) / share, plane)) * seen
        return cls(flat, bank.split(flat))


def subtract(
    original: Flattened, leak: Flattened, seen: Plane, share: Plane, floors: list[Plane], bank: FilterBank
) -> list[Residual]:
    """Subtract the original from a registered leak, band by band.

    Parameters
    ----------
    original, leak : on the canonical raster.
    seen : (h, w), 1 where the leak shows the raster.
    share : the `coarse_share` of it.
    floors : least variance of each band: a residual far weaker than the mark is a mark that was wiped out, not a
        quiet place.
    bank : that both were split by.
    """
    prior = np.float32(GAIN_PRIOR)
    out = []
    for ours, theirs, floor, side in zip(original.bands, leak.bands, floors, bank.noise_windows_px, strict=True):
        energy, common = coarse_mean(ours * ours) / share, coarse_mean(ours * theirs) / share
        gain = widened(np.clip((common + prior) / (energy + prior), 0, 3), ours)
        difference = theirs - gain * ours
        difference *= seen
        variance = cv2.blur(difference * difference, (side, side))
        variance /= cv2.blur(seen, (side, side)) + np.float32(1e-3)
        variance += np.float32(NOISE_FLOOR)
        out.append(Residual(difference, gain, np.maximum(variance, floor, out=variance)))
    return out


def match_spectrum(original: Plane, leak: Plane, seen: Plane) -> Plane:
    """Give the original the leak's spectrum: the sum of its bands at gains fitted by weighted least squares.

    Parameters
    ----------
    original, leak : (h, w) planes on the canonical raster.
    seen : (h, w), 1 where the leak shows the original.

    Returns
    -------
    (h, w), the original as the leak's processing would have left it.
    """
    *bands, low = split_bands(original, SPECTRUM_SIGMAS_PX)
    target = (leak - wide_blur(leak, float(np.linalg.norm(SPECTRUM_SIGMAS_PX))))[::2, ::2]
    sample = seen[::2, ::2]
    flat = np.stack([b[::2, ::2].ravel() for b in bands])
    weight = sample
    gains: NDArray[np.floating] = np.ones(len(bands))
    for _ in range(3):
        normal = (flat * weight.ravel()) @ flat.T
        ridge = np.diag(normal.diagonal() * 1e-3 + 1)
        gains = np.linalg.solve(normal + ridge, flat @ (weight * target).ravel() + ridge.diagonal())
        left = target - (gains.astype(np.float32) @ flat).reshape(target.shape)
        weight = sample / (wide_blur(left * left, SPECTRUM_SIGMAS_PX[-1] / 2) + np.float32(0.5))
    gains = np.clip(gains, 0, 3)
    gains[3:] = np.maximum(gains[3:], 0.05)
    return low + sum(np.float32(g) * b for g, b in zip(gains, bands, strict=True))
