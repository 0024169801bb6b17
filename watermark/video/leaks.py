"""Frames of a suspected leak: few of them, upright, luma only, within bounds that do not depend on its length.

Threats: anything anybody may upload. Probing refuses what is not a video or claims too much. Of a long leak a few
windows are decoded; of those, some frames a second are kept, shrunk to what reading can use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.errors import WatermarkError

from .errors import TruncatedVideo
from .frames import frames
from .opening import LIMITS, Limits
from .probing import Source, probe

WINDOW_S = 6.0
WINDOWS = 5
HELD_PER_S = 6.0
LONGEST_SIDE = 1920  # px
DECODED_FRAMES = 2400  # in all
SKIPPED_FRAMES = 1500  # before a window


@dataclass(frozen=True)
class LeakFrame:
    """One frame of a leak.

    Attributes
    ----------
    time_s : within the leak.
    luma : (H, W) uint8.
    """

    time_s: float
    luma: NDArray[np.uint8] = field(repr=False)


def windows(source: Source) -> list[tuple[int, int]]:
    """Ticks (start, stop) of what is decoded: all of a short leak, else windows spread over it, the middle one first.

    Order matters, since reading ends once it is certain.
    """
    base = float(source.time_base)
    first, last = int(source.times[0]), int(source.times[-1]) + 1
    length_s = (last - first) * base
    count = int(np.clip(np.ceil(length_s / WINDOW_S), 1, WINDOWS))
    step = WINDOW_S / base
    if length_s <= WINDOW_S * WINDOWS:
        edges = np.linspace(first, last, count + 1).astype(int)
        spans = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    else:
        starts = {reachable(source, int(s)) for s in np.linspace(first, last - step, count)}
        spans = [(s, int(s + step)) for s in starts]
    return sorted(spans, key=lambda span: abs(sum(span) / 2 - (first + last) / 2))


def reachable(source: Source, start: int) -> int:
    """Where a window begins: there, or at the key frame before where too much would have to be decoded on the way."""
    entry = int(source.entries[max(0, int(np.searchsorted(source.entries, start, "right")) - 1)])
    skipped = int(np.searchsorted(source.times, start) - np.searchsorted(source.times, entry))
    return entry if skipped > SKIPPED_FRAMES else start


def held_frames(path: Path, limits: Limits = LIMITS) -> Iterator[list[LeakFrame]]:
    """Yield the frames of one window after the other.

    Raises
    ------
    VideoUnavailable, UndecodableVideo, UnsupportedVideo, EncryptedVideo, TruncatedVideo, VideoTooLarge,
    VideoTooSmall, VideoTooLong, VideoTooShort, VideoTooSlow
        If nothing at all can be read of it; damage after the first frames ends the window instead.
    """
    source = probe(path, limits)
    base, budget, any_held = float(source.time_base), DECODED_FRAMES, False
    for start, stop in windows(source):
        held: list[LeakFrame] = []
        due = -np.inf
        try:
            for ticks, planes in frames(source, start, stop, limits):
                budget -= 1
                time_s = (ticks - int(source.times[0])) * base
                if time_s >= due:
                    held.append(LeakFrame(time_s, bounded(planes[: source.height])))
                    due = time_s + 1 / HELD_PER_S - 1e-3
                if budget <= 0:
                    break
        except WatermarkError:
            if not held and not any_held:
                raise
        if held:
            any_held = True
            yield held
        if budget <= 0:
            return
    if not any_held:
        raise TruncatedVideo("No frame of the video can be decoded.")


def bounded(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A luma plane of at most `LONGEST_SIDE` px, in memory of its own."""
    scale = LONGEST_SIDE / max(luma.shape)
    if scale >= 1:
        return luma.copy()
    size = (max(1, round(luma.shape[1] * scale)), max(1, round(luma.shape[0] * scale)))
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
