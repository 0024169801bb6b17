"""What exactly of a leak is the original: a fragment in a collage, a picture between captions.

The wide windows that judge evidence smear a fragment over its neighbours, and the fits of brightness and contrast at
its border then belong to neither. Here the best-matching core fixes how the leak's tones follow the original's; from
there the area grows as far as the original explains the leak, pixel by pixel, and islands without a core are dropped.
No codeword is looked at.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.registration.geometry import Plane
from watermark.registration.photometry import band, blur, wide_blur

_HALF = 2  # worked out at half size
_CORE_SIGMAS = 4.0, 8.0  # windows of the core's correlation, half-size px
_CORE_CORRELATION = 0.15, 0.6  # at least, and as a share of the best places'
_TONE_SIGMA = 10.0
_FINE_SIGMA, _BROAD_SIGMA = 1.5, 4.0
_DETAIL_SIGMA = 2.0
_ROUNDS = 4
_TYPICAL = 6.0  # times the residual that is usual nearby
_SLACK = 4.0  # squared levels
_UNEXPLAINED = 0.6  # share of a leak's variance that may be left where there is variance
_QUIET = 4.0  # times the core's median residual: nothing to explain, and nothing there
_FEWEST = 50  # half-size px of an area, or of a core in an island
_CORE_OF_ISLAND = 0.02
_GAIN = 0.05, 3.0
_GAIN_PRIOR = 2.0


def cutout(original: Plane, warped: Plane, mask: Plane) -> Plane | None:
    """Cut out what the leak shows of the original.

    Parameters
    ----------
    original, warped : ndarray, shape (h, w), float32
        Canonical raster.
    mask : ndarray, shape (h, w), float32, 0 or 1
        Where `warped` is leak.

    Returns
    -------
    ndarray, shape (h, w), float32, 0 or 1, within `mask`; or None where no core stands out.
    """
    h, w = mask.shape
    half = max(1, w // _HALF), max(1, h // _HALF)
    x, z, inside = (cv2.resize(p, half, interpolation=cv2.INTER_AREA) for p in (original, warped * mask, mask))
    inside = (inside > 0.99).astype(np.float32)
    z = z * inside
    core = _core(x, z, inside)
    if core.sum() < _FEWEST:
        return None
    area = _grown(x, z, inside, core)
    if area is None:
        return None
    whole = cv2.resize(area, (w, h), interpolation=cv2.INTER_LINEAR)
    return (whole > 0.7).astype(np.float32) * mask


def _core(x: Plane, z: Plane, inside: Plane) -> Plane:
    """Where detail agrees at two scales about as well as anywhere in the leak."""
    x, z = band(x) * inside, band(z) * inside
    agreement = inside.copy()
    for sigma in _CORE_SIGMAS:
        xx, zz, xz = (wide_blur(p, sigma) for p in (x * x, z * z, x * z))
        agreement = np.minimum(agreement, xz / np.sqrt((xx + 0.1) * (zz + 0.1)))
    sample = agreement[inside > 0]
    best = float(np.percentile(sample, 99.5)) if sample.size else 0.0
    least, share = _CORE_CORRELATION
    core: Plane = (agreement > max(least, share * best)).astype(np.float32) * inside
    return core


def _grown(x: Plane, z: Plane, inside: Plane, core: Plane) -> Plane | None:
    detail = blur((x - blur(x, _DETAIL_SIGMA)) ** 2, _FINE_SIGMA)
    near, around = blur(inside, _FINE_SIGMA) + 1e-3, blur(inside, _BROAD_SIGMA) + 1e-3
    mean = blur(z, _BROAD_SIGMA) / around
    variance = blur(z * z, _BROAD_SIGMA) / around - mean * mean
    area = core
    for _ in range(_ROUNDS):
        total = wide_blur(area, _TONE_SIGMA) + 1e-3
        mean_x, mean_z = (wide_blur(area * p, _TONE_SIGMA) / total for p in (x, z))
        spread = wide_blur(area * x * x, _TONE_SIGMA) / total - mean_x * mean_x
        common = wide_blur(area * x * z, _TONE_SIGMA) / total - mean_x * mean_z
        gain = np.clip((common + _GAIN_PRIOR) / (spread + _GAIN_PRIOR), *_GAIN)
        left = ((z - mean_z - gain * (x - mean_x)) * inside) ** 2
        fine, broad = blur(left, _FINE_SIGMA) / near, blur(left, _BROAD_SIGMA) / around
        usual = np.exp(wide_blur(area * np.log(fine + 0.5), _TONE_SIGMA) / total)
        quiet = _QUIET * float(np.median(fine[core > 0]))
        follows = (fine < _TYPICAL * usual + gain * gain * detail + _SLACK) & (total > 0.02)
        explained = (broad < _UNEXPLAINED * variance) | (broad < quiet)
        kept = blur((follows & explained).astype(np.float32) * inside, _FINE_SIGMA) > 0.6
        area = _with_core(kept.astype(np.uint8), core) * inside
        if area.sum() < _FEWEST:
            return None
    return area


def _with_core(area: NDArray[np.uint8], core: Plane) -> Plane:
    """Drop islands that hold too little of the core."""
    count, islands = cv2.connectedComponents(area)
    sizes = np.bincount(islands.ravel(), minlength=count)
    cores = np.bincount(islands.ravel(), core.ravel(), count)
    keep = (cores > _FEWEST / 2) & (cores > _CORE_OF_ISLAND * sizes)
    keep[0] = False
    kept: Plane = keep[islands].astype(np.float32)
    return kept
