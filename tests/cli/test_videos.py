"""A clip goes out as one file per recipient and comes back as the copy it is; a run that was cut off goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Ran

pytest.importorskip("av")
sys.path.append(str(Path(__file__).parents[1] / "service" / "videos"))
from video_clips import encode, panned


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "trailer.mp4"
    path.write_bytes(encode(panned(48, 480, 320), crf="20"))
    return path


def test_a_clip_is_protected_and_traced(tmp_path: Path, film: Path, telltale: Callable[..., Ran]) -> None:
    people, out = tmp_path / "r.csv", tmp_path / "copies"
    people.write_text("alias\nPress 1\nPress 2\n")
    options = ("--recipients", people, "--out", out, "--data-dir", tmp_path / "data", "--json")
    first = telltale("protect", film, *options)
    assert first.status == 0, first.err
    names = sorted(path.name for path in out.iterdir())
    assert names == ["copy-0001-Press-1.mp4", "copy-0002-Press-2.mp4", "manifest.csv", "manifest.json"]
    assert first.json["asset"]["format"] == "MP4"
    sizes = [line["size_bytes"] for line in json.loads((out / "manifest.json").read_text())["copies"]]
    assert sizes == [(out / name).stat().st_size for name in names[:2]]

    (out / names[1]).unlink()
    again = telltale("protect", film, *options)
    assert (again.json["written"], again.json["kept"]) == (1, 1)

    traced = telltale("trace", out / names[1], "--data-dir", tmp_path / "data", "--json")
    assert (traced.json["kind"], traced.json["outcome"]) == ("video", "copy_named"), traced.json
    assert [named["serial"] for named in traced.json["named"]] == [2]
    assert 0 <= traced.json["from_s"] < traced.json["to_s"] <= 4


def test_a_text_file_named_mp4_is_refused(tmp_path: Path, telltale: Callable[..., Ran]) -> None:
    fake, people = tmp_path / "fake.mp4", tmp_path / "r.csv"
    fake.write_text("not a film\n")
    people.write_text("alias\nPress 1\n")
    ran = telltale("protect", fake, "--recipients", people, "--out", tmp_path / "o", "--data-dir", tmp_path / "data")
    assert ran.status == 1
    assert "Export it again as MP4" in ran.err or "export it again as MP4" in ran.err
