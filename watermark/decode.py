"""Bytes from strangers become arrays here, and nowhere else.

Threats: decompression bombs (a 100-byte header that claims 1.6 gigapixels), decoders that nobody needs, files that
pretend, truncated files that decode to grey, animation that hides a picture behind the first. So: an allow-list of
decoders, the claimed size judged before a pixel is decoded, truncation refused, and the caller runs all of it in a
process that may be killed (OWASP ASVS 5.0, V5 "File Handling").

Two doors. :func:`decode_asset` is strict, because what it returns is issued to people and must survive unchanged:
depth, transparency and profile are kept, and what no copy could carry on is refused with a hint or, in the few cases
that :mod:`watermark.originals` names, converted. :func:`decode_leak` is lenient, because a leak comes as it comes.
"""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from watermark import heic, originals
from watermark.errors import (
    AnimatedImage,
    ImageTooLarge,
    ImageTooSmall,
    TruncatedImage,
    UndecodableImage,
    UnsupportedFormat,
    WatermarkError,
)
from watermark.picture import Picture

MIN_ASSET_SIDE = 64
MIN_LEAK_SIDE = 16
ASSET_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIC")
LEAK_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP")

_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"RIFF": "WebP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_BOXED = {b"ftypavif": "AVIF", b"ftypheic": "HEIC", b"ftypmif1": "HEIF"}  # behind the box's size
_DAMAGE = Exception  # decoders fed with damage raise anything at all, from SyntaxError to RuntimeError


def decode_asset(data: bytes, max_pixels: int = 100_000_000) -> Picture:
    """Decode an original strictly: opaque or transparent, of 8 or 16 bits, still; EXIF orientation applied.

    Parameters
    ----------
    data : bytes
        The file: JPEG, PNG, TIFF, WebP, AVIF or, where the extra ``heic`` is installed, HEIC.
    max_pixels : int
        The largest width × height that is decoded.

    Returns
    -------
    Picture
        Grey or RGB of the file's own depth, but 8 bits of AVIF and HEIC with more; CMYK converted to sRGB.

    Raises
    ------
    UndecodableImage, TruncatedImage, ImageTooLarge, ImageTooSmall, AnimatedImage, UnsupportedFormat,
    UnsupportedPixelFormat
    """
    picture, kind = _fit_original(data, max_pixels)
    if not originals.deep(picture, data):
        _load(picture)
    try:
        return originals.unpack(picture, data, kind)
    except WatermarkError:
        raise
    except MemoryError as error:
        raise ImageTooLarge("The picture needs more memory than is allowed.") from error
    except _DAMAGE as error:
        raise TruncatedImage from error


def inspect_asset(data: bytes, max_pixels: int = 100_000_000) -> None:
    """Raise what :func:`decode_asset` would raise for the header alone, in a millisecond and without decoding."""
    _fit_original(data, max_pixels)


def decode_leak(data: bytes, max_pixels: int = 100_000_000) -> np.ndarray:
    """Decode whatever was found: CMYK, 16 bits, palettes, alpha (laid on white), the first frame of an animation.

    Parameters
    ----------
    data : bytes
        The file: JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP or, where the extra ``heic`` is installed, HEIC.
    max_pixels : int
        The largest width × height that is decoded.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, EXIF orientation applied.

    Raises
    ------
    UndecodableImage, TruncatedImage, ImageTooLarge, ImageTooSmall, UnsupportedFormat
    """
    picture = _fit_leak(data, max_pixels)
    _load(picture)
    return _upright_rgb(picture)


def inspect_leak(data: bytes, max_pixels: int = 100_000_000) -> None:
    """Raise what :func:`decode_leak` would raise for the header alone, in a millisecond and without decoding."""
    _fit_leak(data, max_pixels)


