"""From an opened original to a `Picture`: every pixel format that is accepted, and how it becomes RGB or grey.

Nothing is lost here that a copy could carry: 16 bits stay 16, transparency stays beside the colours, a profile goes
on. Three things have no place to carry a mark and are converted: palettes and bilevel pictures (to RGB and 8-bit
grey), and CMYK, whose inks no screen shows and no reader could register against (to sRGB through the embedded
profile). What a decoder would have to guess about is refused.

References
----------
ITU-T T.81 and T.872 (CMYK and YCCK in JPEG, with Adobe's inversion, which Pillow undoes); TIFF revision 6.0;
PNG 3rd ed.; ICC.1:2022, 7.2.8 (colour space of a profile); EXIF 2.32, 4.6.4 A (orientation).
"""

import contextlib
import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, JpegImagePlugin

from .errors import TruncatedImage, UnsupportedPixelFormat
from .metadata import Metadata
from .picture import Picture, Samples

SAMPLINGS = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}  # as Pillow counts them
OPAQUE, TRANSPARENT = ("RGB", "L"), ("RGBA", "LA")
CONVERTED = {"1": "L", "RGBX": "RGB", "YCbCr": "RGB", "RGBa": "RGBA", "La": "LA", "PA": "RGBA", "CMYK": "RGB"}
BITS, PHOTOMETRIC, PLANAR, EXTRA, SAMPLE_FORMAT = 258, 262, 284, 338, 339  # TIFF tags
WHITE_IS_ZERO, INTERLEAVED, UNSIGNED = 0, 1, 1
PREMULTIPLIED, STRAIGHT = 1, 2
GREY_PNG = (0, 4)  # colour types, without and with alpha
ORIENTATION = 0x0112


def refuse_other_pixels(picture: Image.Image, data: bytes) -> None:
    """Refuse by the header alone what `unpack` could not keep faithfully.

    Raises
    ------
    UnsupportedPixelFormat
    """
    if picture.mode not in (*OPAQUE, *TRANSPARENT, *CONVERTED, "P") and not deep(picture, data):
        raise UnsupportedPixelFormat(f"The picture's pixels are of a kind that is not accepted ({picture.mode}).")
    if picture.format != "TIFF" or not deep(picture, data):
        return
    tags = picture.tag_v2  # type: ignore[attr-defined]
    if set(tags.get(SAMPLE_FORMAT, (UNSIGNED,))) != {UNSIGNED} or set(tags.get(BITS)) != {16}:
        raise UnsupportedPixelFormat("The picture's samples are neither of 8 nor of 16 bits.")
    if tags.get(PLANAR, INTERLEAVED) != INTERLEAVED:
        raise UnsupportedPixelFormat(
            "The picture is a 16-bit TIFF with separate colour planes.", hint="Export it with interleaved channels."
        )
    if PREMULTIPLIED in tags.get(EXTRA, ()):
        raise UnsupportedPixelFormat(
            "The picture is a 16-bit TIFF whose colours are multiplied by its transparency.",
            hint="Export it with straight (unassociated) transparency, or as 16-bit PNG.",
        )


def deep(picture: Image.Image, data: bytes) -> bool:
    """Whether the file has 16 bits per channel that are kept; 16-bit CMYK is not, it is converted at 8."""
    if picture.format == "PNG":
        return len(data) > 24 and data[24] == 16
    if picture.format == "TIFF" and picture.mode != "CMYK":
        return max(picture.tag_v2.get(BITS, (1,))) > 8  # type: ignore[attr-defined]
    return False


def unpack(picture: Image.Image, data: bytes, family: str) -> Picture:
    """Take an opened original apart.

    Parameters
    ----------
    picture : opened and, unless `deep`, loaded.
    data : the file it was opened from.
    family : format that the result is labelled with.

    Raises
    ------
    TruncatedImage, UnsupportedPixelFormat
    """
    words, icc = Metadata.of(picture), picture.info.get("icc_profile")
    icc = icc if isinstance(icc, bytes) and icc else None
    turn = orientation(picture)
    sampling = SAMPLINGS.get(JpegImagePlugin.get_sampling(picture), "4:4:4") if picture.format == "JPEG" else "4:2:0"
    if deep(picture, data):
        pixels, alpha = sixteen_bits(picture, data)
        turn = 1 if picture.format == "TIFF" else turn  # OpenCV has turned it already, whatever its flags say
    else:
        if picture.mode == "CMYK":
            picture, icc, sampling = from_inks(picture, icc), srgb(), "4:4:4"
        pixels, alpha = eight_bits(picture)
    grey = pixels.ndim == 2
    if alpha is not None and not alpha.any():
        raise UnsupportedPixelFormat("The picture is transparent everywhere.", hint="Send one that shows something.")
    return Picture(
        pixels=upright(pixels, turn),
        format=family,
        alpha=None if alpha is None else upright(alpha, turn),
        icc=icc if fits(icc, grey) else None,
        metadata=words,
        subsampling="4:0:0" if grey else sampling,
        lossless=family == "WEBP" and lossless_webp(data),
    )


