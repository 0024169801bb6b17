"""What a leak is compared with: the delivered frames of a group of pictures, without the mark and the mark alone.

Both twins are decoded side by side, frame by frame, and brought to the working raster at once, so that memory holds a
group of small planes whatever the size of the picture. In a cell of bias p the variants are X + 2(1-p) b P and
X - 2pb P, hence the mark D = (A - B) / 2 = bP and the unmarked frame X = (A + B) / 2 + (2p - 1) D, in every frame of
the group, wherever the mark has travelled to; which cell a point shows is a map that travels with it.

D holds the mark and how differently the two key frames were coded. A leak that was hardly compressed shows both; one
that was compressed again lost the second, and what it lost of the picture's own detail may resemble it. So there are
two templates: D itself, and the key's pattern at the strength that D has of it, carried along.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.photometry import FilterBank
from watermark.symbols import BandResponse, band_responses

from . import encoding, motion, pattern
from .encoding import Coded
from .master import Master
from .motion import Labels

Plane = NDArray[np.float32]

BANK = FilterBank(sigmas_px=(1.5, 3.5), noise_windows_px=(17, 25, 33))  # a slice is wider than a still's cell
FINE = 16
ENVELOPE_PX = 8  # of the working raster
WORKING_SIDE = 960  # long side in px of the working raster: a slice of 1080p is 8 px high there
GROUPS_HELD = 5
REACH_S = 0.07  # around a time that is asked for, frames that nothing refers to are decoded too


@dataclass(frozen=True)
class Reference:
    """One delivered frame on the working raster.

    Attributes
    ----------
    group : of pictures, counted from the start of the video.
    time_s : when it is shown.
    sum, difference : (h, w) int16, of both variants, in sixteenths of a level.
    number : of the picture, among those that `ways` knows.
    ways : from where in the key frame each point of it comes.
    scene : what all frames of the group share.
    """

    group: int
    time_s: float
    sum: NDArray[np.int16] = field(repr=False)
    difference: NDArray[np.int16] = field(repr=False)
    number: int
    ways: motion.Ways = field(repr=False)
    scene: Scene = field(repr=False)

    @property
    def middle(self) -> Plane:
        """Halfway between both variants: (h, w) float32."""
        return self.sum * np.float32(0.5 / FINE)

    @property
    def mark(self) -> Plane:
        """What variant + adds to the middle: (h, w) float32."""
        return self.difference * np.float32(0.5 / FINE)

    @cached_property
    def labels(self) -> Labels:
        """Cell that each point shows, the number of cells where it shows none: (h, w) uint16."""
        return motion.carried(
            self.scene.labels, self.ways.back(self.number), self.scene.shape, len(self.scene.leans) - 1
        )

    @property
    def drawn(self) -> Plane:
        """The part of the mark that is the key's pattern: (h, w) float32."""
        return motion.carried(self.scene.drawn, self.ways.back(self.number), self.scene.shape, 0)

    @property
    def responses(self) -> tuple[list[BandResponse], ...]:
        """What the bands do to both templates; of a group, as the first of its frames that is read shows it."""
        if not self.scene.responses:
            labels, cells = self.labels.astype(np.int32), len(self.scene.leans)
            self.scene.responses = tuple(band_responses(labels, mark, cells, BANK) for mark in (self.mark, self.drawn))
        return self.scene.responses

    @cached_property
    def clean(self) -> Plane:
        """The frame without a mark: (h, w) float32."""
        leans = self.scene.leans
        return self.middle + leans[self.labels] * self.mark if leans.any() else self.middle


@dataclass
class Scene:
    """What all frames of a group of pictures share.

    Attributes
    ----------
    labels : (h, w) uint16, cell of each point of the key frame, on the working raster.
    shape : rows and columns of the delivered picture, px.
    leans : (cells + 1,) float32, 2p - 1 of each cell, and 0.
    drawn : (h, w) float32, the part of the key frame's mark that is the key's pattern.
    responses : of the bands to both templates; empty until a frame is read.
    """

    labels: Labels
    shape: tuple[int, int]
    leans: Plane
    drawn: Plane
    responses: tuple[list[BandResponse], ...] = ()


