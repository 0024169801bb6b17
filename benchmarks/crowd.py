"""Our assets among thousands of strangers: the index that the look-up's benchmark asks, and what fills it.

Some strangers are described; the rest are shuffled copies of these, with real codes but places that fit nothing.
Describing takes minutes, so what was described is kept in the system's folder for temporary files, under a name that
changes with the pictures and with what test cards are described as.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks import strangers, testcards
from benchmarks.photographs import Rgb, at_megapixels, open_rgb
from watermark import fingerprint, landmarks

MOST_MEGAPIXELS = 2.0
INDEX_SEED = 5


class Folder(Sequence[Rgb]):
    """Photographs on disk, opened when they are looked at, at most 2 MP each; the latest stay open."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> Rgb:  # type: ignore[override]
        return opened(self.paths[place])

    def halves(self) -> tuple[Folder, Folder]:
        """The first half by name and the second: what lies side by side, as frames of one film, stays together."""
        middle = len(self) // 2
        return Folder(self.paths[:middle]), Folder(self.paths[middle:])


@lru_cache(maxsize=64)
def opened(path: Path) -> Rgb:
    """A photograph at 2 MP or less."""
    rgb = open_rgb(path)
    return at_megapixels(rgb, MOST_MEGAPIXELS) if rgb.shape[0] * rgb.shape[1] > MOST_MEGAPIXELS * 1e6 else rgb


@dataclass
class Crowd:
    """Both tiers, as the service combines them, and each picture's landmarks for a closer look."""

    tier_2: landmarks.LandmarkIndex = field(default_factory=landmarks.LandmarkIndex)
    close: dict[str, bytes] = field(default_factory=dict)
    pdq: dict[str, fingerprint.Codes] = field(default_factory=dict)
    copies: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, name: str, rgb: Rgb) -> tuple[int, int]:
        """Take in a picture; the bytes of its landmarks in the index, and of those beside it."""
        described, close = landmarks.describe(rgb), landmarks.detail(rgb).to_bytes()
        codes_, quality = fingerprint.pdq(rgb)
        self.take(name, described, close)
        if quality >= fingerprint.MIN_QUALITY:
            self.pdq[name] = codes_
        return len(described.to_bytes()), len(close)

    def take(self, name: str, described: landmarks.Landmarks, close: bytes) -> None:
        """Take in what was described."""
        self.tier_2.add(name, described)
        self.close[name] = close

    def details(self, name: str) -> landmarks.Landmarks | None:
        """A picture's landmarks for a closer look, as if just read from disk."""
        source, seed = self.copies.get(name, (name, 0))
        close = landmarks.Landmarks.from_bytes(self.close[source])
        return strangers.shuffled(close, np.random.default_rng(seed)) if source != name else close

    def search(self, query: landmarks.Query) -> list[landmarks.Candidate]:
        """Ask tier 2."""
        return self.tier_2.search(query, self.details)

    def nearest(self, rgb: Rgb) -> list[str]:
        """Ask tier 1 for the picture and for those set into it: pictures within the confident radius, nearest first."""
        own, quality = fingerprint.pdq(rgb)
        asked = np.concatenate([own[: int(quality >= fingerprint.MIN_QUALITY)], fingerprint.inset_pdq(rgb)])
        if not len(asked) or not self.pdq:
            return []
        held = np.stack(list(self.pdq.values()))
        bits = np.min([fingerprint.hamming(held, code).min(axis=1) for code in asked], axis=0)
        return [list(self.pdq)[i] for i in np.argsort(bits, kind="stable") if bits[i] <= fingerprint.CONFIDENT_RADIUS]


def fill(crowd: Crowd, photographs: Sequence[Rgb], size: int, described: int) -> None:
    """Add strangers, all but `described` of them shuffled copies."""
    held = list(_described(photographs, min(described, size)))
    for number, (own, close, pdq) in enumerate(held):
        crowd.take(f"stranger {number}", landmarks.Landmarks.from_bytes(own), close)
        if len(pdq):
            crowd.pdq[f"stranger {number}"] = pdq
    for number in range(len(held), size):
        source = number % len(held)
        crowd.copies[f"stranger {number}"] = f"stranger {source}", number
        real = landmarks.Landmarks.from_bytes(held[source][0])
        crowd.tier_2.add(f"stranger {number}", strangers.shuffled(real, np.random.default_rng(number)))


Description = tuple[bytes, bytes, fingerprint.Codes]
"""Landmarks for the index, landmarks beside it, and PDQ codes, none where these say nothing."""


def _described(photographs: Sequence[Rgb], count: int) -> Iterator[Description]:
    """Describe so many strangers, or read what was described before."""
    file = _kept_in(photographs, count)
    kinds = ("own", "close", "pdq")
    if file.exists():
        with np.load(file) as kept:
            for number in range(count):
                own, close, pdq = (kept[f"{number} {kind}"] for kind in kinds)
                yield own.tobytes(), close.tobytes(), pdq
        return
    arrays = dict[str, Any]()
    for number in range(count):
        rgb = strangers.stranger(number, photographs, INDEX_SEED)
        pdq, quality = fingerprint.pdq(rgb)
        own, close = landmarks.describe(rgb).to_bytes(), landmarks.detail(rgb).to_bytes()
        held = (own, close, pdq if quality >= fingerprint.MIN_QUALITY else pdq[:0])
        yield held
        for kind, data in zip(kinds, held, strict=True):
            arrays[f"{number} {kind}"] = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    file.parent.mkdir(mode=0o700, exist_ok=True)
    np.savez(file, **arrays)


def _kept_in(photographs: Sequence[Rgb], count: int) -> Path:
    digest = hashlib.sha256(str(count).encode())
    digest.update(Path(str(strangers.__file__)).read_bytes())
    for card in (testcards.page(), testcards.sky()):
        digest.update(landmarks.describe(card).to_bytes() + landmarks.detail(card).to_bytes())
    if isinstance(photographs, Folder):
        digest.update("\n".join(f"{path} {path.stat().st_size}" for path in photographs.paths).encode())
    else:
        for rgb in photographs:
            digest.update(cv2.resize(rgb, (32, 32), interpolation=cv2.INTER_AREA).tobytes())
    return Path(tempfile.gettempdir(), "telltale-benchmarks", f"{digest.hexdigest()[:24]}.npz")
