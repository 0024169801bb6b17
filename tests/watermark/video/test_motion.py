"""The way of a point back to the key frame that it comes from."""

import numpy as np

from watermark.video import motion

SHAPE = (32, 48)
FIELDS = [("source", "i4"), ("w", "u1"), ("h", "u1"), ("dst_x", "i2"), ("dst_y", "i2"),
          ("motion_x", "i4"), ("motion_y", "i4"), ("motion_scale", "u2")]  # fmt: skip
KEY, FORWARD, BOTH = 1, 2, 3


def everywhere(right_px, down_px, source=motion.PAST):
    """Motion vectors, in quarters of a px, of a picture that comes from so far to the right of and below its place."""
    places = [(x, y) for y in range(8, SHAPE[0], 16) for x in range(8, SHAPE[1], 16)]
    rows = [(source, 16, 16, x, y, round(4 * right_px), round(4 * down_px), 4) for x, y in places]
    return np.array(rows, FIELDS)


def test_ways_add_up_from_picture_to_picture():
    ways = motion.Ways([KEY, FORWARD, FORWARD], [None, everywhere(1.25, 0), everywhere(1.25, -2)], SHAPE)
    assert np.allclose(ways.back(2), [2.5, -2])


def test_a_picture_between_two_follows_the_earlier_one():
    both = np.concatenate([everywhere(3, 0), everywhere(-5, 0, motion.FUTURE)])
    ways = motion.Ways([KEY, BOTH, FORWARD], [None, both, everywhere(8, 0)], SHAPE)
    assert np.allclose(ways.back(1), [3, 0])


def test_a_picture_that_refers_to_a_later_one_alone_goes_by_it():
    later = everywhere(-5, 0, motion.FUTURE)
    ways = motion.Ways([KEY, BOTH, FORWARD], [None, later, everywhere(8, 0)], SHAPE)
    assert np.allclose(ways.back(1), [3, 0])


def test_what_is_coded_without_reference_comes_from_nowhere_ever_after():
    new = everywhere(0, 0)[1:]
    ways = motion.Ways([KEY, FORWARD, FORWARD], [None, new, everywhere(0, 0)], SHAPE)
    assert np.isnan(ways.back(2)[:4, :4]).all()
    assert np.isfinite(ways.back(2)[:4, 4:]).all()


def test_labels_are_carried_on_any_raster():
    labels = np.arange(16, dtype=np.uint16)[:, None].repeat(24, 1)
    ways = motion.Ways([KEY, FORWARD], [None, everywhere(0, 8)[1:]], SHAPE)
    carried = motion.carried(labels, ways.back(1), SHAPE, 99)
    assert (carried[:8, :8] == 99).all()
    assert (carried[4, 8:] == 8).all()
