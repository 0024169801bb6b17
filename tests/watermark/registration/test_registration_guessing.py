"""A crop that nothing can be recognised by has a likeliest place, which is looked at and not called recognised."""

import cv2
import numpy as np
import pytest
import skimage.data

import watermark
from watermark import reading, registration
from watermark.preparing import luma_and_cb
from watermark.registration.geometry import project

TOP, LEFT = 170, 60
KEY = bytes(range(32))


@pytest.fixture(scope="module")
def room():
    """A photograph beside a softly lit, plain wall with a little grain."""
    rng = np.random.default_rng(4)
    photograph = np.asarray(skimage.data.coffee())
    y, x = np.mgrid[:400, :400]
    grain = cv2.GaussianBlur(rng.normal(0, 3, (400, 400)), (0, 0), 1.5)
    wall = 150 + 20 * np.sin(x / 260) + 15 * np.cos(y / 190) + grain
    return np.hstack([np.repeat(wall[..., None], 3, 2).astype(np.uint8), photograph])


@pytest.fixture(scope="module")
def master(room):
    return watermark.prepare(room, key=KEY)


@pytest.fixture(scope="module")
def crop(master):
    return watermark.issue(master, serial=42)[TOP : TOP + 150, LEFT : LEFT + 220]


def fits_of(master, crop):
    return registration.guess(master.index, luma_and_cb(crop, crop.shape[:2])[0], [])


def test_a_crop_of_a_plain_wall_is_guessed_where_it_was_cut(master, crop):
    (fit,) = fits_of(master, crop)
    shrink = master.design.canonical_shape[1] / master.design.width
    corner = project(np.array([[-0.5, -0.5]]), fit.homography)[0]
    assert np.abs(corner - (np.array([LEFT, TOP]) * shrink - 0.5)).max() < 1
    assert fit.evidence == 0


def test_nothing_is_guessed_beside_a_sure_place_nor_of_a_large_picture(master, crop, room):
    luma = luma_and_cb(room, room.shape[:2])[0]
    fits = registration.register(master.index, luma)
    assert registration.guess(master.index, luma[:200, :200], fits) == []
    assert registration.guess(master.index, luma, []) == []


def test_a_guessed_place_names_the_copy_and_does_not_call_the_picture_recognised(master, crop):
    planes = luma_and_cb(crop, crop.shape[:2])
    guessed = watermark.Reading(guesses=reading.read_guesses(master, planes, fits_of(master, crop)))
    verdict = watermark.accuse(master, guessed, serials=range(1000))
    assert [a.serial for a in verdict.named] == [42]
    assert not guessed.readable
    assert guessed.confirmed().coverage == pytest.approx(guessed.guesses[0].coverage)


def test_a_guess_at_an_unrelated_picture_names_nobody_and_says_that_it_was_not_recognised(master):
    stranger = np.asarray(skimage.data.rocket())[100:250, 300:500]
    found = watermark.read(master, stranger, budget_s=0.5)
    assert found.guesses
    assert not found.readable
    verdict = watermark.accuse(master, found, serials=range(1000))
    assert verdict.named == []
    assert "could not be laid onto the original" in (verdict.reason or "")
