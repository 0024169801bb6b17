"""JPEG copies without encoding: two prepared streams, cut at their restart markers and joined anew.

A restart marker resets the decoder's predictions, so the entropy-coded data between two of them decodes alone. Two
variants of one picture, encoded with the same tables and the same restart interval, are therefore interchangeable
segment by segment, and a copy is header + chosen segments + end marker.

References
----------
ITU-T T.81 (JPEG), B.1.1.3 and E.1.4 (restart intervals); APP2 profiles: ICC.1:2022 annex B.4.
"""

import io
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from .metadata import Metadata

QUALITY = 95
MCU_PX = {"4:4:4": (8, 8), "4:2:2": (8, 16), "4:2:0": (16, 16), "4:0:0": (8, 8)}
"""Height and width of a minimum coded unit by chroma sub-sampling (T.81, A.2.4); 4:0:0 is grey, one block."""
NO_WORDS = Metadata()
END_OF_IMAGE = b"\xff\xd9"


def encode(
    pixels: NDArray[np.uint8],
    icc: bytes | None,
    run: int = 0,
    *,
    subsampling: str = "4:2:0",
    metadata: Metadata = NO_WORDS,
    compact: bool = True,
) -> bytes:
    """Encode a picture as baseline JPEG at the quality copies are issued in.

    Parameters
    ----------
    pixels : (h, w, 3) or, grey, (h, w) uint8.
    icc : colour profile to attach.
    run : restart interval in MCUs; 0 for none. With an interval the default Huffman tables are used, since both
        variants must share them.
    subsampling : of chroma: "4:4:4", "4:2:2" or "4:2:0"; without effect on grey.
    metadata : words to attach.
    compact : whether Huffman tables are fitted to the picture, where there is no interval; its pixels are the same.
    """
    buffer = io.BytesIO()
    options: dict[str, Any] = {"restart_marker_blocks": run} if run else {"optimize": compact}
    if pixels.ndim == 3:
        options["subsampling"] = "4:4:4" if subsampling == "4:0:0" else subsampling
    if metadata.dpi:
        options["dpi"] = tuple(round(v) for v in metadata.dpi)
    PillowImage.fromarray(pixels).save(
        buffer, "JPEG", quality=QUALITY, icc_profile=icc, exif=metadata.exif(), **options
    )
    return buffer.getvalue()


@dataclass(frozen=True)
class Segments:
    """One encoded variant, cut at its restart markers.

    Attributes
    ----------
    header : everything before the first segment.
    pieces : (n,) of bytes, the segments, each with its closing restart marker.
    """

    header: bytes
    pieces: NDArray[np.object_]

    @classmethod
    def split(cls, data: bytes) -> "Segments":
        """Find the restart markers of a baseline stream with one scan, and cut it there."""
        start = scan_start(data)
        body = np.frombuffer(data, np.uint8)[start:-2]
        markers = np.flatnonzero((body[:-1] == 0xFF) & (body[1:] >= 0xD0) & (body[1:] <= 0xD7))
        cuts = [start, *(start + markers + 2).tolist(), len(data) - 2]
        return cls(data[:start], np.array([data[i:j] for i, j in pairwise(cuts)], object))


def scan_start(data: bytes) -> int:
    """Offset of the entropy-coded data: the byte behind the start-of-scan header."""
    at = 2
    while data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def join(minus: Segments, plus: Segments, choose_plus: NDArray[np.bool_]) -> bytes:
    """Join a copy from two variants: segment i from `plus` where `choose_plus[i]`, else from `minus`.

    The segments lie ready, so that they are copied once, straight into the file.
    """
    return b"".join([minus.header, *np.where(choose_plus, plus.pieces, minus.pieces).tolist(), END_OF_IMAGE])
