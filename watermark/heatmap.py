"""Where the mark was read: a map for people, drawn over the leak's place on the asset."""

import cv2
import numpy as np
from numpy.typing import NDArray

from .master import Master
from .reading import Reading

SMOOTH_PX = 24
SHRINK = 8


def heat_map(master: Master, reading: Reading, serial: int | None = None) -> NDArray[np.float32]:
    """Draw how strongly each place of the asset speaks.

    Parameters
    ----------
    serial : a named copy: agreement of the symbols with its codeword, in [-1, 1], positive where they agree. None:
        visibility of the mark, in [0, 1], for readings that name nobody.

    Returns
    -------
    (h / 8, w / 8) float32 on the canonical raster; 0 where nothing was seen.
    """
    height, width = master.design.canonical_shape
    size = (max(1, width // SHRINK), max(1, height // SHRINK))
    if not reading.readable:
        return np.zeros(size[::-1], np.float32)
    symbols = reading.hypotheses[0]
    visible = np.sqrt(np.maximum(symbols.precisions, 0))
    per_cell = visible
    if serial is not None:
        shown = np.where(master.codebook.codewords([serial])[0], 1.0, -1.0)
        amplitude = shown - (2 * master.codebook.biases - 1)
        noise = np.where(visible > 0, visible, 1)
        per_cell = symbols.correlations / noise * np.sign(amplitude) * np.minimum(1, np.abs(amplitude))
    plane = per_cell.astype(np.float32)[master.lattice.labels]
    smooth = cv2.resize(cv2.GaussianBlur(plane, (0, 0), SMOOTH_PX), size, interpolation=cv2.INTER_AREA)
    peak = float(np.percentile(np.abs(smooth), 98)) or 1.0
    return np.clip(smooth / peak, -1, 1)
