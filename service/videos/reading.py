"""Leaks of videos in a worker process: clips and frames in, verdicts in plain values out; and frames of copies."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import cv2
import numpy as np
from PIL import Image

from service.lookups.pixels import Found, described
from service.sightings.pixels import Named, Trace
from service.videos.lending import Borrowed
from service.videos.memory import as_file
from service.videos.pixels import FINDER, LANDMARKS_EVERY_S
from watermark.decode import decode_leak
from watermark.video import Limits, Master, probe
from watermark.video.accusing import Traced, trace
from watermark.video.errors import TruncatedVideo
from watermark.video.finder import Finder
from watermark.video.frames import frames
from watermark.video.reading import read_picture, read_stages
from watermark.video.references import References
from watermark.video.strip import strip

ASKED_FRAMES = 6
MOST_COLUMNS = 240


@dataclass(frozen=True)
class FoundFrame:
    """One frame of a clip, described as a found picture is; ``length_s`` is the clip's."""

    leak_s: float
    length_s: float
    found: Found


def frame_of(clip: bytes, at_s: float, side: int) -> bytes:
    """Make a JPEG of one frame of a short file that shows a marked copy, at most ``side`` px, ``at_s`` into it."""
    with as_file(clip) as path:
        source = probe(path)
        ticks = min(int(source.times[0]) + int(max(0.0, at_s) / float(source.time_base)), int(source.times[-1]))
        _, planes = next(frames(source, ticks, source.end + 1))
    picture = Image.fromarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92, subsampling=0)
    return out.getvalue()


def describe_clip(data: bytes, limits: Limits, first: int, stop: int) -> list[FoundFrame]:
    """Describe some of the few frames that are spread over a found clip."""
    seen = []
    with as_file(data) as path:
        source = probe(path, limits)
        for at in spread(source.times)[first:stop]:
            frame = next(frames(source, at, source.end + 1, limits), None)
            if frame is not None:
                ticks, planes = frame
                leak_s = (ticks - int(source.times[0])) * float(source.time_base)
                seen.append(
                    FoundFrame(leak_s, source.duration_s, described(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420)))
                )
    if not seen and not first:
        raise TruncatedVideo("No frame of the video can be decoded.")
    return seen


def still_of(leak: bytes, limits: Limits, at_s: float | None) -> bytes:
    """Return one frame of a found clip, without further loss (PNG), to be read against a picture."""
    with as_file(leak) as path:
        source = probe(path, limits)
        ticks = int(source.times[0]) + int((at_s or 0.0) / float(source.time_base))
        planes = next((planes for _, planes in frames(source, ticks, source.end + 1, limits)), None)
    if planes is None:
        raise TruncatedVideo("No frame of the video can be decoded.")
    out = io.BytesIO()
    Image.fromarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def spread(times: np.ndarray[Any, Any]) -> list[int]:
    """A few times spread evenly over a clip, its middle first.

    >>> spread(np.arange(0, 600, 100))
    [300, 200, 400, 100, 500, 0]
    """
    chosen = np.unique(((np.arange(ASKED_FRAMES) + 0.5) / ASKED_FRAMES * len(times)).astype(int))
    middle = len(times) // 2
    return [int(times[i]) for i in sorted(chosen.tolist(), key=lambda i: abs(i - middle))]


def trace_clip(
    lent: Connection, leak: bytes, limits: Limits, near_s: Sequence[float] | None, serials: Sequence[int], looks: int
) -> Trace:
    """Read a found clip against one video and accuse among its serials, stage by stage."""
    master, references, finder = _opened(lent)
    with as_file(leak) as path:
        stages = read_stages(references, finder, path, near_s=near_s, limits=limits)
        return _told(master, references, trace(master, stages, serials=serials, looks=looks))


def trace_frame(
    lent: Connection,
    leak: bytes,
    max_pixels: int,
    near_s: Sequence[float] | None,
    serials: Sequence[int],
    looks: int,
) -> Trace:
    """Read one found frame, a screenshot or a photograph of a screen, against one video."""
    master, references, finder = _opened(lent)
    luma = cv2.cvtColor(decode_leak(leak, max_pixels), cv2.COLOR_RGB2GRAY)
    read = read_picture(references, finder, luma, near_s=around(near_s))
    return _told(master, references, trace(master, [read], serials=serials, looks=looks))


def around(near_s: Sequence[float] | None) -> list[float] | None:
    """The moments that a look-up may have meant: it keeps local features of one moment in three seconds.

    >>> around([10.0])
    [7.0, 8.5, 10.0, 11.5, 13.0]
    """
    if near_s is None:
        return None
    return sorted({at_s + k * LANDMARKS_EVERY_S / 2 for at_s in near_s for k in range(-2, 3)})


def names(lent: Connection, clip: bytes, serials: Sequence[int]) -> list[int]:
    """Read a piece of a copy as a stranger's clip, and return whom of ``serials`` it names."""
    master, references, finder = _opened(lent)
    with as_file(clip) as path:
        found = trace(master, read_stages(references, finder, path), serials=serials)
    return [int(accused.serial) for accused in found.verdict.named]


def _opened(lent: Connection) -> tuple[Master, References, Finder]:
    store = Borrowed(lent)
    master = Master.open(store)
    return master, References(master), Finder.from_bytes(store.get(FINDER))


def _told(master: Master, references: References, traced: Traced) -> Trace:
    verdict, read = traced.verdict, traced.reading
    named = tuple(Named(int(a.serial), float(a.score), float(a.log10_bound)) for a in verdict.named)
    return Trace(
        readable=read.readable,
        coverage=float(read.coverage),
        named=named,
        mixture=bool(verdict.mixture),
        copies=int(verdict.copies),
        looks=int(verdict.looks),
        reason=verdict.reason,
        hint=verdict.hint,
        homography=None,
        heat=None,
        strip=_strip(master, references, traced, named[0].serial if named else None) if read.readable else None,
    )


def _strip(master: Master, references: References, traced: Traced, serial: int | None) -> dict[str, Any]:
    """The strip chart in plain values, rounded to what can be drawn; of a long leak evenly chosen columns."""
    drawn = strip(master, traced.reading, references.starts_s, serial)
    count = len(drawn.groups)
    columns = np.unique(np.linspace(0, count - 1, min(count, MOST_COLUMNS)).round().astype(int))
    return {
        "starts_s": np.round(drawn.starts_s[columns], 3).tolist(),
        "ends_s": np.round(drawn.ends_s[columns], 3).tolist(),
        "strength": np.round(drawn.strength[:, columns].astype(np.float64), 2).tolist(),
        "agreement": np.round(drawn.agreement[:, columns].astype(np.float64), 2).tolist()
        if serial is not None
        else None,
        "leak_s": np.round(drawn.leak_s, 2).tolist(),
        "video_s": np.round(drawn.video_s, 2).tolist(),
        "length_s": round(float(references.starts_s[-1] - references.starts_s[0]), 3),
    }
