"""What is judged is the delivered file, tile by tile, and a promise is made only where the reference model runs."""

from __future__ import annotations

import numpy as np

from benchmarks import contact_sheet, testcards
from benchmarks.report import Report
from benchmarks.visibility import Figures, deliver, judge, own_judge, summarise


def test_tiles_cover_a_picture_of_any_size() -> None:
    for shape in ((100, 90), (256, 256), (300, 700), (513, 257)):
        seen = np.zeros(shape, bool)
        for tile in contact_sheet.tiles(shape):
            assert seen[tile].shape == (min(256, shape[0]), min(256, shape[1]))
            seen[tile] = True
        assert seen.all()


def test_the_worst_tile_is_where_the_damage_is() -> None:
    original = testcards.sky()
    copy = original.copy()
    copy[300:340, 700:740] = np.minimum(copy[300:340, 700:740].astype(int) + 30, 255).astype(np.uint8)
    figures, tiles = judge(original, copy, vdp=None)
    rows, columns = tiles[0]
    assert rows.start < 340
    assert rows.stop > 300
    assert columns.start < 740
    assert columns.stop > 700
    assert figures.own_tile < figures.own < 10
    assert own_judge(original, original) == 10


def test_original_and_copy_pass_through_the_same_codec() -> None:
    original, copy = deliver(testcards.page(), "page")
    assert original.shape == copy.shape == testcards.page().shape
    assert not np.array_equal(original, copy)
    assert np.abs(original.astype(int) - copy).mean() < 2


def test_without_the_reference_nothing_is_promised() -> None:
    report = Report("visibility")
    summarise({"flat": [Figures(50.0, 0.99, 9.8, 9.7, None, None)]}, report)
    assert all(row.ok is None for row in report.rows)
    report = Report("visibility")
    summarise({"flat": [Figures(50.0, 0.99, 9.8, 9.7, 9.9, 9.86)]}, report)
    kept = {row.name: row.ok for row in report.rows}
    assert kept["flat: ColorVideoVDP, least"] is False
    assert kept["flat: ColorVideoVDP of the worst tile"] is True


def test_the_sheet_raises_contrast_about_the_original() -> None:
    original = np.full((256, 256, 3), 200, np.uint8)
    row = contact_sheet.strip("grey", original, original + np.uint8(2))
    body = row[contact_sheet.LABEL_PX :]
    assert (body[:, :256] == 128).all()
    assert (body[:, 264:520] == 136).all()
    assert (body[:, 528:784] == 160).all()
    assert contact_sheet.stack([row] * 3).shape == (2 * row.shape[0], 2 * row.shape[1], 3)
