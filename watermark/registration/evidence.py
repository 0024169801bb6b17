"""How well a warped leak shows the original: the only judge between rival fits. No codeword is looked at.

Choosing a fit by how well it scores a copy would bias the score; correlation with the *original* cannot, because every
copy shows the same original. The evidence ranks fits, it proves nothing: on near-empty pictures a wrong fit can reach
14, and a right one on a soft picture only 2.6. Every fit that is scored counts as a look in the false-accusation bound.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from watermark.registration.geometry import Plane
from watermark.registration.photometry import band, wide_blur

_BLOCK = 8  # px
_COVERED = 0.9  # share of a block that must be leak
_TEXTURE = 0.05  # band energy per pixel below which a block of the original says nothing
_NOISE = 0.3  # band energy added to both sides, so that near-blank blocks cannot correlate perfectly

_MASK_SIGMA = 20.0
_MASK_CORRELATION = 0.12
_MASK_TEXTURE = 4.0  # band energy from which the original must be seen in the leak
_MASK_INTRUDER = 16.0  # band energy of the leak beyond which a blank place of the original is drawn over


class Evidence(NamedTuple):
    """Sum of signed squared block correlations, and the number of blocks that had something to say."""

    score: float
    blocks: int

    @property
    def z(self) -> float:
        """``S / sqrt(n + 4)``: about one deviation per unit when the pictures are unrelated."""
        return self.score / float(np.sqrt(self.blocks + 4))

    @property
    def agreement(self) -> float:
        """Mean evidence per block, at most 1."""
        return self.score / max(self.blocks, 1)


def compare(original: Plane, warped: Plane, mask: Plane) -> Evidence:
    """Evidence that `warped` shows `original`: ``S = sum over blocks of rho * |rho|``.

    ``rho`` is the correlation of the two pictures in a block of 8 px, band-passed to 1..6 px. Signed, so that chance
    cancels; a negative picture gives a negative sum.

    Parameters
    ----------
    original, warped : ndarray, shape (h, w), float32
    mask : ndarray, shape (h, w), float32, 0 or 1

    Returns
    -------
    Evidence
    """
    x, z = band(original) * mask, band(warped) * mask
    xx, zz, xz, n = (block_sums(product, _BLOCK) for product in (x * x, z * z, x * z, mask))
    valid = (n > _COVERED * _BLOCK * _BLOCK) & (xx > _TEXTURE * n)
    rho = xz[valid] / np.sqrt((xx + _NOISE * n)[valid] * (zz + _NOISE * n)[valid])
    return Evidence(float((rho * np.abs(rho)).sum()), int(valid.sum()))


def seen(original: Plane, warped: Plane, mask: Plane, sigma: float = _MASK_SIGMA) -> Plane:
    """Where the leak certainly shows the original: wide local correlation of the band-passed pictures.

    Strict: blank places are left out as well. Registration needs no more, since they carry no gradient.

    Returns
    -------
    ndarray, shape (h, w), float32, 0 or 1
    """
    xx, zz, xz = _wide_energies(original, warped, mask, sigma)
    return (xz > _MASK_CORRELATION * np.sqrt((xx + 0.1) * (zz + 0.1))) * mask


def evidence_mask(original: Plane, warped: Plane, mask: Plane) -> Plane:
    """Where the leak shows the original at all, for scoring a mark.

    A place is dropped only if its local correlation is low *and* either the original has texture that should have been
    seen, or the leak has detail that the original has not (a sticker on a plain wall). A blank sky shows no texture yet
    carries the mark, and stays.

    Parameters
    ----------
    original, warped : ndarray, shape (h, w), float32
        Canonical raster.
    mask : ndarray, shape (h, w), float32, 0 or 1
        Where `warped` is leak.

    Returns
    -------
    ndarray, shape (h, w), float32, 0 or 1
    """
    xx, zz, xz = _wide_energies(original, warped, mask, _MASK_SIGMA)
    unlike = xz <= _MASK_CORRELATION * np.sqrt((xx + 0.1) * (zz + 0.1))
    share = wide_blur(mask, _MASK_SIGMA) + 1e-3
    telling = (xx > _MASK_TEXTURE * share) | (zz > _MASK_INTRUDER * share + 4 * xx)
    return mask * ~(unlike & telling)


def _wide_energies(original: Plane, warped: Plane, mask: Plane, sigma: float) -> tuple[Plane, Plane, Plane]:
    x, z = band(original) * mask, band(warped) * mask
    return wide_blur(x * x, sigma), wide_blur(z * z, sigma), wide_blur(x * z, sigma)


def block_sums(picture: Plane, side: int) -> Plane:
    """Sums over whole blocks of ``side x side`` px; shape (h // side, w // side)."""
    rows, columns = picture.shape[0] // side, picture.shape[1] // side
    if not rows or not columns:
        return np.zeros((rows, columns), np.float32)
    whole = picture[: rows * side, : columns * side]
    means: Plane = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)  # exact for whole factors
    return means * np.float32(side * side)
