"""What counts as a match, and which match comes first.

A match needs landmarks that agree on a map, and more of them the less else speaks for it. Words set in one type agree
letter by letter wherever they occur. But they are few among all that a page should show if it were the other page, and
crowded into a small part of it: so either most of what should be seen must be found, or it must lie all over the asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from watermark.registration.geometry import Matrix, inverse, project


class Evidence(NamedTuple):
    """What together makes a match: inliers, likeness of the small pictures, share and spread (see `Candidate`)."""

    inliers: int
    alike: float
    share: float
    spread: float


ENOUGH = (
    Evidence(60, 0.3, 0.05, 0.3),  # most of a picture, half of it hidden
    Evidence(120, 0.25, 0.2, 0.1),  # a broad strip of a picture on a page of words
    Evidence(24, 0.6, 0.03, 0.25),
    Evidence(24, 0.75, 0.025, 0.15),  # a small picture on a page, or one behind words
    Evidence(14, 0.9, 0.03, 0.1),
    Evidence(11, 0.95, 0.025, 0.08),
    Evidence(40, 0.3, 0.55, 0.05),  # a piece of a page of words
    Evidence(40, 0.6, 0.5, 0.0),  # a piece of a picture
    Evidence(40, 0.85, 0.35, 0.03),
    Evidence(10, 0.9, 0.2, 0.0),
    Evidence(8, 0.9, 0.3, 0.0),
)
"""Any of these is enough.

Chosen on 360 attacked queries for 40 pictures, most of them crops, among 10,000 and on 480 strangers, half of them
screenshots, clip art and lettering: chance agreements, nearly all of words and buttons with others in the same type,
reached 39 inliers, but where the likeness was above 0.6 no spread above 0.06, and where the spread was above 0.1 no
likeness above 0.3. Dialogs of one desktop agreed in up to 87 inliers, 0.2 of the area and 0.14 of what should be
seen; two that share most of their buttons, in 33 and 0.19. Crops to 10 % had shares from 0.4, small pictures on pages
spreads from 0.08. Strips of portraits across a page, on which the second rule was chosen later, agreed in 168 inliers
and more, in shares from 0.25 and spreads from 0.16.
"""

CLEAR = Evidence(20, 0.9, 0.08, 0.1)
"""Far from all chance agreements, see `ENOUGH`: the search then spares itself looks at what chance proposes."""

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
    votes : weight of the similar landmarks that proposed the asset.
    inliers : distinct landmarks that agree on the homography.
    spread : share of the asset's area within the hull of these landmarks.
    share : of the asset's landmarks that a picture lying so should show, how large a part was found.
    homography : ndarray, shape (3, 3), float64: query px -> asset px.
    mirrored, inverted : whether the query shows the asset mirrored, or as a negative.
    structure, colour : see `watermark.colourway.Likeness`.
    """

    asset_id: str
    shape: tuple[int, int]
    votes: float
    inliers: int
    spread: float
    share: float
    homography: Matrix
    mirrored: bool
    inverted: bool
    structure: float
    colour: float

    @property
    def is_match(self) -> bool:
        """Whether the query shows the asset, in whatever colours."""
        return any(_reach(self._evidence, least) for least in ENOUGH)

    @property
    def is_clear(self) -> bool:
        """Whether this is a match beyond doubt, `CLEAR`."""
        return _reach(self._evidence, CLEAR)

    @property
    def in_other_colours(self) -> bool:
        """Whether the query shows colours that no change of the whole picture turns the asset's into."""
        return not self.inverted and self.colour > OTHER_COLOURS

    @property
    def _evidence(self) -> Evidence:
        return Evidence(self.inliers, -self.structure if self.inverted else self.structure, self.share, self.spread)


def can_match(inliers: int, share: float, spread: float) -> bool:
    """Whether a candidate is a match if only its small picture is alike enough."""
    return any(_reach(Evidence(inliers, 1.0, share, spread), least) for least in ENOUGH)


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


def _reach(seen: Evidence, least: Evidence) -> bool:
    return all(value >= limit for value, limit in zip(seen, least, strict=True))


def _same_view(one: Candidate, other: Candidate) -> bool:
    """Whether a picture lies on two assets in the same place, in shares of their sides."""
    if one.asset_id == other.asset_id:
        return True
    height, width = one.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    back = project(corners, inverse(one.homography))
    there = project(back, other.homography) / np.array([other.shape[1], other.shape[0]])
    return bool(np.abs(there - corners / np.array([width, height])).max() < _SAME_VIEW)
