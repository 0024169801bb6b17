"""Both variants of one group of pictures: the group is coded once, its key frame once more for either variant.

    frames --x264--> base:  K  B B P  B B P ...        K  decoded, + mark and - mark, coded in slices:  K+  K-
    a copy:          slices of K+ or K-, then the base's  B B P  B B P ...

The pictures after the key frame say how it moves and what is new, and both are the same whatever the mark. So the mark
travels with what it lies on, to the last picture of the group: in a mixture of both variants every point shows the
variant of the slice of the key frame that it came from, and nothing is ever predicted from the wrong one. The key
frame is marked as the base shows it and coded more finely, so that what follows fits onto it.

What comes into the picture within a group carries no mark, and after a cut nothing does. `Twins.kept` says up to which
frame the mark lasts; the group is to end there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark import keys, rendering, visibility
from watermark.codebook import LEVELS

from . import codes, encoding, masking, pattern
from .design import Design
from .encoding import Coded, Signal
from .errors import TwinsDiffer
from .masking import Carrier
from .segment import LENGTH_BYTES

Plane = NDArray[np.float32]
Frame = NDArray[np.uint8]

TARGET_JOD = 9.955  # of a key frame as delivered, for the still model; 9.9 and more for a model of moving pictures
FIRST_BAND = 1  # nobody sees as faint a difference in the finest: it adds less than 1 % to what is judged
WEAKEST, STRONGEST = 0.3, 4.0
BYTES = 1.16  # of a copy, over those of the base
BYTES_CLOSE = 0.03
FINEST, COARSEST = 3.0, 14.0
BYTES_SLOPE = 0.075  # of log bytes of a key frame over its rate factor
ROUNDS = 3
CLOSE = 0.15  # of log visibility
SLOPE = 1.5  # of log visibility over log strength, where only one strength was tried: the codec's loss adds to it
KEPT = 0.45  # share of the key frame's energy of the mark that every picture of its group must have
LEAST = 0.15  # share of the energy that a picture could carry
FADING_S = 0.25
ALIKE_CRF = 2.0  # key frames coded as alike lose their mark at the same picture


@dataclass(frozen=True)
class Group:
    """One group of pictures on its way to becoming twins.

    Attributes
    ----------
    key : the asset's key.
    design : of the asset.
    segment, number : which group, counted within its segment.
    idr : idr_pic_id of its key frame, which must change where one key frame follows another (H.264, 7.4.3).
    times : when each frame is shown, ticks, ascending.
    frames : (3 H / 2, W) uint8 planes each.
    """

    key: bytes
    design: Design
    segment: int
    number: int
    idr: int
    times: Sequence[int]
    frames: Sequence[Frame]

    def first(self, count: int) -> Group:
        """Its first frames as a group."""
        return replace(self, times=self.times[:count], frames=self.frames[:count])

    @cached_property
    def pattern(self) -> Plane:
        """Unit pattern."""
        return pattern.unit_pattern(self.key, self.design, self.segment, self.number)

    @cached_property
    def variants(self) -> tuple[Plane, Plane]:
        """Patterns of variant + and variant -, each slice at its amplitude: 2(1-p)b and -2pb."""
        share, slices = self.design.arcsine_share, self.design.slices
        p = codes.group_thresholds(self.key, slices, share, self.segment, self.number) / float(LEVELS)
        b = codes.contrast(slices, share)
        plus, minus = self.pattern.copy(), self.pattern.copy()
        for (top, bottom, left, right), bias in zip(self.design.boxes, p, strict=True):
            plus[top:bottom, left:right] *= np.float32(2 * b * (1 - bias))
            minus[top:bottom, left:right] *= np.float32(-2 * b * bias)
        return plus, minus

    @cached_property
    def sample(self) -> NDArray[np.bool_]:
        """Bits of no copy, drawn as a copy's are, to judge a mixture by: (slices,) bool."""
        share, slices = self.design.arcsine_share, self.design.slices
        p = codes.group_thresholds(self.key, slices, share, self.segment, self.number) / float(LEVELS)
        return np.asarray(keys.uniform(self.key, f"video sample {self.segment} {self.number}", slices) < p)


