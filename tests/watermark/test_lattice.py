"""How wide cells are."""

from __future__ import annotations

import pytest

from watermark.lattice import FEW_CELLS, Design, Lattice

KEY = bytes(range(32))


def design(height, width):
    return Design(height, width, strength=1.0, chroma_share=0.5, run=0)


@pytest.mark.parametrize(
    ("shape", "pitch"), [((128, 128), 6), ((340, 340), 6.9), ((372, 580), 8), ((512, 768), 8), ((3464, 3464), 8)]
)
def test_cells_are_narrower_in_small_pictures_alone(shape, pitch):
    assert design(*shape).pitch == pytest.approx(pitch, abs=0.05)


def test_a_small_picture_has_about_as_many_cells_as_one_should():
    assert Lattice.build(KEY, design(340, 340)).count == pytest.approx(FEW_CELLS, rel=0.2)


def test_cells_of_jpeg_segments_are_as_wide_on_the_canonical_raster():
    assert design(3072, 4096).pitch_px == pytest.approx(32)
