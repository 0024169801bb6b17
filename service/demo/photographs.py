"""Real photographs that scikit-image carries in its wheel, so that nothing is downloaded.

Origins and licences as ``skimage.data`` states them: astronaut (NASA, public domain), rocket (SpaceX, public domain),
coffee (Rachel Michetti, CC0), chelsea (Stefan van der Walt, CC0), hubble deep field (NASA, public domain).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Photograph:
    """A picture of the wheel and what the demo calls it."""

    name: str
    title: str
    credit: str

    @property
    def rgb(self) -> Rgb:
        """The pixels, (H, W, 3) uint8."""
        return np.ascontiguousarray(getattr(data, self.name)(), np.uint8)


PORTRAIT = Photograph("astronaut", "Campaign portrait", "NASA, public domain")
LAUNCH = Photograph("rocket", "Launch night", "SpaceX, public domain")
STRANGER = Photograph("coffee", "Somebody else's coffee", "Rachel Michetti, CC0")
TEASERS = (
    Photograph("chelsea", "Cat", "Stefan van der Walt, CC0"),
    Photograph("hubble_deep_field", "Deep field", "NASA, public domain"),
)


def jpeg(rgb: Rgb, quality: int) -> bytes:
    """Encode pixels as JPEG, as a phone or a site would."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=quality)
    return out.getvalue()


def png(rgb: Rgb) -> bytes:
    """Encode pixels as PNG."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return out.getvalue()


def pixels(encoded: bytes) -> Rgb:
    """Decode a picture of our own making."""
    return np.array(Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")).convert("RGB"), np.uint8)