def eight_bits(picture: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Colours and transparency of a loaded 8-bit picture."""
    mode = CONVERTED.get(picture.mode, picture.mode)
    if "transparency" in picture.info:
        mode = "LA" if picture.mode in ("L", "1") else "RGBA"
    elif mode == "P":
        mode = "RGBA" if picture.palette and picture.palette.mode == "RGBA" else "RGB"
    samples = np.array(picture if picture.mode == mode else picture.convert(mode), np.uint8)
    if mode in OPAQUE:
        return samples, None
    colours = samples[..., 0] if mode == "LA" else samples[..., :3]
    return np.ascontiguousarray(colours), np.ascontiguousarray(samples[..., -1])


def sixteen_bits(picture: Image.Image, data: bytes) -> tuple[Samples, Samples | None]:
    """Colours and transparency of a 16-bit PNG or TIFF, by OpenCV, since Pillow would halve their depth."""
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise TruncatedImage from error
    if samples is None or samples.dtype != np.uint16 or sorted(samples.shape[:2]) != sorted(picture.size):
        raise TruncatedImage  # also where the two libraries do not read the same size out of one header
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    if picture.format == "PNG":
        grey = data[25] in GREY_PNG
        alpha = samples[..., 3] if channels == 4 else None
    else:
        tags = picture.tag_v2  # type: ignore[attr-defined]
        grey = channels == 1
        alpha = samples[..., 3] if channels == 4 and STRAIGHT in tags.get(EXTRA, ()) else None
        if grey and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
            samples = 65535 - samples
    if grey:
        colours = samples if channels == 1 else np.ascontiguousarray(samples[..., 0])
    else:
        colours = cv2.cvtColor(samples, cv2.COLOR_BGR2RGB if channels == 3 else cv2.COLOR_BGRA2RGB)
    return colours, None if alpha is None else np.ascontiguousarray(alpha)


def from_inks(picture: Image.Image, icc: bytes | None) -> Image.Image:
    """Convert CMYK to sRGB: through its profile, black point matched; by the naive formula where it has none."""
    if icc is not None:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):  # a broken profile is as good as none
            converted = ImageCms.profileToProfile(
                picture,
                ImageCms.ImageCmsProfile(io.BytesIO(icc)),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            if converted is not None:
                return converted
    return picture.convert("RGB")


def srgb() -> bytes:
    """The profile that converted pictures are labelled with."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def fits(icc: bytes | None, grey: bool) -> bool:
    """Whether a profile may be about such pixels; a grey profile on RGB would make decoders fail or guess."""
    space = icc[16:20] if icc else b""
    return space not in ((b"RGB ", b"CMYK") if grey else (b"GRAY", b"CMYK"))


def orientation(picture: Image.Image) -> int:
    """EXIF orientation 1 … 8; 1 where there is none that makes sense."""
    with contextlib.suppress(Exception):  # broken EXIF is no reason to refuse a picture
        value = picture.getexif().get(ORIENTATION, 1)
        return value if value in range(1, 9) else 1
    return 1


def upright(samples: Samples, turn: int) -> Samples:
    """Undo an EXIF orientation.

    >>> upright(np.array([[1, 2]], np.uint8), 6).tolist()
    [[1], [2]]
    """
    turned: NDArray[Any] = samples.swapaxes(0, 1) if turn >= 5 else samples
    if turn in (3, 4, 7, 8):
        turned = turned[::-1]
    if turn in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def lossless_webp(data: bytes) -> bool:
    """Whether a WebP's picture is in a VP8L chunk (WebP container specification, RFC 9649, 2.5)."""
    at = 12
    while at + 8 <= len(data):
        if data[at : at + 4] in (b"VP8L", b"VP8 "):
            return data[at : at + 4] == b"VP8L"
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return False
