"""What the ways of reading one leak add to one another."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import skimage.data

import watermark
from watermark.accusing import LOG10_GATE
from watermark.symbols import levelled

KEY = bytes(range(32))


def test_levelled_bands_have_equally_much_to_say_and_keep_what_they_say():
    rng = np.random.default_rng(1)
    bands = [(rng.normal(0, size, 500), np.full(500, size)) for size in (0.01, 1.0, 30.0)]
    level = levelled(bands)
    norms = [np.linalg.norm(correlations) for correlations, _ in level]
    np.testing.assert_allclose(norms, norms[0])
    for (ours, precision), (theirs, other) in zip(bands, level, strict=True):
        np.testing.assert_allclose(ours / precision, theirs / other)


def test_a_band_that_says_nothing_silences_no_other():
    nothing, something = (np.zeros(5), np.ones(5)), (np.arange(1.0, 6), np.ones(5))
    silent, kept = levelled([nothing, something])
    assert not silent[0].any()
    assert not silent[1].any()
    np.testing.assert_allclose(kept[0], something[0])


def test_levelled_coarse_bands_tell_blurred_and_compressed_leaks_furthest():
    master = watermark.prepare(skimage.data.coffee(), key=KEY)
    copy = watermark.issue(master, serial=3)
    blurred = bounds(master, cv2.GaussianBlur(copy, (0, 0), 5))
    assert np.argmin(blurred) == 2
    assert blurred[2] < 1.1 * np.median(blurred) < -50
    small = cv2.resize(copy, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, 20])
    compressed = bounds(master, cv2.resize(cv2.imdecode(coded, cv2.IMREAD_COLOR), copy.shape[1::-1]))
    assert compressed[2] < 1.2 * compressed[:2].min()
    assert compressed[3:].max() < compressed[0]
    assert compressed[2] < LOG10_GATE < compressed[0]


def bounds(master, leak):
    """log10 bound of copy 3 for each way of reading a leak."""
    reading = watermark.read(master, leak)
    ways = [watermark.accuse(master, replace(reading, hypotheses=[s]), serials=[3]) for s in reading.hypotheses]
    return np.array([verdict.ranked[0].log10_bound for verdict in ways])
