"""A picture as it goes through the library: pixels of either depth, and what its file says about them.

An original comes in as one and a copy goes out as one: a copy is its original's `Picture` with other pixels.
"""

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from .metadata import Metadata

Samples = NDArray[np.uint8] | NDArray[np.uint16]
BAND_ROWS = 256
ISSUED_AS = {"HEIC": "JPEG"}  # the free encoder of HEVC is under the GPL, and HEVC under patents
SIXTEEN = 257  # 16-bit levels in an 8-bit one: 65535 / 255


@dataclass(frozen=True)
class Picture:
    """A decoded picture, the right way up.

    Attributes
    ----------
    pixels : (H, W, 3) RGB or (H, W) grey, uint8 or uint16.
    format : family of the file: JPEG, PNG, TIFF, WEBP, AVIF or HEIC.
    alpha : (H, W) of the same dtype, 0 is transparent and not multiplied into `pixels`; None where all is opaque.
    icc : colour profile that `pixels` are in; sRGB is meant where there is none.
    metadata : the little that copies keep of the file's own words.
    subsampling : of chroma in a JPEG: "4:4:4", "4:2:2" or "4:2:0"; "4:0:0" for grey.
    lossless : whether the file's compression was, where a format has both (WebP).
    """

    pixels: Samples = field(repr=False)
    format: str = "JPEG"
    alpha: Samples | None = field(default=None, repr=False)
    icc: bytes | None = field(default=None, repr=False)
    metadata: Metadata = field(default_factory=Metadata)
    subsampling: str = "4:2:0"
    lossless: bool = False

    @property
    def grey(self) -> bool:
        """Whether there is one channel only."""
        return self.pixels.ndim == 2

    @property
    def issued_as(self) -> str:
        """Format of the copies: the original's own, where copies can be written in it."""
        return ISSUED_AS.get(self.format, self.format)

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """What a person sees on a white page: (H, W, 3) uint8."""
        if self.pixels.dtype == np.uint8 and not self.grey and self.alpha is None:
            return np.asarray(self.pixels, np.uint8)
        out = np.empty((*self.pixels.shape[:2], 3), np.uint8)
        for top in range(0, len(out), BAND_ROWS):
            rows = slice(top, top + BAND_ROWS)
            band = eight_bits(self.pixels[rows])
            band = cv2.cvtColor(band, cv2.COLOR_GRAY2RGB) if self.grey else band
            out[rows] = band if self.alpha is None else lay_on_white(band, eight_bits(self.alpha[rows]))
        return out


def eight_bits(samples: Samples) -> NDArray[np.uint8]:
    """Scale samples to 0 … 255, rounded to nearest.

    >>> eight_bits(np.array([[0, 257, 65535]], np.uint16)).tolist()
    [[0, 1, 255]]
    """
    if samples.dtype == np.uint8:
        return np.asarray(samples, np.uint8)
    return cv2.convertScaleAbs(samples, alpha=1 / SIXTEEN)


def lay_on_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Show a picture on a white page: c = a v + (1 - a) 255.

    Parameters
    ----------
    rgb : (h, w, 3) uint8, not multiplied by alpha.
    alpha : (h, w) uint8.
    """
    a = alpha[..., None].astype(np.uint16)
    return ((rgb * a + 255 * (255 - a) + 127) // 255).astype(np.uint8)
