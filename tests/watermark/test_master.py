"""What a master keeps of its original is kept exactly, and takes less room where that costs no time."""

import numpy as np
import pytest
import skimage.data

from watermark.errors import CorruptMaster
from watermark.master import pack, unpack

PHOTOGRAPH = np.asarray(skimage.data.coffee())
DRAWING = np.repeat(np.arange(0, 240, 60, dtype=np.uint8), 100)[:, None, None] * np.ones((1, 500, 3), np.uint8)


@pytest.mark.parametrize(
    "samples",
    [PHOTOGRAPH, PHOTOGRAPH[::-1], PHOTOGRAPH[..., 0].copy(), PHOTOGRAPH.astype(np.uint16) * 257 + 3, DRAWING],
    ids=["photograph", "upside down", "grey", "16 bits", "drawing"],
)
def test_samples_come_back_as_they_were(samples):
    back = unpack(pack(samples))
    assert back.dtype == samples.dtype
    assert np.array_equal(back, samples)


def test_a_drawing_takes_little_room_and_a_photograph_what_it_has():
    assert len(pack(DRAWING)) < DRAWING.nbytes / 20
    assert len(pack(PHOTOGRAPH)) < 1.01 * PHOTOGRAPH.nbytes


@pytest.mark.parametrize("samples", [PHOTOGRAPH, DRAWING], ids=["photograph", "drawing"])
@pytest.mark.parametrize("left", [4, 40, 200])
def test_damaged_samples_are_told(samples, left):
    with pytest.raises(CorruptMaster):
        unpack(pack(samples)[:left])
