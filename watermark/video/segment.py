"""A prepared segment: both twins of a few groups of pictures, slice beside slice, and how a copy is taken from them.

In the payload the slices lie in the order in which a decoder wants them, variant + then variant - of each, with their
four-byte lengths. A copy reads it from front to back and takes one of every two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from . import bitstream, pack
from .encoding import Coded
from .errors import TwinsDiffer

LENGTH_BYTES = 4


@dataclass(frozen=True)
class Sizes:
    """How long the slices of a segment are, length prefix included.

    Attributes
    ----------
    bytes_of : (pictures, slices, 2) uint32, variant + and variant -, in decoding order.
    times : (pictures,) int64, when each picture is shown, ticks, in decoding order.
    group : (pictures,) uint8, group of pictures within the segment.
    """

    bytes_of: NDArray[np.uint32]
    times: NDArray[np.int64]
    group: NDArray[np.uint8]

    @property
    def groups(self) -> int:
        """Groups of pictures in the segment."""
        return int(self.group[-1]) + 1

    def chosen(self, bits: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Length of each picture of a copy: (pictures,) int64, for bits of (groups, slices)."""
        plus = bits[self.group]
        return np.where(plus, self.bytes_of[..., 0], self.bytes_of[..., 1]).sum(1, dtype=np.int64)

    def to_bytes(self) -> bytes:
        """Serialise."""
        return pack.dumps({"sizes": self.bytes_of, "times": self.times, "group": self.group})

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Sizes:
        """Restore; nothing is copied."""
        parts = pack.loads(data)
        return cls(parts["sizes"], parts["times"], parts["group"])


@dataclass(frozen=True)
class Segment:
    """One prepared segment.

    Attributes
    ----------
    sizes : lengths of its slices.
    payload : (n,) uint8, the slices.
    strength : (groups,) float32, amplitude of the mark in units of what the eye's threshold allows.
    thumbnails : (k, h, w) uint8, small luma pictures of the unmarked source, for finding a leak in time.
    thumbnail_times : (k,) int64, when they are shown, ticks.
    """

    sizes: Sizes
    payload: NDArray[np.uint8] = field(repr=False)
    strength: NDArray[np.float32]
    thumbnails: NDArray[np.uint8] = field(repr=False)
    thumbnail_times: NDArray[np.int64] = field(repr=False)

    def slices(self, bits: NDArray[np.bool_]) -> list[memoryview]:
        """Slices of a copy in decoding order, lengths included.

        Parameters
        ----------
        bits : (groups, slices) bool, True for variant +.
        """
        lengths = self.sizes.bytes_of.astype(np.int64)
        ends = np.cumsum(lengths.ravel()).reshape(lengths.shape)
        take = np.where(bits[self.sizes.group], 0, 1)[..., None]
        stops = np.take_along_axis(ends, take, 2).ravel()
        starts = stops - np.take_along_axis(lengths, take, 2).ravel()
        view = self.payload.data
        return [view[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]

    def to_bytes(self) -> bytes:
        """Serialise; the sizes are kept apart, see `store`."""
        return pack.dumps(
            {
                "payload": self.payload,
                "strength": self.strength,
                "thumbnails": self.thumbnails,
                "thumbnail_times": self.thumbnail_times,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, sizes: bytes | memoryview) -> Segment:
        """Restore from a segment's two parts; nothing is copied."""
        parts = pack.loads(data)
        return cls(
            Sizes.from_bytes(sizes), parts["payload"], parts["strength"], parts["thumbnails"], parts["thumbnail_times"]
        )


def interleave(
    groups: Sequence[tuple[Coded, Coded]],
    strength: Sequence[float],
    thumbnails: Sequence[NDArray[np.uint8]],
    thumbnail_times: Sequence[int],
) -> Segment:
    """Put both twins of a segment's groups together.

    Parameters
    ----------
    groups : (variant +, variant -) of each group of pictures.
    strength, thumbnails, thumbnail_times : see `Segment`.

    Raises
    ------
    TwinsDiffer
        If a slice could not stand in for its twin.
    """
    sizes, times, group, payload = [], [], [], []
    for number, (plus, minus) in enumerate(groups):
        refuse_differing(plus, minus)
        times += plus.times
        group += [number] * len(plus.times)
        for pair in zip(plus.pictures, minus.pictures, strict=True):
            sizes.append([[LENGTH_BYTES + len(a), LENGTH_BYTES + len(b)] for a, b in zip(*pair, strict=True)])
            for a, b in zip(*pair, strict=True):
                payload += [len(a).to_bytes(LENGTH_BYTES, "big"), a, len(b).to_bytes(LENGTH_BYTES, "big"), b]
    return Segment(
        Sizes(np.array(sizes, np.uint32), np.array(times, np.int64), np.array(group, np.uint8)),
        np.frombuffer(b"".join(payload), np.uint8),
        np.array(strength, np.float32),
        np.stack(thumbnails),
        np.array(thumbnail_times, np.int64),
    )


def refuse_differing(plus: Coded, minus: Coded) -> None:
    """Compare everything that slices share with their picture.

    Raises
    ------
    TwinsDiffer
        If anything differs.
    """
    if plus.parameters != minus.parameters or plus.times != minus.times:
        raise TwinsDiffer
    parameters = bitstream.Parameters.parse(*plus.parameters)
    for ours, theirs in zip(plus.pictures, minus.pictures, strict=True):
        if len(ours) != len(theirs):
            raise TwinsDiffer
        for a, b in zip(ours, theirs, strict=True):
            try:
                same = bitstream.slice_header(a, parameters) == bitstream.slice_header(b, parameters)
            except ValueError as error:
                raise TwinsDiffer(f"A slice cannot be compared: {error}") from error
            if not same:
                raise TwinsDiffer
