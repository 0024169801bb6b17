"""A prepared segment: both twins of a few groups of pictures, slice beside slice, and how a copy is taken from them.

In the payload the slices lie in the order in which a decoder wants them, variant + then variant - of each, with their
four-byte lengths. A copy reads it from front to back and takes one of every two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from . import bitstream, pack
from .encoding import Coded
from .errors import TwinsDiffer

LENGTH_BYTES = 4


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; keep the machine code on disk where any place for it is writable."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # a read-only installation without a home: compile in every process
        return numba.njit(nogil=True)(function)


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

    def assembled(self, bits: NDArray[np.bool_]) -> list[NDArray[np.uint8]]:
        """Pictures of a copy, slices with their lengths, one run of bytes for each group of pictures.

        Parameters
        ----------
        bits : (groups, slices) bool, True for variant +.
        """
        ends = np.cumsum(np.bincount(self.sizes.group, self.sizes.chosen(bits))).astype(np.int64)
        out = np.empty(int(ends[-1]), np.uint8)
        take_one_of_two(self.payload, self.sizes.bytes_of.reshape(-1, 2), bits[self.sizes.group].ravel(), out)
        return np.split(out, ends[:-1])

    def slices(self, variant: bool) -> list[memoryview]:
        """All slices of one variant in decoding order, lengths included."""
        lengths = self.sizes.bytes_of.astype(np.int64)
        ends = np.cumsum(lengths.ravel()).reshape(lengths.shape)
        stops = ends[..., 0 if variant else 1].ravel()
        starts = stops - lengths[..., 0 if variant else 1].ravel()
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


@intrinsic  # type: ignore[untyped-decorator]  # Numba has no types
def _copy(_: Any, out: Any, to: Any, source: Any, start: Any, length: Any) -> Any:
    """Copy bytes as memcpy does; Numba's own loop over bytes takes five times as long."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, origin = (
            builder.gep(context.make_array(signature.args[i])(context, builder, arguments[i]).data, [arguments[i + 1]])
            for i in (0, 2)
        )
        cgutils.raw_memcpy(builder, target, origin, arguments[4], 1)
        return context.get_dummy_value()

    return numba.void(out, numba.int64, source, numba.int64, numba.int64), emit


@compiled
def take_one_of_two(
    payload: NDArray[np.uint8], sizes: NDArray[np.uint32], first: NDArray[np.bool_], out: NDArray[np.uint8]
) -> None:
    """Copy one of every two neighbouring runs of bytes.

    Parameters
    ----------
    payload : (n,) the runs, pair after pair.
    sizes : (pairs, 2) their lengths.
    first : (pairs,) whether the first of a pair is taken.
    out : (m,) as long as what is taken.
    """
    at = np.int64(0)
    to = np.int64(0)
    for i in range(len(sizes)):
        a, b = np.int64(sizes[i, 0]), np.int64(sizes[i, 1])
        start, length = (at, a) if first[i] else (at + a, b)
        _copy(out, to, payload, start, length)
        at += a + b
        to += length


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
