"""How much mark a moving picture can carry, per place and time: the still model's thresholds, steady in time.

The pattern stands still for a second while the picture moves through it, so what counts at a place is the least that
it carries in the neighbourhood of a moment: a mark allowed by a passing texture must be gone before the texture is.
Thresholds come from the achromatic channel of the vision model, on a picture reduced to some 500 px: the patches of
the pattern lie in the bands that survive the reduction. The amplitude at threshold is absolute, in levels of luma, so
flat walls, skies and the ground of titles get little, in every group the same.

References
----------
As `watermark.mask` and `watermark.visibility`; R. Mantiuk et al. 2024, doi:10.1145/3658144.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark import mask, visibility

Plane = NDArray[np.float32]
Luma = NDArray[np.uint8]

WORKING_PX = 640  # the reduced picture's long side is at most this
ANCHOR_FRAMES = 6  # between two thresholds
SMOOTH_PX = 3
LEAST, MOST = 0.25, 4.0  # levels of luma
BANDS_JUDGED = 4

_CODE = np.arange(256, dtype=np.float32) / 255
LIGHT = (visibility.PEAK_CD_M2 * _CODE**2.2 + visibility.AMBIENT_CD_M2).astype(np.float32)


@dataclass(frozen=True)
class Carrier:
    """What one group of pictures can carry.

    Attributes
    ----------
    at : (n,) frame numbers within the group, ascending, the first 0.
    amplitude : (n, h, w) float32, amplitude at threshold for the group's own pattern, levels of luma.
    visible : visible difference Q of the pattern at that amplitude, on average over the group.
    """

    at: NDArray[np.intp]
    amplitude: Plane
    visible: float

    def at_frame(self, frame: int) -> Plane:
        """Amplitude in between two anchors, linearly: (h, w) float32."""
        after = int(np.searchsorted(self.at, frame))
        if after == 0 or after == len(self.at):
            return self.amplitude[min(after, len(self.at) - 1)]
        left, right = int(self.at[after - 1]), int(self.at[after])
        t = np.float32((frame - left) / (right - left))
        return self.amplitude[after - 1] * (1 - t) + self.amplitude[after] * t


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
        gain = visibility.sensitivity(0, band, np.log10(ground)) * np.float32(2 if band else 1)
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


def carrier(frames: Sequence[Luma], pattern: Plane) -> Carrier:
    """Find what a group of pictures can carry.

    Parameters
    ----------
    frames : luma planes of the group, (H, W) uint8 each.
    pattern : (H, W) float32, the group's signed pattern at unit strength.
    """
    steps = reduction(*pattern.shape)
    small = reduced(pattern, steps)
    at = np.unique(np.append(np.arange(0, len(frames), ANCHOR_FRAMES), len(frames) - 1))
    every = [thresholds(reduced(frames[i], steps), steps) for i in at]
    bands = band_planes(small, len(every[0]))
    raw = np.stack([allowed(bands, limits) for limits in every])
    before, after = np.roll(raw, 1, 0), np.roll(raw, -1, 0)
    before[0], after[-1] = raw[0], raw[-1]
    steady = np.minimum(np.minimum(before, after), raw)
    q = [visible(small * a, limits) for a, limits in zip(steady, every, strict=True)]
    return Carrier(at, steady, float(np.mean(q)))


def allowed(bands: list[Plane], limits: list[Plane]) -> Plane:
    """Amplitude at which the pattern is at threshold: a = [Σ_b (rms_b / threshold_b)⁴]^(-1/4), smoothed."""
    load = np.full(limits[0].shape, 1e-9, np.float32)
    for band, limit in zip(bands, limits, strict=True):
        load += (np.float32(2 * band.std()) / limit) ** 4
    carries = np.clip(visibility.power(load, -0.25), LEAST, MOST)
    return cv2.GaussianBlur(carries, (0, 0), SMOOTH_PX)


def visible(mark: Plane, limits: list[Plane]) -> float:
    """Pooled visible difference Q of a mark that meets these thresholds; grows with its amplitude as s^2.264."""
    means = []
    for band, limit in zip(band_planes(mark, len(limits)), limits, strict=True):
        ratio = np.abs(band) * np.float32(2) / cv2.resize(limit, band.shape[::-1], interpolation=cv2.INTER_AREA)
        means.append(float(np.mean(visibility.power(ratio, 2 * visibility.CONTRAST_EXPONENT))))
    return float(0.578 * sum(m * m for m in means) ** 0.25)
