"""Prepare, issue, register, read, accuse: on photographs, as a user of the library would."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

import watermark
from watermark import accusing, jpeg
from watermark.bound import log_bound
from watermark.errors import CorruptMaster, ImageTooSmall, InvalidKey, WatermarkError
from watermark.looks import looks, seen

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def photograph():
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def master(photograph):
    return watermark.prepare(photograph, key=KEY)


def as_jpeg(rgb, quality):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(buffer.getvalue())))


def named(master, leak, copies=10_000):
    verdict = watermark.accuse(master, watermark.read(master, leak), serials=range(copies))
    return [a.serial for a in verdict.named]


def test_a_copy_has_the_size_of_the_original_and_looks_like_it(master, photograph):
    copy = watermark.issue(master, serial=42)
    assert copy.shape == photograph.shape
    assert copy.dtype == np.uint8
    error = np.mean((copy.astype(float) - photograph) ** 2)
    assert 10 * np.log10(255**2 / error) > 42
    assert not np.array_equal(copy, photograph)


def test_the_same_serial_gives_the_same_copy_and_another_a_different_one(master):
    assert np.array_equal(watermark.issue(master, serial=5), watermark.issue(master, serial=5))
    assert not np.array_equal(watermark.issue(master, serial=5), watermark.issue(master, serial=6))


def test_the_mean_over_many_copies_is_the_original(master, photograph):
    mean = np.mean([watermark.issue(master, serial=s).astype(float) for s in range(24)], axis=0)
    inside = (photograph > 15) & (photograph < 240)
    assert abs(float((mean - photograph)[inside].mean())) < 0.1


def test_an_untouched_copy_is_named(master):
    assert named(master, watermark.issue(master, serial=42)) == [42]


def test_a_jpeg_copy_is_named(master):
    data = watermark.issue_jpeg(master, serial=42)
    assert named(master, np.asarray(Image.open(io.BytesIO(data)))) == [42]


def test_a_cropped_and_compressed_copy_is_named(master):
    leak = as_jpeg(watermark.issue(master, serial=4711)[60:400, 90:420], 40)
    assert named(master, leak) == [4711]


def test_a_copy_that_a_codec_redrew_at_half_size_is_named(master):
    """Nothing is left of the finest band, and little but noise in the colour."""
    small = Image.fromarray(watermark.issue(master, serial=7)).resize((256, 256), Image.Resampling.BOX)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=20)
    redrawn = Image.open(io.BytesIO(buffer.getvalue())).resize((512, 512), Image.Resampling.BICUBIC)
    assert named(master, np.asarray(redrawn)) == [7]


def test_a_mirrored_copy_is_named(master):
    assert named(master, watermark.issue(master, serial=3)[:, ::-1]) == [3]


def test_the_original_itself_names_nobody(master, photograph):
    verdict = watermark.accuse(master, watermark.read(master, photograph), serials=range(10_000))
    assert verdict.named == []
    assert verdict.reason
    assert verdict.hint


def test_another_photograph_names_nobody(master):
    reading = watermark.read(master, skimage.data.coffee())
    assert watermark.accuse(master, reading, serials=range(10_000)).named == []


def test_a_copy_that_was_never_issued_names_nobody(master):
    assert named(master, watermark.issue(master, serial=20_000)) == []


def test_three_averaged_copies_are_all_named(master):
    copies = [watermark.issue(master, serial=s).astype(np.float32) for s in (10, 20, 30)]
    verdict = watermark.accuse(
        master, watermark.read(master, np.mean(copies, 0).round().astype(np.uint8)), serials=range(10_000)
    )
    assert sorted(a.serial for a in verdict.named) == [10, 20, 30]
    assert verdict.mixture


@pytest.mark.parametrize("shape", [(4, 4), (15, 300), (8, 2000)])
def test_a_tiny_leak_is_refused_with_a_reason(master, shape):
    reading = watermark.read(master, np.zeros((*shape, 3), np.uint8))
    assert not reading.readable
    assert reading.reason
    assert reading.hint
    assert watermark.accuse(master, reading, serials=range(10)).named == []


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_leak_names_nobody(master, level):
    assert named(master, np.full((300, 400, 3), level, np.uint8)) == []


@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_original_can_be_prepared_and_issued(level):
    blank = watermark.prepare(np.full((200, 300, 3), level, np.uint8), key=KEY)
    assert watermark.issue(blank, serial=1).shape == (200, 300, 3)


def test_more_copies_and_more_looks_raise_the_bar(master):
    reading = watermark.read(master, as_jpeg(watermark.issue(master, serial=1), 30))
    few = watermark.accuse(master, reading, serials=range(10)).ranked[0]
    many = watermark.accuse(master, reading, serials=range(1000)).ranked[0]
    dear = watermark.accuse(master, reading, serials=range(10), looks=100).ranked[0]
    assert many.log10_bound == pytest.approx(few.log10_bound + 2)
    assert dear.log10_bound == pytest.approx(few.log10_bound + 2)


def test_a_master_survives_storage(master):
    again = watermark.Master.from_bytes(master.to_bytes())
    assert np.array_equal(watermark.issue(again, serial=9), watermark.issue(master, serial=9))
    assert named(again, watermark.issue(master, serial=9)) == [9]


@pytest.mark.parametrize("data", [b"", b"not a master", b"PK\x03\x04rubbish"])
def test_bytes_that_are_no_master_are_refused(data):
    with pytest.raises(CorruptMaster):
        watermark.Master.from_bytes(data)


def test_a_master_cut_short_is_refused(master):
    data = master.to_bytes()
    with pytest.raises(CorruptMaster):
        watermark.Master.from_bytes(data[: len(data) // 2])


def test_bad_originals_are_refused():
    with pytest.raises(ImageTooSmall):
        watermark.prepare(np.zeros((63, 500, 3), np.uint8), key=KEY)
    with pytest.raises(WatermarkError):
        watermark.prepare(np.zeros((100, 100), np.uint8), key=KEY)
    with pytest.raises(InvalidKey):
        watermark.prepare(np.zeros((100, 100, 3), np.uint8), key=b"short")


@pytest.mark.parametrize("serial", [-1, 2**32])
def test_serials_out_of_range_are_refused(master, serial):
    with pytest.raises(ValueError, match="outside"):
        watermark.issue(master, serial=serial)


def test_the_colour_profile_reaches_the_copy(photograph):
    master = watermark.prepare(photograph, key=KEY, icc=b"profile" * 40)
    data = watermark.issue_jpeg(master, serial=1)
    assert Image.open(io.BytesIO(data)).info["icc_profile"] == b"profile" * 40


def test_the_heat_map_agrees_with_the_named_copy_only(master):
    reading = watermark.read(master, watermark.issue(master, serial=8))
    assert watermark.heat_map(master, reading, serial=8).mean() > 0.3
    assert abs(watermark.heat_map(master, reading, serial=9).mean()) < 0.15
    assert watermark.heat_map(master, reading).min() >= 0


@pytest.fixture(scope="module")
def readings(master):
    """Real leaks: one damaged, one colluded by averaging, one by taking the minority's side in each pixel."""
    a, b, c = (watermark.issue(master, serial=s) for s in (1, 2, 3))
    averaged = ((a.astype(np.float32) + b + c) / 3).round().astype(np.uint8)
    low, high, middle = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c), np.median([a, b, c], 0)
    minority = np.clip(low.astype(np.int16) + high - middle, 0, 255).astype(np.uint8)
    leaks = {"damaged": as_jpeg(a[100:380, 60:420], 20), "averaged": averaged, "minority": minority}
    return {name: watermark.read(master, leak) for name, leak in leaks.items()}