def _fit_original(data: bytes, max_pixels: int) -> tuple[Image.Image, str]:
    picture = _open(data, max_pixels)
    kind = _format(picture)
    if getattr(picture, "is_animated", False) and kind != "JPEG":
        if kind == "TIFF":
            raise AnimatedImage("The file holds several pages.", hint="Export the page that you need on its own.")
        raise AnimatedImage
    if kind not in ASSET_FORMATS:
        raise UnsupportedFormat(f"Originals of the format {kind} are not accepted.")
    try:
        originals.refuse_other_pixels(picture, data)
    except (TypeError, ValueError, KeyError) as error:
        if isinstance(error, WatermarkError):
            raise
        raise TruncatedImage("The picture's header is damaged.") from error
    if min(picture.size) < MIN_ASSET_SIDE:
        width, height = picture.size
        raise ImageTooSmall(f"The picture is {width} × {height} pixels: too small to carry a mark.")
    return picture, kind


def _fit_leak(data: bytes, max_pixels: int) -> Image.Image:
    picture = _open(data, max_pixels)
    if min(picture.size) < MIN_LEAK_SIDE:
        width, height = picture.size
        raise ImageTooSmall(
            f"The picture is {width} × {height} pixels: too small to show a mark.",
            hint="Find a larger version of the picture, or capture it at full size.",
        )
    return picture


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise UndecodableImage("The file is empty (0 bytes).", hint="Choose the picture again; nothing arrived.")
    _refuse_claim(*_claimed_png_size(data), max_pixels)
    formats: tuple[str, ...] = LEAK_FORMATS
    if heic.recognised(data):
        if not heic.available():
            raise UnsupportedFormat(
                "This is a HEIC picture, and this installation has no decoder for it.",
                hint="Export the picture as JPEG (quality 95 or more), or have telltale[heic] installed.",
            )
        formats = ("HEIF",)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns at its own limit; ours is checked just below
            picture = Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise ImageTooLarge from error
    except _DAMAGE as error:
        known = next((n for magic, n in _SIGNATURES.items() if data.startswith(magic)), _BOXED.get(data[4:12]))
        if known:
            raise TruncatedImage(f"The file begins like a {known} picture but its header is incomplete.") from error
        raise UndecodableImage from error
    _refuse_claim(*picture.size, max_pixels)
    return picture


def _claimed_png_size(data: bytes) -> tuple[int, int]:
    """Return what IHDR claims, so that a header alone is judged by its claim and not by its missing rest."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    return 0, 0


def _refuse_claim(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise ImageTooLarge(
            f"The picture claims {width} × {height} pixels; at most {max_pixels / 1e6:g} megapixels are accepted."
        )


def _format(picture: Image.Image) -> str:
    """Name the format; a multi-picture JPEG of a phone (MPO) is a JPEG whose first picture counts."""
    return {"MPO": "JPEG", "HEIF": "HEIC"}.get(str(picture.format), str(picture.format))


def _load(picture: Image.Image) -> None:
    try:
        picture.load()
    except Image.DecompressionBombError as error:
        raise ImageTooLarge from error
    except MemoryError as error:
        raise ImageTooLarge("The picture needs more memory than is allowed.") from error
    except _DAMAGE as error:
        raise TruncatedImage from error


def _upright_rgb(picture: Image.Image) -> np.ndarray:
    with contextlib.suppress(_DAMAGE):  # broken EXIF is no reason to refuse a picture
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):
        grey = (np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if picture.mode in ("I", "F"):
        return _stretched(np.asarray(picture, dtype=np.float64))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        over = picture.convert("RGBA")
        white = Image.new("RGBA", over.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, over)
    rgb: np.ndarray[Any, Any] = np.array(picture.convert("RGB"), dtype=np.uint8)
    return np.ascontiguousarray(rgb)


def _stretched(values: np.ndarray) -> np.ndarray:
    """Show 32-bit values on 8 bits: 16-bit content by its range, anything else from its least to its greatest."""
    values = np.nan_to_num(values)
    low, high = (0.0, 65535.0) if 255 < values.max() <= 65535 and values.min() >= 0 else (values.min(), values.max())
    grey = np.clip((values - low) * (255.0 / max(high - low, 1e-9)), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
