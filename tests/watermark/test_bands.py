"""How planes are split into bands, and what is left of a leak in each."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from watermark import photometry
from watermark.symbols import BANK


def grating(period):
    return np.broadcast_to(10 * np.sin(2 * np.pi * np.arange(256) / period), (192, 256)).astype(np.float32)


def test_bands_sum_to_the_plane():
    plane = np.random.default_rng(1).normal(128, 40, (192, 256)).astype(np.float32)
    bands = BANK.split(plane)
    assert len(bands) == len(BANK.noise_windows_px)
    np.testing.assert_allclose(sum(bands), plane, atol=1e-2)


@pytest.mark.parametrize(("period", "band"), [(4, 0), (14, 1), (28, 2), (90, 3)])
def test_each_band_holds_its_own_scale(period, band):
    energies = [float(np.mean(b[32:-32, 32:-32] ** 2)) for b in BANK.split(grating(period))]
    assert int(np.argmax(energies)) == band


def test_what_is_left_of_a_leak_is_what_was_added_to_it():
    rng = np.random.default_rng(2)
    original = cv2.GaussianBlur(rng.normal(128, 300, (192, 256)).astype(np.float32), (0, 0), 3)
    added = cv2.GaussianBlur(rng.normal(0, 10, (192, 256)).astype(np.float32), (0, 0), 4)  # as coarse as cells are
    seen = np.ones_like(original)
    share = photometry.coarse_share(seen)
    ours = photometry.Flattened.of(original, seen, share, BANK)
    theirs = photometry.Flattened.of(np.float32(0.6) * original + 20 + added, seen, share, BANK)
    floors = BANK.noise_floors([np.full_like(original, 0.1)] * 4)
    left = photometry.subtract(ours, theirs, seen, share, floors, BANK)
    alone = photometry.Flattened.of(added, seen, share, BANK)
    for residual, band in zip(left, alone.bands, strict=True):
        inside = np.s_[48:-48, 48:-48]
        assert np.median(residual.gain[inside]) == pytest.approx(0.6, abs=0.05)
        assert np.corrcoef(residual.difference[inside].ravel(), band[inside].ravel())[0, 1] > 0.9
