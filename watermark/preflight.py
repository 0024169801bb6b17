"""Before an asset is released: will its copies still be told apart after they leaked?

A copy that nobody will ever hold is put through a ladder of real damage and read back, each rung with the geometry
known, so that what is measured is the mark and not the search for it; one rung is registered from scratch. The scores
are a certificate of what the asset can bear, and the precisions of the undamaged reading a map of where it carries.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from math import log10

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from . import registration
from .accusing import LOG10_GATE, accuse
from .codebook import MAX_SERIAL
from .heatmap import heat_map
from .issuing import issue
from .master import Master
from .preparing import luma_and_cb
from .reading import Reading, read, resize_matrix
from .symbols import read_symbols

Image = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Damage = Callable[[Image], tuple[Image, Matrix]]

TRIAL_SERIAL = MAX_SERIAL  # never issued
COPIES = 1_000_000  # the issue that every rung is judged for
REGISTERED = "crop to a quarter, found from scratch"


@dataclass(frozen=True)
class Rung:
    """One damage of the ladder.

    Attributes
    ----------
    name : what was done to the trial copy.
    score : of the trial copy, in standard deviations of an innocent copy's score.
    log10_bound : family-wise false-accusation probability among a million copies.
    required : the asset must bear this to be released.
    """

    name: str
    score: float
    log10_bound: float
    required: bool

    @property
    def survives(self) -> bool:
        """Whether the copy would be named."""
        return self.log10_bound <= LOG10_GATE


@dataclass(frozen=True)
class Certificate:
    """What an asset's mark was seen to bear.

    Attributes
    ----------
    rungs : mildest first within each kind of damage.
    carries : (h / 8, w / 8) float32 in [0, 1], where the asset carries its mark.
    """

    rungs: list[Rung]
    carries: NDArray[np.float32]

    @property
    def weakest(self) -> Rung:
        """The required rung nearest to the gate, or furthest beyond it."""
        return max((r for r in self.rungs if r.required), key=lambda r: (r.log10_bound, -r.score))

    @property
    def released(self) -> bool:
        """Whether every required rung survives."""
        return all(rung.survives for rung in self.rungs if rung.required)

    @property
    def reason(self) -> str | None:
        """Why the asset is held back; None when it is not."""
        if self.released:
            return None
        return (
            f"Copies could not be told apart after “{self.weakest.name}”: the picture carries too little of the mark."
        )

    @property
    def hint(self) -> str | None:
        """What would make it pass; None when it does."""
        if self.released:
            return None
        return "Upload the picture in a larger size, or one with more structure than flat colour."


def certify(master: Master) -> Certificate:
    """Put a trial copy of a prepared asset through the ladder.

    Returns
    -------
    Certificate; costs about half a CPU second per rung, whatever the size of the picture.
    """
    copy, onto = whole(master, issue(master, TRIAL_SERIAL))
    rungs = [
        rung(master, name, placed(master, leak, onto @ np.linalg.inv(moved)), required)
        for name, required, (leak, moved) in ((name, required, damage(copy)) for name, required, damage in LADDER)
    ]
    quarter, _ = crop(0.25)(copy)
    rungs.append(rung(master, REGISTERED, read(master, quarter), True))
    return Certificate(rungs, heat_map(master, placed(master, copy, onto)))


def read_in_place(master: Master, copy: Image) -> Reading:
    """Read a copy that is known to be whole, without searching for where it lies."""
    return placed(master, *whole(master, copy))


def whole(master: Master, copy: Image) -> tuple[Image, Matrix]:
    """Shrink a whole copy as a platform would; returns it and its place on the canonical raster."""
    shrink = min(1.0, 2048 / max(copy.shape[:2]))  # reading uses 1,024 px at most
    if shrink < 1:
        copy = cv2.resize(copy, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return copy, resize_matrix(master.design.canonical_shape[1] / copy.shape[1])


def placed(master: Master, leak: Image, homography: Matrix) -> Reading:
    """Read a leak whose place on the canonical raster is known."""
    fit = registration.Fit(homography, False, False, None, 0.0, (0.0, 0), 0, "hint", 1)
    return Reading(read_symbols(master.channels, luma_and_cb(leak), fit))


def rung(master: Master, name: str, reading: Reading, required: bool) -> Rung:
    """Score the trial copy as one of a million."""
    ranked = accuse(master, reading, serials=[TRIAL_SERIAL]).ranked
    if not ranked:
        return Rung(name, 0.0, 0.0, required)
    return Rung(name, ranked[0].score, min(0.0, ranked[0].log10_bound + log10(COPIES)), required)


def compressed(quality: int) -> Damage:
    """JPEG at a quality, sub-sampled chroma."""

    def apply(rgb: Image) -> tuple[Image, Matrix]:
        buffer = io.BytesIO()
        PillowImage.fromarray(rgb).save(buffer, "JPEG", quality=quality)
        return np.asarray(PillowImage.open(io.BytesIO(buffer.getvalue()))), np.eye(3)

    return apply


def scaled(side: int, quality: int = 75) -> Damage:
    """Shrunk to a long side in px, as a thumbnail or a messenger would, and compressed."""

    def apply(rgb: Image) -> tuple[Image, Matrix]:
        factor = min(1.0, side / max(rgb.shape))
        small = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        return compressed(quality)(small)[0], resize_matrix(factor)

    return apply


def crop(share: float, quality: int = 80) -> Damage:
    """The middle part of that share of the area, compressed."""

    def apply(rgb: Image) -> tuple[Image, Matrix]:
        height, width = (max(16, round(side * share**0.5)) for side in rgb.shape[:2])
        top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
        part = np.ascontiguousarray(rgb[top : top + height, left : left + width])
        return compressed(quality)(part)[0], np.array([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]])

    return apply


def blurred(rgb: Image) -> tuple[Image, Matrix]:
    """Out of focus: Gaussian, sigma 3 px, compressed."""
    return compressed(70)(cv2.GaussianBlur(rgb, (0, 0), 3))[0], np.eye(3)


def noisy(rgb: Image) -> tuple[Image, Matrix]:
    """Grain of 20 levels, compressed."""
    grain = np.random.default_rng(1).normal(0, 20, rgb.shape)
    return compressed(70)(np.clip(rgb + grain, 0, 255).astype(np.uint8))[0], np.eye(3)


def reposted(rgb: Image) -> tuple[Image, Matrix]:
    """Posted, saved and posted again: 1,080 px at quality 70, then 960 px at 60."""
    first, one = scaled(1080, 70)(rgb)
    second, two = scaled(960, 60)(first)
    return second, two @ one


LADDER: tuple[tuple[str, bool, Damage], ...] = (
    ("JPEG quality 50", True, compressed(50)),
    ("JPEG quality 30", True, compressed(30)),
    ("JPEG quality 15", False, compressed(15)),
    ("JPEG quality 8", False, compressed(8)),
    ("640 px wide", True, scaled(640)),
    ("320 px wide", False, scaled(320)),
    ("160 px wide", False, scaled(160)),
    ("crop to a quarter", True, crop(0.25)),
    ("crop to a tenth", False, crop(0.1)),
    ("crop to a thirtieth", False, crop(0.03)),
    ("out of focus", False, blurred),
    ("grainy", False, noisy),
    ("posted twice", True, reposted),
)
