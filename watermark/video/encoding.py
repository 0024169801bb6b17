"""One group of pictures through x264: all of it once, and its key frame again for every variant.

Types follow a fixed P B B pattern, a picture refers to one before it and one after it, scene cuts move nothing,
weighted prediction is off. So a key frame's slices may come from any of its encodes, and what follows refers to
whichever they are. A group is an encoder's whole life, so groups can be encoded in any order and any process, and
parameter sets come out the same every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bitstream
from .backend import av
from .design import Design

B_FRAMES = 2
REFERENCES = 1
KEY_PRESET = "faster"
Frame = NDArray[np.uint8]
START = b"\0\0\0\1"
EXPORT_VECTORS = 1 << 28  # AV_CODEC_FLAG2_EXPORT_MVS
COLOURS = ("color_range", "colorspace", "color_primaries", "color_trc")


@dataclass(frozen=True)
class Coded:
    """A coded group of pictures.

    Attributes
    ----------
    times : when each picture is shown, in decoding order, ticks.
    pictures : the slices of each picture, NAL units without start code or length; but for the key frame's, one each.
    parameters : sequence and picture parameter set.
    """

    times: list[int]
    pictures: list[list[bytes]]
    parameters: tuple[bytes, bytes]

    @property
    def anchors(self) -> list[int]:
        """When the pictures are shown that others refer to, about every third; they can be decoded without the rest."""
        times = np.array(self.times)
        return [int(ticks) for ticks in times[times >= np.maximum.accumulate(times)]]

    def only(self, times: Iterable[int]) -> Coded:
        """The pictures shown at these times, which the anchors must be among as far as any refers to them."""
        wanted = set(times)
        chosen = [n for n, ticks in enumerate(self.times) if ticks in wanted]
        return replace(self, times=[self.times[n] for n in chosen], pictures=[self.pictures[n] for n in chosen])


@dataclass(frozen=True)
class Signal:
    """How samples are to be shown, as H.273 code points; and the shape of a pixel.

    Attributes
    ----------
    color_range, colorspace, color_primaries, color_trc : code points as FFmpeg numbers them.
    aspect : width to height of a pixel.
    """

    color_range: int = 1
    colorspace: int = 2
    color_primaries: int = 2
    color_trc: int = 2
    aspect: Fraction = Fraction(1)


def options(design: Design, key_crf: float | None = None) -> dict[str, str]:
    """x264's options for a design: for all of a group, or for a key frame that is coded anew at a rate factor."""
    fixed = {
        "keyint": 10 * design.gop_frames,  # the group ends with its encoder, never by itself
        "min-keyint": design.gop_frames,
        "scenecut": 0,
        "open-gop": 0,
        "bframes": B_FRAMES,
        "b-adapt": 0,
        "b-pyramid": "none",
        "weightp": 0,
        "weightb": 1,  # implicit: by distance in time
        "ref": REFERENCES,
        "direct": "spatial",
        "sliced-threads": 0,
        "threads": 1,
        "stitchable": 1,
        "force-cfr": 1,
        "level": f"{design.level / 10:g}",
        "rc-lookahead": min(20, design.gop_frames),
    }
    preset, crf = design.preset, design.crf
    if key_crf is not None:
        preset, crf = KEY_PRESET, key_crf
        fixed |= {"slice-max-mbs": design.slice_mbs, "psy": 0}  # to show what it was given, not what looks as sharp
    params = ":".join(f"{name}={value}" for name, value in fixed.items())
    return {"preset": preset, "crf": f"{crf:g}", "profile": "high", "forced-idr": "1", "x264-params": params}


def encode(
    frames: Iterable[tuple[int, Frame]],
    design: Design,
    time_base: Fraction,
    signal: Signal,
    key_crf: float | None = None,
) -> Coded:
    """Encode one group of pictures, one slice each; or, given a rate factor for them, key frames in slices.

    Parameters
    ----------
    frames : (time in ticks, (3 H / 2, W) uint8 planes), in the order shown.
    """
    codec = encoder(design, time_base, signal, key_crf)
    times: list[int] = []
    pictures: list[list[bytes]] = []
    try:
        for ticks, planes in frames:
            frame = av().VideoFrame.from_ndarray(planes, format=codec.pix_fmt)
            frame.pts, frame.time_base = ticks, time_base
            if key_crf is not None:
                frame.pict_type = av().video.frame.PictureType.I
            keep(codec.encode(frame), times, pictures)
        keep(codec.encode(None), times, pictures)
        sets = {bitstream.kind(nal): nal for nal in bitstream.split_annex_b(bytes(codec.extradata))}
        return Coded(times, pictures, (sets[bitstream.SPS], sets[bitstream.PPS]))
    finally:
        del codec


def encode_key(
    planes: Frame, idr: int, crf: float, design: Design, time_base: Fraction, signal: Signal
) -> tuple[list[bytes], tuple[bytes, bytes]]:
    """Encode a key frame in slices; returns them and the parameter sets.

    Parameters
    ----------
    idr : idr_pic_id, 0 or 1: that of the encoder's first key frame, or of its second.
    """
    coded = encode([(ticks, planes) for ticks in range(1 + idr)], design, time_base, signal, crf)
    return coded.pictures[-1], coded.parameters


def encoder(design: Design, time_base: Fraction, signal: Signal, key_crf: float | None) -> Any:
    """An encoder that is ready for the first frame of a group."""
    codec = av().CodecContext.create("libx264", "w")
    codec.width, codec.height = design.width, design.height
    codec.pix_fmt = "yuvj420p" if signal.color_range == 2 else "yuv420p"
    codec.time_base, codec.framerate = time_base, design.rate
    codec.sample_aspect_ratio = signal.aspect
    for name in COLOURS:
        setattr(codec, name, getattr(signal, name))
    codec.options = options(design, key_crf)
    codec.flags |= 1 << 22  # parameter sets beside the stream, AV_CODEC_FLAG_GLOBAL_HEADER
    return codec


def keep(packets: Iterable[Any], times: list[int], pictures: list[list[bytes]]) -> None:
    """Take times and slices out of packets; x264's own remarks (SEI) are left behind."""
    for packet in packets:
        times.append(packet.pts)
        units = bitstream.split_annex_b(bytes(packet))
        pictures.append([nal for nal in units if bitstream.kind(nal) in (bitstream.SLICE, bitstream.IDR)])


def decode(coded: Coded) -> list[Frame]:
    """Decode a coded group; returns (3 H / 2, W) uint8 planes in the order shown."""
    return list(decoded(coded))


def decoded(coded: Coded) -> Iterator[Frame]:
    """Decode a coded group frame by frame: (3 H / 2, W) uint8 planes in the order shown."""
    return (planes_of(frame) for frame in shown(coded))


def shown(coded: Coded, *, vectors: bool = False) -> Iterator[Any]:
    """Decode a coded group frame by frame, in the order shown; with motion vectors where they are asked for."""
    codec = av().CodecContext.create("h264", "r")
    codec.extradata = b"".join(START + unit for unit in coded.parameters)
    if vectors:
        codec.flags2 |= EXPORT_VECTORS
    for slices in coded.pictures:
        yield from codec.decode(av().Packet(b"".join(START + nal for nal in slices)))
    yield from codec.decode(None)


def luma_of(frame: Any) -> NDArray[np.uint8]:
    """Luma of a decoded frame as coded, (H, W); nothing is copied, the frame must be kept."""
    plane = frame.planes[0]
    rows: NDArray[np.uint8] = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def planes_of(frame: Any) -> NDArray[np.uint8]:
    """Planes as coded, whatever the range."""
    return frame.to_ndarray(format=frame.format.name)
