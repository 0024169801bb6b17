"""A picture goes out as one file per recipient, and a found one comes back as the copy it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import jpeg
from PIL import Image

from cli.conftest import Protected, Ran


def test_every_recipient_gets_a_file_named_by_copy_and_alias(protected: Protected) -> None:
    names = sorted(path.name for path in protected.copies.iterdir())
    assert names == [
        "copy-0001-Press-1.jpg",
        "copy-0002-Éditeur-2.jpg",
        "copy-0003-Print-shop-3.jpg",
        "manifest.csv",
        "manifest.json",
    ]
    pixels = {(protected.copies / name).read_bytes() for name in names[:3]}
    assert len(pixels) == 3
    assert protected.picture.read_bytes() not in pixels


def test_the_manifest_says_which_file_is_whose(protected: Protected) -> None:
    manifest = json.loads((protected.copies / "manifest.json").read_text())
    assert manifest["asset"]["title"] == "Look 3"
    assert [(line["name"], line["alias"]) for line in manifest["copies"]] == [
        ("copy 0001", "Press 1"),
        ("copy 0002", "=Éditeur/2"),
        ("copy 0003", "Print shop 3"),
    ]
    for line in manifest["copies"]:
        assert (protected.copies / line["file"]).stat().st_size == line["size_bytes"]
    rows = list(csv.DictReader((protected.copies / "manifest.csv").open(newline="")))
    assert rows[1]["alias"] == "'=Éditeur/2", "a spreadsheet must not run an alias"
    assert "desk@example.org" not in (protected.copies / "manifest.csv").read_text()


def test_protecting_again_changes_nothing(protected: Protected, telltale: Callable[..., Ran]) -> None:
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in protected.copies.glob("*.jpg")}
    again = telltale(
        *("protect", protected.picture, "--recipients", protected.recipients, "--out", protected.copies),
        *("--data-dir", protected.data, "--json"),
    )
    assert again.status == 0
    assert (again.json["copies"], again.json["written"], again.json["kept"]) == (3, 0, 3)
    assert {
        path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in protected.copies.glob("*.jpg")
    } == before


def test_a_missing_copy_is_made_again_and_is_the_same(
    protected: Protected, telltale: Callable[..., Ran], tmp_path: Path
) -> None:
    arguments = ("--recipients", protected.recipients, "--out", tmp_path / "o", "--data-dir", protected.data, "--json")
    first = telltale("protect", protected.picture, *arguments).json
    assert [line["sha256"] for line in first["files"]] == [
        line["sha256"] for line in json.loads((protected.copies / "manifest.json").read_text())["copies"]
    ]
    (tmp_path / "o" / first["files"][0]["file"]).unlink()
    second = telltale("protect", protected.picture, *arguments).json
    assert (second["written"], second["kept"]) == (1, 2)
    assert second["files"] == first["files"]


def test_nothing_is_overwritten_without_force(
    protected: Protected, telltale: Callable[..., Ran], tmp_path: Path
) -> None:
    out = tmp_path / "o"
    out.mkdir()
    (out / "copy-0001-Press-1.jpg").write_text("mine")
    arguments = ("--recipients", protected.recipients, "--out", out, "--data-dir", protected.data)
    refused = telltale("protect", protected.picture, *arguments)
    assert (refused.status, (out / "copy-0001-Press-1.jpg").read_text()) == (2, "mine")
    assert "--force" in refused.err
    assert telltale("protect", protected.picture, *arguments, "--force").status == 0
    assert (out / "copy-0001-Press-1.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_a_cropped_and_recompressed_file_is_traced_to_its_copy(
    protected: Protected, telltale: Callable[..., Ran], tmp_path: Path
) -> None:
    copy = np.asarray(Image.open(protected.copies / "copy-0002-Éditeur-2.jpg"))
    leak = tmp_path / "leak.jpg"
    leak.write_bytes(jpeg(np.ascontiguousarray(copy[20:300, 30:310]), quality=75))
    answer = telltale("trace", leak, "--data-dir", protected.data, "--json")
    assert answer.status == 0
    assert (answer.json["outcome"], answer.json["ours"], answer.json["brand"]["name"]) == (
        "copy_named",
        True,
        "My brand",
    )
    (named,) = answer.json["named"]
    assert (named["name"], named["issued_to"]) == ("copy 0002", "=Éditeur/2")
    assert named["log10_false_accusation"] < -9
    told = telltale("trace", leak, "--data-dir", protected.data)
    assert "The picture shows copy 0002, issued to =Éditeur/2." in told.out
    assert "False-accusation probability: at most" in told.out
    assert "does not say who published it" in told.out


def test_a_strangers_picture_is_an_answer_too(
    protected: Protected, telltale: Callable[..., Ran], tmp_path: Path
) -> None:
    from skimage import data

    stranger = tmp_path / "cat.jpg"
    stranger.write_bytes(jpeg(np.asarray(data.chelsea())))
    told = telltale("trace", stranger, "--data-dir", protected.data)
    assert (told.status, told.out.splitlines()[0]) == (0, "Not ours.")


def test_below_the_gate_no_copy_is_mentioned(
    protected: Protected, telltale: Callable[..., Ran], tmp_path: Path
) -> None:
    picture = Image.open(io.BytesIO(protected.picture.read_bytes()))
    small = tmp_path / "small.jpg"
    picture.resize((64, 64)).save(small, quality=25)
    answer = telltale("trace", small, "--data-dir", protected.data, "--json")
    assert (answer.status, answer.json["outcome"], answer.json["named"]) == (0, "inconclusive", [])
    assert answer.json["reason"]
    assert "serial" not in answer.out


def test_where_there_are_several_brands_the_look_up_decides(
    telltale: Callable[..., Ran], tmp_path: Path, astronaut: np.ndarray
) -> None:
    from skimage import data

    pictures = {
        "First": jpeg(np.ascontiguousarray(astronaut[:256, 128:384])),
        "Second": jpeg(np.asarray(data.coffee())),
    }
    (tmp_path / "r.csv").write_text("alias\nPress 1\n")
    for brand, encoded in pictures.items():
        assert telltale("brand", "create", brand, "--data-dir", tmp_path / "d").status == 0
        (tmp_path / f"{brand}.jpg").write_bytes(encoded)
        arguments = ("--recipients", tmp_path / "r.csv", "--out", tmp_path / brand, "--data-dir", tmp_path / "d")
        assert telltale("protect", tmp_path / f"{brand}.jpg", *arguments, "--brand", brand).status == 0
    unsure = telltale("protect", tmp_path / "First.jpg", *arguments)
    assert (unsure.status, "--brand" in unsure.err) == (2, True)
    answer = telltale("trace", tmp_path / "Second" / "copy-0001-Press-1.jpg", "--data-dir", tmp_path / "d", "--json")
    assert (answer.json["brand"]["name"], answer.json["outcome"]) == ("Second", "copy_named")


def test_copies_keep_the_originals_format(telltale: Callable[..., Ran], tmp_path: Path, astronaut: np.ndarray) -> None:
    Image.fromarray(np.ascontiguousarray(astronaut[:200, 150:350])).save(tmp_path / "look.tif")
    (tmp_path / "r.csv").write_text("alias\nPress 1\n")
    arguments = ("--recipients", tmp_path / "r.csv", "--out", tmp_path / "o", "--data-dir", tmp_path / "d", "--json")
    assert telltale("protect", tmp_path / "look.tif", *arguments).json["files"][0]["file"] == "copy-0001-Press-1.tif"
    assert Image.open(tmp_path / "o" / "copy-0001-Press-1.tif").format == "TIFF"


@pytest.mark.parametrize("command", ["protect", "trace"])
def test_what_is_not_a_picture_is_refused_in_one_line(
    protected: Protected, telltale: Callable[..., Ran], tmp_path: Path, command: str
) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    more = ("--recipients", protected.recipients, "--out", tmp_path / "o") if command == "protect" else ()
    refused = telltale(command, tmp_path / "a.jpg", *more, "--data-dir", protected.data)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith("Error: This file is not a picture that can be opened.\nHint:  ")


def test_a_picture_that_carries_too_little_is_not_protected(
    protected: Protected, telltale: Callable[..., Ran], tmp_path: Path
) -> None:
    blank = tmp_path / "blank.jpg"
    blank.write_bytes(jpeg(np.full((96, 128, 3), 128, np.uint8)))
    arguments = ("--recipients", protected.recipients, "--out", tmp_path / "o", "--data-dir", tmp_path / "data")
    refused = telltale("protect", blank, *arguments)
    assert refused.status != 0
    assert "could not be told apart" in refused.err
    assert "release it knowingly in the console" in refused.err
    assert not (tmp_path / "o").exists()
