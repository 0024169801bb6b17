"""A mark is added to the pixels as its formula says, in every depth and number of channels."""

from __future__ import annotations

import numpy as np
import pytest

from watermark import rendering

SHARE = 0.5


def by_formula(pixels, luma, top, levels, unit):
    """Add a mark in double precision: levels of the output before they are rounded down, (h, w, channels)."""
    brightness, luma = np.atleast_3d(pixels).astype(float) * unit, luma.astype(float)[..., None]
    weights = SHARE * rendering.CB_RGB if pixels.ndim == 3 else 0
    mark = luma * (1 + weights * rendering.chroma_room(brightness[..., -1:]))
    exact = (brightness + mark) * levels + rendering.thresholds(*luma.shape[:2], top)[..., None]
    return np.clip(exact, 0, 255 * levels + 0.999)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(70, 301, 3), (70, 301)])
@pytest.mark.parametrize("eight_bit", [False, True])
def test_a_mark_is_added_as_its_formula_says(dtype, shape, eight_bit):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, np.iinfo(dtype).max + 1, shape, dtype)
    luma = rng.normal(0, 6, shape[:2]).astype(np.float32)
    deep = dtype == np.uint16
    levels, unit = (257 if deep and not eight_bit else 1), (1 / 257 if deep else 1)
    marked = rendering.add_mark(pixels, luma, SHARE, 100, eight_bit=eight_bit)
    assert marked.dtype == (np.uint8 if eight_bit else dtype)
    exact = by_formula(pixels, luma, 100, levels, unit)
    assert np.abs(np.atleast_3d(marked) + 0.5 - exact).max() < 0.5 + 2e-5 * levels * 255


def test_a_flat_area_keeps_the_mean_of_a_mark_smaller_than_a_level():
    grey = np.full((256, 256, 3), 118, np.uint8)
    marked = rendering.add_mark(grey, np.full((256, 256), 0.3, np.float32), 0.0)
    assert marked.mean((0, 1)) == pytest.approx(118.3, abs=0.01)
    assert set(np.unique(marked)) == {118, 119}
