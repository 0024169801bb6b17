"""Where in a video a leak may come from: small pictures four times a second, and key points of distinct moments.

Built once per video and kept beside it. A leak that shows the whole frame is found by its small picture alone; crops,
pictures in pictures and photographs of screens are found by key points, which also say where in the frame they lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watermark.registration import Index
from watermark.registration.features import Features, Levels, detect, permutation, root
from watermark.registration.geometry import Matrix
from watermark.registration.matching import hypotheses

from . import pack, signatures
from .fingerprints import distinct
from .references import References

Plane = NDArray[np.float32]

KEY_LEVELS: Levels = ((960, 900), (480, 500), (240, 200))
LEAK_LEVELS: Levels = ((960, 1300), (480, 600), (240, 250))
MOST_SEARCHED = 90  # key frames looked at for one leak's frame without a hint of its time
LEAST_SUPPORT = 8
MOST_MATCHED = 6  # key frames, mirrored or not, whose key points are matched closely
ASKED = 400  # key points of a leak's frame that choose them
JUST_S = 1e-3
ALIKE = 0.85  # cosine of two key points' descriptors that speaks for their pictures


@dataclass(frozen=True)
class Found:
    """One way in which a frame of a leak may show the video.

    Attributes
    ----------
    homography : leak px -> working raster.
    time_s : in the video, roughly.
    support : matching key points, or 0 where the small picture alone was compared.
    """

    homography: Matrix
    time_s: float
    support: int


@dataclass(frozen=True)
class Finder:
    """What is searched for a leak's moments.

    Attributes
    ----------
    times_s : (k,) of the small pictures.
    signatures : (k, 27, 48) float32.
    key_times_s : (n,) of the frames with key points.
    keys : their features, places in px of the working raster.
    """

    times_s: NDArray[np.float64]
    signatures: Plane = field(repr=False)
    key_times_s: NDArray[np.float64]
    keys: tuple[Features, ...] = field(repr=False)

    @classmethod
    def build(cls, references: References) -> Finder:
        """Gather small pictures and key points; decodes about a frame a second."""
        master, base = references.master, float(references.master.time_base)
        times, small = [], []
        for segment in range(len(master.parts)):
            whole = master.segment(segment)
            times.append(whole.thumbnail_times * base)
            small.append(whole.thumbnails.astype(np.float32))
        found: list[tuple[float, Features]] = []
        for sample, _ in distinct(references):
            plane = references.small(sample.planes[: master.design.height])
            found.append((sample.time_s, detect(plane, KEY_LEVELS)))
        shown_s, pictures = held_until_cuts(np.concatenate(times), np.concatenate(small))
        return cls(shown_s, pictures, np.array([t for t, _ in found]), tuple(f for _, f in found))

    def matches(self, features: Features, leak: tuple[int, int], working: tuple[int, int],
                near_s: Iterable[float] | None = None) -> list[Found]:  # fmt: skip
        """Ways in which a leak's frame may lie on the frames with key points, best supported first.

        Parameters
        ----------
        features : of the leak's frame, its own px.
        leak, working : rows and columns of the leak's frame and of the working raster.
        near_s : times at which the look-up saw it, where it did.
        """
        out = []
        for number, mirrored in self.likeliest(features, near_s):
            index = bare_index(self.keys[number], working)
            for way in hypotheses(index, features, leak, mirrored=mirrored, inverted=False)[:2]:
                if way.support >= LEAST_SUPPORT:
                    out.append(Found(way.homography, float(self.key_times_s[number]), way.support))
        return sorted(out, key=lambda found: -found.support)

    def likeliest(self, features: Features, near_s: Iterable[float] | None = None) -> list[tuple[int, bool]]:
        """Key frames, and whether mirrored, that hold most of a few key points of a leak's frame, best first."""
        if not len(features):
            return []
        asked = features.descriptors[:: -(-len(features) // ASKED)]
        questions = [(mirrored, root(asked[:, permutation(mirrored, False)])) for mirrored in (False, True)]
        counts = []
        for number in self._order(near_s):
            if len(self.keys[number]):
                known = root(self.keys[number].descriptors).T
                for mirrored, question in questions:
                    held = int(np.sum((question @ known).max(1) > ALIKE))
                    counts.append((-held, number, mirrored))
        return [(number, mirrored) for _, number, mirrored in sorted(counts)[:MOST_MATCHED]]

    def _order(self, near_s: Iterable[float] | None) -> Iterator[int]:
        if near_s is None:
            yield from np.unique(np.linspace(0, len(self.keys) - 1, MOST_SEARCHED).astype(int)).tolist()
            return
        close = {int(n) for time_s in near_s for n in np.argsort(np.abs(self.key_times_s - time_s))[:3]}
        yield from sorted(close)

    def to_bytes(self) -> bytes:
        """Serialise."""
        arrays: dict[str, NDArray[Any]] = {
            "times": self.times_s,
            "signatures": np.clip(np.rint(self.signatures), 0, 255).astype(np.uint8),
            "key_times": self.key_times_s,
            "counts": np.array([len(f) for f in self.keys], np.int64),
            "points": np.concatenate([f.points for f in self.keys]) if self.keys else np.zeros((0, 4), np.float32),
            "descriptors": np.concatenate([f.descriptors for f in self.keys])
            if self.keys
            else np.zeros((0, 128), np.uint8),
        }
        return pack.dumps(arrays)

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Finder:
        """Restore."""
        arrays = pack.loads(data)
        ends = np.cumsum(arrays["counts"])
        keys = [
            Features(arrays["points"][stop - count : stop], arrays["descriptors"][stop - count : stop])
            for count, stop in zip(arrays["counts"].tolist(), ends.tolist(), strict=True)
        ]
        return cls(arrays["times"], arrays["signatures"].astype(np.float32), arrays["key_times"], tuple(keys))


def held_until_cuts(times_s: NDArray[np.float64], small: Plane) -> tuple[NDArray[np.float64], Plane]:
    """Small pictures with the last of every shot once more where the next begins.

    Agreement between two of them is interpolated, and what is shown just before a cut is nothing like what follows.

    Parameters
    ----------
    times_s : (k,) when they are shown, ascending.
    small : (k, 27, 48).
    """
    cuts = np.array([first for first, _ in signatures.shots(small)[1:]], int)
    return np.insert(times_s, cuts, times_s[cuts] - JUST_S), np.insert(small, cuts, small[cuts - 1], axis=0)


def bare_index(features: Features, shape: tuple[int, int]) -> Index:
    """An index for matching key points alone: its raster is blank."""
    arrays: dict[str, NDArray[Any]] = {"points": features.points, "descriptors": features.descriptors}
    return Index.from_arrays(np.zeros(shape, np.float32), 1.0, arrays)
