"""Limits on what one cell may say."""

from __future__ import annotations

import numpy as np

from watermark.looks import limited


def test_limited_correlations_keep_their_sign_and_order():
    sizes = np.linspace(-30, 30, 601)
    bent = limited(sizes)
    assert (np.diff(bent) > 0).all()
    np.testing.assert_allclose(bent, -bent[::-1], atol=1e-12)
    assert np.abs(bent).max() < np.abs(sizes).max()


def test_a_wild_cell_says_little_more_than_others():
    ordinary = np.random.default_rng(1).normal(size=10_000)
    bent = limited(np.append(ordinary, 500.0))
    np.testing.assert_allclose(bent[:-1], limited(ordinary), rtol=0.2)
    assert bent[-1] < 4


def test_cells_that_say_nothing_do_not_silence_the_others():
    telling = np.random.default_rng(2).normal(size=500)
    silent = np.zeros(20_000)
    np.testing.assert_allclose(limited(np.append(telling, silent))[:500], limited(telling), rtol=1e-6)


def test_nothing_at_all_stays_nothing():
    assert not limited(np.zeros(40)).any()
