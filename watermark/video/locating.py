"""Where and when in a video the frames of one shot of a leak lie: a place and a line in time.

A shot is found by its small pictures or by key points, laid onto the delivered frames, and moved to another moment
where the mark is not found at the first. No codeword is used: the pattern may choose among moments, codewords may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from watermark.registration.features import detect
from watermark.registration.geometry import Matrix, disagreement
from watermark.registration.warping import Leak

from . import alignment, placing, signatures, symbols
from .alignment import TimeLine
from .finder import LEAK_LEVELS, Finder, Found
from .leaks import LeakFrame
from .placing import Place
from .references import Reference, References
from .symbols import FrameSymbols

WHOLE_WITHIN = 0.012  # of the long side: a leak placed farther from the whole frame's place is a part of it
ALIKE = 0.8  # agreement of small pictures from which a whole frame is tried
CANDIDATES = 4
NEAR_FRAMES_S = 0.22
CLEAR, CLEAR_IN_PART = 0.5, 0.85  # clarity from which a moment is certain: of whole frames, of crops
PRESENT_IN_PART = 0.1  # and presence: a crop laid onto a wrong frame of a pan reads a little of the mark clearly
SLACK_GROUPS = 3  # groups to either side that a static shot may lie in
AS_GOOD = 0.9  # share of the best evidence that another moment must have to be read
FOUND_ELSEWHERE, MOST_JUDGED = 0.6, 8  # share of the best presence; moments that are judged by other frames too
AROUND_S, AROUND_FRAMES = 1.0, 12  # to either side, where a pan leaves the moment open


@dataclass(frozen=True)
class Located:
    """A shot's place and time, from its middle frame and all its signatures.

    Attributes
    ----------
    place, line : where, and when.
    whole : the leak shows the whole frame, so that another crop at another time is out of the question.
    """

    place: Place
    line: TimeLine
    whole: bool


def locate(
    references: References,
    finder: Finder,
    shot: list[LeakFrame],
    leaks: list[Leak],
    near_s: Iterable[float] | None,
) -> Located | None:
    """Find a shot in the video: by the small pictures of whole frames, else by key points of a few of its frames."""
    best: Located | None = None
    for way, number in candidates(references, finder, shot, leaks, near_s):
        line = line_for(references, finder, shot, leaks, way)
        expected = line.at(shot[number].time_s) if way.support == 0 or line.score > ALIKE else way.time_s
        located = try_place(references, leaks[number], way.homography, expected, line, way.support == 0)
        if located is None:
            continue
        if best is None or located.place.evidence.score > best.place.evidence.score:
            best = located
        score, blocks = located.place.evidence
        if score > 0.4 * blocks and located.place.convincing:
            break
    if best is None or not best.place.convincing:
        return None
    refined = line_for(references, finder, shot, leaks, Found(best.place.homography, best.line.at(shot[0].time_s), 0))
    return replace(best, line=refined if refined.score > best.line.score else best.line)


def candidates(
    references: References,
    finder: Finder,
    shot: list[LeakFrame],
    leaks: list[Leak],
    near_s: Iterable[float] | None,
) -> Iterator[tuple[Found, int]]:
    """Yield ways in which one frame of a shot may show the video, likeliest first, with the frame's number."""
    working, middle = references.shape, len(shot) // 2
    ways = []
    for onto in placing.whole_frame([frame.luma for frame in shot], working):
        small, seen = signatures.placed(leaks[middle], onto, working)
        agreement = signatures.agreement(small, seen, finder.signatures)
        at = int(agreement.argmax())
        ways.append((float(agreement[at]), Found(onto, float(finder.times_s[at]), 0)))
    ways.sort(key=lambda way: -way[0])
    yield from ((found, middle) for agreement, found in ways[:2] if agreement > ALIKE)
    for number in dict.fromkeys((middle, 0, len(shot) - 1)):
        luma = leaks[number].luma
        features = detect(luma, LEAK_LEVELS)
        matches = finder.matches(features, (luma.shape[0], luma.shape[1]), working, near_s)
        yield from ((found, number) for found in matches[:CANDIDATES])


def line_for(references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], way: Found) -> TimeLine:
    """The shot's line in time if it lies where `way` says."""
    table = table_for(references, finder, leaks, way.homography)
    return alignment.time_line(np.array([frame.time_s for frame in shot]), table, finder.times_s)


def table_for(references: References, finder: Finder, leaks: list[Leak], homography: Matrix) -> NDArray[np.float64]:
    """Agreement of every frame of a shot, placed so, with every small picture of the video."""
    small = [signatures.placed(leak, homography, references.shape) for leak in leaks]
    return alignment.correlations(small, finder.signatures)


def on_line(
    references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], located: Located
) -> NDArray[np.bool_]:
    """Which frames lie on the shot's line in time; the others are another piece of the same shot."""
    table = table_for(references, finder, leaks, located.place.homography)
    times = np.array([frame.time_s for frame in shot])
    return alignment.faithful(located.line, times, table, finder.times_s)


