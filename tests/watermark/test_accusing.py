"""A screening may miss, never accuse - and what is past the gate is found among a million copies."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
import pytest

from watermark import accusing
from watermark.accusing import LOG10_GATE, score_copies, screen
from watermark.bound import log_bound
from watermark.codebook import Codebook
from watermark.looks import Look, looks

MILLION = np.arange(1_000_000)


@dataclass(frozen=True)
class Leak:
    """Weighings of a synthetic leak, and the natural log of each leaker's best bound for one copy."""

    book: Codebook
    weighings: list[Look]
    bounds: list[float]


def leak(leakers, noise, seed, cells=6000):
    """The mean of some copies' codewords, at unit gain and in noise."""
    book = Codebook.build(bytes([seed] * 32), cells)
    words = book.codewords(leakers)
    rng = np.random.default_rng(seed)
    values = 2 * (words.mean(0) - book.biases) + rng.normal(0, noise, cells)
    precisions = np.ones(cells)
    weighings = looks(values, precisions, book.biases)
    bounds = [
        min(
            log_bound(k.minus, k.plus, book.biases, np.array([np.where(word, k.plus, k.minus).sum()]))[0]
            for k in weighings
        )
        for word in words
    ]
    return Leak(book, weighings, bounds)


def at_the_gate(seed, serial):
    """A lone leaker's leak, just clear enough to be named among a million copies."""
    price = log(len(MILLION)) + log(6)
    for noise in np.geomspace(11, 6, 12):
        found = leak([serial], noise, seed)
        if (found.bounds[0] + price) / log(10) <= LOG10_GATE:
            return found
    raise AssertionError("no noise is low enough")


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_leaker_at_the_gate_is_found_among_a_million(seed):
    serial = 150_000 * seed + 7
    found = at_the_gate(seed, serial)
    standing = {s: bound for s, _, bound in score_copies(found.book, found.weighings, MILLION)}
    assert standing[serial] == pytest.approx(found.bounds[0])
    assert min(standing, key=standing.__getitem__) == serial


def test_ten_leakers_of_a_clear_mixture_are_all_found_among_a_million():
    leakers = [99_991 * k for k in range(1, 11)]
    found = leak(leakers, 0.3, 9, cells=12_000)
    standing = {s for s, _, _ in score_copies(found.book, found.weighings, MILLION)}
    assert standing >= set(leakers)


def first_round(found):
    biases = found.book.biases
    slopes, variances = accusing.slopes_and_variances(found.weighings, biases)
    return accusing.enough(found.weighings, slopes, variances, biases, np.arange(len(biases)))


def test_a_clear_leak_is_screened_by_fewer_cells_than_a_faint_one():
    clear, faint = (first_round(leak([3], noise, 5, cells=16_000)) for noise in (0.2, 8.0))
    assert clear < 0.6 * faint
    assert 2_000 < faint < 8_000


def test_few_copies_are_ranked_as_if_each_were_scored_in_full():
    found = leak([5], 5.0, 4, cells=2000)
    issued = np.arange(0, 900, 3)
    slopes = np.stack([k.plus - k.minus for k in found.weighings])
    finalists = screen(found.book, found.weighings, issued)
    full = slopes @ found.book.codewords(issued).T.astype(float)
    best = {int(issued[i]) for row in full for i in np.argsort(-row)[: accusing.FINALISTS - 1]}
    assert best <= set(finalists.tolist()) <= set(issued.tolist())
