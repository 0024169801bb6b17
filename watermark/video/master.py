"""A prepared video: what it is, its key, and where its parts lie; everything that issuing and reading begin with.

What a master holds is as secret as the video itself: both twins, and the key that tells every copy apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watermark.codebook import MAX_SERIAL, Codebook
from watermark.errors import CorruptMaster

from . import codes, encoding
from .design import Design
from .encoding import Coded, Signal
from .segment import Segment, Sizes
from .store import Store
from .tracks import Track, unpack_tracks

FORMAT = "telltale-video-2"
HEADER = "master"
TRACKS = "tracks/table"


@dataclass(frozen=True)
class Part:
    """One line of the table of segments.

    Attributes
    ----------
    start : when its first frame is shown, ticks.
    pictures, groups : how many it has.
    """

    start: int
    pictures: int
    groups: int


@dataclass(frozen=True)
class Master:
    """One prepared video; see the module. Build with `prepare`, open with `Master.open`.

    Attributes
    ----------
    store : where the parts lie.
    key : the asset's key, 32 bytes.
    design : the numbers that fix mark and encoding.
    time_base : seconds per tick of all times.
    end : when the last frame ends, ticks.
    signal : how samples are to be shown.
    parameters : sequence and picture parameter set of every copy.
    parts : the segments in order.
    notes : what copies lose against the source, in words for the uploader.
    """

    store: Store = field(repr=False)
    key: bytes = field(repr=False)
    design: Design
    time_base: Fraction
    end: int
    signal: Signal
    parameters: tuple[bytes, bytes] = field(repr=False)
    parts: tuple[Part, ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> int:
        """Groups of pictures."""
        return sum(part.groups for part in self.parts)

    @property
    def cells(self) -> int:
        """Symbols of a codeword: groups × slices."""
        return self.groups * self.design.slices

    @cached_property
    def first_group(self) -> NDArray[np.int64]:
        """Number of each segment's first group, counted from the start of the video: (segments,) int64."""
        return np.concatenate([[0], np.cumsum([part.groups for part in self.parts])[:-1]]).astype(np.int64)

    @cached_property
    def codebook(self) -> Codebook:
        """Codewords of every copy; cell j is slice j mod n of group j div n."""
        share, slices = self.design.arcsine_share, self.design.slices
        thresholds = [
            codes.group_thresholds(self.key, slices, share, k, g)
            for k, part in enumerate(self.parts)
            for g in range(part.groups)
        ]
        return codes.book(self.key, np.concatenate(thresholds))

    def bits(self, serial: int, segment: int) -> NDArray[np.bool_]:
        """Part of a copy's codeword that concerns one segment: (groups, slices) bool, True for variant +.

        Raises
        ------
        ValueError
            If the serial is out of range.
        """
        if not 0 <= serial <= MAX_SERIAL:
            raise ValueError(f"Serial {serial} is outside 0 … {MAX_SERIAL}.")
        groups, slices = self.parts[segment].groups, self.design.slices
        first = int(self.first_group[segment]) * slices
        cells = np.arange(first, first + groups * slices)
        return self.codebook.bits(cells, serial, serial + 1).reshape(groups, slices)

    def sizes(self, segment: int) -> Sizes:
        """Lengths of a segment's slices."""
        return Sizes.from_bytes(self._get(f"sizes/{segment:05d}"))

    def segment(self, segment: int) -> Segment:
        """One segment, both twins."""
        return Segment.from_bytes(self._get(f"segments/{segment:05d}"), self._get(f"sizes/{segment:05d}"))

    @cached_property
    def tracks(self) -> tuple[Track, ...]:
        """Sound and subtitles."""
        return unpack_tracks(self._get(TRACKS)) if self.store.has(TRACKS) else ()

    def others(self, segment: int) -> list[list[memoryview]]:
        """Samples of sound and subtitles of a segment: for each group, one run of bytes per track."""
        first = int(self.first_group[segment])
        groups = range(first, first + self.parts[segment].groups)
        if not self.tracks:
            return [[] for _ in groups]
        data, at, out = memoryview(self._get(f"tracks/{segment:05d}")), 0, []
        for group in groups:
            runs = []
            for track in self.tracks:
                size = int(track.sizes[track.bounds[group] : track.bounds[group + 1]].sum())
                runs.append(data[at : at + size])
                at += size
            out.append(runs)
        return out

    def twins(self, segment: int) -> Iterator[tuple[int, Coded, Coded]]:
        """Yield group, variant + and variant - of every group of pictures in a segment, ready to be decoded."""
        whole = self.segment(segment)
        for group in range(whole.sizes.groups):
            times = whole.sizes.times[whole.sizes.group == group].tolist()
            plus, minus = (
                Coded(times, [[bytes(nal) for nal in p] for p in whole.pictures(group, variant)], self.parameters)
                for variant in (True, False)
            )
            yield group, plus, minus

    def reference(self, segment: int, group: int) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.uint8]]]:
        """Yield what a reader compares a leak with: time, and both variants of every frame of one group, as delivered.

        The frame without its mark is (A + B) / 2, the mark of what comes from a slice that shows variant + is
        (A - B) / 2 beyond that, and that of variant - is its negative.

        Yields
        ------
        (time in ticks, A, B): (3 H / 2, W) uint8 planes each, in the order shown.
        """
        for number, plus, minus in self.twins(segment):
            if number == group:
                times = sorted(plus.times)
                yield from zip(times, encoding.decode(plus), encoding.decode(minus), strict=True)

    def _get(self, name: str) -> bytes | memoryview:
        try:
            return self.store.get(name)
        except KeyError as error:
            raise CorruptMaster(f"The part {name} of the prepared video is missing.") from error

    def save(self) -> None:
        """Write the master's own part; it holds the key and must be kept encrypted."""
        header = {
            "format": FORMAT,
            "key": self.key.hex(),
            "design": self.design.as_json(),
            "time_base": [self.time_base.numerator, self.time_base.denominator],
            "end": self.end,
            "signal": asdict(self.signal) | {"aspect": [self.signal.aspect.numerator, self.signal.aspect.denominator]},
            "parameters": [unit.hex() for unit in self.parameters],
            "parts": [list(vars(part).values()) for part in self.parts],
            "notes": self.notes,
        }
        self.store.put(HEADER, json.dumps(header).encode())

    @classmethod
    def open(cls, store: Store) -> Master:
        """Open a prepared video.

        Raises
        ------
        CorruptMaster
            If there is none, or not one of this format.
        """
        try:
            header: dict[str, Any] = json.loads(bytes(store.get(HEADER)))
            if header["format"] != FORMAT:
                raise CorruptMaster("The video was prepared by another version.")
            sps, pps = (bytes.fromhex(unit) for unit in header["parameters"])
            return cls(
                store=store,
                key=bytes.fromhex(header["key"]),
                design=Design.from_json(header["design"]),
                time_base=Fraction(*header["time_base"]),
                end=header["end"],
                signal=Signal(**header["signal"] | {"aspect": Fraction(*header["signal"]["aspect"])}),
                parameters=(sps, pps),
                parts=tuple(Part(*part) for part in header["parts"]),
                notes=tuple(header["notes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, CorruptMaster):
                raise
            raise CorruptMaster("The prepared video cannot be opened.") from error
