"""Fingerprints of a whole picture: tier 1 of the look-up, for copies, recompressions, mirrors and quarter turns.

PDQ (Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019): 256 signs of the low
16 × 16 cosine transform of a 64 × 64 luma. The same signs rearranged are the codes of the picture turned and mirrored.
Two codes belong together when few bits differ. Crops need `watermark.landmarks`; on a screenshot, pictures that stand
out from a plain ground are hashed by themselves.
"""

from __future__ import annotations

import cv2
import imagehash
import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

from watermark.insets import insets

Codes = NDArray[np.uint8]

CONFIDENT_RADIUS = 31
"""Bits: the same picture, as Meta recommends; of 336,000 unrelated comparisons the closest were 74 apart."""

CANDIDATE_RADIUS = 70
"""Bits: perhaps the same picture (a small rotation, a hard crop of the border); to be verified by other means."""

MIN_QUALITY = 50
"""Of 100; a picture below, such as an empty gradient, has codes that say little, and should not be matched by them."""

ORIENTATIONS = (
    "upright",
    "turned 90° anti-clockwise",
    "turned 180°",
    "turned 90° clockwise",
    "upside down",
    "mirrored",
    "transposed",
    "transposed and turned 180°",
)
"""What the picture would have to undergo to have the n-th code of `pdq` as its first one."""

_LONG_SIDE = 512


def pdq(rgb: NDArray[np.uint8]) -> tuple[Codes, int]:
    """PDQ codes of a picture in the 8 orientations, and how much they can be trusted.

    The picture is first shrunk to at most 512 px on the long side by area averaging: 3 ms instead of 38 ms a megapixel.
    Codes of the shrunk picture lie 5 bits from those of the full one on average, 18 at most.

    Parameters
    ----------
    rgb : ndarray, shape (H, W, 3), uint8

    Returns
    -------
    codes : ndarray, shape (8, 32), uint8
        In the order of `ORIENTATIONS`; the first bit is the highest of the first byte.
    quality : int
        0..100, from the luma's gradients; see `MIN_QUALITY`.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> picture = cv2.resize(rng.integers(0, 256, (9, 12, 3), np.uint8), (400, 300))
    >>> codes, quality = pdq(picture)
    >>> codes.shape, int(hamming(codes[5], pdq(picture[:, ::-1])[0][0])) <= CONFIDENT_RADIUS
    ((8, 32), True)
    """
    scale = _LONG_SIDE / max(rgb.shape[:2])
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    bits, quality = pdqhash.compute_dihedral(np.ascontiguousarray(rgb))
    return np.packbits(np.array(bits, np.uint8), axis=1), int(quality)


def inset_pdq(rgb: NDArray[np.uint8]) -> Codes:
    """PDQ codes of the pictures set into a page, a chat or a letterbox, largest first: (n, 32), n <= 8.

    Those of which PDQ says too little are left out; see `watermark.insets`.
    """
    hashed = [pdq(inset.cut(rgb)) for inset in insets(rgb)]
    return np.array([codes[0] for codes, quality in hashed if quality >= MIN_QUALITY], np.uint8).reshape(-1, 32)


def phash(rgb: NDArray[np.uint8]) -> bytes:
    """64 signs of the low 8 × 8 cosine transform, exactly as `imagehash.phash` gives them; 8 bytes."""
    return bytes(np.packbits(imagehash.phash(Image.fromarray(rgb)).hash))


def dhash(rgb: NDArray[np.uint8]) -> bytes:
    """64 signs of horizontal differences of an 8 × 9 luma, exactly as `imagehash.dhash` gives them; 8 bytes."""
    return bytes(np.packbits(imagehash.dhash(Image.fromarray(rgb)).hash))


def hamming(a: Codes, b: Codes) -> NDArray[np.int64]:
    """Bits in which codes differ, over the last axis; the other axes broadcast.

    Parameters
    ----------
    a, b : ndarray, shape (..., n), uint8

    Returns
    -------
    ndarray, shape (...), int64

    Examples
    --------
    >>> hamming(np.array([[0, 0], [255, 1]], np.uint8), np.array([0, 3], np.uint8)).tolist()
    [2, 9]
    """
    return np.bitwise_count(a ^ b).sum(axis=-1, dtype=np.int64)
