"""What happens to an original video in a worker process: parts in, parts out; no database, no keys but the mark's own.

Every task opens the original anew, from memory, so tasks share nothing and any process may take any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from service.videos.lending import Borrowed, Made
from service.videos.memory import as_file, scratch
from watermark.fingerprint import hamming
from watermark.registration.features import Features
from watermark.video import Limits, Master, Plan, pack, plan, preparing, probe
from watermark.video.finder import Finder
from watermark.video.fingerprints import SAME_BITS, fingerprints, landmarked
from watermark.video.master import Part
from watermark.video.references import References

ORIGINAL, FINDER, MASTER = "original", "finder", "master"
LOOKUP_OF, FINDER_OF = "lookup/{:05d}", "finder/{:05d}"
LANDMARKS_EVERY_S = 3.0
MARKED = 0.9  # of a segment's work; the rest is describing it


@dataclass(frozen=True)
class Outline:
    """What a video is, before any of it is prepared; sizes in pixels."""

    width: int
    height: int
    duration_s: float
    segments: int


@dataclass(frozen=True)
class Moment:
    """What finds one moment of a video again: PDQ in 8 orientations."""

    at_s: float
    pdq: list[bytes]
    quality: int


@dataclass(frozen=True)
class Joined:
    """A video's master and tracks, and what goes into the look-up: codes, and local features with their times."""

    parts: dict[str, bytes]
    notes: tuple[str, ...]
    moments: list[Moment]
    landmarks: list[tuple[float, bytes]]


def inspect(data: bytes, limits: Limits) -> None:
    """Refuse what its packets alone show to be unfit."""
    with as_file(data) as path:
        probe(path, limits)


def outline(lent: Connection, key: bytes, limits: Limits) -> Outline:
    """Probe an original and decide how it is cut."""
    with as_file(Borrowed(lent).get(ORIGINAL)) as path:
        whole = plan(path, key=key, limits=limits)
        source = whole.source
        return Outline(source.width, source.height, source.duration_s, whole.segments)


def make_segment(lent: Connection, key: bytes, number: int, limits: Limits) -> dict[str, bytes]:
    """Prepare one segment, and describe it for the look-up and for reading; tells the lender how far it is."""
    made, borrowed = Made(), Borrowed(lent)
    with as_file(borrowed.get(ORIGINAL)) as path:
        whole = plan(path, key=key, limits=limits)
        frames = min(whole.design.segment_frames, len(whole.source.times) - number * whole.design.segment_frames)
        preparing.prepare_segment(
            whole, made, number, progress=lambda done: borrowed.tell(MARKED * min(1.0, done / frames))
        )
        references = References(_alone(whole, made, number))
        made.put(LOOKUP_OF.format(number), _described(references))
        made.put(FINDER_OF.format(number), Finder.build(references).to_bytes())
    return made.parts


def join(lent: Connection, key: bytes, limits: Limits) -> Joined:
    """Close the table over the segments, carry sound over, and gather what the segments told of themselves."""
    borrowed = Borrowed(lent)
    made = Made(borrowed)
    original = borrowed.get(ORIGINAL)
    with as_file(original) as path, scratch(len(original)):
        whole = plan(path, key=key, limits=limits)
        master = preparing.join(whole, made)
    moments, landmarks = _merged([borrowed.get(LOOKUP_OF.format(k)) for k in range(whole.segments)])
    finders = [Finder.from_bytes(borrowed.get(FINDER_OF.format(k))) for k in range(whole.segments)]
    made.put(FINDER, _together(finders).to_bytes())
    return Joined(made.parts, master.notes, moments, landmarks)


class _Renamed:
    """A store of one segment that pretends to be the first of a video."""

    def __init__(self, made: Made, number: int) -> None:
        self._made, self._number = made, f"{number:05d}"

    def get(self, name: str) -> bytes:
        return self._made.get(name.replace("00000", self._number))

    def has(self, name: str) -> bool:
        return self._made.has(name.replace("00000", self._number))

    def put(self, name: str, data: bytes) -> None:
        self._made.put(name.replace("00000", self._number), data)


def _alone(whole: Plan, made: Made, number: int) -> Master:
    """A master of a single segment, good for everything but codewords, whose place in the video it does not know."""
    facts = pack.loads(made.get(preparing.FACTS.format(number)))
    return Master(
        store=_Renamed(made, number),
        key=whole.key,
        design=whole.design,
        time_base=Fraction(whole.source.time_base),
        end=whole.span(number)[1],
        signal=whole.signal,
        parameters=(facts["sps"].tobytes(), facts["pps"].tobytes()),
        parts=(Part(*facts["counts"].tolist()),),
    )


def _described(references: References) -> bytes:
    """Codes and local features of one segment's distinct pictures."""
    codes = fingerprints(references)
    seen = list(landmarked(references))
    features = [landmarks.to_bytes() for _, landmarks in seen]
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "times": np.array([found.time_s for found in codes]),
        "codes": np.stack([found.codes for found in codes]).astype(np.uint8),
        "quality": np.array([found.quality for found in codes], np.int64),
        "landmark_times": np.array([time_s for time_s, _ in seen]),
        "landmark_sizes": np.array([len(data) for data in features], np.int64),
        "landmarks": np.frombuffer(b"".join(features) or b"\0", np.uint8),
    }
    return pack.dumps(arrays)


def _merged(segments: list[bytes]) -> tuple[list[Moment], list[tuple[float, bytes]]]:
    """Codes and local features of the whole video, without what looks like the moment before."""
    moments: list[Moment] = []
    landmarks: list[tuple[float, bytes]] = []
    last = None
    for data in segments:
        arrays = pack.loads(data)
        for time_s, codes, quality in zip(
            arrays["times"].tolist(), arrays["codes"], arrays["quality"].tolist(), strict=True
        ):
            if last is None or int(hamming(codes[0], last)) > SAME_BITS:
                last = codes[0]
                moments.append(Moment(time_s, [code.tobytes() for code in codes], quality))
        ends = np.cumsum(arrays["landmark_sizes"])
        for time_s, size, end in zip(
            arrays["landmark_times"].tolist(), arrays["landmark_sizes"].tolist(), ends.tolist(), strict=True
        ):
            if not landmarks or time_s - landmarks[-1][0] >= LANDMARKS_EVERY_S:
                landmarks.append((time_s, arrays["landmarks"][end - size : end].tobytes()))
    return moments, landmarks


def _together(finders: list[Finder]) -> Finder:
    keys: list[Features] = [key for finder in finders for key in finder.keys]
    return Finder(
        np.concatenate([finder.times_s for finder in finders]),
        np.concatenate([finder.signatures for finder in finders]),
        np.concatenate([finder.key_times_s for finder in finders]),
        tuple(keys),
    )
