"""H.264 as far as slices must be interchangeable: NAL units, and the headers that have to agree.

A copy takes every slice of a key frame from one of two encodes. That is a valid stream only if both encodes took the
same decisions wherever a slice speaks for its picture: type, frame number, order count, reference lists, marking.
Quantisers may differ, since each slice states its own. So both headers are parsed and compared; nothing is left to
luck.

References
----------
ITU-T H.264 (08/2021), 7.3.2.1.1 (sequence parameter set), 7.3.2.2 (picture parameter set), 7.3.3 (slice header).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SLICE, IDR, SEI, SPS, PPS = 1, 5, 6, 7, 8
P, B = 0, 1
HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128)
HEADER_BYTES = 64  # far more than a slice header without weight tables takes


class Bits:
    """Big-endian bit reader over a NAL unit's payload, emulation prevention removed."""

    def __init__(self, nal: bytes) -> None:
        clean = nal[1 : HEADER_BYTES + 1].replace(b"\0\0\3", b"\0\0")
        self.value, self.left = int.from_bytes(clean, "big"), 8 * len(clean)

    def u(self, count: int) -> int:
        """Read an unsigned integer of `count` bits."""
        self.left -= count
        if self.left < 0:
            raise ValueError("The header is longer than expected.")
        return (self.value >> self.left) & ((1 << count) - 1)

    def ue(self) -> int:
        """Read an Exp-Golomb code (9.1)."""
        zeros = 0
        while not self.u(1):
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """Read a signed Exp-Golomb code (9.1.1)."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def split_annex_b(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a byte stream with start codes (annex B)."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        stop = data.find(b"\0\0\1", at + 3)
        nal = data[at + 3 : stop if stop >= 0 else len(data)].rstrip(b"\0")
        if nal:
            yield nal
        at = stop


def kind(nal: bytes | memoryview) -> int:
    """nal_unit_type."""
    return nal[0] & 31


@dataclass(frozen=True)
class Parameters:
    """What of the parameter sets decides how a slice header reads.

    Attributes
    ----------
    frame_num_bits, order_bits : widths of frame_num and pic_order_cnt_lsb.
    order_type : pic_order_cnt_type.
    cabac, deblocking_control, bottom_order : flags of the picture parameter set.
    weighted_p, weighted_b : weighted prediction, 1 being explicit.
    """

    frame_num_bits: int
    order_type: int
    order_bits: int
    cabac: bool
    deblocking_control: bool
    bottom_order: bool
    weighted_p: bool
    weighted_b: int

    @classmethod
    def parse(cls, sps: bytes, pps: bytes) -> "Parameters":
        """Parse a sequence and a picture parameter set of progressive pictures.

        Raises
        ------
        ValueError
            If the stream codes fields, or uses what our encoder is never asked for.
        """
        s = Bits(sps)
        profile = s.u(8)
        s.u(16)
        s.ue()
        if profile in HIGH_PROFILES:
            if s.ue() == 3:
                s.u(1)
            s.ue(), s.ue(), s.u(1)
            if s.u(1):
                raise ValueError("Scaling matrices are not expected.")
        frame_num_bits = s.ue() + 4
        order_type = s.ue()
        order_bits = s.ue() + 4 if order_type == 0 else 0
        if order_type == 1:
            raise ValueError("Picture order of type 1 is not expected.")
        s.ue(), s.u(1), s.ue(), s.ue()
        if not s.u(1):
            raise ValueError("Interlaced coding is not expected.")
        p = Bits(pps)
        p.ue(), p.ue()
        cabac, bottom_order = bool(p.u(1)), bool(p.u(1))
        if p.ue():
            raise ValueError("Slice groups are not expected.")
        p.ue(), p.ue()
        weighted_p, weighted_b = bool(p.u(1)), p.u(2)
        p.se(), p.se(), p.se()
        return cls(frame_num_bits, order_type, order_bits, cabac, bool(p.u(1)), bottom_order, weighted_p, weighted_b)


def first_macroblock(nal: bytes) -> int:
    """Address of a slice's first macroblock."""
    return Bits(nal[:9]).ue()


def slice_header(nal: bytes, parameters: Parameters) -> dict[str, Any]:
    """Everything in a slice header that must agree between two interchangeable slices.

    Left out because they bind the slice alone: cabac_init_idc and slice_qp_delta.

    Raises
    ------
    ValueError
        If the slice uses explicit weights.
    """
    b = Bits(nal)
    out: dict[str, Any] = {"nal": nal[0]}
    out["first_mb"], out["type"] = b.ue(), b.ue() % 5
    out["pps"], out["frame_num"] = b.ue(), b.u(parameters.frame_num_bits)
    if kind(nal) == IDR:
        out["idr_pic_id"] = b.ue()
    if parameters.order_type == 0:
        out["order"] = b.u(parameters.order_bits), b.se() if parameters.bottom_order else 0
    if out["type"] == B:
        out["direct_spatial"] = b.u(1)
    if out["type"] in (P, B):
        out["references"] = _references(b, out["type"])
        if parameters.weighted_b == 1 if out["type"] == B else parameters.weighted_p:
            raise ValueError("Explicit weights are not expected.")
    if nal[0] >> 5 & 3:
        out["marking"] = (b.u(1), b.u(1)) if kind(nal) == IDR else _marking(b)
    if parameters.cabac and out["type"] in (P, B):
        b.ue()
    b.se()
    if parameters.deblocking_control:
        off = b.ue()
        out["deblocking"] = (off, *((b.se(), b.se()) if off != 1 else ()))
    return out


def _references(b: Bits, slice_type: int) -> list[Any]:
    """Numbers of active references, and the modification of each list (7.3.3.1)."""
    lists = 2 if slice_type == B else 1
    out: list[Any] = [[b.ue() for _ in range(lists)] if b.u(1) else None]
    for _ in range(lists):
        changes = []
        if b.u(1):
            while (operation := b.ue()) != 3:
                changes.append((operation, b.ue()))
        out.append(changes)
    return out


def _marking(b: Bits) -> list[tuple[int, ...]]:
    """Memory management operations (7.3.3.3)."""
    out: list[tuple[int, ...]] = []
    if b.u(1):
        while operation := b.ue():
            out.append((operation, *(b.ue() for _ in range({1: 1, 2: 1, 3: 2, 4: 1, 5: 0, 6: 1}[operation]))))
    return out
