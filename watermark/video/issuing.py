"""Issue copies of a video: a file is assembled while it is read, from front to back or from any byte on.

Nothing is decoded or encoded. A copy's length is known before its first byte, since the lengths of all slices are; so
downloads can be resumed and a player can seek, and no copy is ever stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from . import boxes
from .master import Master
from .movie import FILE_TYPE, Movie

MDAT_HEAD_BYTES = 16


@dataclass(frozen=True)
class Copy:
    """One copy as a fast-start MP4 file.

    Attributes
    ----------
    movie : what all copies' files have in common; keep it where many are issued.
    serial : the copy's number within the asset, 0 … 2³²-1.
    """

    movie: Movie
    serial: int

    @classmethod
    def of(cls, master: Master, serial: int) -> Copy:
        """One copy of a prepared video."""
        return cls(Movie(master), serial)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each picture: (pictures,) int64."""
        master = self.movie.master
        each = [master.sizes(k).chosen(master.bits(self.serial, k)) for k in range(len(master.parts))]
        return np.concatenate(each)

    @cached_property
    def _layout(self) -> tuple[bytes, NDArray[np.int64]]:
        """Everything before the media data, and where each group starts in the file, with the end: (groups + 1,)."""
        moov, starts, _ = self.movie.moov(self.sizes, len(FILE_TYPE) + MDAT_HEAD_BYTES)
        length = int(starts[-1] - starts[0]) + MDAT_HEAD_BYTES
        mdat = boxes.u32(1) + b"mdat" + length.to_bytes(8, "big")
        return FILE_TYPE + moov + mdat, starts

    @property
    def length(self) -> int:
        """Bytes of the whole file."""
        return int(self._layout[1][-1])

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes | memoryview]:
        """Yield the file's bytes from `start` until before `stop`, some hundred kilobytes at a time.

        Raises
        ------
        ValueError
            If the range lies outside the file.
        """
        stop = self.length if stop is None else stop
        if not 0 <= start <= stop <= self.length:
            raise ValueError(f"Bytes {start} … {stop} are outside a file of {self.length} bytes.")
        head, starts = self._layout
        if start < len(head):
            yield memoryview(head)[start : min(stop, len(head))]
        first = 0
        for segment, part in enumerate(self.movie.master.parts):
            at, end = int(starts[first]), int(starts[first + part.groups])
            if at < stop and end > start:
                for piece in self._pieces(segment):
                    if at < stop and at + len(piece) > start:
                        yield piece[max(0, start - at) : stop - at]
                    at += len(piece)
            first += part.groups

    def _pieces(self, segment: int) -> Iterator[memoryview]:
        """Yield the bytes of a segment: pictures of a group, then its sound and subtitles, group after group."""
        master = self.movie.master
        pictures = master.segment(segment).assembled(master.bits(self.serial, segment))
        for group, others in zip(pictures, master.others(segment), strict=True):
            yield group.data
            yield from others


def issue(master: Master, serial: int) -> Iterator[bytes | memoryview]:
    """Yield one copy as a fast-start MP4 file.

    Parameters
    ----------
    master : the prepared video.
    serial : the copy's number within the asset, 0 … 2³²-1.

    Raises
    ------
    ValueError
        If the serial is out of range.
    CorruptMaster
        If a part is missing or damaged.
    """
    yield from Copy.of(master, serial).read()
