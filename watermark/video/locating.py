"""Where and when in a video the frames of one shot of a leak lie: a place and a line in time.

A shot is found by its small pictures or by key points, and laid onto the delivered frames; `timing` then asks whether
another moment explains it better. No codeword is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from watermark.registration.features import detect
from watermark.registration.geometry import Matrix
from watermark.registration.warping import Leak

from . import alignment, placing, signatures, symbols
from .alignment import TimeLine
from .finder import LEAK_LEVELS, Finder, Found
from .leaks import LeakFrame
from .placing import Place
from .references import Reference, References
from .symbols import FrameSymbols

ALIKE = 0.8  # agreement of small pictures from which a whole frame is tried
CANDIDATES = 3
POOR = 0.5  # agreement of the small pictures along a line
LINED_UP = 12  # frames of a shot that say how well a candidate explains it
NEAR_FRAMES_S = 0.22
SURE, SURE_AS_A_WHOLE = 0.4, 0.25  # agreement at which no other place is looked for
SUPPORTED = 0.6  # share of the key points that agree on a convincing place, from which a rival is looked at
KEY_REACH_S = 1.0  # a frame is shown no farther from the key frame that its key points match


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
    before: Matrix | None = None,
) -> Located | None:
    """Find a shot in the video: by the small pictures of whole frames, else by key points of a few of its frames.

    Parameters
    ----------
    near_s : times at which the look-up saw it, where it did.
    before : homography of the shot before, which lies as this one does in most clips.
    """
    best: Located | None = None
    support, seen_in = 0, -1
    for way, number, line in candidates(references, finder, shot, leaks, near_s, before):
        if best is not None and number == seen_in and way.support < SUPPORTED * support:
            continue
        expected = line.at(shot[number].time_s)
        if way.support and line.score <= ALIKE:
            expected = nearest_likeness(references, finder, leaks[number], way)
        located = try_place(references, leaks[number], way.homography, expected, line, len(shot) == 1)
        if located is None:
            continue
        if best is None or located.place.evidence.score > best.place.evidence.score:
            best = located
            if located.place.convincing:
                support, seen_in = way.support, number
        enough = SURE if way.support else SURE_AS_A_WHOLE
        if located.place.convincing and located.place.evidence.agreement > enough:
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
    before: Matrix | None,
) -> Iterator[tuple[Found, int, TimeLine]]:
    """Yield ways in which one frame of a shot may show the video, with the frame's number and the shot's line then.

    Whole frames go first; of the ways by key points those that explain the whole shot best. Where even the best of a
    frame explains it poorly, the frame's others wait until other frames have been asked.
    """
    working, middle = references.shape, len(shot) // 2
    ways = []
    likely = placing.whole_frame([frame.luma for frame in shot], working)
    for onto in likely if before is None else [before, *likely]:
        small, seen = signatures.placed(leaks[middle], onto, working)
        agreement = signatures.agreement(small, seen, finder.signatures)
        ways.append((float(agreement.max()), Found(onto, float(finder.times_s[agreement.argmax()]), 0)))
    ways.sort(key=lambda way: -way[0])
    for likeness, found in ways[:2]:
        if likeness > ALIKE:
            yield found, middle, line_for(references, finder, shot, leaks, found)
    waiting = []
    for number in dict.fromkeys((middle, 0, len(shot) - 1)):
        luma = leaks[number].luma
        features = detect(luma, LEAK_LEVELS)
        matches = finder.matches(features, (luma.shape[0], luma.shape[1]), working, near_s)
        few = spread(len(shot))
        frames, pictures = [shot[n] for n in few], [leaks[n] for n in few]
        lines = [line_for(references, finder, frames, pictures, found) for found in matches[:CANDIDATES]]
        ordered = sorted(range(len(lines)), key=lambda n: -lines[n].score)
        ranked = [(matches[place], number, lines[place]) for place in ordered]
        sound = [way for way in ranked if way[2].score > POOR] or ranked[:1]
        waiting += ranked[len(sound) :]
        yield from sound
    yield from waiting


def spread(count: int) -> list[int]:
    """Numbers of a few frames of a shot, from its first to its last."""
    return [int(number) for number in np.unique(np.linspace(0, count - 1, LINED_UP).round())]


def line_for(references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], way: Found) -> TimeLine:
    """The shot's line in time if it lies where `way` says."""
    table = table_for(references, finder, leaks, way.homography)
    return alignment.time_line(np.array([frame.time_s for frame in shot]), table, finder.times_s)


