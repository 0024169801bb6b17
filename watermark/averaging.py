"""Shrinking a picture by averaging over area: rows first, which lie as memory does, then columns."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .compiling import compiled_in_any_order


def averaged(samples: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Average a picture over area on a raster of `shape`, nowhere larger than its own.

    Parameters
    ----------
    samples : (H, W) or (H, W, channels), uint8 or float32.

    Returns
    -------
    (h, w) or (h, w, channels) float32, not rounded.
    """
    height, width = samples.shape[:2]
    low = np.zeros((shape[0], width, *samples.shape[2:]), np.float32)
    _average_rows(np.ascontiguousarray(samples).reshape(height, -1), low.reshape(shape[0], -1))
    return low if shape[1] == width else np.asarray(cv2.resize(low, shape[::-1], interpolation=cv2.INTER_AREA))


@compiled_in_any_order
def _average_rows(samples: NDArray[Any], out: NDArray[np.float32]) -> None:
    """Add to each row of `out` the mean of the rows that it stands for."""
    step = len(samples) / len(out)
    for row in range(len(out)):
        top, bottom = row * step, min((row + 1) * step, len(samples))
        for source in range(int(top), math.ceil(bottom)):
            weight = np.float32((min(source + 1, bottom) - max(source, top)) / step)
            for place in range(samples.shape[1]):
                out[row, place] += weight * samples[source, place]
