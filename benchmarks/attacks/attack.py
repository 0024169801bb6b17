"""What an attack is: a transform of a leaked still that also tells where every original pixel went.

The true homography lets a benchmark separate the two ways of losing a mark: not finding the place, or finding it and
reading nothing there. Pixel centres have integer coordinates, so a resize by `s` maps x to `s·x + (s − 1)/2`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.photographs import from_wheel

Rgb = npt.NDArray[np.uint8]
Homography = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating[Any]]

SAME_PICTURE = 0.95
"""Correlation of two 16 × 16 thumbnails from which a companion counts as the attacked picture itself."""


@dataclass(frozen=True, slots=True)
class Attacked:
    """A leaked still after an attack.

    Attributes
    ----------
    rgb : (h, w, 3) uint8
    homography : (3, 3) float64 or None
        Maps original pixels (x, y, 1) to attacked pixels; the least-squares best one where the attack bends the
        picture; None where no homography says anything.
    """

    rgb: Rgb
    homography: Homography | None


@dataclass(frozen=True, slots=True)
class Scene:
    """What an attack may draw on besides the picture: chance, and the photographs of other people.

    Attributes
    ----------
    rng : numpy.random.Generator
    companions : tuple of (h, w, 3) uint8
        Other photographs, for collages, pages and backgrounds; never the attacked picture itself.
    """

    rng: np.random.Generator
    companions: tuple[Rgb, ...]

    def companion(self) -> Rgb:
        """Return one of the companion photographs, chosen by chance."""
        return self.companions[int(self.rng.integers(len(self.companions)))]


Transform = Callable[[Rgb, Scene], Attacked]


@dataclass(frozen=True, slots=True)
class Attack:
    """A named attack.

    Attributes
    ----------
    name, family : str
    transform : callable (rgb, scene) -> Attacked
    core : bool
        Whether the attack belongs to the short suite.
    """

    name: str
    family: str
    transform: Transform
    core: bool = False

    def apply(self, rgb: Rgb, rng: np.random.Generator, companions: Sequence[Rgb] | None = None) -> Attacked:
        """Attack a picture; the same generator state gives the same result.

        Parameters
        ----------
        rgb : (H, W, 3) uint8
        rng : numpy.random.Generator
        companions : sequence of (h, w, 3) uint8, optional
            Photographs that may surround the picture; by default those of the scikit-image wheel. The picture itself
            is left out of them.
        """
        others = from_wheel().values() if companions is None else companions
        small = _thumbnail(rgb)
        strangers = tuple(other for other in others if small @ _thumbnail(other) <= SAME_PICTURE)
        return self.transform(rgb, Scene(rng, strangers))


def same_picture(a: Rgb, b: Rgb) -> bool:
    """Tell whether two pictures agree as 16 × 16 thumbnails."""
    return bool(_thumbnail(a) @ _thumbnail(b) > SAME_PICTURE)


def _thumbnail(rgb: Rgb) -> npt.NDArray[np.float64]:
    small = cv2.resize(rgb, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    small -= small.mean()
    return small / max(1e-9, float(np.linalg.norm(small)))


def in_place(change: Callable[[Rgb, np.random.Generator], Rgb]) -> Transform:
    """Make a transform of a function that leaves every pixel where it was."""
    return lambda rgb, scene: Attacked(change(rgb, scene.rng), np.eye(3))


def chain(*transforms: Transform) -> Transform:
    """Apply transforms one after the other; the homographies multiply, and one unknown makes the whole unknown."""

    def run(rgb: Rgb, scene: Scene) -> Attacked:
        total: Homography | None = np.eye(3)
        for transform in transforms:
            step = transform(rgb, scene)
            rgb = step.rgb
            total = None if total is None or step.homography is None else step.homography @ total
        return Attacked(rgb, total)

    return run


def in_strips(rgb: Rgb, change: Callable[[npt.NDArray[np.float32]], Floats], rows: int = 256) -> Rgb:
    """Apply a function of (rows, W, 3) float32 strip by strip, so that 45 megapixels never exist as floats at once."""
    out = np.empty_like(rgb)
    for top in range(0, rgb.shape[0], rows):
        out[top : top + rows] = to_bytes(change(rgb[top : top + rows].astype(np.float32)))
    return out


def to_bytes(values: Floats) -> Rgb:
    """Round and clip to uint8."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
