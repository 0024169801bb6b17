"""A prepared segment: both twins of a few groups of pictures, and how a copy is taken from them.

In the payload everything lies in the order in which a decoder wants it, with four-byte lengths: of a group, variant +
then variant - of each slice of the key frame, then the pictures that all copies share. A copy reads it from front to
back and takes one of every two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from watermark.compiling import compiled

from . import bitstream, pack
from .encoding import Coded
from .errors import TwinsDiffer

LENGTH_BYTES = 4


@dataclass(frozen=True)
class Sizes:
    """How long the slices of a segment are, length prefix included.

    Attributes
    ----------
    key : (groups, slices, 2) uint32, variant + and variant - of every slice of a key frame.
    rest : (pictures,) uint32, the pictures that all copies share, in decoding order; 0 for key frames.
    times : (pictures,) int64, when each picture is shown, ticks, in decoding order.
    group : (pictures,) uint16, group of pictures within the segment.
    """

    key: NDArray[np.uint32]
    rest: NDArray[np.uint32]
    times: NDArray[np.int64]
    group: NDArray[np.uint16]

    @property
    def groups(self) -> int:
        """Groups of pictures in the segment."""
        return len(self.key)

    @property
    def first(self) -> NDArray[np.intp]:
        """Numbers of the key frames: (groups,)."""
        return np.flatnonzero(self.rest == 0)

    @property
    def shared(self) -> NDArray[np.int64]:
        """Bytes of each group that all copies share: (groups,) int64."""
        return np.bincount(self.group, self.rest, self.groups).astype(np.int64)

    def chosen(self, bits: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Length of each picture of a copy: (pictures,) int64, for bits of (groups, slices)."""
        lengths = self.rest.astype(np.int64)
        lengths[self.first] = np.where(bits, self.key[..., 0], self.key[..., 1]).sum(1, dtype=np.int64)
        return lengths

    def to_bytes(self) -> bytes:
        """Serialise."""
        return pack.dumps({"key": self.key, "rest": self.rest, "times": self.times, "group": self.group})

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> Sizes:
        """Restore; nothing is copied."""
        parts = pack.loads(data)
        return cls(parts["key"], parts["rest"], parts["times"], parts["group"])


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
        sizes = self.sizes
        ends = np.cumsum(np.bincount(sizes.group, sizes.chosen(bits), sizes.groups)).astype(np.int64)
        shared = np.stack([sizes.shared, np.zeros_like(sizes.shared)], 1)[:, None]
        runs = np.concatenate([sizes.key, shared], 1).astype(np.int64)
        taken = np.concatenate([bits, np.ones((sizes.groups, 1), np.bool_)], 1)
        out = np.empty(int(ends[-1]), np.uint8)
        take_one_of_two(self.payload, runs.reshape(-1, 2), taken.ravel(), out)
        return np.split(out, ends[:-1])

    def pictures(self, group: int, variant: bool) -> list[list[memoryview]]:
        """Slices, without their lengths, of one variant of a group's pictures, in decoding order."""
        sizes = self.sizes
        start = int(sizes.key[:group].sum(dtype=np.int64) + sizes.shared[:group].sum())
        pairs = sizes.key[group].ravel().astype(np.int64)
        rest = sizes.rest[sizes.group == group].astype(np.int64)[1:]
        key = runs_of(self.payload, start, pairs)[0 if variant else 1 :: 2]
        return [key, *([run] for run in runs_of(self.payload, start + int(pairs.sum()), rest))]

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


def runs_of(payload: NDArray[np.uint8], start: int, lengths: NDArray[np.int64]) -> list[memoryview]:
    """Consecutive runs of bytes, each without the length that it starts with."""
    stops = start + np.cumsum(lengths)
    starts = stops - lengths + LENGTH_BYTES
    return [payload.data[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]


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
    payload: NDArray[np.uint8], sizes: NDArray[np.int64], first: NDArray[np.bool_], out: NDArray[np.uint8]
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
    key, rest, times, group, payload = [], [], [], [], []
    for number, (plus, minus) in enumerate(groups):
        refuse_differing(plus, minus)
        times += plus.times
        group += [number] * len(plus.times)
        shared = [nal for (nal,) in plus.pictures[1:]]
        key.append([[LENGTH_BYTES + len(a), LENGTH_BYTES + len(b)] for a, b in zip(*keys_of(plus, minus), strict=True)])
        rest += [0, *(LENGTH_BYTES + len(nal) for nal in shared)]
        for nal in [*(unit for pair in zip(*keys_of(plus, minus), strict=True) for unit in pair), *shared]:
            payload += [len(nal).to_bytes(LENGTH_BYTES, "big"), nal]
    sizes = np.array(key, np.uint32), np.array(rest, np.uint32)
    return Segment(
        Sizes(*sizes, np.array(times, np.int64), np.array(group, np.uint16)),
        np.frombuffer(b"".join(payload), np.uint8),
        np.array(strength, np.float32),
        np.stack(thumbnails),
        np.array(thumbnail_times, np.int64),
    )


def keys_of(plus: Coded, minus: Coded) -> tuple[list[bytes], list[bytes]]:
    """Slices of both key frames."""
    return plus.pictures[0], minus.pictures[0]


def refuse_differing(plus: Coded, minus: Coded) -> None:
    """Compare everything that two key frames share, and all that follows them.

    Raises
    ------
    TwinsDiffer
        If anything differs.
    """
    if (plus.parameters, plus.times, plus.pictures[1:]) != (minus.parameters, minus.times, minus.pictures[1:]):
        raise TwinsDiffer
    if any(len(picture) != 1 for picture in plus.pictures[1:]):
        raise TwinsDiffer("A picture that all copies share is coded in several slices.")
    ours, theirs = keys_of(plus, minus)
    if len(ours) != len(theirs):
        raise TwinsDiffer
    parameters = bitstream.Parameters.parse(*plus.parameters)
    for a, b in zip(ours, theirs, strict=True):
        try:
            same = bitstream.slice_header(a, parameters) == bitstream.slice_header(b, parameters)
        except ValueError as error:
            raise TwinsDiffer(f"A slice cannot be compared: {error}") from error
        if not same:
            raise TwinsDiffer
