"""A part of a copy is shown as it is in the whole."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import pytest
import skimage.data

from watermark import encoding, preparing
from watermark.lattice import Lattice
from watermark.picture import Picture
from watermark.strength import square

KEY = bytes(range(32))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_square_is_what_the_whole_copy_shows_there(monkeypatch, subsampling):
    monkeypatch.setattr(preparing, "SEGMENT_SIDE", 512)
    rgb = cv2.resize(skimage.data.astronaut(), (813, 601), interpolation=cv2.INTER_CUBIC)
    picture = Picture(rgb, format="JPEG", subsampling=subsampling)
    design = preparing.replace(preparing.draft(picture), strength=1.0)
    assert design.run
    lattice = Lattice.build(KEY, design)
    rng = np.random.default_rng(1)
    amplitude = rng.normal(0, 1, lattice.count).astype(np.float32)
    mask = rng.uniform(0.5, 1.5, design.canonical_shape).astype(np.float16)
    delivered = partial(preparing.pass_jpeg, subsampling=subsampling)
    base = encoding.through_jpeg(picture).picture
    show = partial(preparing.show_rows, base, design, lattice, amplitude, delivered)
    whole = show(mask)
    for top, left in ((0, 0), (256, 0), (601 - 256, 256), (0, 813 - 256), (601 - 256, 813 - 256)):
        part = preparing.show_square(show, rgb.shape[:2], mask, top, left)
        assert part.shape == (256, 256, 3)
        assert np.array_equal(part, square(whole, top, left))
