"""The quantisation of the JPEG that a picture was last saved as, read off its pixels.

A decoded JPEG shows coefficients that are whole multiples of the encoder's steps, to within the rounding of its
pixels, on a grid of 8 px that starts at the picture's corner, or where a screenshot or a crop has put it. Nothing but
pixels is needed, so what a browser or a screenshot tool has saved losslessly since tells as much as the file itself.

References
----------
ITU-T T.81 (JPEG), A.3.3 (DCT) and A.3.4 (quantisation); Z. Fan, R. L. de Queiroz, "Identification of bitmap
compression history: JPEG detection and quantizer estimation", IEEE Trans. Image Process. 12(2), 2003,
doi:10.1109/TIP.2002.807361.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

BLOCK = 8
LARGEST_STEP = 255
SAMPLE_BLOCKS = 12_000
PHASE_COLUMNS = 1000  # that rows are compared in
FEWEST_MULTIPLES = 8  # coefficients away from zero that a step is estimated from
OFF_ZERO = 0.25  # share of a step from which a coefficient tells something about it
NEAR = 0.06  # mean distance to a multiple, in steps; 0.25 where there is no such step
FEWEST_STEPS = 3  # frequencies whose step is found, for the picture to count as a JPEG
LIKE_STANDARD = 0.04  # share by which found steps may differ from a scaled standard table
MID_GREY = np.float32(128)

_K, _X = np.mgrid[0:BLOCK, 0:BLOCK]
DCT = (np.sqrt(np.where(_K == 0, 1, 2) / BLOCK) * np.cos((2 * _X + 1) * _K * np.pi / (2 * BLOCK))).astype(np.float32)
BASES = np.kron(DCT, DCT).T
"""The orthonormal transform of T.81, A.3.3: coefficients of blocks (n, 64) are blocks @ BASES, row by row."""

STANDARD = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""Luma steps of T.81, K.1, which most encoders scale by a quality of 1 … 100."""


@dataclass(frozen=True)
class Quantisation:
    """A JPEG's luma lattice as a picture shows it.

    Attributes
    ----------
    top, left : row and column of the first whole block.
    steps : (8, 8) float32, step of each frequency in luma levels times 8; 0 where it could not be told.
    """

    top: int
    left: int
    steps: Plane

    def blocks(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Whole blocks of a plane of the picture's size: (n, 64), each row by row."""
        return whole_blocks(plane[self.top :, self.left :])


def whole_blocks(plane: NDArray[Any]) -> NDArray[Any]:
    """Cut a plane into its whole 8 × 8 blocks: (n, 64), each row by row."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    cut = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return cut.swapaxes(1, 2).reshape(-1, BLOCK * BLOCK)


def find(luma: Plane) -> Quantisation | None:
    """Read a JPEG's steps off decoded luma; None where the picture shows none, or has been resampled since.

    Parameters
    ----------
    luma : (h, w) float32, 0 … 255, not rounded.
    """
    if min(luma.shape) < 2 * BLOCK:
        return None
    corners = dict.fromkeys([(0, 0), (phase(luma), phase(luma.T))])  # most files start at their own corner
    thinning = max(1, luma.size // (SAMPLE_BLOCKS * BLOCK * BLOCK))
    for top, left in corners:
        rows = luma[top : top + (luma.shape[0] - top) // BLOCK * BLOCK, left:].reshape(-1, BLOCK, luma.shape[1] - left)
        sample = whole_blocks(np.ascontiguousarray(rows[::thinning]).reshape(-1, rows.shape[2]))
        unclipped = sample[(sample.min(1) > 1) & (sample.max(1) < 254)]
        found = np.array([step_of(values) for values in ((unclipped - MID_GREY) @ BASES).T], np.float32)
        if np.count_nonzero(found) >= FEWEST_STEPS:
            return Quantisation(top, left, standardised(found.reshape(BLOCK, BLOCK)))
    return None


def phase(luma: Plane) -> int:
    """Row of the first border between blocks, 0 … 7, where rows differ most from their neighbours."""
    jumps = np.abs(np.diff(luma[:, :: max(1, luma.shape[1] // PHASE_COLUMNS)], axis=0)).mean(axis=1)
    around = np.convolve(jumps, np.ones(BLOCK) / BLOCK, "same")
    excess = np.minimum(jumps - around, jumps.mean())  # a real edge of the picture is one row among many
    per_row = [float(excess[row::BLOCK].mean()) for row in range(BLOCK)]
    return (int(np.argmax(per_row)) + 1) % BLOCK


def step_of(values: NDArray[np.float64]) -> float:
    """The largest step whose multiples `values` are; 0 if there is none, or if too few of them are away from zero.

    The largest, since its divisors fit as well.
    """
    away = np.sort(np.abs(values))[::-1]
    if len(away) < FEWEST_MULTIPLES:
        return 0.0
    highest = min(float(LARGEST_STEP), away[FEWEST_MULTIPLES - 1] / (1 - OFF_ZERO))
    step = highest
    while step >= 2:
        telling = away[away > OFF_ZERO * step]
        multiples = np.rint(telling / step)
        if np.abs(telling / step - multiples).mean() < 2 * NEAR and multiples.any():
            fitted = float(multiples @ telling / (multiples @ multiples))
            exact = np.abs(telling / fitted - np.rint(telling / fitted)).mean() < NEAR
            if exact and np.count_nonzero(np.rint(telling / fitted)) >= FEWEST_MULTIPLES:
                return float(round(float(np.median(telling[multiples > 0] / multiples[multiples > 0]))))
        step = min(step - 1, step * 0.96)
    return 0.0


def standardised(steps: Plane) -> Plane:
    """The scaled standard table that found steps belong to, with the steps that could not be found; else themselves.

    >>> guess = np.where(STANDARD < 20, STANDARD * 2, 0).astype(np.float32)
    >>> bool((standardised(guess) == STANDARD * 2).all())
    True
    """
    known = steps > 0
    tables = np.array([scaled(quality) for quality in range(1, 101)], np.float32)
    apart = np.abs(tables[:, known] / steps[known] - 1)
    nearest = int(apart.mean(1).argmin())
    return tables[nearest] if np.median(apart[nearest]) < LIKE_STANDARD else steps


def scaled(quality: int) -> NDArray[np.int_]:
    """The standard table at a quality, as the Independent JPEG Group's encoder scales it."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((STANDARD * percent + 50) // 100, 1, LARGEST_STEP)
