"""Read a leaked video, or one frame of it: one soft symbol per (group of pictures × slice).

    leak --windows--> frames --cuts--> shots --finder--> place and time --references--> symbols, group by group

A shot is found in the video by its small pictures or by key points, laid onto the delivered frames, and read frame by
frame; frames that share a group of pictures share their symbols. Readings are handed out in stages, each holding all
that was read so far, so that whoever accuses can stop as soon as a copy is named; `accusing` says what that costs. No
codeword is used in this module: the mark's pattern may choose among moments, the codewords may not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watermark.issuing import contrast
from watermark.registration import Fit
from watermark.registration.features import detect
from watermark.registration.geometry import Matrix, disagreement, is_mirroring
from watermark.registration.warping import Leak
from watermark.symbols import Symbols

from . import alignment, placing, signatures, symbols
from .alignment import TimeLine
from .finder import LEAK_LEVELS, Finder, Found
from .leaks import LeakFrame, bounded, held_frames
from .placing import Place
from .probing import LIMITS, Limits
from .references import Reference, References
from .symbols import FrameSymbols

FRAMES_PER_GROUP = 4
WHOLE_WITHIN = 0.012  # of the long side: a leak placed farther from the whole frame's place is a part of it
ALIKE = 0.8  # agreement of small pictures from which a whole frame is tried
CANDIDATES = 4
NEAR_FRAMES_S = 0.22
BORDER_S = 0.1
CLEAR, CLEAR_IN_PART = 0.5, 0.85  # clarity from which a moment is certain: of whole frames, of crops
PRESENT_IN_PART = 0.1  # and presence: a crop laid onto a wrong frame of a pan reads a little of the mark clearly
SLACK_GROUPS = 3  # groups to either side that a static shot may lie in
FIRST_STAGE_GROUPS = 2
FAINTEST_TO_FULL = 0.01, 1.0  # mean square amplitudes that are believed
FEWEST_LEFT = 3  # frames that make another piece
AS_GOOD = 0.9  # share of the best evidence that another moment must have to be read
AROUND_S, AROUND_FRAMES = 1.0, 12  # to either side, where a pan leaves the moment open


@dataclass(frozen=True)
class Moment:
    """One frame of the leak as it was read.

    Attributes
    ----------
    leak_s, video_s : when, in the leak and in the video.
    group : of pictures, in the video.
    place : where the frame lies.
    said : its symbols.
    """

    leak_s: float
    video_s: float
    group: int
    place: Place = field(repr=False)
    said: FrameSymbols = field(repr=False)


@dataclass(frozen=True)
class Reading:
    """What was read off a leak so far, or why nothing was.

    Attributes
    ----------
    hypotheses : soft symbols, summed in several ways; each counts as a look.
    moments : the frames behind them.
    stage : 1, 2, …: how often a reading of this leak was handed out; 0 where there is only this one.
    reason, hint : why nothing could be read, and what would help; None when something was.
    """

    hypotheses: list[Symbols] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    stage: int = 1
    reason: str | None = None
    hint: str | None = None

    @property
    def readable(self) -> bool:
        """Whether there are any symbols at all."""
        return bool(self.hypotheses)

    @property
    def coverage(self) -> float:
        """Share of the frame that the leak shows where it was read, 0 … 1."""
        return self.hypotheses[0].coverage if self.hypotheses else 0.0

    @property
    def groups(self) -> list[int]:
        """Groups of pictures that were read."""
        return sorted({moment.group for moment in self.moments})


NOT_FOUND = Reading(
    reason="No shot of the clip could be laid onto the video.",
    hint="Capture a longer or larger part of it, less compressed, with fewer things drawn over it.",
)


def read_stages(
    references: References,
    finder: Finder,
    path: Path,
    *,
    near_s: Iterable[float] | None = None,
    limits: Limits = LIMITS,
) -> Iterator[Reading]:
    """Read a leaked clip, in stages.

    Parameters
    ----------
    references : the prepared video the leak may show.
    finder : built from it.
    path : the leak.
    near_s : times in the video at which the look-up saw frames of the leak; speeds the search of long videos up.
    limits : what is refused.

    Yields
    ------
    Reading, each with all that was read so far; one with a reason where nothing was.

    Raises
    ------
    As `leaks.held_frames`.
    """
    moments: list[Moment] = []
    due, stage = FIRST_STAGE_GROUPS, 0
    told = 0
    for window in held_frames(path, limits):
        for shot in by_shot(window):
            for read in read_shot(references, finder, shot, near_s):
                moments += read
                if len({m.group for m in moments}) >= due:
                    stage, due, told = stage + 1, 2 * len({m.group for m in moments}), len(moments)
                    yield gathered(references, moments, stage)
    if len(moments) > told:
        yield gathered(references, moments, stage + 1)
    elif not moments:
        yield NOT_FOUND


def read_picture(
    references: References, finder: Finder, luma: NDArray[np.uint8], *, near_s: Iterable[float] | None = None
) -> Reading:
    """Read one frame: a screenshot, or a photograph of a screen; `moments` says which frame of the video it is.

    Parameters
    ----------
    luma : (H, W) uint8.
    """
    found = next(read_shot(references, finder, [LeakFrame(0.0, bounded(luma))], near_s), None)
    return NOT_FOUND if found is None else gathered(references, found, 0)


def by_shot(frames: Sequence[LeakFrame]) -> list[list[LeakFrame]]:
    """Split a window at its cuts, longest shot first."""
    small = np.stack([signatures.whole(frame.luma) for frame in frames])
    parts = [list(frames[first:stop]) for first, stop in signatures.shots(small)]
    return sorted(parts, key=lambda part: -len(part))


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


def read_shot(
    references: References, finder: Finder, shot: list[LeakFrame], near_s: Iterable[float] | None
) -> Iterator[list[Moment]]:
    """Yield the moments of a shot, group of pictures by group of pictures."""
    leaks = [Leak.build(frame.luma.astype(np.float32)) for frame in shot]
    located = locate(references, finder, shot, leaks, near_s)
    if located is None:
        return
    located = settled(references, shot, leaks, located)
    place, line = located.place, located.line
    stays = on_line(references, finder, shot, leaks, located)
    picks: dict[int, list[int]] = defaultdict(list)
    for number, frame in enumerate(shot):
        if not stays[number]:
            continue
        picks[references.group_at(line.at(frame.time_s))].append(number)
    for group, numbers in sorted(picks.items(), key=lambda item: -len(item[1])):
        moments = []
        for number in chosen(references, group, numbers, shot, line):
            moment = read_moment(references, leaks[number], shot[number].time_s, place, line, group)
            if moment is not None:
                place = moment.place
                moments.append(moment)
        if moments:
            yield moments
    rest = [frame for frame, on in zip(shot, stays, strict=True) if not on]
    if len(rest) >= FEWEST_LEFT and len(rest) < len(shot):
        yield from read_shot(references, finder, rest, near_s)


def on_line(
    references: References, finder: Finder, shot: list[LeakFrame], leaks: list[Leak], located: Located
) -> NDArray[np.bool_]:
    """Which frames lie on the shot's line in time; the others are another piece of the same shot."""
    table = table_for(references, finder, leaks, located.place.homography)
    times = np.array([frame.time_s for frame in shot])
    return alignment.faithful(located.line, times, table, finder.times_s)


