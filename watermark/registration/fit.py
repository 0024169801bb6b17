"""What registration hands on: one way in which a leak may lie on the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from watermark.registration.geometry import Matrix, Plane

Method = Literal["keypoints", "frame", "native", "sweep", "piece", "hint"]


@dataclass(frozen=True, slots=True)
class Fit:
    """A leak's place on the canonical raster.

    Attributes
    ----------
    homography : ndarray, shape (3, 3), float64
        Leak pixel -> canonical pixel; a mirrored leak has a mirroring homography.
    mirrored, inverted : bool
        The leak is a mirror image; a negative.
    flow : ndarray, shape (2, h, w), float32, or None
        Smooth rest (paper, lens), canonical px: canonical place ``p`` is seen where the homography alone would put
        ``p + flow[:, p]``.
    evidence : float
        z: ranks fits, proves nothing (`watermark.registration.evidence`).
    blocks : tuple of (float, int)
        S and n of the block evidence.
    inliers : int
        Matches that agreed before the fit guided further matching: 9 at most in wrong fits, 20 and more in right ones.
    method : str
        How the fit was found.
    tried : int
        Hypotheses settled in the whole search.
    """

    homography: Matrix
    mirrored: bool
    inverted: bool
    flow: Plane | None
    evidence: float
    blocks: tuple[float, int]
    inliers: int
    method: Method
    tried: int


class Found(NamedTuple):
    """Where a leak may lie.

    Attributes
    ----------
    fits : list of Fit
        Best first; further ones are rivals that evidence cannot separate from it.
    guesses : list of Fit
        Places without evidence, where pieces of the leak would lie best; the picture is not recognised by them.
    """

    fits: list[Fit]
    guesses: list[Fit]
