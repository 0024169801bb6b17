"""How much mark a key frame can carry, and how visible a copy of it is: the still model's achromatic channel.

What follows a key frame carries its mark along with what it shows, so a mark that a texture hides stays with that
texture. Thresholds are taken on a picture reduced to less than 1,000 px: the patches of the pattern lie in the bands
that survive the reduction. The amplitude at threshold is absolute, in levels of luma, so flat walls, skies and the
ground of titles get little, in every group the same.

References
----------
As `watermark.mask` and `watermark.visibility`; R. Mantiuk et al. 2024, doi:10.1145/3658144.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark import mask, visibility

Plane = NDArray[np.float32]
Luma = NDArray[np.uint8]

WORKING_PX = 960  # the reduced picture's long side is at most this
SMOOTH_PX = 3
LEAST, MOST = 0.1, 4.0  # levels of luma
BANDS_JUDGED = 4

_CODE = np.arange(256, dtype=np.float32) / 255
LIGHT = (visibility.PEAK_CD_M2 * _CODE**2.2 + visibility.AMBIENT_CD_M2).astype(np.float32)


@dataclass(frozen=True)
class Carrier:
    """What one key frame can carry.

    Attributes
    ----------
    luma : (H, W) uint8, the frame.
    amplitude : (h, w) float32, amplitude at threshold for the group's own pattern, levels of luma, reduced.
    limits : amplitude at threshold in each band, on the reduced frame.
    """

    luma: Luma
    amplitude: Plane
    limits: list[Plane]


def reduction(height: int, width: int) -> int:
    """Halvings that bring a picture to the working size."""
    steps = 0
    while max(height, width) >> steps > WORKING_PX:
        steps += 1
    return steps


def reduced(plane: NDArray[np.generic], steps: int) -> Plane:
    """Halve a plane so many times, averaging over area: (h, w) float32."""
    height, width = plane.shape
    size = (max(8, width >> steps), max(8, height >> steps))
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA) if steps else plane
    return small.astype(np.float32)


def thresholds(luma: Plane, first_band: int) -> list[Plane]:
    """Luma amplitude at threshold in each band from `first_band` on: list of (h, w) float32, at full size.

    Parameters
    ----------
    luma : (h, w) float32, 0 … 255, of a picture reduced by `first_band` halvings.
    """
    light: Plane = cv2.LUT(np.clip(np.rint(luma), 0, 255).astype(np.uint8), LIGHT)
    height, width = light.shape
    out = []
    for band in range(first_band, min(first_band + BANDS_JUDGED, visibility.BANDS)):
        if min(light.shape) < 16:
            break
        coarse = cv2.pyrDown(light)
        ground = np.maximum(visibility.expand(coarse, light), 0.01)
        gain = visibility.sensitivity(0, band, ground) * np.float32(2 if band else 1)
        contrast = ((light - ground) / ground * gain).astype(np.float32)
        lift = visibility.power(mask.masking(contrast), 1 / visibility.CONTRAST_EXPONENT)
        code: Plane = np.clip((ground - visibility.AMBIENT_CD_M2) / visibility.PEAK_CD_M2, 0.002, 1)
        slope = np.float32(visibility.PEAK_CD_M2 / 255 * 2.2) * visibility.power(code, 1.2 / 2.2)
        out.append(cv2.resize(ground / gain * lift / slope, (width, height), interpolation=cv2.INTER_LINEAR))
        light = coarse
    return out


def band_planes(pattern: Plane, count: int) -> list[Plane]:
    """Split a reduced pattern into as many bands of the pyramid, each at its own size."""
    out, plane = [], pattern
    for _ in range(count):
        coarse = cv2.pyrDown(plane)
        out.append(plane - visibility.expand(coarse, plane))
        plane = coarse
    return out


def carrier(luma: Luma, pattern: Plane) -> Carrier:
    """Find what a key frame can carry.

    Parameters
    ----------
    luma : (H, W) uint8.
    pattern : (H, W) float32, the group's signed pattern at unit strength.
    """
    steps = reduction(*pattern.shape)
    limits = thresholds(reduced(luma, steps), steps)
    return Carrier(luma, allowed(band_planes(reduced(pattern, steps), len(limits)), limits), limits)


def allowed(bands: list[Plane], limits: list[Plane]) -> Plane:
    """Amplitude at which the pattern is at threshold: a = [Σ_b (rms_b / threshold_b)⁴]^(-1/4), smoothed."""
    load = np.full(limits[0].shape, 1e-9, np.float32)
    for band, limit in zip(bands, limits, strict=True):
        load += (np.float32(2 * band.std()) / limit) ** 4
    carries = np.clip(visibility.power(load, -0.25), LEAST, MOST)
    return cv2.GaussianBlur(carries, (0, 0), SMOOTH_PX)
