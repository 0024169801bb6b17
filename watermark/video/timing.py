"""Which moment of a video a shot shows, where the picture of one frame leaves it open.

A static shot looks the same in several groups of pictures: the mark tells them apart. Where a camera pans or zooms,
another crop at another time shows the same in one frame: it must then explain the others too, from one place and at
the original's speed unless another is clearly better. What that leaves open, the mark decides: the pattern is another
in every group, and it travels with the picture, so within a group any moment of a pan will do. The pattern may choose
among moments; codewords may not, and none is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from watermark.registration.geometry import Matrix, disagreement
from watermark.registration.warping import Leak

from . import alignment, locating, placing
from .alignment import TimeLine
from .finder import Finder
from .leaks import LeakFrame
from .locating import Located
from .placing import Place
from .references import Reference, References

CLEAR, PRESENT = 0.5, 0.2  # clarity and presence from which a moment of a whole frame is certain
SLACK_GROUPS = 3  # groups to either side that a static shot may lie in
MOST_LIKE = 6  # other groups that a single frame may lie in
AS_GOOD = 0.9  # share of the best evidence that another moment must have
AROUND_S = 1.0  # to either side, where a pan leaves the moment open
STEP_S = 0.1  # about the distance of two anchors
PANNED_PX = 3.0  # of the working raster: where nothing moves so far, the small pictures' line in time stands
BESIDE_S = 1.0  # about a group of pictures
OPEN = 0.02  # of the small pictures' agreement: moments this close to the best are told apart by the mark
LOST = 0.15  # of it: farther from the best in time, it is not looked any farther
APART_S = 0.25  # nearer moments are not told apart
MOST_JUDGED = 3


@dataclass(frozen=True)
class Instant:
    """A moment that the middle frame of a shot may show.

    Attributes
    ----------
    reference : the frame of the video.
    place : of the leak's frame there, glanced at.
    line : through it, for all of the shot.
    """

    reference: Reference = field(repr=False)
    place: Place
    line: TimeLine

    @property
    def worth(self) -> float:
        """The small pictures' agreement along the line, less what another speed than the original's costs."""
        return self.line.score - alignment.RATE_PRICE_AT_A_MOMENT * (self.line.rate != 1)


def settled(
    references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], located: Located
) -> Located:
    """Place and line, moved to another moment where that one explains more."""
    if located.whole:
        return of_a_whole_frame(references, finder, shot, leaks, located)
    return of_a_part(references, finder, shot, leaks, located)


def of_a_whole_frame(
    references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], located: Located
) -> Located:
    """The first moment at which the middle frame shows the mark clearly, else the one with most of it."""
    leak, expected = leaks[len(shot) // 2], located.line.at(shot[len(shot) // 2].time_s)
    best, most, strongest = located, -np.inf, 0.0
    shown = locating.shown_at(references, leak, located.place.homography, expected)
    if len(shot) == 1:
        others = likenesses(references, finder, leak, located.place.homography, shown.group)
    else:
        others = (
            locating.nearest_in_time(references, at) for at in groups_of_slack(references, located.line, expected)
        )
    for reference, homography in alike(leak, located, shown, others):
        place = placing.settle(leak, homography, reference, rough=False)
        if place is None or not place.convincing or place.evidence.score < AS_GOOD * strongest:
            continue
        strongest = max(strongest, place.evidence.score)
        said = locating.said_by(references, leak, place.homography, reference)
        if said.presence > most:
            best, most = moved(located, place, reference.time_s - expected), said.presence
            if said.clarity > CLEAR and said.presence > PRESENT:
                break
    return best


def alike(
    leak: Leak, located: Located, shown: Reference, others: Iterable[Reference]
) -> Iterator[tuple[Reference, Matrix]]:
    """Yield the frame shown and how the leak's lies on it, then those of others that it resembles as much."""
    yield shown, located.place.homography
    glance = placing.glanced(leak, located.place.homography, shown)
    for reference in others:
        other = placing.glanced(leak, located.place.homography, reference)
        if other.evidence.score >= AS_GOOD * glance.evidence.score:
            yield reference, other.homography


def likenesses(
    references: References, finder: Finder, leak: Leak, homography: Matrix, group: int
) -> Iterator[Reference]:
    """Yield the frames of the other groups that a single frame resembles most, the likest first.

    It has no line in time, and the small pictures are a quarter of a second apart: where little moves, those around
    another moment may be more like it than those around its own.
    """
    table = locating.table_for(references, finder, [leak], homography)[0]
    seen = {group}
    for place in np.argsort(-table):
        time_s = float(finder.times_s[place])
        if len(seen) > MOST_LIKE:
            break
        if references.group_at(time_s) not in seen:
            seen.add(references.group_at(time_s))
            yield locating.shown_at(references, leak, homography, time_s)


