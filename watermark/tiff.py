"""TIFF, written: 8 or 16 bits, grey or RGB, with or without alpha, deflated in strips.

Pillow cannot write 16-bit RGB and OpenCV cannot attach a profile, so the format's plain core is written here.

References
----------
TIFF revision 6.0: sections 3, 4, 6 (baseline), 14 (predictor), 18 (extra samples); Adobe TIFF Technical Note 2002
(deflate); ICC.1:2022 annex B.3 (profile).
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from . import ifd
from .picture import Picture

STRIP_BYTES = 1 << 18
LEVEL = 4  # of deflate; 9 takes six times as long for 2 % of the size
DEFLATE, DIFFERENCES, UNASSOCIATED_ALPHA = 8, 2, 2
BLACK_IS_ZERO, RGB = 1, 2


def encode(picture: Picture) -> bytes:
    """Encode a picture with its words and its profile."""
    height, width = picture.pixels.shape[:2]
    channels = (1 if picture.grey else 3) + (picture.alpha is not None)
    depth = 8 * picture.pixels.dtype.itemsize
    rows = max(1, STRIP_BYTES // (width * channels * depth // 8))
    strips = [
        zlib.compress(differences(interleaved(picture, top, top + rows)), LEVEL) for top in range(0, height, rows)
    ]
    padded = [strip + b"\0" * (len(strip) % 2) for strip in strips]
    offsets = np.cumsum([8, *(len(strip) for strip in padded)]).tolist()
    fields = {
        256: ifd.longs(width),
        257: ifd.longs(height),
        258: ifd.shorts(*[depth] * channels),
        259: ifd.shorts(DEFLATE),
        262: ifd.shorts(BLACK_IS_ZERO if picture.grey else RGB),
        273: ifd.longs(*offsets[:-1]),
        274: ifd.shorts(1),
        277: ifd.shorts(channels),
        278: ifd.longs(rows),
        279: ifd.longs(*(len(strip) for strip in strips)),
        284: ifd.shorts(1),
        317: ifd.shorts(DIFFERENCES),
        **picture.metadata.fields(),
    }
    if picture.alpha is not None:
        fields[338] = ifd.shorts(UNASSOCIATED_ALPHA)
    if picture.icc:
        fields[34675] = ifd.opaque(picture.icc)
    tail = ifd.tree(fields, picture.metadata.exif_fields(), offsets[-1])
    return b"".join([ifd.HEADER, struct.pack("<I", offsets[-1]), *padded, tail])


def interleaved(picture: Picture, top: int, stop: int) -> NDArray[np.unsignedinteger]:
    """Rows of a picture with alpha as the last channel: (h, w, c)."""
    planes = [picture.pixels[top:stop, :, None] if picture.grey else picture.pixels[top:stop]]
    if picture.alpha is not None:
        planes.append(picture.alpha[top:stop, :, None])
    return np.concatenate(planes, axis=2)


def differences(rows: NDArray[np.unsignedinteger]) -> bytes:
    """Horizontal differences of each channel, modulo the depth, little-endian."""
    out = rows.copy()
    out[:, 1:] -= rows[:, :-1]
    return out.astype(out.dtype.newbyteorder("<"), copy=False).tobytes()
