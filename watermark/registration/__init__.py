"""Registration: where, and how, a leak lies on the original that is held.

    leak pixels --features--> matches --votes--> hypotheses --refine--> evidence --> fits --warp--> canonical raster

Everything that reads a mark works on the canonical raster of the original (long side at most 1,024 px). This package
finds the map from a leak's pixels to that raster to a few hundredths of a pixel, for crops, pages, mirror images,
negatives, photographs of screens and paper, and says how strongly the pictures agree. It never looks at a codeword.

``index.py`` is what is stored per original, ``search.py`` the order in which things are tried, ``fit.py`` the result.
"""

from watermark.registration.cutout import cutout
from watermark.registration.evidence import evidence_mask
from watermark.registration.fit import Fit, Found
from watermark.registration.index import Index
from watermark.registration.pieces import piece_area
from watermark.registration.search import register
from watermark.registration.warping import warp

__all__ = ["Fit", "Found", "Index", "cutout", "evidence_mask", "piece_area", "register", "warp"]
