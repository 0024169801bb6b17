"""A collusion counts as traced only when a colluder is named and nobody else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.collusion import Task, Trial, collude, summarise
from benchmarks.photographs import wheel_paths
from benchmarks.report import Report

TASK = Task(Path("a.png"), 0.4, 3, ("avg",), 100, 100, 1)


def kept(*trials: Trial) -> dict[str, bool | None]:
    report = Report("collusion")
    summarise(trials, report)
    return {row.name: row.ok for row in report.rows}


def test_an_innocent_named_breaks_both_promises() -> None:
    found = kept(Trial(TASK, "avg", 3, 1, -20.0, True))
    assert found["innocents named"] is False
    assert found["traced: 3 at 0.4 MP"] is False


def test_more_colluders_than_promised_are_measured_and_not_promised() -> None:
    found = kept(Trial(replace(TASK, colluders=20), "min", 0, 0, -3.0, False))
    assert found["traced: 20 at 0.4 MP"] is None
    assert "traced: average of 20 at 0.4 MP" not in found


def test_the_average_of_twenty_is_promised() -> None:
    found = kept(Trial(replace(TASK, colluders=20), "avg", 0, 0, -3.0, False))
    assert found["traced: average of 20 at 0.4 MP"] is False


def test_two_who_take_the_minimum_of_their_copies_are_traced() -> None:
    (trial,) = collude(Task(wheel_paths()["coffee"], 0.2, 2, ("min",), 1_000_000, 500, 3))
    assert trial.traced
    assert trial.mixture == (trial.colluders == 2)
