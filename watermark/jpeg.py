"""JPEG copies without encoding: two prepared streams, cut at their restart markers and joined anew.

A restart marker resets the decoder's predictions, so the entropy-coded data between two of them decodes alone. Two
variants of one picture, encoded with the same tables and the same restart interval, are therefore interchangeable
segment by segment, and a copy is header + chosen segments + end marker.

References
----------
ITU-T T.81 (JPEG), B.1.1.3, B.2.2 and E.1.4 (markers, frame header, restart intervals); APP2 profiles: ICC.1:2022
annex B.4.
"""

import io
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from .metadata import Metadata

QUALITY = 95
MCU_PX = {"4:4:4": (8, 8), "4:2:2": (8, 16), "4:2:0": (16, 16), "4:0:0": (8, 8)}
"""Height and width of a minimum coded unit by chroma sub-sampling (T.81, A.2.4); 4:0:0 is grey, one block."""
SAMPLING_FACTORS = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:0:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}
NO_WORDS = Metadata()
START_OF_FRAME, START_OF_SCAN = 0xC0, 0xDA
APPLICATION_DATA, COMMENT = range(0xE0, 0xF0), 0xFE
RESTART_MARKERS = 8  # they are numbered in turn
TALLEST_PX = 65_500
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
    run : restart interval in MCUs; 0 for none.
    subsampling : of chroma: "4:4:4", "4:2:2" or "4:2:0"; without effect on grey.
    metadata : words to attach.
    compact : whether Huffman tables are fitted to the picture; its pixels are the same.
    """
    if pixels.ndim == 3:
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)
    data = compress(pixels, run, subsampling, compact=compact)
    return data[:2] + words(icc, metadata) + data[behind_words(data) :]


def compress(samples: NDArray[np.uint8], run: int, subsampling: str, *, compact: bool) -> bytes:
    """Encode a picture in OpenCV's order of channels, without words; see `encode`."""
    options = [
        *(cv2.IMWRITE_JPEG_QUALITY, QUALITY),
        *(cv2.IMWRITE_JPEG_OPTIMIZE, int(compact)),
        *(cv2.IMWRITE_JPEG_RST_INTERVAL, run),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLING_FACTORS[subsampling]),
    ]
    return cv2.imencode(".jpg", samples, options)[1].tobytes()


def encode_pair(
    minus: NDArray[np.uint8],
    plus: NDArray[np.uint8],
    icc: bytes | None,
    run: int,
    *,
    subsampling: str = "4:2:0",
    metadata: Metadata = NO_WORDS,
) -> tuple[bytes, bytes]:
    """Encode two variants of a picture with restart markers, and with Huffman tables that are fitted to both.

    They are encoded as one picture, the one above the other, whose stream is then cut in two. Padding between them
    brings the second to the beginning of a segment, and to the first of the eight restart markers. Where the last
    segment is a short one, both variants share it: the other would be followed by padding.

    Parameters
    ----------
    minus, plus : of one shape, see `encode`.
    run : restart interval in MCUs, at least 1.
    """
    height, width = minus.shape[:2]
    mcu_height, mcu_width = MCU_PX["4:0:0" if minus.ndim == 2 else subsampling]
    rows, columns = -(-height // mcu_height), -(-width // mcu_width)
    every = RESTART_MARKERS * run // math.gcd(RESTART_MARKERS * run, columns)
    top = -(-rows // every) * every * mcu_height
    if top + rows * mcu_height > TALLEST_PX:
        options: dict[str, Any] = {"subsampling": subsampling, "metadata": metadata, "compact": False}
        return encode(minus, icc, run, **options), encode(plus, icc, run, **options)
    both = np.empty((top + rows * mcu_height, *minus.shape[1:]), np.uint8)
    for variant, part in ((minus, both[:top]), (plus, both[top:])):
        if variant.ndim == 2:
            part[:height] = variant
        else:
            cv2.cvtColor(variant, cv2.COLOR_RGB2BGR, dst=part[:height])
        part[height:] = part[height - 1]
    data = compress(both, run, subsampling, compact=True)
    cuts = segment_cuts(data)
    header = data[: cuts[0]]
    header = header[:2] + words(icc, metadata) + with_height(header, height)[behind_words(header) :]
    whole, rest = divmod(rows * columns, run)
    first = data[cuts[0] : cuts[whole] - 2 * (not rest)]  # without a marker behind the last
    shared = data[cuts[-2] : cuts[-1]] if rest else b""
    second = data[cuts[-1 - whole - bool(rest)] : cuts[-1]]
    return b"".join([header, first, shared, END_OF_IMAGE]), b"".join([header, second, END_OF_IMAGE])


def decode(data: bytes) -> NDArray[np.uint8]:
    """What a JPEG of ours shows, in its own channels: (h, w, 3) or, grey, (h, w) uint8."""
    channels = data[find(data, START_OF_FRAME) + 9]  # behind marker, length, precision, height and width
    order = cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR_RGB
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), order | cv2.IMREAD_IGNORE_ORIENTATION), np.uint8)


def words(icc: bytes | None, metadata: Metadata) -> bytes:
    """The marker segments that say what a picture is about, as Pillow writes them."""
    options: dict[str, Any] = {"dpi": tuple(round(v) for v in metadata.dpi)} if metadata.dpi else {}
    buffer = io.BytesIO()
    PillowImage.new("L", (1, 1)).save(buffer, "JPEG", icc_profile=icc, exif=metadata.exif(), **options)
    data = buffer.getvalue()
    return data[2 : behind_words(data)]


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
        cuts = segment_cuts(data)
        return cls(data[: cuts[0]], np.array([data[i:j] for i, j in pairwise(cuts)], object))


def segment_cuts(data: bytes) -> list[int]:
    """Offsets of the segments of a stream, each with its closing restart marker, and of the end marker."""
    start = scan_start(data)
    body = np.frombuffer(data, np.uint8)[start:-2]
    escapes = np.flatnonzero(body[:-1] == 0xFF)
    after = body[escapes + 1]
    markers = escapes[(after >= 0xD0) & (after <= 0xD7)]
    return [start, *(start + markers + 2).tolist(), len(data) - 2]


def behind_words(data: bytes) -> int:
    """Offset of the first marker that is neither application data nor a comment."""
    at = 2
    while data[at + 1] in APPLICATION_DATA or data[at + 1] == COMMENT:
        at = next_marker(data, at)
    return at


def scan_start(data: bytes) -> int:
    """Offset of the entropy-coded data: the byte behind the start-of-scan header."""
    return next_marker(data, find(data, START_OF_SCAN))


def with_height(header: bytes, height: int) -> bytes:
    """A header that states another height of the picture."""
    at = find(header, START_OF_FRAME) + 5  # behind marker, length and precision
    return header[:at] + height.to_bytes(2, "big") + header[at + 2 :]


def find(data: bytes, marker: int) -> int:
    """Offset of the first marker of a kind."""
    at = 2
    while data[at + 1] != marker:
        at = next_marker(data, at)
    return at


def next_marker(data: bytes, at: int) -> int:
    """Offset of the marker behind the one at `at`, which has a length."""
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def join(minus: Segments, plus: Segments, choose_plus: NDArray[np.bool_]) -> bytes:
    """Join a copy from two variants: segment i from `plus` where `choose_plus[i]`, else from `minus`.

    The segments lie ready, so that they are copied once, straight into the file.
    """
    return b"".join([minus.header, *np.where(choose_plus, plus.pieces, minus.pieces).tolist(), END_OF_IMAGE])
