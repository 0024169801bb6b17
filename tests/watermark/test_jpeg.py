"""Joining is encoding: a copy put together from two streams shows, to the bit, the mosaic encoded at once."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import watermark
from watermark import jpeg, preparing
from watermark.decode import decode_asset
from watermark.issuing import render
from watermark.lattice import Design, Lattice, cubic_rows, linear_rows, mcu_cells

KEY = bytes(range(32))
PHOTOGRAPH = skimage.data.coffee()


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(64, 200),
    width=st.integers(64, 260),
    run=st.integers(1, 7),
    subsampling=st.sampled_from(sorted(jpeg.MCU_PX)),
    seed=st.integers(0, 2**32 - 1),
)
@example(height=65, width=16 * 13, run=4, subsampling="4:2:0", seed=1)
@example(height=77, width=8 * 31, run=5, subsampling="4:4:4", seed=2)
@example(height=99, width=16 * 11 - 3, run=2, subsampling="4:2:2", seed=3)
def test_a_joined_copy_is_its_mosaic_encoded(height: int, width: int, run: int, subsampling: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = PHOTOGRAPH[100 : 100 + height, 100 : 100 + width]
    pixels = np.ascontiguousarray(pixels[..., 0] if subsampling == "4:0:0" else pixels)
    design = Design(height, width, 2.0, 0.5, run, subsampling)
    lattice = Lattice.build(KEY, design)
    mask = np.ones(design.canonical_shape, np.float16)
    minus, plus = -rng.uniform(0.5, 2, (2, lattice.count)).astype(np.float32) * np.array([[1], [-1]], np.float32)
    bits = rng.random(lattice.count) < 0.5

    assert lattice.segments is not None
    if np.prod(design.mcu_shape) % run:
        bits[lattice.segments[-1]] = True  # a short last segment is the same in both variants
    shown_minus, shown_plus, mosaic = render(pixels, design, lattice, mask, [minus, plus, np.where(bits, plus, minus)])

    def encoded(*pair: np.ndarray) -> tuple[bytes, bytes]:
        return jpeg.encode_pair(*pair, None, run, subsampling=subsampling)

    first, second = (jpeg.Segments.split(data) for data in encoded(shown_minus, shown_plus))
    joined = jpeg.join(first, second, bits[lattice.segments])
    assert len(first.pieces) == len(second.pieces) == len(lattice.segments)
    with Image.open(io.BytesIO(joined)) as copy:
        assert copy.size == (width, height)
        np.testing.assert_array_equal(np.asarray(copy), jpeg.decode(encoded(mosaic, mosaic)[0]))


def test_both_variants_share_tables_that_are_fitted_to_them() -> None:
    darker, lighter = (np.ascontiguousarray(cv2.add(PHOTOGRAPH, shift)) for shift in (-2, 2))
    minus, plus = jpeg.encode_pair(darker, lighter, None, 5)
    assert jpeg.Segments.split(minus).header == jpeg.Segments.split(plus).header
    assert len(minus) < 0.99 * len(jpeg.encode(darker, None, 5, compact=False))
    np.testing.assert_array_equal(jpeg.decode(minus), jpeg.decode(jpeg.encode(darker, None)))
    np.testing.assert_array_equal(jpeg.decode(plus), jpeg.decode(jpeg.encode(lighter, None)))


def test_a_picture_too_tall_to_be_encoded_twice_at_once_falls_back_on_the_default_tables() -> None:
    tall = np.random.default_rng(0).integers(0, 255, (33_000, 24, 3), np.uint8)
    minus, plus = jpeg.encode_pair(tall, 255 - tall, None, 1)
    assert jpeg.Segments.split(minus).header == jpeg.Segments.split(plus).header
    assert jpeg.decode(minus).shape == tall.shape


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_stream_is_what_pillow_would_write_and_shows_what_pillow_shows(subsampling: str) -> None:
    out = io.BytesIO()
    Image.fromarray(PHOTOGRAPH).save(out, "JPEG", quality=jpeg.QUALITY, subsampling=subsampling)
    ours = jpeg.encode(PHOTOGRAPH, None, subsampling=subsampling, compact=False)
    with Image.open(io.BytesIO(ours)) as shown:
        np.testing.assert_array_equal(np.asarray(shown), jpeg.decode(out.getvalue()))


@pytest.mark.parametrize("subsampling", sorted(jpeg.MCU_PX))
def test_segment_cells_are_as_wide_as_they_are_high(subsampling: str) -> None:
    design = Design(2400, 3200, 1.0, 0.5, 0, subsampling)
    design = Design(2400, 3200, 1.0, 0.5, preparing.segment_run(design), subsampling)
    lattice = Lattice.build(KEY, design)
    assert lattice.segments is not None
    by_mcu = mcu_cells(lattice.segments, design)
    high, wide = design.mcu_px
    cells = [np.argwhere(by_mcu == cell) for cell in range(500, 520)]
    extent = np.mean([(np.ptp(c, axis=0) + 1) * (high, wide) for c in cells], axis=0)
    assert 0.5 < extent[0] / extent[1] < 2
    assert 0.6 < np.sqrt(2400 * 3200 / lattice.count) / design.pitch_px < 1.4
    assert np.sqrt(np.mean(lattice.pattern**2)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:0:0"])
def test_a_large_original_is_joined_at_its_own_chroma_resolution(
    subsampling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "SEGMENT_SIDE", 512)
    big = Image.fromarray(PHOTOGRAPH).resize((1201, 801), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    chroma = {} if subsampling == "4:0:0" else {"subsampling": subsampling}
    big.convert("RGB" if chroma else "L").save(out, "JPEG", quality=95, **chroma)
    master = watermark.prepare_picture(decode_asset(out.getvalue()), key=KEY)
    assert master.variants is not None
    file = watermark.issue_file(master, serial=77)
    assert decode_asset(file.data).subsampling == subsampling
    reading = watermark.read(master, decode_asset(file.data).rgb)
    assert [a.serial for a in watermark.accuse(master, reading, serials=range(1000)).named] == [77]


def test_bands_of_an_enlarged_plane_are_those_of_the_whole() -> None:
    plane = PHOTOGRAPH[..., 0].astype(np.float32)
    shape = (1013, 1307)
    for bands, flag in ((cubic_rows, cv2.INTER_CUBIC), (linear_rows, cv2.INTER_LINEAR)):
        whole = cv2.resize(plane, shape[::-1], interpolation=flag)
        joined = np.concatenate([bands(plane, shape, top, min(top + 256, 1013)) for top in range(0, 1013, 256)])
        np.testing.assert_allclose(joined, whole, atol=0.02)
