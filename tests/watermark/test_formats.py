"""Every format that comes in goes out as its own: depth, transparency, profile and words kept, pixels marked."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image, ImageCms

import watermark
from watermark import errors, heic, png
from watermark.decode import decode_asset, decode_leak

KEY = bytes(range(32))
RGB = skimage.data.astronaut()[:160, 100:261]
GREY = np.ascontiguousarray(RGB[..., 0])
ALPHA = np.tile(np.linspace(0, 255, 161).astype(np.uint8), (160, 1))
DEEP = (RGB.astype(np.uint16) << 8) + np.random.default_rng(0).integers(0, 256, RGB.shape, np.uint16)
DEEP_ALPHA = ALPHA.astype(np.uint16) * 256 + 7
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(samples: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    (samples if isinstance(samples, Image.Image) else Image.fromarray(samples)).save(out, kind, **options)
    return out.getvalue()


def deep_tiff(samples: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, samples, **options)
    return out.getvalue()


def by_opencv(samples: np.ndarray, suffix: str) -> bytes:
    swap = cv2.COLOR_RGB2BGR if samples.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return cv2.imencode(suffix, cv2.cvtColor(samples, swap))[1].tobytes()


RGBA, DEEP_RGBA = np.dstack([RGB, ALPHA]), np.dstack([DEEP, DEEP_ALPHA])
STRAIGHT = {"photometric": "rgb", "extrasamples": ["unassalpha"]}
ORIGINALS: dict[str, Callable[[], bytes]] = {
    "jpeg 4:4:4": lambda: saved(RGB, "JPEG", subsampling="4:4:4"),
    "jpeg 4:2:2": lambda: saved(RGB, "JPEG", subsampling="4:2:2"),
    "jpeg 4:2:0": lambda: saved(RGB, "JPEG", subsampling="4:2:0", icc_profile=SRGB),
    "jpeg grey": lambda: saved(GREY, "JPEG"),
    "png": lambda: saved(RGB, "PNG", icc_profile=SRGB, dpi=(300, 300)),
    "png grey": lambda: saved(GREY, "PNG"),
    "png grey alpha": lambda: saved(Image.fromarray(RGBA).convert("LA"), "PNG"),
    "png alpha": lambda: saved(RGBA, "PNG"),
    "png palette": lambda: saved(Image.fromarray(RGB).quantize(64), "PNG"),
    "png bilevel": lambda: saved(Image.fromarray(RGB).convert("1"), "PNG"),
    "png 16": lambda: by_opencv(DEEP, ".png"),
    "png 16 alpha": lambda: by_opencv(DEEP_RGBA, ".png"),
    "png 16 grey": lambda: saved(DEEP[..., 0], "PNG"),
    "tiff": lambda: saved(RGB, "TIFF", icc_profile=SRGB),
    "tiff lzw": lambda: saved(RGB, "TIFF", compression="tiff_lzw", dpi=(240, 240)),
    "tiff alpha": lambda: saved(RGBA, "TIFF", compression="tiff_adobe_deflate"),
    "tiff grey": lambda: saved(GREY, "TIFF"),
    "tiff 16": lambda: deep_tiff(DEEP, photometric="rgb"),
    "tiff 16 lzw": lambda: by_opencv(DEEP, ".tiff"),
    "tiff 16 tiles": lambda: deep_tiff(DEEP, photometric="rgb", tile=(64, 64), compression="zlib", predictor=True),
    "tiff 16 grey": lambda: deep_tiff(DEEP[..., 0], photometric="minisblack"),
    "tiff 16 white is zero": lambda: deep_tiff(65535 - DEEP[..., 0], photometric="miniswhite"),
    "tiff 16 alpha": lambda: deep_tiff(DEEP_RGBA, **STRAIGHT),
    "webp": lambda: saved(RGB, "WEBP", icc_profile=SRGB),
    "webp lossless": lambda: saved(RGB, "WEBP", lossless=True),
    "webp alpha": lambda: saved(RGBA, "WEBP"),
    "webp lossless alpha": lambda: saved(RGBA, "WEBP", lossless=True, exact=True),
    "avif": lambda: saved(RGB, "AVIF", icc_profile=SRGB),
    "avif alpha": lambda: saved(RGBA, "AVIF"),
}
EXACT_ALPHA = ("png", "tiff", "webp")


def prepared(data: bytes) -> watermark.Master:
    return watermark.Master.from_bytes(watermark.prepare_picture(decode_asset(data), key=KEY).to_bytes())


def named(master: watermark.Master, leak: np.ndarray) -> list[int]:
    return [a.serial for a in watermark.accuse(master, watermark.read(master, leak), serials=range(1000)).named]


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_copy_is_of_its_originals_kind_and_is_named(name: str) -> None:
    original = decode_asset(ORIGINALS[name]())
    master = prepared(ORIGINALS[name]())
    file = watermark.issue_file(master, serial=7)
    copy = decode_asset(file.data)
    assert (copy.format, copy.subsampling, copy.lossless, copy.grey, copy.icc) == (
        original.format,
        original.subsampling,
        original.lossless,
        original.grey,
        original.icc,
    )
    assert copy.metadata == original.metadata
    assert (copy.pixels.shape, copy.pixels.dtype) == (original.pixels.shape, original.pixels.dtype)
    assert 0.2 < np.abs(copy.rgb.astype(float) - original.rgb).mean() < 3
    assert (copy.alpha is None) == (original.alpha is None)
    if original.alpha is not None and name.split()[0] in EXACT_ALPHA:
        np.testing.assert_array_equal(copy.alpha, original.alpha)
    assert named(master, decode_leak(file.data)) == [7]


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_copy_opens_elsewhere_at_its_size(name: str) -> None:
    data = watermark.issue_file(prepared(ORIGINALS[name]()), serial=1).data
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        assert opened.size == (161, 160)
    if not name.startswith("avif"):  # OpenCV's wheels have no AVIF
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).shape[:2] == (160, 161)


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_copy_opens_in_libvips(name: str) -> None:
    pyvips = pytest.importorskip("pyvips", reason="libvips is not here; pip install 'pyvips[binary]' brings it")
    data = watermark.issue_file(prepared(ORIGINALS[name]()), serial=1).data
    opened = pyvips.Image.new_from_buffer(data, "", access="sequential")
    pixels = opened.numpy()
    assert pixels.shape[:2] == (160, 161)
    if not name.startswith(("jpeg", "webp", "avif")):
        with Image.open(io.BytesIO(data)) as again:
            eight = (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 and again.mode != "I;16" else pixels
            np.testing.assert_array_equal(eight, np.asarray(again))


def test_sixteen_bits_arrive_bit_for_bit() -> None:
    for name in ("png 16", "tiff 16", "tiff 16 lzw", "tiff 16 tiles"):
        np.testing.assert_array_equal(decode_asset(ORIGINALS[name]()).pixels, DEEP)
    for name in ("png 16 grey", "tiff 16 grey", "tiff 16 white is zero"):
        np.testing.assert_array_equal(decode_asset(ORIGINALS[name]()).pixels, DEEP[..., 0])
    for name in ("png 16 alpha", "tiff 16 alpha"):
        picture = decode_asset(ORIGINALS[name]())
        np.testing.assert_array_equal(picture.pixels, DEEP)
        np.testing.assert_array_equal(picture.alpha, DEEP_ALPHA)


def test_a_sixteen_bit_copy_uses_all_its_bits() -> None:
    copy = decode_asset(watermark.issue_file(prepared(ORIGINALS["png 16"]()), serial=1).data).pixels
    change = copy.astype(int) - DEEP
    assert np.abs(change).mean() > 50
    assert np.mean(change % 257 == 0) < 0.1


def test_colours_under_transparency_are_marked_too() -> None:
    clear = np.dstack([RGB, np.where(np.arange(161) < 80, 0, 255).astype(np.uint8)[None].repeat(160, 0)])
    copy = decode_asset(watermark.issue_file(prepared(saved(clear, "PNG")), serial=1).data)
    assert np.mean((copy.pixels != RGB).any(-1)[:, :80]) > 0.3


def test_what_issue_shows_of_a_transparent_picture_lies_on_white() -> None:
    shown = watermark.issue(prepared(ORIGINALS["png alpha"]()), serial=1)
    assert shown.shape == (160, 161, 3)
    assert shown[:, 0].min() == 255


def test_a_picture_that_shows_nothing_is_refused() -> None:
    with pytest.raises(errors.UnsupportedPixelFormat, match="transparent"):
        decode_asset(saved(np.dstack([RGB, np.zeros_like(ALPHA)]), "PNG"))


def test_a_grey_original_has_no_colour_in_its_mark() -> None:
    master = prepared(ORIGINALS["jpeg grey"]())
    assert master.design.chroma_share == 0
    shown = watermark.issue(master, serial=1)
    np.testing.assert_array_equal(shown[..., 0], shown[..., 2])


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb_and_says_so_in_its_profile(kind: str) -> None:
    inks = Image.fromarray(RGB).convert("CMYK")
    picture = decode_asset(saved(inks, kind))
    assert picture.pixels.shape == RGB.shape
    assert picture.format == kind
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(picture.icc or b"")))
    copy = decode_asset(watermark.issue_file(prepared(saved(inks, kind)), serial=1).data)
    assert copy.pixels.shape == RGB.shape


def test_cmyk_goes_through_its_own_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def convert(picture: Image.Image, source: object, target: object, **options: Any) -> Image.Image:
        seen.append((picture.mode, options["outputMode"]))
        return picture.convert("RGB")

    monkeypatch.setattr(ImageCms, "profileToProfile", convert)
    decode_asset(saved(Image.fromarray(RGB).convert("CMYK"), "JPEG", icc_profile=SRGB))
    assert seen == [("CMYK", "RGB")]


def test_cmyk_with_a_broken_profile_is_still_converted() -> None:
    data = saved(Image.fromarray(RGB).convert("CMYK"), "JPEG", icc_profile=b"no profile at all")
    assert decode_asset(data).pixels.shape == RGB.shape


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_goes_into_the_pixels_and_out_of_the_tag(turn: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    data = saved(RGB, kind, exif=exif.tobytes())
    picture = decode_asset(data)
    np.testing.assert_array_equal(picture.rgb, decode_leak(data))
    assert picture.pixels.shape[:2] == ((161, 160) if turn >= 5 else (160, 161))
    with Image.open(io.BytesIO(watermark.issue_file(prepared(data), serial=1).data)) as copy:
        assert copy.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "tiff", "tiff alpha"])
def test_sixteen_bits_are_turned_upright(kind: str, turn: int) -> None:
    if kind == "png":
        block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([turn]) + bytes(7)
        data = ORIGINALS["png 16"]()
        data = data[:33] + png.chunk(b"eXIf", block) + data[33:]
    elif kind == "tiff":
        data = deep_tiff(DEEP, photometric="rgb", extratags=[(274, 3, 1, turn, True)])
    else:
        data = deep_tiff(DEEP_RGBA, **STRAIGHT, extratags=[(274, 3, 1, turn, True)])
    exif = Image.Exif()
    exif[0x0112] = turn
    shallow = decode_asset(saved((DEEP >> 8).astype(np.uint8), "PNG", exif=exif.tobytes()))
    np.testing.assert_array_equal(decode_asset(data).pixels >> 8, shallow.pixels)


def told(*words: str) -> bytes:
    """An EXIF block as a telephone writes it: words, a position and a maker note."""
    exif = Image.Exif()
    for tag, word in zip((0x010E, 0x013B, 0x8298, 0x0132), words, strict=True):
        exif[tag] = word.encode()
    exif[0x0110] = "Phone of somebody"
    exif.get_ifd(0x8769).update({0x9003: "2026:01:01 10:00:00", 0x927C: b"maker note 4711", 0xA431: "serial 0815"})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    return exif.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_a_copy_keeps_the_words_and_leaves_the_rest(kind: str) -> None:
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>position 52.31</x:xmpmeta>"
    more = {} if kind in ("PNG", "TIFF") else {"xmp": xmp}
    words = ("A look, Größe 38", "Zoë", "© Brand", "2026:01:02 03:04:05")
    if kind == "TIFF":  # Pillow writes nothing but ASCII there
        words = ("A look, 38", "Zoe", "(c) Brand", "2026:01:02 03:04:05")
    data = saved(RGB, kind, exif=told(*words), **more)
    assert b"somebody" in data
    original = decode_asset(data).metadata
    assert (original.description, original.artist, original.copyright, original.changed) == words
    assert original.taken == "2026:01:01 10:00:00"
    file = watermark.issue_file(prepared(data), serial=1).data
    assert decode_asset(file).metadata == original
    with Image.open(io.BytesIO(file)) as copy:
        exif = copy.getexif()
        assert not exif.get_ifd(0x8825)
        assert set(exif.get_ifd(0x8769)) == {0x9003}
        assert "xmp" not in copy.info
    for secret in (b"somebody", b"maker note", b"0815", b"52.31"):
        assert secret not in file


def test_an_embedded_thumbnail_stays_behind() -> None:
    thumbnail = saved(np.ascontiguousarray(RGB[::4, ::4]), "JPEG")
    first = b"\x01\0\x0e\x01\x02\0\x02\0\0\0a\0\0\0\x1a\0\0\0"
    second = b"\x02\0\x01\x02\x04\0\x01\0\0\0\x38\0\0\0\x02\x02\x04\0\x01\0\0\0" + len(thumbnail).to_bytes(4, "little")
    exif = b"Exif\0\0II*\0\x08\0\0\0" + first + second + b"\0\0\0\0" + thumbnail
    data = saved(RGB, "JPEG", exif=exif)
    assert data.count(b"\xff\xd8\xff") == 2
    assert watermark.issue_file(prepared(data), serial=1).data.count(b"\xff\xd8\xff") == 1


def test_png_words_are_kept() -> None:
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("Copyright", "© Brand")
    words.add_text("Comment", "made by somebody")
    file = watermark.issue_file(prepared(saved(RGB, "PNG", pnginfo=words)), serial=1).data
    assert decode_asset(file).metadata.copyright == "© Brand"
    assert b"somebody" not in file


REFUSED: dict[str, tuple[Callable[[], bytes], type[errors.WatermarkError]]] = {
    "pages": (
        lambda: saved(RGB, "TIFF", save_all=True, append_images=[Image.fromarray(RGB)]),
        errors.AnimatedImage,
    ),
    "moving avif": (
        lambda: saved(RGB, "AVIF", save_all=True, append_images=[Image.fromarray(RGB[::-1])]),
        errors.AnimatedImage,
    ),
    "planes": (
        lambda: deep_tiff(np.moveaxis(DEEP, 2, 0), photometric="rgb", planarconfig="separate"),
        errors.UnsupportedPixelFormat,
    ),
    "multiplied": (
        lambda: deep_tiff(DEEP_RGBA, photometric="rgb", extrasamples=["assocalpha"]),
        errors.UnsupportedPixelFormat,
    ),
    "float": (lambda: deep_tiff(GREY.astype(np.float32)), errors.UnsupportedPixelFormat),
    "32-bit": (lambda: deep_tiff(GREY.astype(np.int32)), errors.UnsupportedPixelFormat),
    "signed": (lambda: deep_tiff(GREY.astype(np.int16)), errors.UnsupportedPixelFormat),
    "bmp": (lambda: saved(RGB, "BMP"), errors.UnsupportedFormat),
    **{
        f"truncated {name}": (lambda make=make: make()[: int(len(make()) * 0.7)], errors.TruncatedImage)
        for name, make in ORIGINALS.items()
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_kept_is_refused_with_a_hint(name: str) -> None:
    make, kind = REFUSED[name]
    with pytest.raises(kind) as caught:
        decode_asset(make())
    assert caught.value.hint


def test_heic_without_its_decoder_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heic, "available", lambda: False)
    with pytest.raises(errors.UnsupportedFormat, match="HEIC") as caught:
        decode_asset(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert "JPEG" in caught.value.hint
    assert "telltale[heic]" in caught.value.hint


def test_avif_is_not_taken_for_heic() -> None:
    assert not heic.recognised(saved(RGB, "AVIF"))
    assert not heic.recognised(b"\0\0\0\x18ftyp")


def test_a_heic_original_is_issued_as_jpeg() -> None:
    pytest.importorskip("pillow_heif", reason="the decoder is not here; pip install 'telltale[heic]' brings it")
    assert heic.available()
    data = saved(RGB, "HEIF")
    master = prepared(data)
    assert master.format == "HEIC"
    file = watermark.issue_file(master, serial=7)
    assert (file.media_type, file.suffix) == ("image/jpeg", "jpg")
    assert named(master, decode_leak(file.data)) == [7]
    with pytest.raises(errors.WatermarkError):
        decode_asset(data[: len(data) * 2 // 3])
