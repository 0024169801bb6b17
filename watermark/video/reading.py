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
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watermark.issuing import contrast
from watermark.registration import Fit
from watermark.registration.geometry import Matrix, is_mirroring
from watermark.registration.warping import Leak
from watermark.symbols import Symbols

from . import locating, placing, signatures, symbols, timing
from .alignment import TimeLine
from .finder import Finder
from .leaks import LeakFrame, bounded, held_frames
from .opening import LIMITS, Limits
from .placing import Place
from .references import Reference, References
from .symbols import FrameSymbols

FRAMES_PER_GROUP = 2  # more add cost but little: frames of one group share much of their noise
BORDER_S = 0.1
FIRST_STAGE_GROUPS = 2
FAINTEST_TO_FULL = 0.01, 1.0  # mean square amplitudes that are believed
FEWEST_LEFT = 6  # frames, a second of them, that make another piece


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
    before: Matrix | None = None
    for window in held_frames(path, limits):
        for shot in by_shot(window):
            for read in read_shot(references, finder, shot, near_s, before):
                moments += read
                before = read[-1].place.homography
                if len({m.group for m in moments}) >= due:
                    groups = len({m.group for m in moments})
                    stage, due, told = stage + 1, groups + -(-groups // 2), len(moments)
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


def read_shot(
    references: References,
    finder: Finder,
    shot: list[LeakFrame],
    near_s: Iterable[float] | None,
    before: Matrix | None = None,
) -> Iterator[list[Moment]]:
    """Yield the moments of a shot, group of pictures by group of pictures.

    The one in which it begins goes first: after a cut and at the start of a file a codec codes a whole frame.

    Parameters
    ----------
    before : homography of the shot before.
    """
    leaks = [Leak.build(frame.luma.astype(np.float32)) for frame in shot]
    located = locating.locate(references, finder, shot, leaks, near_s, before)
    if located is None:
        return
    located = timing.settled(references, finder, shot, leaks, located)
    place, line = located.place, located.line
    stays = locating.on_line(references, finder, shot, leaks, located)
    picks: dict[int, list[int]] = defaultdict(list)
    for number, frame in enumerate(shot):
        if not stays[number]:
            continue
        picks[references.group_at(line.at(frame.time_s))].append(number)
    begins = min(picks, key=lambda group: picks[group][0], default=0)
    for group, numbers in sorted(picks.items(), key=lambda item: (item[0] != begins, -len(item[1]))):
        moments = []
        earlier = [number for some, held in picks.items() if some < group for number in held]
        last_before = leaks[max(earlier)] if earlier else None
        few = chosen(references, group, numbers, shot, line)
        moments_s = [line.at(shot[number].time_s) for number in few]
        for number, at_s in zip(few, moments_s, strict=True):
            reference = locating.shown_at(references, leaks[number], place.homography, at_s, moments_s)
            moment = read_moment(references, leaks[number], shot[number].time_s, place, reference, last_before)
            if moment is not None:
                place = moment.place
                moments.append(moment)
        if moments:
            yield moments
    rest = [frame for frame, on in zip(shot, stays, strict=True) if not on]
    if len(rest) >= FEWEST_LEFT and len(rest) < len(shot):
        yield from read_shot(references, finder, rest, near_s, place.homography)


def chosen(references: References, group: int, numbers: list[int], shot: list[LeakFrame], line: TimeLine) -> list[int]:
    """A few frames of a group, spread over it, those at its border last."""
    start, stop = references.starts_s[group] + BORDER_S, references.starts_s[group + 1] - BORDER_S
    inner = [n for n in numbers if start <= line.at(shot[n].time_s) <= stop] or numbers
    spread = np.unique(np.linspace(0, len(inner) - 1, FRAMES_PER_GROUP).round().astype(int))
    return [inner[i] for i in spread]


def read_moment(
    references: References, leak: Leak, leak_s: float, place: Place, reference: Reference, before: Leak | None
) -> Moment | None:
    """Read one frame of the leak, placed about as the one before it; None where it does not show the reference.

    Parameters
    ----------
    before : the leak's last frame from before this group of pictures.
    """
    found = placing.kept_or_settled(leak, place, reference)
    if found is None or not found.convincing:
        return None
    said = locating.said_by(references, leak, found.homography, reference, before)
    return Moment(leak_s, reference.time_s, reference.group, found, said)


def gathered(references: References, moments: list[Moment], stage: int) -> Reading:
    """Sum what the moments say in two ways, each a look.

    A frame tells by the amplitude a of what is left of the mark in it, and less where there is κ times the noise that
    its precision says: c becomes c a / κ and n becomes n a² / κ. Where a leak was compressed again, frames near its
    own key frames hold far more than those between, and the finest band little but noise. One way weighs every band of
    every frame so, by the frames' own marks; the other takes the coarser bands of the pattern alone, at one amplitude.
    """
    left = [moment.said.survival(symbols.OWN) for moment in moments]
    by_band = np.stack([[a / excess, a * a / excess] for a, excess in left])
    alike = np.ones(by_band.shape[-1])
    alike[0] = 0
    by_frame = np.stack([[a * alike, a * a * alike] for a in amplitudes(moments)])
    ways = [(symbols.OWN, by_band), (symbols.DRAWN, by_frame)]
    return Reading([summed(references, moments, *way) for way in ways], moments, stage)


def summed(references: References, moments: list[Moment], template: int, weights: NDArray[np.float64]) -> Symbols:
    """Symbols of the whole video from what single frames say.

    Frames of one group share cells, and much of their noise: their sums are divided by the root of their number.

    Parameters
    ----------
    template : `symbols.OWN` or `symbols.DRAWN`.
    weights : (moments, 2, bands), of correlations and of precisions.
    """
    master = references.master
    slices, scale = master.design.slices, contrast(master.codebook.biases)
    correlations, precisions = np.zeros(master.cells), np.zeros(master.cells)
    counts = Counter(moment.group for moment in moments)
    for moment, (of_c, of_n) in zip(moments, weights, strict=True):
        cells = slice(moment.group * slices, (moment.group + 1) * slices)
        share = counts[moment.group] ** -0.5
        correlations[cells] += share * (of_c @ moment.said.correlations[template]) / scale
        precisions[cells] += share * (of_n @ moment.said.precisions[template]) / scale**2
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