class References:
    """The frames of a prepared video, decoded as they are asked for; a few groups are held."""

    def __init__(self, master: Master) -> None:
        self.master = master
        self._held: OrderedDict[int, dict[int, Reference]] = OrderedDict()

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the working raster."""
        height, width = self.master.design.height, self.master.design.width
        scale = min(1.0, WORKING_SIDE / max(height, width))
        return max(16, round(height * scale)), max(16, round(width * scale))

    @cached_property
    def labels(self) -> Labels:
        """Slice of each pixel of a key frame on the working raster: (h, w) uint16."""
        design, (height, width) = self.master.design, self.shape
        whole = np.zeros((design.height, design.width), np.uint16)
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

    @cached_property
    def ticks(self) -> list[NDArray[np.int64]]:
        """When the pictures of each group are shown, in decoding order."""
        sizes = [self.master.sizes(segment) for segment in range(len(self.master.parts))]
        return [some.times[some.group == number] for some in sizes for number in range(some.groups)]

    def group(self, group: int, near_s: Iterable[float] | None = None) -> list[Reference]:
        """Frames of a group, in the order shown.

        Parameters
        ----------
        group : counted from the start of the video.
        near_s : where given, the anchors - what others refer to, every third - and those shown around these times
            are enough; that saves most of the decoding.
        """
        ticks = self.ticks[group]
        shown = np.sort(ticks)
        wanted = set(range(len(ticks)))
        if near_s is not None:
            wanted = set(np.searchsorted(shown, ticks[ticks >= np.maximum.accumulate(ticks)]).tolist())
            for time_s in near_s:
                apart_s = np.abs(shown * float(self.master.time_base) - time_s)
                wanted |= set(np.flatnonzero(apart_s <= REACH_S).tolist())
        held = self._held.pop(group, {})
        if not wanted <= held.keys():
            while len(self._held) >= GROUPS_HELD:
                self._held.popitem(last=False)
            held = self._decoded(group, wanted | held.keys(), held)
        self._held[group] = held
        return [held[number] for number in sorted(held)]

    def _decoded(self, group: int, wanted: set[int], held: dict[int, Reference]) -> dict[int, Reference]:
        """Frames of a group by their numbers; those that are held already are taken as they are."""
        order, numbers = np.sort(self.ticks[group]), sorted(wanted)
        plus, minus = (twin.only(order[numbers].tolist()) for twin in self.coded(group))
        planes: dict[int, tuple[NDArray[np.int16], NDArray[np.int16]]] = {}
        kinds: list[int] = []
        vectors: list[motion.Vectors | None] = []
        pairs = zip(encoding.shown(plus, vectors=True), encoding.shown(minus), strict=True)
        for number, (frame, other) in zip(numbers, pairs, strict=True):
            if number not in held:
                ours, theirs = encoding.luma_of(frame), encoding.luma_of(other)
                apart = cv2.subtract(ours, theirs, dtype=cv2.CV_16S)
                planes[number] = self._fine(cv2.add(ours, theirs, dtype=cv2.CV_16S)), self._fine(apart)
            kinds.append(int(frame.pict_type))
            told = frame.side_data.get("MOTION_VECTORS")
            vectors.append(told.to_ndarray() if told is not None else None)
        scene = next(iter(held.values())).scene if held else self._scene(group, planes[0][1])
        ways = motion.Ways(kinds, vectors, scene.shape)
        base = float(self.master.time_base)
        return {
            number: held.get(number)
            or Reference(group, float(order[number]) * base, *planes[number], place, ways, scene)
            for place, number in enumerate(numbers)
        }

    def _scene(self, group: int, difference: NDArray[np.int16]) -> Scene:
        """What a group's frames share, given the difference of its two key frames."""
        design = self.master.design
        biases = self.master.codebook.biases[group * design.slices : (group + 1) * design.slices]
        drawn = projected(difference * np.float32(0.5 / FINE), self._pattern(group))
        leans = np.append(2 * biases - 1, 0).astype(np.float32)
        return Scene(self.labels, (design.height, design.width), leans, drawn)

    def _fine(self, plane: NDArray[np.int16]) -> NDArray[np.int16]:
        """FINE times a plane of whole levels, on the working raster: whole numbers, for speed.

        Of a picture at most twice as large, a mean of the two nearest pixels is the mean over the area.
        """
        plane = plane * np.int16(FINE)
        while plane.shape[1] > 2 * self.shape[1]:
            plane = cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA)
        small: NDArray[np.int16] = cv2.resize(plane, self.shape[::-1], interpolation=cv2.INTER_LINEAR)
        return small

    def _pattern(self, group: int) -> Plane:
        """The unit pattern of a group on the working raster."""
        segment = int(np.searchsorted(self.master.first_group, group, "right") - 1)
        number = group - int(self.master.first_group[segment])
        unit = pattern.unit_pattern(self.master.key, self.master.design, segment, number)
        return cv2.resize(unit, self.shape[::-1], interpolation=cv2.INTER_AREA)

    def key_frame(self, group: int) -> tuple[float, NDArray[np.uint8]]:
        """Time in seconds, and planes of variant + of a group's first frame; nothing else is decoded.

        For look-up and search only: what lies under the mark does not matter there.
        """
        plus, _ = self.coded(group)
        first = replace(plus, times=plus.times[:1], pictures=plus.pictures[:1])
        return plus.times[0] * float(self.master.time_base), next(encoding.decoded(first))

    def small(self, luma: NDArray[np.uint8]) -> Plane:
        """A luma plane on the working raster."""
        if luma.shape == self.shape:
            return luma.astype(np.float32)
        return cv2.resize(luma.astype(np.float32), self.shape[::-1], interpolation=cv2.INTER_AREA)


def projected(mark: Plane, unit: Plane) -> Plane:
    """The part of a mark that is a pattern at some slowly changing strength: P G(D P) / G(P²), G a Gaussian."""
    strength = cv2.GaussianBlur(mark * unit, (0, 0), ENVELOPE_PX)
    return unit * np.maximum(strength / (cv2.GaussianBlur(unit * unit, (0, 0), ENVELOPE_PX) + np.float32(1e-3)), 0)
