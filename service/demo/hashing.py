"""Perceptual hashes as a browser extension computes them: locally, of pixels on a page, and only hashes are sent."""

from __future__ import annotations

from service.demo.photographs import Rgb
from watermark import fingerprint


def query(rgb: Rgb) -> dict[str, object]:
    """Describe a picture as ``POST /v1/lookup`` wants it: the upright PDQ code in hex digits, and its quality."""
    codes, quality = fingerprint.pdq(rgb)
    return {"pdq": codes[0].tobytes().hex(), "quality": quality}
