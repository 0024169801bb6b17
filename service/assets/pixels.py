"""What happens to an original in a worker process: bytes in, bytes out; no database, no keys but the mark's own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import watermark
from service.overlays import packed
from watermark import fingerprint, landmarks, preflight
from watermark.decode import decode_asset, inspect_asset


@dataclass(frozen=True)
class Prepared:
    """A prepared master and what its original is; ``format`` names the family, as JPEG or TIFF."""

    master: bytes
    format: str
    width: int
    height: int


@dataclass(frozen=True)
class Described:
    """What finds an asset again: PDQ in 8 orientations (8 × 32 bytes), two 64-bit hashes, local features.

    ``landmarks`` are for the index, ``details`` are more of them for a closer look.
    """

    pdq: list[bytes]
    quality: int
    phash: bytes
    dhash: bytes
    landmarks: bytes
    details: bytes


@dataclass(frozen=True)
class Certified:
    """A certificate in plain values, as it is stored, and the map of where the asset carries (grey PNG)."""

    certificate: dict[str, Any]
    carries: bytes


def inspect(data: bytes, max_pixels: int) -> None:
    """Refuse what the header alone shows to be unfit."""
    inspect_asset(data, max_pixels)


def prepare(data: bytes, key: bytes, max_pixels: int) -> Prepared:
    """Decode an original and prepare its master."""
    picture = decode_asset(data, max_pixels)
    master = watermark.prepare_picture(picture, key=key)
    height, width = picture.pixels.shape[:2]
    return Prepared(master.to_bytes(), picture.format, width, height)


def describe(data: bytes, max_pixels: int) -> Described:
    """Compute an original's fingerprints."""
    rgb = decode_asset(data, max_pixels).rgb
    codes, quality = fingerprint.pdq(rgb)
    return Described(
        pdq=[code.tobytes() for code in codes],
        quality=int(quality),
        phash=bytes(fingerprint.phash(rgb)),
        dhash=bytes(fingerprint.dhash(rgb)),
        landmarks=landmarks.describe(rgb).to_bytes(),
        details=landmarks.detail(rgb).to_bytes(),
    )


def certify(master: bytes) -> Certified:
    """Put a trial copy through the ladder of damage."""
    found = preflight.certify(watermark.Master.from_bytes(master))
    return Certified(
        certificate={
            "passed": found.released,
            "reason": found.reason,
            "hint": found.hint,
            "rungs": [{**asdict(rung), "survives": rung.survives} for rung in found.rungs],
        },
        carries=packed(found.carries),
    )
