"""Tier 1: the same picture, recompressed, turned or mirrored, has nearly the same code."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from benchmarks.attacks import SUITE
from benchmarks.photographs import from_wheel
from watermark.fingerprint import (
    CANDIDATE_RADIUS,
    CONFIDENT_RADIUS,
    MIN_QUALITY,
    ORIENTATIONS,
    dhash,
    hamming,
    pdq,
    phash,
)

PHOTOS = from_wheel()
TURNS = (
    lambda a: a,
    lambda a: np.rot90(a, 1),
    lambda a: np.rot90(a, 2),
    lambda a: np.rot90(a, 3),
    lambda a: a[::-1],
    lambda a: a[:, ::-1],
    lambda a: a.swapaxes(0, 1),
    lambda a: np.rot90(a, 2).swapaxes(0, 1),
)


@pytest.mark.parametrize("turn", range(8), ids=ORIENTATIONS)
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_the_nth_code_is_that_of_the_picture_so_turned(name: str, turn: int) -> None:
    codes, quality = pdq(PHOTOS[name])
    turned, _ = pdq(np.ascontiguousarray(TURNS[turn](PHOTOS[name])))
    assert codes.shape == (8, 32)
    assert codes.dtype == np.uint8
    assert quality >= MIN_QUALITY
    distances = hamming(codes, turned[0])
    assert distances.argmin() == turn
    assert distances[turn] <= CONFIDENT_RADIUS


@pytest.mark.parametrize("attack", ["jpeg_q15", "resize_25", "px_160", "greyscale", "flip_h", "rotate_270"])
def test_a_copy_is_recognised_through_what_networks_do(attack: str) -> None:
    for photo in PHOTOS.values():
        leak = SUITE[attack].apply(photo, np.random.default_rng(1)).rgb
        assert hamming(pdq(photo)[0], pdq(leak)[0][0]).min() <= CONFIDENT_RADIUS


def test_different_photographs_are_far_apart() -> None:
    codes = [pdq(photo)[0] for photo in PHOTOS.values()]
    for n, first in enumerate(codes):
        for second in codes[n + 1 :]:
            assert hamming(first, second[0]).min() > CANDIDATE_RADIUS


def test_an_empty_picture_is_known_to_say_nothing() -> None:
    assert pdq(np.full((300, 400, 3), 200, np.uint8))[1] < MIN_QUALITY


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 700, 3), (2000, 5, 3)])
def test_any_shape_has_a_code(shape: tuple[int, int, int]) -> None:
    assert pdq(np.zeros(shape, np.uint8))[0].shape == (8, 32)


def test_phash_and_dhash_are_those_that_callers_know() -> None:
    photo = PHOTOS["cat"]
    assert phash(photo).hex() == str(imagehash.phash(Image.fromarray(photo)))
    assert dhash(photo).hex() == str(imagehash.dhash(Image.fromarray(photo)))


def test_hamming_counts_bits_and_broadcasts() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 256, (5, 1, 32), np.uint8), rng.integers(0, 256, (7, 32), np.uint8)
    expected = (np.unpackbits(a, axis=-1) != np.unpackbits(b, axis=-1)).sum(axis=-1)
    assert np.array_equal(hamming(a, b), expected)