def chosen(references: References, group: int, numbers: list[int], shot: list[LeakFrame], line: TimeLine) -> list[int]:
    """A few frames of a group, spread over it, those at its border last."""
    start, stop = references.starts_s[group] + BORDER_S, references.starts_s[group + 1] - BORDER_S
    inner = [n for n in numbers if start <= line.at(shot[n].time_s) <= stop] or numbers
    spread = np.unique(np.linspace(0, len(inner) - 1, FRAMES_PER_GROUP).round().astype(int))
    return [inner[i] for i in spread]


def read_moment(
    references: References, leak: Leak, leak_s: float, place: Place, line: TimeLine, group: int
) -> Moment | None:
    """Read one frame of the leak as part of one group of pictures; None where it does not show it."""
    frames, expected = references.group(group), line.at(leak_s)
    near = [r for r in frames if abs(r.time_s - expected) <= NEAR_FRAMES_S]
    nearest = min(frames, key=lambda r: abs(r.time_s - expected))
    reference, _ = placing.nearest_frame(leak, place.homography, near or [nearest], expected)
    found = placing.settle(leak, place.homography, reference, rough=False)
    if found is None or not found.convincing:
        return None
    said = said_by(references, leak, found.homography, reference)
    return Moment(leak_s, reference.time_s, group, found, said)


