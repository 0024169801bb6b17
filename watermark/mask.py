"""Where a picture can carry more: the amplitude at which the mark's own pattern is just at threshold, per pixel.

Luminance adaptation, contrast sensitivity and texture masking come from the vision model; a lone edge lends nothing
to its flat side, which is where the eye would catch the mark.

References
----------
The threshold model is that of `visibility`; edge protection after Chou and Li 1995, doi:10.1109/76.475889.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from . import visibility

Image = NDArray[np.uint8]
Plane = NDArray[np.float32]

EDGE_PX = 9
EDGE_ALLOWANCE = 2.5
SMOOTH_PX = 4
LOWEST, HIGHEST = 0.15, 6.0


def masking(contrast: Plane) -> Plane:
    """1 + M: the factor by which the picture's own contrast (in thresholds) raises the threshold, edges protected."""
    size = np.abs(contrast)
    around = cv2.GaussianBlur(size, (0, 0), visibility.MASKING_BLUR_PX)
    inside = cv2.erode(cv2.blur(size, (3, 3)), np.ones((EDGE_PX, EDGE_PX), np.uint8))
    lent = EDGE_ALLOWANCE * cv2.GaussianBlur(inside, (0, 0), 2)
    shared = np.minimum(around, lent) * np.float32(visibility.MASKING_SCALE)
    return 1 + np.float32(visibility.MASKING_GAIN) * visibility.power(shared, visibility.MASKING_EXPONENTS[0])


def thresholds(rgb: Image) -> list[Plane]:
    """Luma amplitude at threshold in each band, brought to full size: list of (h, w) float32, fine to coarse."""
    light, out = visibility.luminance(rgb), []
    height, width = light.shape
    for band in range(visibility.BANDS):
        if min(light.shape) < 8:
            break
        coarse = cv2.pyrDown(light)
        ground = np.maximum(visibility.expand(coarse, light), 0.01)
        gain = visibility.sensitivity(0, band, ground)
        contrast: Plane = ((light - ground) / ground * gain * (2 if band else 1)).astype(np.float32)
        lift = visibility.power(masking(contrast), 1 / visibility.CONTRAST_EXPONENT)
        code: Plane = np.clip((ground - visibility.AMBIENT_CD_M2) / visibility.PEAK_CD_M2, 0.002, 1)
        slope = np.float32(visibility.PEAK_CD_M2 / 255 * 2.2) * visibility.power(code, 1.2 / 2.2)
        at_threshold = ground / gain * lift / slope
        out.append(cv2.resize(at_threshold, (width, height), interpolation=cv2.INTER_LINEAR))
        light = coarse
    return out


def spectrum(pattern: Plane) -> list[float]:
    """Root mean square of a pattern in each band of the pyramid, fine to coarse."""
    out, plane = [], pattern
    for band in range(visibility.BANDS):
        if min(plane.shape) < 8:
            break
        coarse = cv2.pyrDown(plane)
        out.append(float((plane - visibility.expand(coarse, plane)).std()) * (2 if band else 1))
        plane = coarse
    return out


def amplitude_mask(rgb: Image, pattern: Plane) -> Plane:
    """Relative amplitude for a unit pattern, geometric mean 1.

    Parameters
    ----------
    rgb : (h, w, 3) uint8.
    pattern : (h, w) float32, the signed pattern of some copy at unit strength.

    Returns
    -------
    (h, w) float32, m = [sum_b (rms_b / threshold_b)^4]^(-1/4), smoothed, within 0.15 … 6 of its geometric mean.
    """
    load = np.zeros(pattern.shape, np.float32)
    for rms, threshold in zip(spectrum(pattern), thresholds(rgb), strict=True):
        load += (np.float32(rms) / threshold) ** 4
    carries = np.minimum(visibility.power(load + np.float32(1e-12), -0.25), 40)
    carries = cv2.GaussianBlur(carries, (0, 0), SMOOTH_PX)
    carries /= np.exp(np.mean(np.log(carries)))
    return np.clip(carries, LOWEST, HIGHEST)
