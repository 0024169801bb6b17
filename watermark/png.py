"""PNG at 16 bits per channel, written; Pillow writes the 8-bit ones.

References
----------
PNG (Portable Network Graphics) Specification, third edition, 5 (chunks), 9 (filtering), 11 (chunk definitions).
"""

import struct
import zlib

import numpy as np

from .picture import Picture
from .tiff import interleaved

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}  # by number of channels
FILTER_UP = b"\x02"
LEVEL = 4
BAND_ROWS = 64
INCH_M = 0.0254


def encode(picture: Picture) -> bytes:
    """Encode a 16-bit picture with its words and its profile."""
    height, width = picture.pixels.shape[:2]
    channels = (1 if picture.grey else 3) + (picture.alpha is not None)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPE[channels], 0, 0, 0)
    parts = [SIGNATURE, chunk(b"IHDR", header)]
    if picture.icc:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.icc)))
    if picture.metadata.dpi:
        across, down = (round(v / INCH_M) for v in picture.metadata.dpi)
        parts.append(chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if exif := picture.metadata.exif():
        parts.append(chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    deflate = zlib.compressobj(LEVEL)
    above = np.zeros((1, width * channels * 2), np.uint8)
    for top in range(0, height, BAND_ROWS):
        rows = interleaved(picture, top, top + BAND_ROWS).astype(">u2").reshape(-1, width * channels).view(np.uint8)
        filtered = rows - np.concatenate([above, rows[:-1]])
        marked = np.concatenate([np.full((len(rows), 1), FILTER_UP[0], np.uint8), filtered], axis=1)
        parts.append(chunk(b"IDAT", deflate.compress(marked.tobytes())))
        above = rows[-1:]
    parts += [chunk(b"IDAT", deflate.flush()), chunk(b"IEND", b"")]
    return b"".join(parts)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk: length, type, data, checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
