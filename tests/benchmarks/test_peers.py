"""Peers are judged by the id that comes back, and one that cannot be installed is listed, not skipped."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import peer_runner, peers
from benchmarks.photographs import Rgb, from_wheel
from benchmarks.report import Report

PHOTOS = [from_wheel()["coffee"], from_wheel()["rocket"]]


class Parrot(peers.Peer):
    """Marks by drawing nothing, and always answers with the first id it was given."""

    def __init__(self) -> None:
        self.first: int | None = None

    def mark(self, pictures: Sequence[Rgb], ids: Sequence[int]) -> list[Rgb | None]:
        self.first = ids[0]
        return list(pictures)

    def read(self, pictures: Sequence[Rgb], _: Sequence[int]) -> list[int | None]:
        return [self.first] * len(pictures)


def test_an_id_is_right_for_one_copy_and_wrong_for_all_others() -> None:
    score = peers.compare(Parrot(), PHOTOS, ["identity", "flip_h"], seed=1)
    assert (score.right, score.wrong, score.trials) == (2, 2, 4)
    assert (score.false, score.unmarked) == (6, 6)


def test_a_peer_that_marks_nothing_scores_nothing() -> None:
    class Refuser(Parrot):
        def mark(self, pictures: Sequence[Rgb], ids: Sequence[int]) -> list[Rgb | None]:
            return [None] * len(pictures)

    score = peers.compare(Refuser(), PHOTOS, ["identity"], seed=1)
    assert (score.right, score.trials, score.psnr_db) == (0, 2, None)


def test_a_peer_that_cannot_be_installed_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peers, "install", lambda name, venv: "no such distribution")
    monkeypatch.setattr(peers, "CORE", ["identity"])
    monkeypatch.setattr(peers, "compare", lambda *_: peers.Score(1, 0, 1, 0, 3, 45.0))
    report = Report("peers")
    chosen = argparse.Namespace(
        images=None, pictures=1, megapixels=0.4, peers=["clawid"], venv=tmp_path, quick=True, seed=1
    )
    peers.measure(chosen, report)
    assert next((row.name, row.value) for row in report.rows) == ("named: clawid", None)
    assert any("no such distribution" in note for note in report.notes)
    assert report.ok


def test_ids_survive_their_bits() -> None:
    for number in (0, 1, 0x80000001, 0xFFFFFFFF, 271828182):
        assert peer_runner.number_of(peer_runner.bits_of(number)) == number


def test_every_peer_has_a_package_and_a_runner() -> None:
    assert set(peers.PACKAGES) == set(peer_runner.PEERS)
