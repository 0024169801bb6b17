"""What a JPEG's pixels tell of its quantisation."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

from watermark import steps
from watermark.preparing import luma_and_cb


def saved(quality):
    buffer = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as picture:
        table = np.array(picture.quantization[0]).reshape(8, 8)
        return luma_and_cb(np.asarray(picture))[0], table


@pytest.mark.parametrize("quality", [4, 8, 15, 30, 50, 75])
def test_the_steps_of_a_jpeg_are_read_exactly_off_its_pixels(quality):
    luma, table = saved(quality)
    found = steps.find(luma)
    assert (found.top, found.left) == (0, 0)
    assert np.array_equal(found.steps, table)


@pytest.mark.parametrize(("top", "left"), [(3, 5), (0, 1), (7, 0)])
def test_the_grid_of_a_cropped_screenshot_is_found(top, left):
    luma, table = saved(20)
    found = steps.find(luma[top:, left:])
    assert (found.top, found.left) == (-top % 8, -left % 8)
    assert np.array_equal(found.steps, table)


def test_a_table_of_its_own_making_is_estimated_where_it_is_used():
    luma, _ = saved(90)
    table = np.full((8, 8), 40)
    table[:2, :2] = [[24, 52], [31, 45]]
    levels = np.rint((steps.whole_blocks(luma) - steps.MID_GREY) @ steps.BASES / table.ravel())
    decoded = (levels * table.ravel()) @ steps.BASES.T + steps.MID_GREY
    rows, columns = luma.shape[0] // 8, luma.shape[1] // 8
    found = steps.find(decoded.reshape(rows, columns, 8, 8).swapaxes(1, 2).reshape(luma.shape).astype(np.float32))
    known = found.steps > 0
    assert known.sum() >= 10
    assert np.array_equal(found.steps[known], table[known])


def test_a_picture_that_was_resampled_since_shows_no_steps():
    luma, _ = saved(20)
    small = np.asarray(Image.fromarray(luma).resize((400, 400), Image.Resampling.BILINEAR))
    assert steps.find(small) is None


def test_noise_and_blank_pictures_show_no_steps():
    rng = np.random.default_rng(1)
    assert steps.find(rng.normal(128, 40, (256, 256)).astype(np.float32)) is None
    assert steps.find(np.full((256, 256), 90, np.float32)) is None
    assert steps.find(np.zeros((8, 300), np.float32)) is None
