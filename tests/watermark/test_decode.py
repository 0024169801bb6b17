"""Bad files are refused with a reason a person can act on; what is accepted arrives upright and unchanged."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from watermark import errors
from watermark.decode import decode_asset, decode_leak

RGB = np.random.default_rng(7).integers(0, 256, (80, 120, 3), dtype=np.uint8)
MAX = 100_000_000


def encoded(array: np.ndarray, kind: str, **options: object) -> bytes:
    return saved(Image.fromarray(array), kind, **options)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    def chunk(tag: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + bytes(60)


def animation(kind: str) -> bytes:
    frames = [Image.fromarray(np.roll(RGB, k * 9, axis=1)) for k in range(3)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)


def test_a_png_comes_back_pixel_for_pixel_with_its_profile() -> None:
    picture = decode_asset(encoded(RGB, "PNG", icc_profile=b"profile"), MAX)
    assert picture.format == "PNG"
    assert picture.icc == b"profile"
    np.testing.assert_array_equal(picture.rgb, RGB)


def test_a_greyscale_jpeg_stays_grey_and_shows_three_equal_channels() -> None:
    picture = decode_asset(encoded(RGB[:, :, 0], "JPEG"), MAX)
    assert picture.format == "JPEG"
    assert picture.grey
    assert picture.rgb.shape == RGB.shape
    np.testing.assert_array_equal(picture.rgb[..., 0], picture.rgb[..., 2])


def test_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode_asset(encoded(RGB, "JPEG", exif=exif.tobytes()), MAX).rgb.shape == (120, 80, 3)
    assert decode_leak(encoded(RGB, "JPEG", exif=exif.tobytes()), MAX).shape == (120, 80, 3)


def test_alpha_is_kept_beside_the_colours() -> None:
    opaque = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    picture = decode_asset(encoded(opaque, "PNG"), MAX)
    np.testing.assert_array_equal(picture.pixels, RGB)
    np.testing.assert_array_equal(picture.rgb, RGB)
    assert picture.alpha is not None
    assert picture.alpha.min() == 255


ASSET_REFUSALS = {
    "empty": (b"", errors.UndecodableImage),
    "not an image": (b"dear diary, today nothing leaked. " * 9, errors.UndecodableImage),
    "truncated jpeg": (encoded(RGB, "JPEG")[:1500], errors.TruncatedImage),
    "truncated png": (encoded(RGB, "PNG")[:9000], errors.TruncatedImage),
    "header only": (encoded(RGB, "JPEG")[:30], errors.TruncatedImage),
    "1x1": (encoded(RGB[:1, :1], "PNG"), errors.ImageTooSmall),
    "40,000 x 40,000": (png_header(40_000, 40_000)[:100], errors.ImageTooLarge),
    "gif": (animation("GIF"), errors.AnimatedImage),
    "apng": (animation("PNG"), errors.AnimatedImage),
    "animated webp": (animation("WEBP"), errors.AnimatedImage),
    "bmp": (encoded(RGB, "BMP"), errors.UnsupportedFormat),
    "float tiff": (encoded(RGB[:, :, 0].astype(np.float32), "TIFF"), errors.UnsupportedPixelFormat),
}


@pytest.mark.parametrize("name", ASSET_REFUSALS)
def test_an_unfit_original_is_refused_with_a_hint(name: str) -> None:
    data, kind = ASSET_REFUSALS[name]
    with pytest.raises(kind) as caught:
        decode_asset(data, MAX)
    assert caught.value.hint
    assert str(caught.value)


LEAKS = {
    "jpeg": encoded(RGB, "JPEG"),
    "webp": encoded(RGB, "WEBP"),
    "avif": encoded(RGB, "AVIF"),
    "tiff": encoded(RGB, "TIFF"),
    "bmp": encoded(RGB, "BMP"),
    "gif": animation("GIF"),
    "apng": animation("PNG"),
    "cmyk": saved(Image.fromarray(RGB).convert("CMYK"), "JPEG"),
    "16-bit grey": encoded(RGB[:, :, 0].astype(np.uint16) * 257, "PNG"),
    "palette": saved(Image.fromarray(RGB).quantize(16), "PNG"),
    "1-bit": saved(Image.fromarray(RGB).convert("1"), "PNG"),
    "transparent": encoded(np.dstack([RGB, RGB[:, :, 0]]), "PNG"),
    "float tiff": encoded(RGB[:, :, 0].astype(np.float32), "TIFF"),
    "16-bit png": cv2.imencode(".png", RGB.astype(np.uint16) * 257)[1].tobytes(),
    "16-bit tiff": cv2.imencode(".tiff", RGB.astype(np.uint16) * 257)[1].tobytes(),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_taken_as_it_comes(name: str) -> None:
    rgb = decode_leak(LEAKS[name], MAX)
    assert rgb.shape == RGB.shape
    assert rgb.dtype == np.uint8


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    rgb = decode_leak(LEAKS["16-bit grey"], MAX)
    np.testing.assert_array_equal(rgb[:, :, 1], RGB[:, :, 0])


def test_transparency_is_laid_on_white() -> None:
    clear = np.dstack([RGB, np.zeros(RGB.shape[:2], np.uint8)])
    assert decode_leak(encoded(clear, "PNG"), MAX).min() == 255


@pytest.mark.parametrize("name", ["empty", "not an image", "truncated jpeg", "truncated png", "1x1", "40,000 x 40,000"])
def test_an_unreadable_leak_is_refused(name: str) -> None:
    data, kind = ASSET_REFUSALS[name]
    with pytest.raises(kind):
        decode_leak(data, MAX)


def test_the_pixel_limit_is_the_callers() -> None:
    with pytest.raises(errors.ImageTooLarge):
        decode_leak(encoded(RGB, "PNG"), 80 * 120 - 1)


def test_errors_survive_the_way_home_from_a_worker() -> None:
    error = pickle.loads(pickle.dumps(errors.ImageTooSmall("2 × 2", hint="Larger, please.")))
    assert type(error) is errors.ImageTooSmall
    assert (str(error), error.hint) == ("2 × 2", "Larger, please.")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(LEAKS)), st.integers(0, 4000), st.binary(max_size=6), st.booleans())
def test_damage_anywhere_is_a_watermark_error_or_a_picture(name: str, at: int, junk: bytes, cut: bool) -> None:
    data = LEAKS[name]
    damaged = data[:at] + junk + (b"" if cut else data[at + len(junk) :])
    for decode in (decode_asset, decode_leak):
        with contextlib.suppress(errors.WatermarkError):
            assert decode(damaged, 10_000_000) is not None
