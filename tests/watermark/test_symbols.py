"""What the ways of reading one leak add to one another."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import skimage.data

import watermark
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


def test_a_blurred_leak_is_told_furthest_by_levelled_coarse_bands():
    master = watermark.prepare(skimage.data.coffee(), key=KEY)
    leak = cv2.GaussianBlur(watermark.issue(master, serial=3), (0, 0), 5)
    reading = watermark.read(master, leak)
    bounds = []
    for symbols in reading.hypotheses:
        (first, *_) = watermark.accuse(master, replace(reading, hypotheses=[symbols]), serials=range(100)).ranked
        assert first.serial == 3
        bounds.append(first.log10_bound)
    assert bounds[-1] < 1.2 * min(bounds[:-1]) < -20
