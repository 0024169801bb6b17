"""A fragment among strange pictures is laid by the blocks that agree."""

import cv2
import numpy as np
import pytest
import skimage.data

from watermark import registration
from watermark.registration import blocks
from watermark.registration.geometry import project, shift
from watermark.registration.warping import Leak

SIDE = 160
PLACES = [(60, 90), (200, 300), (20, 20)]


def luma_of(name):
    return cv2.cvtColor(np.asarray(getattr(skimage.data, name)()), cv2.COLOR_RGB2GRAY).astype(np.float32)


@pytest.fixture(scope="module")
def index():
    coffee = luma_of("coffee")
    return registration.Index.build(coffee, coffee)


def collage(top, left):
    """A window of the photograph among six others, compressed; and the map collage -> photograph."""
    canvas = np.full((900, 900), 255, np.float32)
    for cell, name in enumerate(
        ("astronaut", "chelsea", "rocket", "camera", "chelsea", "rocket", "camera", "astronaut")
    ):
        other = luma_of(name) if name != "camera" else skimage.data.camera().astype(np.float32)
        row, column = divmod(cell, 3)
        canvas[300 * row : 300 * row + 296, 300 * column : 300 * column + 296] = cv2.resize(
            other, (296, 296), interpolation=cv2.INTER_AREA
        )
    canvas[430 : 430 + SIDE, 510 : 510 + SIDE] = luma_of("coffee")[top : top + SIDE, left : left + SIDE]
    data = cv2.imencode(".jpg", canvas.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.float32), shift(left - 510, top - 430)


@pytest.mark.parametrize(("top", "left"), PLACES)
def test_a_small_fragment_of_a_collage_is_laid_to_a_tenth_of_a_pixel(index, top, left):
    leak, truth = collage(top, left)
    fit = registration.register(index, leak).fits[0]
    window = np.array([[510, 430], [510 + SIDE, 430], [510, 430 + SIDE], [510 + SIDE, 430 + SIDE]], float)
    assert np.hypot(*(project(window, fit.homography) - project(window, truth)).T).max() < 0.1


def test_blocks_agree_where_the_fragment_is_and_nowhere_else(index):
    leak, truth = collage(200, 300)
    found = blocks.agreeing(index, Leak.build(leak), truth)
    assert found.score >= blocks.ENOUGH
    assert found.share < blocks.WHOLE
    inside = np.zeros(found.area.shape, bool)
    inside[200 - 16 : 200 + SIDE + 16, 300 - 16 : 300 + SIDE + 16] = True
    assert found.area[inside].sum() > 0.95 * found.area.sum()


@pytest.mark.parametrize("step", [(40, 0), (-25, 60), (7, 7)])
def test_blocks_do_not_agree_at_the_wrong_place(index, step):
    leak, truth = collage(200, 300)
    assert blocks.agreeing(index, Leak.build(leak), shift(*step) @ truth).blocks < blocks.FEWEST


def test_a_fragment_that_starts_two_pixels_off_is_brought_home(index):
    leak, truth = collage(60, 90)
    homography, found = blocks.lay_fragment(index, Leak.build(leak), shift(1.2, -0.9) @ truth)
    assert np.abs(homography - truth)[:2, 2].max() < 0.5
    assert found.score > blocks.agreeing(index, Leak.build(leak), shift(1.2, -0.9) @ truth).score
