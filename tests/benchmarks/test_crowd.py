"""The crowd that the look-up's benchmark asks: strangers by number, kept between runs, and apart on either side."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import crowd, strangers
from benchmarks.crowd import Crowd, Folder, fill
from benchmarks.photographs import from_wheel, paths_in
from watermark import landmarks

PHOTOS = [from_wheel()[name] for name in ("coffee", "rocket")]


def test_a_strangers_number_tells_which_picture_it_is() -> None:
    for number in range(2 * len(PHOTOS) + 10):
        one, again = (strangers.stranger(number, PHOTOS, 3) for _ in range(2))
        assert np.array_equal(one, again)
    assert strangers.stranger(0, PHOTOS, 3) is PHOTOS[0]
    assert strangers.stranger(2, PHOTOS, 3) is PHOTOS[1]


def test_halves_by_name_keep_neighbours_together(tmp_path: Path) -> None:
    for name in ("film_1", "film_2", "other_1", "other_2"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    first, second = Folder(paths_in(tmp_path)).halves()
    assert [path.stem for path in first.paths] == ["film_1", "film_2"]
    assert [path.stem for path in second.paths] == ["other_1", "other_2"]
    assert second[0].shape == (8, 8, 3)


def test_a_crowd_is_described_once_and_its_members_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Crowd()
    fill(made, PHOTOS, 6, 3)
    assert len(made.tier_2) == 6
    monkeypatch.setattr(crowd.landmarks, "describe", lambda _: pytest.fail("described again"), raising=True)
    monkeypatch.setattr(crowd, "_kept_in", lambda *_: next(tmp_path.rglob("*.npz")))
    read = Crowd()
    fill(read, PHOTOS, 6, 3)
    assert read.close == made.close
    assert read.pdq.keys() == made.pdq.keys()
    found = read.search(landmarks.query(strangers.stranger(0, PHOTOS, crowd.INDEX_SEED)))
    assert found[0].asset_id == "stranger 0"  # stranger 1 is made of the same photographs
    assert read.details("stranger 3") is not None
