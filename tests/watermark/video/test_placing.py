"""Whether a leak shows the whole frame or a part of it is told by where the frame's corners lie."""

import numpy as np
import pytest

from watermark.registration.geometry import mirror, resize_matrix, shift
from watermark.video.placing import shows_all

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
