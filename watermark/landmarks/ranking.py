"""What counts as a match, and which match comes first.

A match needs landmarks that agree on a map, and more of them the less else speaks for it. Words set in one type agree
letter by letter wherever they occur, so landmarks crowded into a small part of the asset are not enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from watermark.registration.geometry import Matrix, inverse, project

ENOUGH = ((24, 0.3, 0.015), (14, 0.8, 0.011), (8, 0.9, 0.02))
"""Inliers, correlation of the small pictures where they are, and share of the asset's area that make a match together.

Of 127 attacked queries among 10,000 pictures, true matches correlated by 0.98 and more, chance ones by 0.4 at most, but
for words in a type that the index knows: those agree in every way, in up to 0.010 of the area.
"""

OTHER_COLOURS = 25.0
"""Lab units of unexplained colour from which a match is called another colourway."""

_SAME_VIEW = 0.1  # of the asset's long side: two assets are colourways when the picture lies alike on both


@dataclass(frozen=True)
class Candidate:
    """An asset that a query picture shows.

    Attributes
    ----------
    asset_id : as it was added.
    shape : (H, W) of the asset, px.
    inliers : distinct landmarks that agree on the homography.
    spread : share of the asset's area within the hull of these landmarks.
    homography : ndarray, shape (3, 3), float64: query px -> asset px.
    mirrored, inverted : whether the query shows the asset mirrored, or as a negative.
    structure, colour : see `watermark.colourway.Likeness`.
    """

    asset_id: str
    shape: tuple[int, int]
    inliers: int
    spread: float
    homography: Matrix
    mirrored: bool
    inverted: bool
    structure: float
    colour: float

    @property
    def is_match(self) -> bool:
        """Whether the query shows the asset, in whatever colours."""
        alike = -self.structure if self.inverted else self.structure
        return any(
            self.inliers >= inliers and alike >= least_alike and self.spread >= spread
            for inliers, least_alike, spread in ENOUGH
        )

    @property
    def in_other_colours(self) -> bool:
        """Whether the query shows colours that no change of the whole picture turns the asset's into."""
        return not self.inverted and self.colour > OTHER_COLOURS


def ranked(found: Sequence[Candidate]) -> list[Candidate]:
    """Matches, most inliers first, one an asset; colourways of one shot follow each other, nearest colours first."""
    best: dict[str, Candidate] = {}
    for candidate in sorted((c for c in found if c.is_match), key=lambda c: (-c.inliers, c.asset_id)):
        best.setdefault(candidate.asset_id, candidate)
    left, out = list(best.values()), []
    while left:
        family = [c for c in left if _same_view(left[0], c)]
        left = [c for c in left if c not in family]
        out += sorted(family, key=lambda c: (c.colour, -c.inliers))
    return out


def _same_view(one: Candidate, other: Candidate) -> bool:
    """Whether a picture lies on two assets in the same place, in shares of their sides."""
    if one.asset_id == other.asset_id:
        return True
    height, width = one.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    back = project(corners, inverse(one.homography))
    there = project(back, other.homography) / np.array([other.shape[1], other.shape[0]])
    return bool(np.abs(there - corners / np.array([width, height])).max() < _SAME_VIEW)
