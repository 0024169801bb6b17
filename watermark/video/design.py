"""How a video is cut into cells: (group of pictures × slice), and the numbers that fix its mark and its encoding.

Every group of pictures is closed and at most about a second long. Its first picture, the key frame, is coded in
slices: half a row of macroblocks each, or a row where that leaves 90 slices and more. A slice of a key frame is a
cell, the place of one symbol; the other pictures carry on what the key frame shows. A frame of 1080p carries 136
symbols, of 720p 90, of 2160p 135.

The level of the stream is chosen so that a hardware decoder is promised no more slices than it must take: at most
MaxMBPS × frame interval / SliceRate in a picture (H.264 table A-1, A.3.3).
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import VideoTooLarge

MACROBLOCK = 16
WANTED_SLICES = 90
GOP_S = 1.0
GOP_FRAMES = (8, 60)
GOPS_PER_SEGMENT = 6
# level × 10: macroblocks per second, per frame, in the picture buffer; macroblocks per slice and second
LEVELS = {
    30: (40_500, 1_620, 8_100, 22),
    31: (108_000, 3_600, 18_000, 60),
    32: (216_000, 5_120, 20_480, 60),
    40: (245_760, 8_192, 32_768, 60),
    42: (522_240, 8_704, 34_816, 24),
    50: (589_824, 22_080, 110_400, 24),
    51: (983_040, 36_864, 184_320, 24),
    52: (2_073_600, 36_864, 184_320, 24),
    60: (4_177_920, 139_264, 696_320, 24),
}
PICTURES_HELD = 4


@dataclass(frozen=True)
class Design:
    """The numbers that fix a video's mark, together with its key, and how its twins are encoded.

    Attributes
    ----------
    height, width : of the upright picture as coded, px; even.
    rate : mean frames per second.
    gop_frames : frames in a group of pictures at most; one that loses its mark to a cut has fewer.
    slice_mbs : macroblocks in a slice of a key frame.
    arcsine_share : share of the cells whose bias follows the arcsine law; see `codes`.
    crf : x264's constant rate factor for the pictures that all copies share.
    preset : x264's preset.
    """

    height: int
    width: int
    rate: Fraction
    gop_frames: int
    slice_mbs: int
    arcsine_share: float
    crf: float
    preset: str

    @property
    def mb_shape(self) -> tuple[int, int]:
        """Rows and columns of macroblocks."""
        return -(-self.height // MACROBLOCK), -(-self.width // MACROBLOCK)

    @property
    def slices(self) -> int:
        """Slices in a key frame, which is cells in a group of pictures."""
        rows, cols = self.mb_shape
        return -(-rows * cols // self.slice_mbs)

    @property
    def segment_frames(self) -> int:
        """Frames in a segment, the unit of work: a few groups of pictures."""
        return self.gop_frames * GOPS_PER_SEGMENT

    @cached_property
    def boxes(self) -> NDArray[np.int32]:
        """Rectangles of the slices in px of the picture, top, bottom, left, right: (slices, 4) int32."""
        cols = self.mb_shape[1]
        first = np.arange(self.slices) * self.slice_mbs
        if self.slice_mbs >= cols:
            top, left, right = first // cols, np.zeros_like(first), np.full_like(first, cols)
            bottom = top + self.slice_mbs // cols
        else:
            top, left = first // cols, first % cols
            bottom, right = top + 1, left + self.slice_mbs
        px = np.stack([top, bottom, left, right], 1) * MACROBLOCK
        limits = [self.height, self.height, self.width, self.width]
        return np.minimum(px, limits).astype(np.int32)

    @property
    def level(self) -> int:
        """Lowest H.264 level, times ten, that allows this picture, rate and number of slices.

        Raises
        ------
        VideoTooLarge
            If none does.
        """
        rows, cols = self.mb_shape
        for level, (per_second, per_frame, held, slice_rate) in LEVELS.items():
            fits = rows * cols <= per_frame and max(rows, cols) ** 2 <= 8 * per_frame
            fits = fits and rows * cols * self.rate <= per_second and rows * cols * PICTURES_HELD <= held
            if fits and self.slices <= Fraction(per_second) / self.rate / slice_rate:
                return level
        raise VideoTooLarge(f"No level of H.264 allows {self.width} × {self.height} at {float(self.rate):g} frames/s.")

    def as_json(self) -> dict[str, Any]:
        """Return plain data for `from_json`."""
        return {**vars_of(self), "rate": [self.rate.numerator, self.rate.denominator]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Design":
        """Restore a design."""
        return cls(**{**stored, "rate": Fraction(*stored["rate"])})


def vars_of(design: Design) -> dict[str, Any]:
    """Fields by name, without what is cached."""
    return {name: getattr(design, name) for name in Design.__dataclass_fields__}


def slice_mbs(height: int, width: int) -> int:
    """Macroblocks per slice for a picture of that size.

    >>> [-(-h // 16) * (w // 16) / slice_mbs(h, w) for h, w in ((1080, 1920), (720, 1280), (2160, 3840))]
    [136.0, 90.0, 135.0]
    """
    rows, cols = -(-height // MACROBLOCK), -(-width // MACROBLOCK)
    if rows >= WANTED_SLICES or cols % 2:
        return cols * max(1, rows // WANTED_SLICES)
    return cols // 2


def gop_frames(rate: Fraction) -> int:
    """Frames in a group of pictures at that rate: about a second, 8 … 60.

    >>> gop_frames(Fraction(30000, 1001))
    30
    """
    return int(np.clip(round(rate * Fraction(GOP_S)), *GOP_FRAMES))
