"""Brightness and contrast of a leak, compared place by place with the original's.

Filters, screens and exposure change both slowly over a picture; a gain and an offset fitted in a wide window follow
them and leave what registration and reading are after. Captions and stickers must not bend that fit.
"""

from __future__ import annotations

import cv2
import numpy as np

from watermark.registration.geometry import Plane

_GAIN_RANGE = 0.05, 3.0
_VARIANCE_FLOOR = 2.0  # pulls the gain towards 1 where the original is flat
_DRAWN_OVER = 5.0  # robust deviations beyond which a pixel is not the original's
_FEW_DRAWN_OVER = 0.01


def blur(picture: Plane, sigma: float) -> Plane:
    """Gaussian blur, `sigma` in px."""
    out: Plane = cv2.GaussianBlur(picture, (0, 0), sigma)
    return out


def wide_blur(picture: Plane, sigma: float) -> Plane:
    """Gaussian blur for wide windows: shrink, blur, enlarge; ten times faster and the same to a percent."""
    factor = int(sigma / 3)
    if factor < 2:
        return blur(picture, sigma)
    h, w = picture.shape
    small = cv2.resize(picture, (max(4, w // factor), max(4, h // factor)), interpolation=cv2.INTER_AREA)
    out: Plane = cv2.resize(blur(small, sigma / factor), (w, h), interpolation=cv2.INTER_LINEAR)
    return out


def band(picture: Plane) -> Plane:
    """Detail between 1 and 6 px: what block evidence compares."""
    out: Plane = blur(picture, 1) - wide_blur(picture, 6)
    return out


def fit(original: Plane, warped: Plane, mask: Plane, sigma: float) -> tuple[Plane, Plane]:
    """Residual of a leak after the local linear fit ``warped ~ gain * original + offset``.

    Two passes: in the second, pixels far off the first fit count little.

    Parameters
    ----------
    original, warped : ndarray, shape (h, w), float32
    mask : ndarray, shape (h, w), float32
        1 where `warped` is leak, else 0.
    sigma : float
        Width of the window, px.

    Returns
    -------
    residual, gain : ndarray, shape (h, w), float32
        The residual is 0 outside the mask.
    """
    residual, gain = _weighted_fit(original, warped, mask, sigma)
    sample = np.abs((residual * mask)[::3, ::3][mask[::3, ::3] > 0])
    if len(sample) >= 50:
        deviation = 1.48 * float(np.median(sample)) + 0.5
        if (sample > _DRAWN_OVER * deviation).mean() >= _FEW_DRAWN_OVER:
            weight = mask / (1 + (residual / (2 * deviation)) ** 2) ** 2
            residual, gain = _weighted_fit(original, warped, weight, sigma)
    return residual * mask, gain


def _weighted_fit(original: Plane, warped: Plane, weight: Plane, sigma: float) -> tuple[Plane, Plane]:
    total = wide_blur(weight, sigma) + 1e-4
    wx = weight * original
    mean_x, mean_z = wide_blur(wx, sigma) / total, wide_blur(weight * warped, sigma) / total
    variance = wide_blur(wx * original, sigma) / total - mean_x * mean_x
    covariance = wide_blur(wx * warped, sigma) / total - mean_x * mean_z
    gain = np.clip((covariance + _VARIANCE_FLOOR) / (variance + _VARIANCE_FLOOR), *_GAIN_RANGE)
    return warped - mean_z - gain * (original - mean_x), gain