def said_by(references: References, leak: Leak, homography: Matrix, reference: Reference) -> FrameSymbols:
    """Symbols of one placed frame."""
    return symbols.read_frame(leak, homography, reference, references.master.design.slices)


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
    camera pans, another crop at another time shows the same. The pattern is another in every group and stands still
    while the picture moves, so it tells; it is no codeword.
    """
    number = len(shot) // 2
    leak, expected = leaks[number], located.line.at(shot[number].time_s)
    best, most, strongest, certain = located, -1.0, 0.0, False

    def tried(reference: Reference, rough: bool) -> None:
        nonlocal best, most, strongest, certain
        place = placing.settle(leak, located.place.homography, reference, rough=rough)
        if place is None or not place.convincing or place.evidence.score < AS_GOOD * strongest:
            return
        strongest = max(strongest, place.evidence.score)
        said = said_by(references, leak, place.homography, reference)
        if said.presence > most:
            shift = reference.time_s - expected if rough else 0.0
            line = replace(located.line, offset_s=located.line.offset_s + shift)
            best, most = replace(located, place=place, line=line), said.presence
            in_part = said.clarity > CLEAR_IN_PART and said.presence > PRESENT_IN_PART
            certain = said.clarity > CLEAR if located.whole else in_part

    tried(shown_at(references, leak, located.place.homography, expected), rough=False)
    if certain:
        return best
    for at_s in other_moments(references, located, expected):
        tried(nearest_in_time(references, at_s), rough=True)
        if certain and located.whole:
            return best
    if not located.whole:
        about, step = best.line.at(shot[number].time_s), 1 / float(references.master.design.rate)
        for k in (-1, 1, -2, 2):
            tried(nearest_in_time(references, about + k * step), rough=True)
    return best


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


def gathered(references: References, moments: list[Moment], stage: int) -> Reading:
    """Sum what the moments say in two ways, each a look.

    All bands tell most of a leak that is close to the copy; of one that was compressed hard or made small, the coarser
    ones.
    """
    return Reading([summed(references, moments, bands) for bands in (slice(None), slice(1, None))], moments, stage)


def summed(references: References, moments: list[Moment], bands: slice) -> Symbols:
    """Symbols of the whole video from what single frames say.

    Frames of one group share cells, and much of their noise: their sums are divided by the root of their number. A
    frame tells by the amplitude a of what is left of the mark in it, so c becomes a c and n becomes a² n: where a leak
    was compressed again, frames near its own key frames hold far more than those between.
    """
    master = references.master
    slices, scale = master.design.slices, contrast(master.codebook.biases)
    correlations, precisions = np.zeros(master.cells), np.zeros(master.cells)
    counts = Counter(moment.group for moment in moments)
    for moment, amplitude in zip(moments, amplitudes(moments), strict=True):
        cells = slice(moment.group * slices, (moment.group + 1) * slices)
        share = counts[moment.group] ** -0.5
        correlations[cells] += share * amplitude * moment.said.correlations[bands].sum(0) / scale
        precisions[cells] += share * amplitude**2 * moment.said.precisions[bands].sum(0) / scale**2
    return Symbols(correlations, precisions, float(np.mean([m.said.shown for m in moments])), fit_of(moments[0]))


def amplitudes(moments: list[Moment]) -> NDArray[np.float64]:
    """Amplitude of the mark in each frame, from its presence, drawn halfway to the mean of all: (n,)."""
    presence = np.array([moment.said.presence for moment in moments])
    drawn = (presence + presence.mean()) / 2
    return np.asarray(np.sqrt(np.clip(drawn, *FAINTEST_TO_FULL)))


def fit_of(moment: Moment) -> Fit:
    """A moment's place as the still reader's record of a registration."""
    place = moment.place
    return Fit(
        homography=place.homography,
        mirrored=is_mirroring(place.homography),
        inverted=False,
        flow=None,
        evidence=place.evidence.z,
        blocks=(place.evidence.score, place.evidence.blocks),
        inliers=0,
        method="hint",
        tried=1,
    )
