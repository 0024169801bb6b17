"""The demo's pure parts: what it shows, what it breaks, and how it judges."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.conftest import Ran
from service.demo import damage, hashing, page, run
from service.demo.answers import COPY_NAMED, INCONCLUSIVE, NOT_OURS, Answer, judge_lookup, judge_sighting
from service.demo.photographs import LAUNCH, PORTRAIT, STRANGER, TEASERS, pixels
from service.demo.recipients import recipients_csv
from service.demo.scenario import CROPPED, DAMAGED, LEAKED, Told
from service.recipients.csv_file import parse

NAMED = {"copy_id": "cpy_1", "name": "copy 0117", "issued_to": "Press 1", "log10_false_accusation": -31.0}


def sighting(outcome: str, *named: dict[str, Any], reason: str | None = "too little") -> dict[str, Any]:
    return {"id": "sgt_1", "state": "done", "outcome": outcome, "named": list(named), "reason": reason}


def test_the_list_has_two_hundred_different_recipients() -> None:
    rows = parse(recipients_csv())
    assert len({row.alias.casefold() for row in rows}) == len(rows) == 200 >= max(LEAKED, CROPPED, DAMAGED)
    assert len(list(csv.DictReader(io.StringIO(recipients_csv().decode())))) == 200


@pytest.mark.parametrize("photograph", [PORTRAIT, LAUNCH, STRANGER, *TEASERS], ids=lambda p: p.name)
def test_the_photographs_are_real_and_in_colour(photograph: Any) -> None:
    rgb = photograph.rgb
    assert (rgb.dtype, rgb.shape[2]) == (np.uint8, 3)
    assert rgb.std() > 15
    assert "CC0" in photograph.credit or "public domain" in photograph.credit


@pytest.mark.parametrize("photograph", [PORTRAIT, LAUNCH], ids=lambda p: p.name)
def test_the_page_shows_the_picture_where_it_says(photograph: Any) -> None:
    picture = damage.cropped(photograph.rgb, damage.TRIM)
    shot, box = page.screenshot(picture, [teaser.rgb for teaser in TEASERS])
    assert shot.shape == (page.HEIGHT, page.WIDTH, 3)
    shown = box.of(shot)
    assert shown.shape[:2] == (box.height, box.width)
    assert box.width / box.height == pytest.approx(picture.shape[1] / picture.shape[0], rel=0.01)
    assert abs(float(shown.mean()) - float(picture.mean())) < 3
    around = shot.copy()
    around[box.top : box.top + box.height, box.left : box.left + box.width] = 255
    assert (around < 100).mean() > 0.02, "there are letters and other pictures around it"


def test_a_crop_keeps_about_two_thirds() -> None:
    whole, part = PORTRAIT.rgb, damage.cropped(PORTRAIT.rgb, damage.CROP)
    assert 0.6 < part.size / whole.size < 0.7


def test_the_thumbnail_is_still_recognisable_by_its_hash() -> None:
    tiny = pixels(damage.too_damaged(LAUNCH.rgb))
    assert max(tiny.shape) == damage.TINY_PX
    a, b = (bytes.fromhex(str(hashing.query(rgb)["pdq"])) for rgb in (LAUNCH.rgb, tiny))
    assert (int.from_bytes(a) ^ int.from_bytes(b)).bit_count() <= 31


def test_a_hash_is_what_the_api_asks_for() -> None:
    asked = hashing.query(PORTRAIT.rgb)
    assert len(bytes.fromhex(str(asked["pdq"]))) == 32
    assert asked["quality"] == 100


def test_the_right_copy_far_past_the_gate_is_right() -> None:
    answer = judge_sighting("leak", sighting("copy_named", NAMED), expected=COPY_NAMED, copy_id="cpy_1")
    assert answer.ok
    assert answer.detail["named"][0]["name"] == "copy 0117"
    assert judge_sighting("x", sighting("not_ours"), expected=NOT_OURS).ok
    assert judge_sighting("x", sighting("inconclusive"), expected=INCONCLUSIVE).ok


@pytest.mark.parametrize(
    ("got", "expected", "why"),
    [
        (sighting("copy_named", {**NAMED, "copy_id": "cpy_2"}), COPY_NAMED, "Named: copy 0117."),
        (sighting("copy_named", NAMED, {**NAMED, "copy_id": "cpy_2"}), COPY_NAMED, "Named: "),
        (sighting("copy_named", {**NAMED, "log10_false_accusation": -8.0}), COPY_NAMED, "above the gate"),
        (sighting("copy_named"), COPY_NAMED, "nobody"),
        (sighting("inconclusive"), COPY_NAMED, "“inconclusive”"),
        ({"state": "failed", "problem": "crashed"}, COPY_NAMED, "“failed”"),
        (sighting("copy_named", NAMED), INCONCLUSIVE, "nobody should have been"),
        (sighting("copy_named", NAMED), NOT_OURS, "nobody should have been"),
        (sighting("inconclusive", NAMED), INCONCLUSIVE, "nobody should have been"),
        (sighting("inconclusive", reason=None), INCONCLUSIVE, "No reason"),
        (sighting("not_ours"), INCONCLUSIVE, "“not_ours”"),
        (sighting("inconclusive"), NOT_OURS, "“inconclusive”"),
    ],
)
def test_anything_else_is_wrong(got: dict[str, Any], expected: str, why: str) -> None:
    answer = judge_sighting("leak", got, expected=expected, copy_id="cpy_1")
    assert not answer.ok
    assert why in (answer.wrong or "")


def test_a_look_up_must_find_the_very_asset() -> None:
    assert judge_lookup("hash", {"result": "ours", "asset_id": "ast_1"}, asset_id="ast_1").ok
    assert not judge_lookup("hash", {"result": "ours", "asset_id": "ast_2"}, asset_id="ast_1").ok
    assert not judge_lookup("hash", {"result": "candidate"}, asset_id="ast_1").ok


@pytest.mark.parametrize(("wrong", "status"), [(None, 0), ("copy 0003 was named, and nobody should have been.", 1)])
def test_a_wrong_answer_is_exit_status_1(
    telltale: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str | None, status: int
) -> None:
    played(monkeypatch, wrong)
    ran = telltale("demo", "--once", "--json-file", tmp_path / "sub" / "answers.json", "--data-dir", tmp_path / "demo")
    assert ran.status == status
    written = json.loads((tmp_path / "sub" / "answers.json").read_text())
    assert written["ok"] is (status == 0)
    assert [answer["ok"] for answer in written["answers"]] == [True, status == 0]
    assert ("Wrong: " in ran.out) is (status == 1)


def test_the_report_is_json_on_stdout_when_asked(
    telltale: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played(monkeypatch, None)
    ran = telltale("demo", "--once", "--json", "--data-dir", tmp_path / "demo")
    assert ran.json["ok"] is True
    assert "Were the answers right?" in ran.err


def test_the_demo_never_uses_a_directory_that_holds_something(telltale: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    ran = telltale("demo", "--once", "--data-dir", tmp_path)
    assert (ran.status, [path.name for path in tmp_path.iterdir()]) == (1, ["kept"])


def played(monkeypatch: pytest.MonkeyPatch, wrong: str | None) -> None:
    """Replace the service and the play, and keep the judging of the whole."""
    named = judge_sighting("leak", sighting("copy_named", NAMED), expected=COPY_NAMED, copy_id="cpy_1")
    answers = [named, Answer("stranger", NOT_OURS, NOT_OURS if wrong is None else COPY_NAMED, wrong)]

    class Idle:
        url = "http://127.0.0.1:1"

        def wait_until_ready(self) -> None:
            """Ready at once."""

    @contextmanager
    def serving(directory: Path, *, port: int | None) -> Any:
        directory.mkdir()
        (directory / "operator.token").write_text("tto_x")
        yield Idle()

    monkeypatch.setattr(run, "serving", serving)
    monkeypatch.setattr(run, "play", lambda *_: Told("brd_1", answers, [], [], 20.0))
