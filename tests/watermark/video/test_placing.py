"""Whether a leak shows the whole frame or a part of it is told by where the frame's corners lie."""

import numpy as np
import pytest

from watermark.registration.geometry import mirror, resize_matrix, shift
from watermark.video.placing import MARGIN_PX, STEP_PX, shown_part, shows_all

WORKING = (540, 960)


@pytest.mark.parametrize(
    ("leak", "top", "left", "shown"),
    [((720, 1280), 0, 0, (720, 1280)), ((720, 960), 90, 0, (540, 960)), ((900, 1600), 120, 200, (720, 1280))],
    ids=["as it is", "letterbox", "in a window"],
)
def test_a_frame_that_lies_within_the_leak_is_shown_whole(leak, top, left, shown):
    onto = resize_matrix(shown, WORKING) @ shift(-left, -top)
    assert shows_all(onto, leak, WORKING)
    assert shows_all(mirror(WORKING[1]) @ onto, leak, WORKING)


@pytest.mark.parametrize("share", [0.95, 0.6])
def test_a_crop_is_not(share):
    rows, columns = (np.array(WORKING) * share).astype(int).tolist()
    onto = shift((WORKING[1] - columns) / 2, (WORKING[0] - rows) / 2)
    assert not shows_all(onto, (rows, columns), WORKING)


def test_a_crop_is_looked_at_around_what_it_shows():
    rows, columns = shown_part(shift(400, 200), (120, 160), WORKING)
    assert rows.start <= 200 - MARGIN_PX < rows.start + STEP_PX
    assert rows.stop - STEP_PX < 320 + MARGIN_PX <= rows.stop
    assert columns.start <= 400 - MARGIN_PX < columns.start + STEP_PX
    assert columns.stop - STEP_PX < 560 + MARGIN_PX <= columns.stop


@pytest.mark.parametrize(
    "onto",
    [resize_matrix((720, 1280), WORKING), np.array([[1, 0, 0], [0, 1, 0], [-1 / 640, 0, 1.0]]), shift(5000, 0)],
    ids=["a whole frame", "the horizon crosses the leak", "it lies beyond the border"],
)
def test_the_whole_frame_is_looked_at_where_nothing_bounds_what_is_shown(onto):
    assert shown_part(onto, (720, 1280), WORKING) == (slice(0, WORKING[0]), slice(0, WORKING[1]))
