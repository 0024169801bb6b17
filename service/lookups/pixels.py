"""What happens to a found picture in a worker process before anything is looked up."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from watermark import fingerprint, landmarks
from watermark.decode import decode_leak, inspect_leak

THUMBNAIL_SIDE = 480


@dataclass(frozen=True)
class Found:
    """A found picture described: PDQ (32 bytes) with its quality, local features, and a small JPEG to show.

    ``insets`` are the PDQ of the pictures that are set into it, as into a screenshot.
    """

    pdq: bytes
    quality: int
    insets: tuple[bytes, ...]
    features: Any
    thumbnail: bytes
    width: int
    height: int


def inspect(data: bytes, max_pixels: int) -> None:
    """Refuse what the header alone shows to be unreadable."""
    inspect_leak(data, max_pixels)


def describe(data: bytes, max_pixels: int) -> Found:
    """Decode a found picture and describe it."""
    return described(decode_leak(data, max_pixels))


def described(rgb: np.ndarray[Any, Any]) -> Found:
    """Describe a found picture."""
    codes, quality = fingerprint.pdq(rgb)
    insets = tuple(code.tobytes() for code in fingerprint.inset_pdq(rgb))
    picture = Image.fromarray(rgb)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    height, width = rgb.shape[:2]
    return Found(codes[0].tobytes(), int(quality), insets, landmarks.query(rgb), out.getvalue(), width, height)
