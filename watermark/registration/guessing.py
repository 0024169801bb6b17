"""Where a leak would lie that shows nothing to be recognised by: a crop of a plain wall, a cloud.

Such a crop has no key points and no evidence, yet it carries a mark, and its grain and faint shades correlate with the
original most where it was cut. That is a guess: it is worth a look, which the bound pays for, and no reason to say that
the picture was recognised. Only the original's own scale is tried, the one at which a small crop has kept its grain.
"""

from __future__ import annotations

import numpy as np

from watermark.registration.fit import Fit
from watermark.registration.geometry import Plane, is_mirroring
from watermark.registration.index import Index
from watermark.registration.sweep import ORIENTATIONS, native_scale
from watermark.registration.warping import Leak

_CONVINCING = 2.5  # z from which a registration needs no guesses beside it


def guess(index: Index, leak_luma: Plane, fits: list[Fit]) -> list[Fit]:
    """Guess where a leak lies that registration was not sure of.

    Parameters
    ----------
    index : Index
    leak_luma : ndarray, shape (H, W), float32, 0..255
    fits : list of Fit
        What registration found.

    Returns
    -------
    list of Fit
        One at most, without evidence, the leak upright. Empty where registration found a place, and where the leak is
        no small crop at the original's own scale.
    """
    if fits and fits[0].evidence >= _CONVINCING:
        return []
    luma = np.ascontiguousarray(leak_luma, np.float32)
    return [
        Fit(
            homography=hypothesis.homography,
            mirrored=is_mirroring(hypothesis.homography),
            inverted=hypothesis.inverted,
            flow=None,
            evidence=0.0,
            blocks=(0.0, 0),
            inliers=0,
            method=hypothesis.method,
            tried=1,
        )
        for hypothesis in native_scale(index, Leak.build(luma), ORIENTATIONS[:1])
    ]
