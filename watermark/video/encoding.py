"""One group of pictures through x264, with every decision that a slice shares with its picture forced.

Types follow a fixed P B B pattern, references and slices are fixed, scene cuts move nothing, weighted prediction is
off; what remains free (modes, vectors, quantisers) binds a slice alone. A group is an encoder's whole life, so groups
can be encoded in any order and any process, and parameter sets come out the same every time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bitstream
from .backend import av
from .design import Design

B_FRAMES = 2
REFERENCES = 2
COLOURS = ("color_range", "colorspace", "color_primaries", "color_trc")


@dataclass(frozen=True)
class Coded:
    """A coded group of pictures.

    Attributes
    ----------
    times : when each picture is shown, in decoding order, ticks.
    pictures : the slices of each picture, NAL units without start code or length.
    parameters : sequence and picture parameter set.
    """

    times: list[int]
    pictures: list[list[bytes]]
    parameters: tuple[bytes, bytes]


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


def options(design: Design) -> dict[str, str]:
    """x264's options for a design."""
    fixed = {
        "keyint": 10 * design.gop_frames,  # the group ends with its encoder, never by itself
        "min-keyint": design.gop_frames,
        "scenecut": 0,
        "open-gop": 0,
        "bframes": B_FRAMES,
        "b-adapt": 0,
        "b-pyramid": "none",
        "weightp": 0,
        "weightb": 1,  # implicit: by distance in time, the same in both twins
        "ref": REFERENCES,
        "direct": "spatial",
        "slice-max-mbs": design.slice_mbs,
        "sliced-threads": 0,
        "threads": 1,
        "stitchable": 1,
        "force-cfr": 1,
        "level": f"{design.level / 10:g}",
        "rc-lookahead": min(20, design.gop_frames),
    }
    params = ":".join(f"{name}={value}" for name, value in fixed.items())
    return {"preset": design.preset, "crf": f"{design.crf:g}", "profile": "high", "x264-params": params}


def encode(
    frames: Iterable[tuple[int, NDArray[np.uint8]]], design: Design, time_base: Fraction, signal: Signal
) -> Coded:
    """Encode one group of pictures.

    Parameters
    ----------
    frames : (time in ticks, (3 H / 2, W) uint8 planes), in the order shown.
    """
    codec = av().CodecContext.create("libx264", "w")
    codec.width, codec.height = design.width, design.height
    codec.pix_fmt = "yuvj420p" if signal.color_range == 2 else "yuv420p"
    codec.time_base, codec.framerate = time_base, design.rate
    codec.sample_aspect_ratio = signal.aspect
    for name in COLOURS:
        setattr(codec, name, getattr(signal, name))
    codec.options = options(design)
    codec.flags |= 1 << 22  # parameter sets beside the stream, AV_CODEC_FLAG_GLOBAL_HEADER
    times: list[int] = []
    pictures: list[list[bytes]] = []
    try:
        for ticks, planes in frames:
            frame = av().VideoFrame.from_ndarray(planes, format=codec.pix_fmt)
            frame.pts, frame.time_base = ticks, time_base
            keep(codec.encode(frame), times, pictures)
        keep(codec.encode(None), times, pictures)
        sets = {bitstream.kind(nal): nal for nal in bitstream.split_annex_b(bytes(codec.extradata))}
        return Coded(times, pictures, (sets[bitstream.SPS], sets[bitstream.PPS]))
    finally:
        del codec


def keep(packets: Iterable[Any], times: list[int], pictures: list[list[bytes]]) -> None:
    """Take times and slices out of packets; x264's own remarks (SEI) are left behind."""
    for packet in packets:
        times.append(packet.pts)
        units = bitstream.split_annex_b(bytes(packet))
        pictures.append([nal for nal in units if bitstream.kind(nal) in (bitstream.SLICE, bitstream.IDR)])


def decode(coded: Coded) -> list[NDArray[np.uint8]]:
    """Decode a coded group; returns (3 H / 2, W) uint8 planes in the order shown."""
    codec = av().CodecContext.create("h264", "r")
    start = b"\0\0\0\1"
    codec.extradata = b"".join(start + unit for unit in coded.parameters)
    out = []
    for slices in coded.pictures:
        packet = av().Packet(b"".join(start + nal for nal in slices))
        out += [planes_of(frame) for frame in codec.decode(packet)]
    return out + [planes_of(frame) for frame in codec.decode(None)]


def planes_of(frame: Any) -> NDArray[np.uint8]:
    """Planes as coded, whatever the range."""
    return frame.to_ndarray(format=frame.format.name)