def of_a_part(
    references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], located: Located
) -> Located:
    """The moment that explains all of a shot from one place; of several in other groups the one whose mark is found."""
    number = len(shot) // 2
    found = sorted(explaining(references, finder, shot, leaks, located), key=lambda instant: -instant.worth)
    tries: list[Located] = []
    seen: list[Reference] = []
    for instant in found:
        if instant.worth < found[0].worth - OPEN or len(tries) == MOST_JUDGED:
            break
        group, time_s = instant.reference.group, instant.reference.time_s
        if any(group == other.group or abs(time_s - other.time_s) < APART_S for other in seen):
            continue
        place = placing.settle(leaks[number], instant.place.homography, instant.reference, rough=False)
        if place is not None and place.convincing:
            tries.append(Located(place, instant.line, whole=False))
            seen.append(instant.reference)
    if not tries:
        return located
    return tries[0] if len(tries) == 1 else max(tries, key=lambda one: marked(references, shot, leaks, one))


def explaining(
    references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], located: Located
) -> Iterator[Instant]:
    """Yield moments around the one found, how the middle frame lies there, and how well that explains the shot.

    The place is followed from moment to moment, both ways, until it explains much less. Where nothing pans, only the
    groups that the line in time leaves open are yielded.
    """
    leak, middle_s = leaks[len(shot) // 2], shot[len(shot) // 2].time_s
    few = locating.spread(len(shot))
    times_s = np.array([shot[number].time_s for number in few])
    asked = [leaks[number] for number in few]
    expected = located.line.at(middle_s)

    def at(reference: Reference, onto: Matrix) -> Instant:
        place = placing.glanced(leak, onto, reference)
        table = locating.table_for(references, finder, asked, place.homography)
        moment_s = middle_s, reference.time_s
        line = alignment.line_through(times_s, table, finder.times_s, moment_s, located.line.slack_s)
        return Instant(reference, place, line)

    shown = at(locating.shown_at(references, leak, located.place.homography, expected), located.place.homography)
    yield shown
    best = shown.worth
    for way in (-1, 1):
        last = shown
        for step in range(1, round(AROUND_S / STEP_S) + 1):
            time_s = expected + way * step * STEP_S
            if not 0 <= time_s < references.starts_s[-1]:
                break
            reference = locating.nearest_in_time(references, time_s)
            if reference is last.reference:
                continue
            followed = last if last.place.evidence.score >= AS_GOOD * shown.place.evidence.score else shown
            last = at(reference, followed.place.homography)
            if pans(last, shown, leak, references) or within(time_s - expected, located.line.slack_s):
                best = max(best, last.worth)
                yield last
            if last.worth < best - LOST:
                break
    for time_s in groups_of_slack(references, located.line, expected):
        yield at(locating.nearest_in_time(references, time_s), located.place.homography)


def pans(instant: Instant, shown: Instant, leak: Leak, references: References) -> bool:
    """Whether the leak's frame lies elsewhere at one moment than at another."""
    moved_px = disagreement(instant.place.homography, shown.place.homography, leak.shape, references.shape)
    return bool(moved_px >= PANNED_PX)


def marked(references: References, shot: list[LeakFrame], leaks: list[Leak], located: Located) -> float:
    """How much of the mark a shot's early, middle and late frames find at the moments that a line gives them.

    Presence times clarity: what is faint by the measure of the other bands is no mark, however strong.
    """
    found = []
    for number in {len(shot) // 6, len(shot) // 2, len(shot) * 5 // 6}:
        homography = located.place.homography
        expected = located.line.at(shot[number].time_s)
        reference = locating.shown_at(references, leaks[number], homography, expected)
        place = placing.settle(leaks[number], homography, reference, rough=False)
        if place is None or not place.convincing:
            found.append(0.0)
            continue
        said = locating.said_by(references, leaks[number], place.homography, reference)
        found.append(float(np.clip(said.presence, 0, 1)) * said.clarity)
    return float(np.mean(found))


def moved(located: Located, place: Place, shift_s: float) -> Located:
    """The same shot at another place, and later."""
    return replace(located, place=place, line=replace(located.line, offset_s=located.line.offset_s + shift_s))


def within(change_s: float, slack_s: tuple[float, float]) -> bool:
    """Whether a line's offset may change so much."""
    return slack_s[0] - BESIDE_S <= change_s <= slack_s[1] + BESIDE_S and slack_s != (0.0, 0.0)


def groups_of_slack(references: References, line: TimeLine, expected_s: float) -> Iterator[float]:
    """Yield moments in the other groups of pictures that a static shot may lie in, the nearest first."""
    here = references.group_at(expected_s)
    low = max(references.group_at(expected_s + line.slack_s[0]), here - SLACK_GROUPS)
    high = min(references.group_at(expected_s + line.slack_s[1]), here + SLACK_GROUPS)
    for group in sorted(range(low, high + 1), key=lambda g: abs(g - here)):
        if group != here:
            yield float(references.starts_s[group : group + 2].mean())