@dataclass(frozen=True)
class Coding:
    """How the key frame of a group is marked and coded.

    Attributes
    ----------
    strength : amplitude of the mark in units of what the eye's threshold allows.
    crf : x264's rate factor.
    """

    strength: float = 1.0
    crf: float = 8.0


@dataclass(frozen=True)
class Twins:
    """A group as both variants.

    Attributes
    ----------
    plus, minus : alike but for the slices of the key frame.
    base : the group without a mark.
    coding : of the key frame.
    kept : frames up to which the mark lasts, at least 1.
    left : bytes of the frames that were given and are not in it, as they were coded with it.
    """

    plus: Coded
    minus: Coded
    base: Coded
    coding: Coding
    kept: int
    left: int = 0


def encode_twins(
    group: Group,
    time_base: Fraction,
    signal: Signal,
    workers: ThreadPoolExecutor,
    guess: Coding,
    plain: int | None = None,
) -> Twins:
    """Encode both variants of a group, the key frame as fine and the mark as strong as bytes and the eye allow.

    A group ends where its mark does. Up to an anchor it stays as it is coded, since it refers to nothing behind that;
    before the first one it is to be encoded anew in parts, and is encoded as guessed.

    Parameters
    ----------
    workers : two threads.
    guess : where to begin, such as what did for the group before.
    plain : bytes of these frames where they are not a group of their own, which a copy is then measured by.

    Raises
    ------
    TwinsDiffer
        If a key frame does not fit what follows it.
    """
    base = encoding.encode(zip(group.times, group.frames, strict=True), group.design, time_base, signal)
    key = encoding.decode(first(base))[0]
    carrier = masking.carrier(key[: group.design.height], group.pattern)

    def tried(coding: Coding) -> tuple[Coded, Coded]:
        def one(variant: Plane) -> Coded:
            shown = marked(key, carrier, variant, coding.strength)
            slices, sets = encoding.encode_key(shown, group.idr, coding.crf, group.design, time_base, signal)
            if sets != base.parameters:
                raise TwinsDiffer
            return replace(base, pictures=[slices, *base.pictures[1:]])

        plus, minus = workers.map(one, group.variants)
        return plus, minus

    guessed = tried(guess)
    lasts, count, left = kept(group, guess.strength, *guessed), len(group.times), 0
    bytes_plain = plain or length(base)
    if lasts < count:
        if group.times[lasts - 1] not in base.anchors[1:]:
            return Twins(*guessed, base, guess, lasts)
        count, whole = lasts, length(base)
        base, plus, minus = (coded.only(group.times[:count]) for coded in (base, *guessed))
        guessed = plus, minus
        left = bytes_plain - bytes_plain * length(base) // whole
    coding, (plus, minus) = solved(tried, base, key, group.sample, guess, guessed, BYTES * (bytes_plain - left))
    if abs(coding.crf - guess.crf) > ALIKE_CRF:
        lasts = kept(group.first(count), coding.strength, plus, minus)
    return Twins(plus, minus, base, coding, lasts, left)


def solved(
    tried: Callable[[Coding], tuple[Coded, Coded]],
    base: Coded,
    key: Frame,
    sample: NDArray[np.bool_],
    coding: Coding,
    twins: tuple[Coded, Coded],
    wanted: float,
) -> tuple[Coding, tuple[Coded, Coded]]:
    """Find the coding at which a copy is as long, and its key frame as visible, as is aimed at.

    Parameters
    ----------
    tried : encodes both variants.
    key : key frame of the base.
    sample : bits of the copy that is judged.
    coding, twins : the first guess, and what comes of it.
    wanted : bytes of a copy.
    """
    shared = length(base) - length(first(base))
    original = visibility.Original.seen(cv2.cvtColor(key, cv2.COLOR_YUV2RGB_I420), first=FIRST_BAND)
    points: list[tuple[float, float]] = []
    for left in reversed(range(ROUNDS)):
        copy = first(mixture(*twins, sample))
        shown = cv2.cvtColor(encoding.decode(copy)[0], cv2.COLOR_YUV2RGB_I420)
        loss = 10 - visibility.jod(original.difference(shown))
        points.append((np.log(coding.strength), np.log(max(loss, 1e-4))))
        step = next_step(points)
        spent = length(copy) / max(1.0, wanted - shared)
        finer = float(np.log(spent)) / BYTES_SLOPE
        crf = float(np.clip(coding.crf + finer, FINEST, COARSEST))
        fits = abs(length(copy) + shared - wanted) < BYTES_CLOSE * length(base) or crf == coding.crf
        if not left or (fits and abs(step) < CLOSE / SLOPE):
            break
        strength = float(np.clip(coding.strength * np.exp(step), WEAKEST, STRONGEST))
        if not fits:
            points.clear()
        elif strength == coding.strength:
            break
        coding = Coding(strength, coding.crf if fits else crf)
        twins = tried(coding)
    return coding, twins


