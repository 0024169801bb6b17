"""From a picture to the file that leaves: one door for every format that copies are issued in.

Lossy formats are written at qualities at which the mark's own budget of visibility is hardly touched; what a format
offers in depth, alpha and chroma resolution is used as the original used it.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import jpeg, png, tiff
from .picture import ISSUED_AS, Picture, eight_bits

WEBP_QUALITY = 95
WEBP_EFFORT = 20  # of the lossless kind: a third of the time of 80 for 6 % more bytes
AVIF_QUALITY = 95
AVIF_SPEED = 10  # a quarter of speed 8's time for 8 % more bytes; a copy is encoded for every recipient
PNG_LEVEL = 4
JPEG = ("image/jpeg", "jpg")
LARGEST_MCU_PX = 16
CACHED_ROWS = 128  # whole blocks
UNSETTLED_LEVELS = 2.0  # mean difference of a block between two passes


@dataclass(frozen=True)
class IssuedFile:
    """A marked file: its bytes, their media type, and the suffix of its name without the dot."""

    data: bytes
    media_type: str
    suffix: str


def encode(picture: Picture) -> IssuedFile:
    """Encode a picture in the format that its copies are issued in."""
    write, media_type, suffix = WRITERS[picture.issued_as]
    return IssuedFile(write(picture), media_type, suffix)


def suffix_of(family: str) -> str:
    """Suffix, without the dot, of the copies of an original of that format.

    >>> suffix_of("TIFF"), suffix_of("HEIC")
    ('tif', 'jpg')
    """
    return WRITERS[ISSUED_AS.get(family, family)][2]


def as_jpeg(picture: Picture, *, compact: bool = True) -> bytes:
    """Encode as JPEG: in 8 bits, on white where the picture is transparent, else in its own channels."""
    pixels = picture.rgb if picture.alpha is not None else eight_bits(picture.pixels)
    icc = None if picture.grey and pixels.ndim == 3 else picture.icc
    return jpeg.encode(pixels, icc, subsampling=picture.subsampling, metadata=picture.metadata, compact=compact)


@dataclass(frozen=True)
class Settled:
    """An original that copies in JPEG are made of.

    Attributes
    ----------
    picture : what copies are marked on.
    shown : what the original's own JPEG shows, which copies are compared with.
    """

    picture: Picture
    shown: Picture


def through_jpeg(picture: Picture) -> Settled:
    """The picture after one pass through JPEG: what a JPEG copy would show without a mark.

    Copies are marked on this and not on the original. Encoding it once more changes hardly a coefficient but those that
    the mark moves, so a copy differs from the encoded original by its mark alone and not by two roundings. Around
    lettering that is not so, since what rings beyond black and white is cut off: such places stay as they were.
    """
    opaque = replace(
        picture, pixels=picture.rgb if picture.alpha is not None else eight_bits(picture.pixels), alpha=None
    )
    once = jpeg.decode(as_jpeg(opaque, compact=False))
    pixels = once.copy()
    for row, column in unsettled(once, jpeg.decode(as_jpeg(replace(opaque, pixels=once), compact=False))):
        block = (
            slice(row * LARGEST_MCU_PX, (row + 1) * LARGEST_MCU_PX),
            slice(column * LARGEST_MCU_PX, (column + 1) * LARGEST_MCU_PX),
        )
        pixels[block] = opaque.pixels[block]
    return Settled(replace(opaque, pixels=pixels), replace(opaque, pixels=once))


def unsettled(once: NDArray[np.uint8], again: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Blocks of 16 px, the largest MCU, that a second pass through JPEG changes: (n, 2) rows and columns of blocks."""
    moved = [
        blocks_apart(once[top : top + CACHED_ROWS], again[top : top + CACHED_ROWS]) > UNSETTLED_LEVELS
        for top in range(0, len(once), CACHED_ROWS)
    ]
    return np.argwhere(np.concatenate(moved))


def blocks_apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean difference of two pictures in each block of 16 px, of whatever channel differs most: levels."""
    apart = reduce(cv2.max, cv2.split(cv2.absdiff(one, other))).astype(np.float32)
    height, width = (-(-side // LARGEST_MCU_PX) for side in apart.shape)
    below, right = height * LARGEST_MCU_PX - apart.shape[0], width * LARGEST_MCU_PX - apart.shape[1]
    padded = cv2.copyMakeBorder(apart, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.resize(padded, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def as_png(picture: Picture) -> bytes:
    """Encode as PNG of the picture's depth."""
    if picture.pixels.dtype == "uint16":
        return png.encode(picture)
    options: dict[str, Any] = {"dpi": picture.metadata.dpi} if picture.metadata.dpi else {}
    return save(picture, "PNG", compress_level=PNG_LEVEL, **options)


def as_webp(picture: Picture) -> bytes:
    """Encode as WebP; alpha is lossless in either kind, and colours under it are kept, because they are marked."""
    if picture.lossless:
        return save(picture, "WEBP", lossless=True, exact=True, method=1, quality=WEBP_EFFORT)
    return save(picture, "WEBP", quality=WEBP_QUALITY, alpha_quality=100, exact=True)


def as_avif(picture: Picture) -> bytes:
    """Encode as AVIF with chroma at full resolution."""
    sampling = "4:0:0" if picture.grey else "4:4:4"
    return save(picture, "AVIF", quality=AVIF_QUALITY, subsampling=sampling, speed=AVIF_SPEED)


def save(picture: Picture, kind: str, **options: Any) -> bytes:
    """Have Pillow encode an 8-bit picture with its words and its profile."""
    image = Image.fromarray(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    out = io.BytesIO()
    if exif := picture.metadata.exif():
        options["exif"] = exif
    if picture.icc:
        options["icc_profile"] = picture.icc
    image.save(out, kind, **options)
    return out.getvalue()


WRITERS: dict[str, tuple[Callable[[Picture], bytes], str, str]] = {
    "JPEG": (as_jpeg, *JPEG),
    "PNG": (as_png, "image/png", "png"),
    "TIFF": (tiff.encode, "image/tiff", "tif"),
    "WEBP": (as_webp, "image/webp", "webp"),
    "AVIF": (as_avif, "image/avif", "avif"),
}
