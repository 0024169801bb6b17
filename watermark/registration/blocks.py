"""A fragment among strange pictures: laid onto the original by the blocks that agree, and by nothing else.

In a collage nine tenths of a leak are somebody else's. Evidence over the whole of it says little, and refinement over
the whole pulls the fragment away from its place. Block by block, though, band-passed detail of the original and of the
leak either correlate strongly or not at all, and agreeing blocks lie together: their number ranks hypotheses, and their
area alone refines the map. It proves nothing: a wrong fit along strong edges has brought 56 together, beside a right
one with 868, so what comes near the best is handed on too, as a look of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.registration.evidence import block_sums
from watermark.registration.geometry import Matrix, Plane
from watermark.registration.index import Index
from watermark.registration.photometry import band
from watermark.registration.refine import refine
from watermark.registration.warping import Leak

_BLOCK = 16  # px
_CORRELATION = 0.6
_TEXTURE = 0.3  # band energy per pixel of the original that can be recognised
_NOISE = 0.3  # band energy added to both sides, so that near-blank blocks cannot correlate perfectly
_TOGETHER = 3  # blocks of a cluster
FEWEST = 12  # agreeing blocks worth a look; fragments of 192 px had 20 and more
ENOUGH = 20.0  # sum of their correlations to look no further
WHOLE = 0.5  # share of the blocks that could agree, from which a leak is no fragment among others
_MODELS = (4, 0.9), (4, 0.95), (6, 1.05), (8, 1.05)  # freedom, and what share of the agreement it must keep
_MARGIN = 16  # px around the blocks


class Agreement(NamedTuple):
    """Which blocks agree.

    Attributes
    ----------
    area : ndarray, shape (h, w), float32, 0 or 1
    blocks : int
        How many agree.
    share : float
        Of the blocks that could.
    score : float
        Sum of their correlations.
    """

    area: Plane
    blocks: int
    share: float
    score: float


def agreement(original: Plane, warped: Plane, mask: Plane) -> Agreement:
    """Blocks of 16 px in which a leak shows the original, together with at least two others."""
    x, z = band(original) * mask, band(warped) * mask
    xx, zz, xz, n = (block_sums(product, _BLOCK) for product in (x * x, z * z, x * z, mask))
    able = (n > 0.9 * _BLOCK * _BLOCK) & (xx > _TEXTURE * n)
    correlation = xz / np.sqrt((xx + _NOISE * n) * (zz + _NOISE * n) + 1e-12)
    agrees = _clustered(able & (correlation > _CORRELATION))
    area = np.zeros(original.shape, np.float32)
    whole = np.repeat(np.repeat(agrees, _BLOCK, 0), _BLOCK, 1)
    area[: whole.shape[0], : whole.shape[1]] = whole
    blocks = int(agrees.sum())
    return Agreement(area, blocks, blocks / max(1, int(able.sum())), float(correlation[agrees].sum()))


def _clustered(agrees: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if not agrees.any():
        return agrees
    _, clusters, stats, _ = cv2.connectedComponentsWithStats(agrees.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= _TOGETHER
    large[0] = False
    found: NDArray[np.bool_] = large[clusters]
    return found


def agreeing(index: Index, leak: Leak, homography: Matrix) -> Agreement:
    """Blocks of the canonical raster that agree under a homography (leak -> canonical)."""
    raster = index.rasters[1]
    return agreement(raster.picture, *leak.onto(homography, raster.shape))


def lay_fragment(index: Index, leak: Leak, homography: Matrix) -> tuple[Matrix, Agreement]:
    """Refine a homography by the blocks that agree: a similarity, and more where that agrees clearly better.

    Parameters
    ----------
    index : Index
    leak : Leak
        Already reversed if it is a negative.
    homography : ndarray, shape (3, 3)
        Leak pixel -> canonical pixel, a few px off at most.

    Returns
    -------
    homography : ndarray, shape (3, 3)
    agreement : Agreement
        Under that homography.
    """
    found = agreeing(index, leak, homography)
    for freedom, worthwhile in _MODELS:
        if found.blocks < FEWEST:
            break
        rows, columns = _around(found.area.max(1)), _around(found.area.max(0))
        raster = index.rasters[1].part(rows, columns)
        area = np.ascontiguousarray(found.area[rows, columns])
        refined = refine(raster, leak, homography, iterations=4, freedom=freedom, area=area)
        if refined is None:
            continue
        after = agreeing(index, leak, refined)
        if after.score > worthwhile * found.score:
            homography, found = refined, after
    return homography, found


def _around(used: NDArray[np.float32]) -> slice:
    places = np.flatnonzero(used)
    return slice(max(0, int(places[0]) - _MARGIN), int(places[-1]) + 1 + _MARGIN)
