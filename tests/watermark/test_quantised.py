"""Leaks compressed so hard that only roundings are left of their mark."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

import watermark
from watermark import quantised, registration
from watermark.preparing import luma_and_cb
from watermark.symbols import read_symbols

KEY = bytes(range(32))
SERIAL = 4711


@pytest.fixture(scope="module")
def master():
    return watermark.prepare(skimage.data.astronaut(), key=KEY)


@pytest.fixture(scope="module")
def copy(master):
    return watermark.issue(master, serial=SERIAL)


def as_jpeg(rgb, quality):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def read_both_ways(master, leak):
    """Symbols off the residuals, and off the roundings, of the best fit."""
    planes = luma_and_cb(leak)
    fit = registration.register(master.index, planes[0]).fits[0]
    return read_symbols(master.channels, planes, fit), quantised.read_thresholds(master, planes[0], fit)


def score(master, symbols):
    verdict = watermark.accuse(master, watermark.Reading(symbols), serials=range(10_000))
    return next((a.score for a in verdict.ranked if a.serial == SERIAL), 0.0)


@pytest.mark.parametrize("quality", [5, 8, 15])
def test_roundings_tell_more_of_a_hard_compressed_leak_than_residuals(master, copy, quality):
    residuals, roundings = read_both_ways(master, as_jpeg(copy, quality))
    assert score(master, [roundings]) > 1.3 * score(master, residuals)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda rgb: rgb[100:420, 60:450], id="cropped"),
        pytest.param(lambda rgb: rgb[:, ::-1], id="mirrored"),
        pytest.param(lambda rgb: 255 - rgb, id="negative"),
        pytest.param(lambda rgb: np.asarray(Image.fromarray(rgb).resize((360, 360))), id="shrunken"),
        pytest.param(lambda rgb: np.clip(rgb * 0.8 + 20, 0, 255).astype(np.uint8), id="paler"),
    ],
)
def test_roundings_are_read_where_the_picture_was_changed_before(master, copy, change):
    _, roundings = read_both_ways(master, as_jpeg(np.ascontiguousarray(change(copy)), 15))
    verdict = watermark.accuse(master, watermark.Reading([roundings]), serials=range(10_000))
    assert [a.serial for a in verdict.named] == [SERIAL]


def test_a_leak_at_quality_6_names_its_copy_among_a_million(master, copy):
    reading = watermark.read(master, as_jpeg(copy, 6))
    verdict = watermark.accuse(master, reading, serials=range(10_000), looks=100)
    assert [a.serial for a in verdict.named] == [SERIAL]


@pytest.mark.parametrize("quality", [8, 20])
def test_roundings_of_the_original_name_nobody(master, quality):
    _, roundings = read_both_ways(master, as_jpeg(skimage.data.astronaut(), quality))
    verdict = watermark.accuse(master, watermark.Reading([roundings]), serials=range(10_000))
    assert verdict.named == []
    assert verdict.ranked[0].log10_bound > -2


def test_a_leak_that_is_no_coarse_jpeg_has_no_thresholds_to_read(master, copy):
    assert read_both_ways(master, copy)[1] is None
    assert read_both_ways(master, as_jpeg(copy, 95))[1] is None


def test_a_block_that_shows_something_else_says_nothing(master, copy):
    covered = copy.copy()
    covered[128:256, 128:256] = np.random.default_rng(2).integers(0, 255, (128, 128, 3), np.uint8)
    _, roundings = read_both_ways(master, as_jpeg(covered, 15))
    inside = np.unique(master.lattice.labels[150:230, 150:230])
    outside = np.unique(master.lattice.labels[300:400, 300:400])
    assert roundings.precisions[inside].mean() < 0.2 * roundings.precisions[outside].mean()