def next_step(points: Sequence[tuple[float, float]]) -> float:
    """Change of log strength that should bring log visibility to its target, along the last two points."""
    slope = SLOPE
    if len(points) > 1 and abs(points[-1][0] - points[-2][0]) > 0.01:
        slope = float(np.clip((points[-1][1] - points[-2][1]) / (points[-1][0] - points[-2][0]), 0.5, 3.0))
    return float(np.clip((np.log(10 - TARGET_JOD) - points[-1][1]) / slope, -1.5, 1.0))


def length(coded: Coded) -> int:
    """Bytes of a coded group, lengths included."""
    return sum(LENGTH_BYTES + len(nal) for picture in coded.pictures for nal in picture)


def marked(key: Frame, carrier: Carrier, variant: Plane, strength: float) -> Frame:
    """A key frame with one variant of the mark in its luma, rounded against blue noise."""
    height, width = variant.shape
    amplitude = cv2.resize(carrier.amplitude, (width, height), interpolation=cv2.INTER_LINEAR)
    mark = cv2.multiply(amplitude, variant, scale=strength)
    copy = key.copy()
    lit = cv2.add(cv2.add(key[:height], mark, dtype=cv2.CV_32F), rendering.thresholds(height, width))
    copy[:height] = np.clip(np.floor(lit), 0, 255).astype(np.uint8)
    return copy


def mixture(plus: Coded, minus: Coded, bits: NDArray[np.bool_]) -> Coded:
    """A copy's stream: slices of the key frame from either variant, the rest as it is in both."""
    pairs = zip(plus.pictures[0], minus.pictures[0], bits.tolist(), strict=True)
    return replace(plus, pictures=[[a if bit else b for a, b, bit in pairs], *plus.pictures[1:]])


def first(coded: Coded) -> Coded:
    """The key frame of a group alone."""
    return replace(coded, times=coded.times[:1], pictures=coded.pictures[:1])


def kept(group: Group, strength: float, plus: Coded, minus: Coded) -> int:
    """Frames, counted from the first, in which enough of the mark is left.

    It is lost where most of the key frame's has gone, and where a picture has come up that could carry far more than
    it does: at once in a cut, and never sooner than a quarter of a second where one picture fades into another. Where
    the anchors hold it, so do the pictures between them; the last that does is the last frame, but for the key frame.
    """
    anchors = plus.anchors
    held = lasting(group, strength, plus.only(anchors), minus.only(anchors))
    if held == len(anchors):
        return len(group.times)
    return group.times.index(anchors[held - 1]) + 1 if held > 1 else lasting(group, strength, plus, minus)


def lasting(group: Group, strength: float, plus: Coded, minus: Coded) -> int:
    """Pictures, of those in both, before the first in which too little of the mark is left."""
    soonest = max(2, round(group.design.rate * FADING_S))
    start = before = 0.0
    number_at, due = {ticks: number for number, ticks in enumerate(group.times)}, soonest
    twins = zip(sorted(plus.times), encoding.shown(plus), encoding.shown(minus), strict=True)
    for place, (ticks, ours, theirs) in enumerate(twins):
        number, luma, other = number_at[ticks], encoding.luma_of(ours), encoding.luma_of(theirs)
        energy = cv2.norm(luma, other, cv2.NORM_L2SQR) / luma.size / 4
        start, before = (start or energy), (before or energy)
        if energy < KEPT * before or (number >= soonest and energy < KEPT * start):
            return place
        if number >= due:
            due += soonest
            could = np.mean(np.square(masking.carrier(luma, group.pattern).amplitude)) * strength**2
            if energy < LEAST * could:
                return place
        before = energy
    return len(plus.times)