@pytest.mark.parametrize("kind", ["damaged", "averaged", "minority"])
def test_innocent_codewords_never_exceed_the_bound_on_real_leaks(master, readings, kind):
    """A hundred thousand codewords that nobody holds, drawn by their biases, against every look."""
    symbols = readings[kind].hypotheses[0]
    cells = seen(symbols.precisions)
    biases = master.codebook.biases[cells]
    found = looks(symbols.correlations[cells], symbols.precisions[cells], biases)
    slopes = np.stack([k.plus - k.minus for k in found]).astype(np.float32)
    draws, rng = 100_000, np.random.default_rng(11)
    thresholds = master.codebook.thresholds[cells, None]
    scores = np.zeros((len(found), draws), np.float32)
    for start in range(0, len(cells), 256):
        part = slice(start, start + 256)
        bits = rng.integers(0, 256, (len(cells[part]), draws), np.uint8) < thresholds[part]
        scores += slopes[:, part] @ bits.astype(np.float32)
    for look, total in zip(found, scores.astype(np.float64), strict=True):
        bounds = log_bound(look.minus, look.plus, biases, total + look.minus.sum())
        for level in (1e-2, 1e-3, 1e-4):
            exceed, allowed = int(np.sum(bounds <= np.log(level))), draws * level
            assert exceed <= allowed + 4 * np.sqrt(allowed), (look.name, level, exceed)
        assert bounds.min() > np.log(1e-9 / draws)


def test_a_large_picture_is_joined_from_segments_and_decodes_to_its_mosaic(photograph):
    big = np.asarray(Image.fromarray(photograph[:, :400]).resize((2344, 3000), Image.Resampling.BICUBIC))
    master = watermark.prepare(big, key=KEY)
    assert master.variants is not None
    joined = np.asarray(Image.open(io.BytesIO(watermark.issue_jpeg(master, serial=77)))).astype(int)
    encoded = np.asarray(
        Image.open(io.BytesIO(jpeg.encode(watermark.issue(master, serial=77), None, master.design.run)))
    ).astype(int)
    apart = np.abs(joined - encoded).max(-1)
    assert np.mean(apart > 12) < 1e-3  # chroma up-sampling at the seams
    assert (
        accusing.accuse(master, watermark.read(master, joined.astype(np.uint8)), serials=range(5000)).named[0].serial
        == 77
    )
