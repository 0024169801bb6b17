"""Frames in, file out: what attacks on clips are made of, all within this process.

A clip is an iterator of frames, so that nothing longer than a few frames is held. An attack is an edit of that
iterator and the codec it is published with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]
TIME_BASE = Fraction(1, 90_000)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame and when it is shown, seconds."""

    time_s: float
    rgb: Rgb


Edit = Callable[[Iterator[Frame], np.random.Generator], Iterator[Frame]]


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder and its options, as FFmpeg names them."""

    name: str
    options: dict[str, str] = field(default_factory=dict)


def x264(crf: int) -> Codec:
    """H.264 at a rate factor, as sites re-encode."""
    return Codec("libx264", {"crf": str(crf), "preset": "veryfast"})


SITE = x264(26)
HEVC_35 = Codec("libx265", {"crf": "35", "preset": "superfast", "x265-params": "log-level=none"})
VP9_40 = Codec("libvpx-vp9", {"crf": "40", "b": "0", "deadline": "realtime", "cpu-used": "8"})
AV1_45 = Codec("libsvtav1", {"crf": "45", "preset": "11"})
AV1_LIBAOM_45 = Codec("libaom-av1", {"crf": "45", "cpu-used": "8", "usage": "realtime"})


@dataclass(frozen=True, slots=True)
class ClipAttack:
    """A named attack on a clip.

    Attributes
    ----------
    name, family : str
    edit : what is done to the frames.
    codec : what they are published with.
    length_s : of the clip that leaks.
    quick : whether the short suite has it.
    """

    name: str
    family: str
    edit: Edit
    codec: Codec = SITE
    length_s: float = 5.0
    quick: bool = False

    def apply(self, frames: Iterator[Frame], target: Path, rng: np.random.Generator) -> None:
        """Write the attacked clip to `target`."""
        write(self.edit(frames, rng), target, self.codec)


def read_frames(path: Path, start_s: float = 0.0, length_s: float = 1e9) -> Iterator[Frame]:
    """Decode part of a file; times start at 0."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        stream.thread_type = "AUTO"
        first = None
        for frame in file.decode(stream):
            if frame.pts is None:
                continue
            time_s = float(frame.pts * stream.time_base)
            if time_s < start_s - 1e-6:
                continue
            first = time_s if first is None else first
            if time_s - first >= length_s - 1e-6:
                return
            yield Frame(time_s - first, frame.to_ndarray(format="rgb24"))


def write(frames: Iterable[Frame], target: Path, codec: Codec) -> None:
    """Encode frames to an MP4 file, times as given; odd last rows and columns are cut."""
    coming = iter(frames)
    head = list(itertools.islice(coming, 2))
    step = head[1].time_s - head[0].time_s if len(head) > 1 else 0.04
    height, width = (side // 2 * 2 for side in head[0].rgb.shape[:2])
    with av.open(str(target), "w", format="mp4") as file:
        stream = file.add_stream(codec.name, rate=Fraction(1 / step).limit_denominator(1001), options=codec.options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = TIME_BASE
        stream.codec_context.thread_count = 1
        last = -1
        for shown in itertools.chain(head, coming):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown.rgb[:height, :width]), format="rgb24")
            last = max(last + 1, round(shown.time_s / TIME_BASE))
            frame.pts, frame.time_base = last, TIME_BASE
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def per_frame(change: Callable[[Rgb], Rgb]) -> Edit:
    """An edit that does the same to every frame."""
    return lambda frames, rng: (Frame(f.time_s, change(f.rgb)) for f in frames)


def then(*edits: Edit) -> Edit:
    """One edit after the other."""

    def run(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
        for edit in edits:
            frames = edit(frames, rng)
        return frames

    return run


def untouched(frames: Iterator[Frame], rng: np.random.Generator) -> Iterator[Frame]:
    """Leave the frames alone: only the codec attacks."""
    return frames
