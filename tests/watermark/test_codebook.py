"""Codewords come from the key alone, bit for bit, however they are asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermark import keys
from watermark.codebook import RUN, Codebook, runs
from watermark.errors import InvalidKey

KEY = bytes(range(32))
BOOK = Codebook.build(KEY, 3000)


def test_two_keys_give_unrelated_codewords():
    other = Codebook.build(bytes(32), 3000)
    agreement = np.mean(BOOK.codewords([1]) == other.codewords([1]))
    assert 0.45 < agreement < 0.55


def test_bits_follow_their_biases():
    shown = np.concatenate([BOOK.bits(np.arange(3000), 0, 2048)], axis=1).mean(1)
    deviation = (shown - BOOK.biases) / np.sqrt(BOOK.biases * (1 - BOOK.biases) / 2048)
    assert abs(deviation.mean()) < 0.1
    assert 0.9 < deviation.std() < 1.1


@given(first=st.integers(0, 2**32 - 100), count=st.integers(1, 60), cell=st.integers(0, 2990))
def test_a_range_of_copies_has_the_bits_of_its_members(first, count, cell):
    stop = min(first + count, (first // RUN + 1) * RUN)
    some = np.arange(cell, cell + 8)
    together = BOOK.bits(some, first, stop)
    alone = np.stack([BOOK.codewords([s])[0][some] for s in range(first, stop)], axis=1)
    assert np.array_equal(together, alone)


def test_scattered_copies_of_a_run_have_the_bits_of_its_ranges():
    cells, serials = np.arange(40, 90), np.array([RUN + 3, RUN + 16, RUN + 17, RUN + 40_000])
    whole = BOOK.bits(cells, RUN, RUN + 40_001)
    assert np.array_equal(BOOK.bits_of(cells, serials), whole[:, serials - RUN])


def test_codewords_come_in_the_order_they_were_asked_for():
    serials = [70_000, 5, 70_000, 2**32 - 1]
    alone = [BOOK.codewords([serial])[0] for serial in serials]
    assert np.array_equal(BOOK.codewords(serials), np.stack(alone))


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50, unique=True))
def test_scores_of_scattered_serials_are_sums_over_their_codewords(serials):
    ordered = np.array(sorted(serials), np.int64)
    weights = np.linspace(-1, 1, 40, dtype=np.float32).reshape(2, 20)
    cells = np.arange(100, 120)
    expected = weights @ BOOK.codewords(ordered)[:, cells].T.astype(np.float32)
    assert np.allclose(BOOK.scores(cells, weights, ordered), expected, atol=1e-4)


def test_runs_cover_every_serial_once():
    serials = np.array([0, 1, 8191, 8192, 70000, 70001], np.int64)
    pieces = [(start, stop) for start, stop, _, _ in runs(serials)]
    assert [i for a, b in pieces for i in range(a, b)] == list(range(6))
    assert all(last - first <= RUN // 8 for _, _, first, last in runs(serials))


def test_a_short_key_is_refused():
    with pytest.raises(InvalidKey):
        keys.derive(b"short", "anything")
