"""The false-accusation bound holds for whatever weights a reading gives, and is not uselessly loose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermark.bound import cumulant, log_bound
from watermark.looks import looks, seen

RNG = np.random.default_rng(7)


def test_the_bound_of_a_fair_coin_is_hoeffdings_or_better():
    half = np.full(1000, 0.5)
    weights = RNG.normal(size=1000)
    score = 5 * np.sqrt(np.sum(weights**2))
    assert log_bound(-weights, weights, half, np.array([score]))[0] <= -12.4


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.05, 0.5, 3.0]))
def test_innocent_codewords_exceed_no_level_more_often_than_the_bound_allows(seed, noise):
    rng = np.random.default_rng(seed)
    biases = rng.choice([5, 20, 60, 128, 128, 128, 196, 251], 600) / 256
    guilty = rng.random(600) < biases
    correlations = (guilty - biases) * 2 + rng.normal(0, noise, 600)
    for look in looks(correlations, np.ones(600), biases):
        innocent = rng.random((4000, 600)) < biases
        scores = np.where(innocent, look.plus, look.minus).sum(1)
        bounds = log_bound(look.minus, look.plus, biases, scores)
        for level in (1e-1, 1e-2, 1e-3):
            exceed = int(np.sum(bounds <= np.log(level)))
            allowed = 4000 * level
            assert exceed <= allowed + 5 * np.sqrt(allowed) + 3, (look.name, level)


@pytest.mark.parametrize("tilt", [1e-3, 1.0, 1e3, 1e6])
def test_a_cumulant_is_exact_at_any_tilt(tilt):
    biases = RNG.choice([1, 60, 128, 255], 500) / 256
    minus, plus = tilt * RNG.normal(size=(2, 500))
    exact = np.logaddexp(np.log1p(-biases) + minus, np.log(biases) + plus).sum()
    assert cumulant(minus, plus, biases) == pytest.approx(exact, rel=1e-12)


def test_a_score_of_nothing_proves_nothing():
    zero = np.zeros(50)
    assert log_bound(zero, zero, np.full(50, 0.5), np.array([0.0, 1.0])).tolist() == [0.0, 0.0]


def test_cells_that_were_not_seen_are_left_out():
    assert seen(np.array([0.0, 1.0, 1e-9, 2.0])).tolist() == [1, 3]
    assert len(seen(np.zeros(4))) == 0


@pytest.mark.parametrize("leakers", [1, 3])
def test_a_leakers_codeword_is_far_beyond_the_gate(leakers):
    rng = np.random.default_rng(leakers)
    biases = rng.choice([5, 60, 128, 128, 196, 251], 4000) / 256
    copies = rng.random((leakers, 4000)) < biases
    symbols = (copies.mean(0) - biases) * 2 + rng.normal(0, 0.5, 4000)
    found = looks(symbols, np.ones(4000), biases)
    best = min(log_bound(k.minus, k.plus, biases, np.where(copies[:1], k.plus, k.minus).sum(1))[0] for k in found)
    assert best < np.log(1e-15)
