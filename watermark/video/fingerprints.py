"""What the look-up keeps of a video: a picture a second, and one after every cut, where it differs from the last.

Groups of pictures are about a second long and begin with a frame that decodes alone, so a sample costs one frame's
decoding however long the video is. Pictures of the same static shot have equal codes within a few bits and are kept
once. Samples are the delivered variant +, as good as the source for hashing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark import landmarks
from watermark.fingerprint import Codes, hamming, pdq

from .encoding import decoded
from .references import References
from .signatures import shots

SAME_BITS = 10
LANDMARKS_PER_MINUTE = 20


@dataclass(frozen=True)
class Sample:
    """A frame of a video that stands for the moments around it.

    Attributes
    ----------
    time_s : when it is shown.
    group : of pictures.
    planes : (3 H / 2, W) uint8.
    """

    time_s: float
    group: int
    planes: NDArray[np.uint8] = field(repr=False)

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """The picture, (H, W, 3) uint8."""
        return cv2.cvtColor(self.planes, cv2.COLOR_YUV2RGB_I420)


@dataclass(frozen=True)
class Fingerprint:
    """Tier 1 of the look-up for one moment.

    Attributes
    ----------
    time_s : within the video.
    codes : (8, 32) uint8, PDQ in eight orientations.
    quality : 0 … 100.
    """

    time_s: float
    codes: Codes = field(repr=False)
    quality: int


def samples(references: References) -> Iterator[Sample]:
    """Yield the first frame of every group of pictures, and the frame after every cut within one."""
    master, base = references.master, float(references.master.time_base)
    for segment, part in enumerate(master.parts):
        whole = master.segment(segment)
        when = whole.thumbnail_times * base
        small = whole.thumbnails.astype(np.float32)
        cuts = [when[first] for first, _ in shots(small)[1:]]
        for number in range(part.groups):
            group = int(master.first_group[segment]) + number
            time_s, planes = references.key_frame(group)
            yield Sample(time_s, group, planes)
            until = float(references.starts_s[group + 1])
            inside = [float(cut) for cut in cuts if time_s < cut < until]
            if inside:
                yield from _at(references, group, inside)


def _at(references: References, group: int, times_s: list[float]) -> Iterator[Sample]:
    plus, _ = references.coded(group)
    due = list(times_s)
    for ticks, planes in zip(sorted(plus.times), decoded(plus), strict=True):
        shown = ticks * float(references.master.time_base)
        if due and shown >= due[0] - 1e-6:
            due.pop(0)
            yield Sample(shown, group, planes)


def distinct(references: References, bits: int = SAME_BITS) -> Iterator[tuple[Sample, Fingerprint]]:
    """Yield the samples that differ from the one kept before by more than so many bits, with their codes."""
    last: Codes | None = None
    for sample in samples(references):
        codes, quality = pdq(sample.rgb)
        if last is None or int(hamming(codes[0], last)) > bits:
            last = codes[0]
            yield sample, Fingerprint(sample.time_s, codes, quality)


def fingerprints(references: References) -> list[Fingerprint]:
    """Tier 1 of the look-up: PDQ codes of a video's distinct samples with their times."""
    return [fingerprint for _, fingerprint in distinct(references)]


def landmarked(
    references: References, per_minute: int = LANDMARKS_PER_MINUTE
) -> Iterator[tuple[float, landmarks.Landmarks]]:
    """Yield time and landmarks of distinct samples, so many a minute at most: tier 2 of the look-up.

    A minute's first samples of each shot go first, since the same shot is found by any of its frames.
    """
    minute, kept, spacing_s = -1, 0, 60.0 / per_minute
    last_s = -np.inf
    for sample, _ in distinct(references, bits=3 * SAME_BITS):
        if int(sample.time_s // 60) != minute:
            minute, kept = int(sample.time_s // 60), 0
        if kept < per_minute and sample.time_s - last_s >= spacing_s / 3:
            kept, last_s = kept + 1, sample.time_s
            yield sample.time_s, landmarks.describe(sample.rgb)
