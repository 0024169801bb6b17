"""Data of a strip chart: where, when and how strongly the variants of a copy were read.

Rows are the slices from top to bottom, columns the groups of pictures in the order of the video. Drawing is left to
whoever shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watermark.issuing import contrast

from .master import Master
from .reading import Reading

FULL = 3.0  # standard deviations at which a symbol counts as read beyond doubt


@dataclass(frozen=True)
class Strip:
    """Plain data, one column per group of pictures that was read.

    Attributes
    ----------
    starts_s, ends_s : (k,) when each group is shown in the video.
    groups : (k,) which groups.
    symbols : (slices, k) int8: +1 or -1 for the variant that was read, 0 where nothing was seen.
    strength : (slices, k) float32 in 0 … 1: how far the symbol stands out of the noise.
    agreement : (slices, k) float32 in -1 … 1: strength, positive where the symbol is the named copy's; of a reading
        that names nobody all zeros.
    leak_s, video_s : (n,) times of the frames that were read, in the leak and in the video.
    """

    starts_s: NDArray[np.float64]
    ends_s: NDArray[np.float64]
    groups: NDArray[np.int64]
    symbols: NDArray[np.int8]
    strength: NDArray[np.float32]
    agreement: NDArray[np.float32]
    leak_s: NDArray[np.float64]
    video_s: NDArray[np.float64]


def strip(master: Master, reading: Reading, starts_s: NDArray[np.float64], serial: int | None = None) -> Strip:
    """Arrange a reading for a strip chart.

    Parameters
    ----------
    master : the prepared video.
    reading : of a leak; what is not readable gives no columns.
    starts_s : (groups + 1,) when the groups start, as `References.starts_s`.
    serial : a copy that was named; never pass one that was not.
    """
    slices, groups = master.design.slices, np.array(reading.groups, np.int64)
    where = (groups[:, None] * slices + np.arange(slices)).T
    leak_s = np.array([m.leak_s for m in reading.moments])
    video_s = np.array([m.video_s for m in reading.moments])
    if not reading.readable:
        none = np.zeros((slices, 0), np.float32)
        return Strip(leak_s, leak_s, groups, none.astype(np.int8), none, none, leak_s, video_s)
    best = reading.hypotheses[0]
    biases, scale = master.codebook.biases, contrast(master.codebook.biases)
    correlations, precisions = best.correlations[where] * scale, best.precisions[where] * scale**2
    shown = correlations + (2 * biases[where] - 1) * precisions  # about the middle of both variants
    seen = precisions > 0
    noise = np.sqrt(np.where(seen, precisions, 1))
    strength = np.clip(np.abs(shown) / noise / FULL, 0, 1).astype(np.float32) * seen
    symbols = (np.sign(shown) * seen).astype(np.int8)
    agreement = np.zeros_like(strength)
    if serial is not None:
        bits = np.where(master.codebook.codewords([serial])[0], 1, -1)[where]
        agreement = strength * (symbols * bits).astype(np.float32)
    return Strip(starts_s[groups], starts_s[groups + 1], groups, symbols, strength, agreement, leak_s, video_s)