def try_place(
    references: References, leak: Leak, homography: Matrix, expected_s: float, line: TimeLine, whole: bool
) -> Located | None:
    """Refine a candidate on the frame it seems to show; twice, since a better place shows a better frame."""
    group = references.group_at(expected_s)
    frames = references.group(group)
    near = [r for r in frames if abs(r.time_s - expected_s) <= 2 * NEAR_FRAMES_S] or frames
    reference, _ = placing.nearest_frame(leak, homography, near, expected_s)
    place = placing.settle(leak, homography, reference, rough=True)
    if place is None:
        return None
    again, _ = placing.nearest_frame(leak, place.homography, near, expected_s)
    if again is not reference:
        place = placing.settle(leak, place.homography, again, rough=True) or place
    if whole:
        moved = disagreement(homography, place.homography, leak.shape, references.shape)
        whole = moved < WHOLE_WITHIN * max(references.shape)
    return Located(place, line, whole)


def settled(references: References, shot: list[LeakFrame], leaks: list[Leak], located: Located) -> Located:
    """Place and line, moved to another moment where the mark is not found at the first.

    Two things leave a moment open to the picture alone: a static shot looks the same in several groups, and where a
    camera pans, another crop at another time shows the same. The pattern is another in every group, so it tells; it is
    no codeword. It travels with the picture, so within a group any moment of a pan will do: a crop's moment is judged
    by how much of the mark its other frames find as well.
    """
    number = len(shot) // 2
    leak, expected = leaks[number], located.line.at(shot[number].time_s)
    tries: list[tuple[float, Located]] = []
    strongest, certain = 0.0, False

    def tried(reference: Reference, rough: bool) -> None:
        nonlocal strongest, certain
        place = placing.settle(leak, located.place.homography, reference, rough=rough)
        if place is None or not place.convincing or place.evidence.score < AS_GOOD * strongest:
            return
        strongest = max(strongest, place.evidence.score)
        said = said_by(references, leak, place.homography, reference)
        shift = reference.time_s - expected if rough else 0.0
        line = replace(located.line, offset_s=located.line.offset_s + shift)
        if not tries or said.presence > max(presence for presence, _ in tries):
            in_part = said.clarity > CLEAR_IN_PART and said.presence > PRESENT_IN_PART
            certain = said.clarity > CLEAR if located.whole else in_part
        tries.append((said.presence, replace(located, place=place, line=line)))

    tried(shown_at(references, leak, located.place.homography, expected), rough=False)
    if certain and (located.whole or elsewhere(references, shot, leaks, tries[0][1]) > FOUND_ELSEWHERE * tries[0][0]):
        return tries[0][1]
    for at_s in other_moments(references, located, expected):
        tried(nearest_in_time(references, at_s), rough=True)
        if certain and located.whole:
            break
    best = max(tries, key=lambda one: one[0], default=(0.0, located))
    if located.whole or not tries:
        return best[1]
    likely = [one for one in tries if one[0] > FOUND_ELSEWHERE * best[0]]
    likely.sort(key=lambda one: abs(one[1].line.offset_s - located.line.offset_s))
    judged = [(presence + elsewhere(references, shot, leaks, one), one) for presence, one in likely[:MOST_JUDGED]]
    return max(judged, key=lambda one: one[0])[1]


def elsewhere(references: References, shot: list[LeakFrame], leaks: list[Leak], located: Located) -> float:
    """How much of the mark a shot's early and late frames find at the moments that a line gives them, on average."""
    found = []
    for number in {len(shot) // 6, len(shot) * 5 // 6}:
        homography = located.place.homography
        reference = shown_at(references, leaks[number], homography, located.line.at(shot[number].time_s))
        place = placing.settle(leaks[number], homography, reference, rough=False)
        convincing = place is not None and place.convincing
        said = said_by(references, leaks[number], place.homography, reference) if place and convincing else None
        found.append(said.presence if said else 0.0)
    return float(np.mean(found))


def nearest_in_time(references: References, at_s: float) -> Reference:
    """The frame shown nearest to a time."""
    return min(references.group(references.group_at(at_s)), key=lambda r: abs(r.time_s - at_s))


def shown_at(references: References, leak: Leak, homography: Matrix, expected_s: float) -> Reference:
    """The frame around a time that the leak's frame resembles most."""
    frames = references.group(references.group_at(expected_s))
    near = [r for r in frames if abs(r.time_s - expected_s) <= NEAR_FRAMES_S]
    return placing.nearest_frame(leak, homography, near or [nearest_in_time(references, expected_s)], expected_s)[0]


def other_moments(references: References, located: Located, expected_s: float) -> Iterator[float]:
    """Yield moments to try besides the expected one: the groups of a static shot, then the frames around."""
    line, here = located.line, references.group_at(expected_s)
    low = max(references.group_at(expected_s + line.slack_s[0]), here - SLACK_GROUPS)
    high = min(references.group_at(expected_s + line.slack_s[1]), here + SLACK_GROUPS)
    for group in sorted(range(low, high + 1), key=lambda g: abs(g - here)):
        if group != here:
            yield float(references.starts_s[group : group + 2].mean())
    if located.whole:
        return
    step = max(1 / float(references.master.design.rate), AROUND_S / AROUND_FRAMES)
    last = float(references.starts_s[-1])
    for k in range(1, AROUND_FRAMES + 1):
        for at_s in (expected_s - k * step, expected_s + k * step):
            if 0 <= at_s < last:
                yield at_s


def said_by(references: References, leak: Leak, homography: Matrix, reference: Reference) -> FrameSymbols:
    """Symbols of one placed frame."""
    return symbols.read_frame(leak, homography, reference, references.master.design.slices)
