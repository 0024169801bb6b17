"""Averages over area are exact means of what each pixel covers."""

from __future__ import annotations

import numpy as np
import pytest

from watermark.averaging import averaged


def overlaps(size, count):
    """Share of each of `size` samples in each of `count` means: (count, size)."""
    edges = np.linspace(0, size, count + 1)
    at = np.arange(size)
    low, high = np.maximum(at, edges[:-1, None]), np.minimum(at + 1, edges[1:, None])
    return np.maximum(high - low, 0) * count / size


@pytest.mark.parametrize(("shape", "target"), [((97, 131, 3), (31, 42)), ((97, 131), (97, 60)), ((64, 80), (64, 80))])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_picture_is_averaged_over_area(shape, target, dtype):
    picture = np.random.default_rng(2).integers(0, 256, shape).astype(dtype)
    rows, columns = overlaps(shape[0], target[0]), overlaps(shape[1], target[1])
    exact = np.einsum("ij,jk...,lk->il...", rows, picture.astype(float), columns)
    mean = averaged(picture, target)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, exact, atol=1e-3)
