"""What a leak is compared with: the delivered frames of a group of pictures, without the mark and the mark alone.

Both twins are decoded side by side, frame by frame, and brought to the working raster at once, so that memory holds a
group of small planes whatever the size of the picture. In a slice of bias p the variants are X + 2(1-p) b P and
X - 2pb P, hence the mark D = (A - B) / 2 = bP and the unmarked frame X = (A + B) / 2 + (2p - 1) D.

D holds the mark, which is steady within a group, and how differently the two encodes erred in this frame. A leak that
was hardly compressed shows both; one that was compressed again lost the second. So there are two templates: D halfway
to its mean over the group, and the mean.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.symbols import BandResponse, band_responses

from .backend import av
from .encoding import Coded
from .master import Master

Plane = NDArray[np.float32]

WORKING_SIDE = 960  # long side in px of the working raster: a slice of 1080p is 8 px high there
GROUPS_HELD = 3
START = b"\0\0\0\1"


@dataclass(frozen=True)
class Reference:
    """One delivered frame on the working raster.

    Attributes
    ----------
    group : of pictures, counted from the start of the video.
    time_s : when it is shown.
    clean : (h, w) float16, the frame without a mark.
    mark : (h, w) float16, what variant + adds to the middle of both variants, halfway to `steady`.
    steady : (h, w) float32, the mean of that over the group; the same array in all its frames.
    responses : of the bands to `mark` and to `steady`; the same in all frames of a group.
    """

    group: int
    time_s: float
    clean: NDArray[np.float16] = field(repr=False)
    mark: NDArray[np.float16] = field(repr=False)
    steady: Plane = field(repr=False)
    responses: tuple[list[BandResponse], list[BandResponse]] = field(repr=False)


class References:
    """The frames of a prepared video, decoded as they are asked for; a few groups are held."""

    def __init__(self, master: Master) -> None:
        self.master = master
        self._held: OrderedDict[int, list[Reference]] = OrderedDict()

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the working raster."""
        height, width = self.master.design.height, self.master.design.width
        scale = min(1.0, WORKING_SIDE / max(height, width))
        return max(16, round(height * scale)), max(16, round(width * scale))

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """Slice of each pixel of the working raster: (h, w) int32."""
        design, (height, width) = self.master.design, self.shape
        whole = np.zeros((design.height, design.width), np.int32)
        for number, (top, bottom, left, right) in enumerate(design.boxes):
            whole[top:bottom, left:right] = number
        rows = ((np.arange(height) + 0.5) * design.height / height).astype(int)
        columns = ((np.arange(width) + 0.5) * design.width / width).astype(int)
        return np.ascontiguousarray(whole[rows[:, None], columns[None]])

    @cached_property
    def starts_s(self) -> NDArray[np.float64]:
        """When each group of pictures starts, and the end of the video: (groups + 1,)."""
        master, out = self.master, []
        for segment in range(len(master.parts)):
            sizes = master.sizes(segment)
            out += [int(sizes.times[sizes.group == g].min()) for g in range(sizes.groups)]
        return np.array([*out, master.end]) * float(master.time_base)

    def group_at(self, time_s: float) -> int:
        """Group of pictures shown at a time; the nearest one outside the video."""
        return int(np.clip(np.searchsorted(self.starts_s, time_s, "right") - 1, 0, self.master.groups - 1))

    def coded(self, group: int) -> tuple[Coded, Coded]:
        """Both twins of a group."""
        segment = int(np.searchsorted(self.master.first_group, group, "right") - 1)
        wanted = group - int(self.master.first_group[segment])
        return next((plus, minus) for number, plus, minus in self.master.twins(segment) if number == wanted)

    def group(self, group: int) -> list[Reference]:
        """All frames of a group, in the order shown."""
        if group not in self._held:
            while len(self._held) >= GROUPS_HELD:
                self._held.popitem(last=False)
            self._held[group] = self._decoded(group)
        self._held.move_to_end(group)
        return self._held[group]

    def _decoded(self, group: int) -> list[Reference]:
        plus, minus = self.coded(group)
        slices = self.master.design.slices
        base, height = float(self.master.time_base), self.master.design.height
        middles: list[NDArray[np.float16]] = []
        marks: list[NDArray[np.float16]] = []
        steady = np.zeros(self.shape, np.float32)
        for a, b in zip(decoded(plus), decoded(minus), strict=True):
            shown, other = self.small(a[:height]), self.small(b[:height])
            mark = (shown - other) / 2
            steady += mark
            middles.append(((shown + other) / 2).astype(np.float16))
            marks.append(mark.astype(np.float16))
        steady /= np.float32(len(marks))
        biases = self.master.codebook.biases[group * slices : (group + 1) * slices]
        lean = ((2 * biases - 1).astype(np.float32)[self.labels] * steady).astype(np.float16)
        own = [(mark + steady).astype(np.float16) / np.float16(2) for mark in marks]
        responses = (
            band_responses(self.labels, own[len(own) // 2].astype(np.float32), slices),
            band_responses(self.labels, steady, slices),
        )
        return [
            Reference(group, ticks * base, middle + lean, mark, steady, responses)
            for ticks, middle, mark in zip(sorted(plus.times), middles, own, strict=True)
        ]

    def key_frame(self, group: int) -> tuple[float, NDArray[np.uint8]]:
        """Time in seconds, and planes of variant + of a group's first frame; nothing else is decoded.

        For look-up and search only: what lies under the mark does not matter there.
        """
        plus, _ = self.coded(group)
        first = replace(plus, times=plus.times[:1], pictures=plus.pictures[:1])
        return plus.times[0] * float(self.master.time_base), next(decoded(first))

    def small(self, luma: NDArray[np.uint8]) -> Plane:
        """A luma plane on the working raster."""
        if luma.shape == self.shape:
            return luma.astype(np.float32)
        return cv2.resize(luma.astype(np.float32), self.shape[::-1], interpolation=cv2.INTER_AREA)


def decoded(coded: Coded) -> Iterator[NDArray[np.uint8]]:
    """Decode a coded group frame by frame: (3 H / 2, W) uint8 planes in the order shown."""
    codec = av().CodecContext.create("h264", "r")
    codec.extradata = b"".join(START + unit for unit in coded.parameters)
    for slices in coded.pictures:
        packet = av().Packet(b"".join(START + nal for nal in slices))
        yield from (frame.to_ndarray(format=frame.format.name) for frame in codec.decode(packet))
    yield from (frame.to_ndarray(format=frame.format.name) for frame in codec.decode(None))
