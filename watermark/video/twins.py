"""Both variants of one group of pictures: mark, encode twice, and see how visible the result is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark import rendering, visibility
from watermark.codebook import LEVELS

from . import codes, encoding, masking, pattern
from .design import Design
from .encoding import Coded, Signal
from .masking import Carrier

Plane = NDArray[np.float32]
Frame = NDArray[np.uint8]

TARGET_Q = 2.4  # of the mark alone, before the codec; JOD 9.9
WEAKEST, STRONGEST = 0.4, 2.5


@dataclass(frozen=True)
class Group:
    """One group of pictures on its way to becoming twins.

    Attributes
    ----------
    key : the asset's key.
    design : of the asset.
    segment, number : which group, counted within its segment.
    times : when each frame is shown, ticks, ascending.
    frames : (3 H / 2, W) uint8 planes each.
    """

    key: bytes
    design: Design
    segment: int
    number: int
    times: Sequence[int]
    frames: Sequence[Frame]

    @cached_property
    def pattern(self) -> Plane:
        """Unit pattern."""
        return pattern.unit_pattern(self.key, self.design, self.segment, self.number)

    @cached_property
    def carrier(self) -> Carrier:
        """What the frames can carry."""
        return masking.carrier([frame[: self.design.height] for frame in self.frames], self.pattern)

    @cached_property
    def strength(self) -> float:
        """Amplitude in units of the threshold at which the mark of a copy has the visibility aimed at."""
        q = max(self.carrier.visible, 1e-3)
        return float(np.clip((TARGET_Q / q) ** (1 / visibility.CONTRAST_EXPONENT), WEAKEST, STRONGEST))

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

    def marked(self, variant: Plane, strength: float) -> Iterator[tuple[int, Frame]]:
        """Yield the frames with one variant of the mark in their luma, rounded against blue noise."""
        height, width = variant.shape
        dither = rendering.thresholds(height, width)
        for number, (ticks, frame) in enumerate(zip(self.times, self.frames, strict=True)):
            amplitude = cv2.resize(self.carrier.at_frame(number), (width, height), interpolation=cv2.INTER_LINEAR)
            mark = cv2.multiply(amplitude, variant, scale=strength)
            copy = frame.copy()
            np.floor(cv2.add(cv2.add(frame[:height], mark, dtype=cv2.CV_32F), dither), out=mark)
            copy[:height] = cv2.convertScaleAbs(np.maximum(mark, 0, out=mark))
            yield ticks, copy


def encode_twins(group: Group, time_base: Fraction, signal: Signal, workers: ThreadPoolExecutor) -> tuple[Coded, Coded]:
    """Encode both variants of a group at its own strength, side by side."""
    strength = group.strength

    def one(variant: Plane) -> Coded:
        return encoding.encode(group.marked(variant, strength), group.design, time_base, signal)

    _ = group.carrier  # before the threads part
    plus, minus = workers.map(one, group.variants)
    return plus, minus
