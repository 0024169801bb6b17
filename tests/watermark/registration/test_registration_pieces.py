"""A piece that nothing can be recognised by is found by its grain, looked at, and not called recognised."""

import cv2
import numpy as np
import pytest
import skimage.data

import watermark
from watermark import reading, registration
from watermark.preparing import luma_and_cb
from watermark.registration.geometry import disagreement, project, shift
from watermark.registration.pieces import piece_area, pieces
from watermark.registration.warping import Leak, resample

TOP, LEFT = 170, 60
FRAGMENT, PLACE = 170, (300, 410)
KEY = bytes(range(32))
CLEAR = 15


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
def copy(master):
    return watermark.issue(master, serial=42)


@pytest.fixture(scope="module")
def crop(copy):
    return copy[TOP : TOP + 150, LEFT : LEFT + 220]


@pytest.fixture(scope="module")
def collage(copy):
    """A fragment of the wall among four photographs, compressed."""
    canvas = np.vstack(
        [
            np.hstack([cv2.resize(np.asarray(getattr(skimage.data, name)()), (450, 400)) for name in names])
            for names in (("astronaut", "chelsea"), ("rocket", "astronaut"))
        ]
    )
    x, y = PLACE
    canvas[y : y + FRAGMENT, x : x + FRAGMENT] = copy[TOP : TOP + FRAGMENT, LEFT : LEFT + FRAGMENT]
    _, data = cv2.imencode(".jpg", canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def luma_of(leak):
    return luma_and_cb(leak)[0]


def test_a_crop_of_a_plain_wall_is_laid_where_it_was_cut(master, crop):
    best, *others = pieces(master.index, Leak.build(luma_of(crop)))
    shrink = master.design.canonical_shape[1] / master.design.width
    corner = project(np.array([[-0.5, -0.5]]), best.homography)[0]
    assert np.abs(corner - (np.array([LEFT, TOP]) * shrink - 0.5)).max() < 0.3
    assert best.z > CLEAR > max((other.z for other in others), default=0)


def test_a_fragment_of_the_wall_is_found_among_other_pictures_and_cut_out(master, collage):
    leak = luma_of(collage)
    best = pieces(master.index, Leak.build(leak))[0]
    truth = shift(LEFT - PLACE[0], TOP - PLACE[1])
    assert disagreement(best.homography, truth, leak.shape, master.index.shape) < 0.3
    area = piece_area(master.index.canonical, *resample(leak, best.homography, master.index.shape))
    inside = area[TOP : TOP + FRAGMENT, LEFT : LEFT + FRAGMENT]
    assert inside.mean() > 0.8
    assert inside.sum() > 0.8 * area.sum()


def test_no_piece_of_an_unrelated_picture_is_clear(master):
    for name in ("rocket", "astronaut", "chelsea"):
        leak = Leak.build(luma_of(np.asarray(getattr(skimage.data, name)())))
        assert pieces(master.index, leak)[0].z < CLEAR


def test_blank_ground_around_a_piece_does_not_hide_its_place(master, crop):
    page = np.zeros((700, 900, 3), np.uint8)
    page[500 : 500 + 150, 600 : 600 + 220] = crop
    found = pieces(master.index, Leak.build(luma_of(page)))
    assert all(np.isfinite(piece.z) for piece in found)
    corner = project(np.array([[599.5, 499.5]]), found[0].homography)[0]
    assert np.abs(corner - (np.array([LEFT, TOP]) - 0.5)).max() < 0.5


def test_nothing_is_guessed_beside_a_sure_place(master, copy):
    assert registration.register(master.index, luma_of(copy)).guesses == []


@pytest.mark.parametrize("kind", ["crop", "collage"])
def test_a_guessed_place_names_the_copy_and_does_not_call_the_picture_recognised(master, kind, request):
    leak = request.getfixturevalue(kind)
    planes = luma_and_cb(leak)
    (guess,) = registration.register(master.index, planes[0], budget_s=5).guesses
    assert guess.evidence == 0
    guessed = watermark.Reading(guesses=reading.read_guesses(master, planes, [guess]))
    verdict = watermark.accuse(master, guessed, serials=range(1000))
    assert [a.serial for a in verdict.named] == [42]
    assert not guessed.readable
    assert guessed.confirmed().coverage == pytest.approx(guessed.guesses[0].coverage)


def test_an_unrelated_picture_names_nobody_and_is_not_recognised(master):
    stranger = np.asarray(skimage.data.rocket())[100:250, 300:500]
    found = watermark.read(master, stranger, budget_s=0.5)
    assert not found.readable
    verdict = watermark.accuse(master, found, serials=range(1000))
    assert verdict.named == []
    assert "could not be laid onto the original" in (verdict.reason or "")
