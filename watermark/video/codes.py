"""Biases of a video's cells: chosen by its length, and the same law in every group of pictures.

A short clip and a single screenshot have no symbol to spare, and at p = 1/2 each tells most; a long title can afford
the arcsine law, without which three colluders who show the rarer variant wherever they can escape at any length. The
share of arcsine cells rises with the length. Simulated with 90 symbols a second, noise as large as half the distance of
the variants, 100,000 copies, the gate of 1e-9 and four ways to mix (`benchmarks.video_codes`): at 5 seconds two
colluders are found in 15 of 16 mixtures at p = 1/2 and in 12 of 16 with half the cells arcsine; at 30 seconds three are
found in 12 of 16 at p = 1/2, never where they show the minority, and in 14 of 16 with half arcsine; at a minute
three and five are found in 16 of 16 with half arcsine, and in 12 of 16 at p = 1/2.

Each group of pictures follows the law by itself, shuffled by key, so that groups can be prepared one by one and any
excerpt is as strong as any other.

The codewords are those of `watermark.codebook`; cell j is slice j mod n of group j div n, groups counted from the
start of the video.
"""

import numpy as np
from numpy.typing import NDArray

from watermark import keys
from watermark.codebook import ARCSINE_CUTOFF, LEVELS, Codebook

SHORT_CELLS, LONG_CELLS = 600, 1500
LONG_SHARE = 0.5


def arcsine_share(cells: int) -> float:
    """Share of arcsine cells in a video of that many cells, rising from 0 at 600 to one half at 1,500.

    >>> [arcsine_share(m) for m in (300, 1050, 100_000)]
    [0.0, 0.25, 0.5]
    """
    return float(np.clip((cells - SHORT_CELLS) / (LONG_CELLS - SHORT_CELLS), 0, 1)) * LONG_SHARE


def bias_law(cells: int, share: float) -> NDArray[np.uint8]:
    """Return the multiset of thresholds, 256 p, of one group of pictures: (cells,) uint8, not shuffled.

    p = 1/2 but for the share of n arcsine cells, p_i = sin²(a + (i + 1/2)/n (π/2 - 2a)), a = asin √0.01: symmetric
    about 1/2 for any n.

    >>> bias_law(6, 0.5).tolist()
    [22, 128, 234, 128, 128, 128]
    """
    skewed = round(cells * share)
    a = np.arcsin(np.sqrt(ARCSINE_CUTOFF))
    steps = (np.arange(skewed) + 0.5) / max(1, skewed)
    law = np.full(cells, LEVELS // 2, np.float64)
    law[:skewed] = np.rint(LEVELS * np.sin(a + steps * (np.pi / 2 - 2 * a)) ** 2)
    return np.clip(law, 1, LEVELS - 1).astype(np.uint8)


def group_thresholds(key: bytes, slices: int, share: float, segment: int, group: int) -> NDArray[np.uint8]:
    """256 times the bias of each cell of one group of pictures: (slices,) uint8.

    Parameters
    ----------
    key : the asset's key.
    share : of arcsine cells.
    segment, group : which group, counted within its segment.
    """
    law = bias_law(slices, share)
    return law[keys.permutation(key, f"video biases {segment} {group}", slices)]


def book(key: bytes, thresholds: NDArray[np.uint8]) -> Codebook:
    """Code book of a video whose cells have these thresholds: (groups × slices,) uint8."""
    return Codebook(keys.derive(key, "codewords"), thresholds)


def contrast(slices: int, share: float) -> float:
    """Half the distance between the variants of a cell, in units of the pattern; see `watermark.issuing`."""
    p = bias_law(slices, share) / float(LEVELS)
    return float(1 / np.sqrt(np.mean(4 * p * (1 - p))))
