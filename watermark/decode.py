"""Bytes from strangers become arrays here, and nowhere else.

Threats: decompression bombs (a 100-byte header that claims 1.6 gigapixels), decoders that nobody needs, files that
pretend, truncated files that decode to grey, animation that hides a picture behind the first. So: an allow-list of
decoders, the claimed size judged before a pixel is decoded, truncation refused, and the caller runs all of it in a
process that may be killed (OWASP ASVS 5.0, V5 "File Handling").

Two doors. :func:`decode_asset` is strict, because what it returns is issued to people and must survive unchanged:
anything that would be converted silently is refused with a hint. :func:`decode_leak` is lenient, because a leak comes
as it comes.
"""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from watermark.errors import (
    AnimatedImage,
    ImageTooLarge,
    ImageTooSmall,
    TruncatedImage,
    UndecodableImage,
    UnsupportedFormat,
    UnsupportedPixelFormat,
)

MIN_ASSET_SIDE = 64
MIN_LEAK_SIDE = 16
LEAK_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP")

_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"RIFF": "WebP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_DAMAGE = Exception  # decoders fed with damage raise anything at all, from SyntaxError to RuntimeError


@dataclass(frozen=True)
class Picture:
    """A decoded original: ``rgb`` (H, W, 3) uint8 the right way up, its ``format`` and its colour profile."""

    rgb: np.ndarray
    format: str
    icc: bytes | None


def decode_asset(data: bytes, max_pixels: int = 100_000_000) -> Picture:
    """Decode an original strictly: 8-bit RGB or grey, JPEG or PNG, opaque, still; EXIF orientation applied.

    Parameters
    ----------
    data : bytes
        The file.
    max_pixels : int
        The largest width × height that is decoded.

    Returns
    -------
    Picture
        ``rgb`` (H, W, 3) uint8, ``format`` "JPEG" or "PNG", ``icc`` the embedded profile or None.

    Raises
    ------
    UndecodableImage, TruncatedImage, ImageTooLarge, ImageTooSmall, AnimatedImage, UnsupportedFormat,
    UnsupportedPixelFormat
    """
    picture, kind = _fit_original(data, max_pixels)
    icc = picture.info.get("icc_profile")
    _load(picture)
    if picture.mode == "RGBA":
        if picture.getchannel("A").getextrema()[0] != 255:
            raise UnsupportedPixelFormat("The picture has transparent pixels.")
        picture = picture.convert("RGB")
    if picture.mode == "L" and icc is not None:
        icc = None  # a grey profile would be wrong on the RGB copies that follow
    return Picture(rgb=_upright_rgb(picture), format=kind, icc=icc if isinstance(icc, bytes) else None)


def inspect_asset(data: bytes, max_pixels: int = 100_000_000) -> None:
    """Raise what :func:`decode_asset` would raise for the header alone, in a millisecond and without decoding."""
    _fit_original(data, max_pixels)


def decode_leak(data: bytes, max_pixels: int = 100_000_000) -> np.ndarray:
    """Decode whatever was found: CMYK, 16 bits, palettes, alpha (laid on white), the first frame of an animation.

    Parameters
    ----------
    data : bytes
        The file: JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP.
    max_pixels : int
        The largest width × height that is decoded.

    Returns
    -------
    ndarray
        (H, W, 3) uint8, EXIF orientation applied.

    Raises
    ------
    UndecodableImage, TruncatedImage, ImageTooLarge, ImageTooSmall
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
        raise AnimatedImage
    if kind not in ("JPEG", "PNG"):
        raise UnsupportedFormat(f"Originals must be JPEG or PNG files; this one is {kind}.")
    _refuse_other_pixels(picture, data)
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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns at its own limit; ours is checked just below
            picture = Image.open(io.BytesIO(data), formats=LEAK_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageTooLarge from error
    except _DAMAGE as error:
        known = next((name for magic, name in _SIGNATURES.items() if data.startswith(magic)), None)
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
    return "JPEG" if picture.format in ("JPEG", "MPO") else str(picture.format)


def _refuse_other_pixels(picture: Image.Image, data: bytes) -> None:
    if picture.format == "PNG" and len(data) > 25 and data[24] == 16:
        raise UnsupportedPixelFormat("The picture has 16 bits per channel.")  # Pillow would halve RGB silently
    if picture.mode in ("CMYK", "YCCK"):
        raise UnsupportedPixelFormat("The picture is CMYK, made for print.")
    if "transparency" in picture.info or picture.mode in ("LA", "PA"):
        raise UnsupportedPixelFormat("The picture has transparency.")
    if picture.mode not in ("RGB", "L", "RGBA"):
        raise UnsupportedPixelFormat(f"The picture's pixels are of a kind that is not accepted ({picture.mode}).")


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