def nearest_likeness(references: References, finder: Finder, leak: Leak, way: Found) -> float:
    """When, around a key frame that a leak's frame matches, the small pictures are most like it."""
    table = table_for(references, finder, [leak], way.homography)[0]
    near = np.abs(finder.times_s - way.time_s) <= KEY_REACH_S
    if not near.any():
        return way.time_s
    return float(finder.times_s[near][table[near].argmax()])


def table_for(references: References, finder: Finder, leaks: list[Leak], homography: Matrix) -> NDArray[np.float64]:
    """Agreement of every frame of a shot, placed so, with every small picture of the video."""
    small = [signatures.placed(leak, homography, references.shape) for leak in leaks]
    return alignment.correlations(small, finder.signatures)


def on_line(
    references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], located: Located
) -> NDArray[np.bool_]:
    """Which frames lie on the shot's line in time; the others are another piece of the same shot.

    A single frame has no line to leave: the mark may have chosen its moment against its likeness.
    """
    if len(shot) == 1:
        return np.ones(1, bool)
    table = table_for(references, finder, leaks, located.place.homography)
    times = np.array([frame.time_s for frame in shot])
    return alignment.faithful(located.line, times, table, finder.times_s)


def try_place(
    references: References, leak: Leak, homography: Matrix, expected_s: float, line: TimeLine, exact: bool
) -> Located | None:
    """Refine a candidate on the frame it seems to show; twice, since a better place shows a better frame.

    Parameters
    ----------
    exact : any frame of the group may be shown; else anchors, and those around the time expected, are enough.
    """
    frames = references.group(references.group_at(expected_s), None if exact else (expected_s,))
    near = [r for r in frames if abs(r.time_s - expected_s) <= 2 * NEAR_FRAMES_S] or frames
    reference, _ = placing.nearest_frame(leak, homography, near, expected_s)
    place = placing.settle(leak, placing.glanced(leak, homography, reference).homography, reference, rough=True)
    if place is None:
        return None
    again, _ = placing.nearest_frame(leak, place.homography, near, expected_s)
    if again is not reference:
        place = placing.settle(leak, place.homography, again, rough=True) or place
    return Located(place, line, placing.shows_all(place.homography, leak.shape, references.shape))


def nearest_in_time(references: References, at_s: float) -> Reference:
    """The anchor shown nearest to a time."""
    return min(references.group(references.group_at(at_s), ()), key=lambda r: abs(r.time_s - at_s))


def shown_at(
    references: References, leak: Leak, homography: Matrix, expected_s: float, near_s: Iterable[float] = ()
) -> Reference:
    """The frame around a time that the leak's frame resembles most: an anchor, or one around the times `near_s`."""
    frames = references.group(references.group_at(expected_s), near_s)
    near = [r for r in frames if abs(r.time_s - expected_s) <= NEAR_FRAMES_S]
    return placing.nearest_frame(leak, homography, near or [nearest_in_time(references, expected_s)], expected_s)[0]


def said_by(
    references: References, leak: Leak, homography: Matrix, reference: Reference, before: Leak | None = None
) -> FrameSymbols:
    """Symbols of one placed frame; `before` is a frame from before its group of pictures, see `symbols.read_frame`."""
    return symbols.read_frame(leak, homography, reference, references.master.design.slices, before)
