"""Benchmarks report in one shape."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.report import Report, run, wilson
from benchmarks.robustness import Outcome, Task, Trial, summarise


def test_a_broken_promise_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out.json"
    code = run("demo", lambda _, report: report.add("share", 90.0, "%", at_least=95, trials=10), ["--json", str(file)])
    assert code == 1
    assert json.loads(file.read_text()) == {
        "benchmark": "demo",
        "rows": [{"name": "share", "value": 90.0, "unit": "%", "target": "≥ 95", "ok": False, "trials": 10}],
    }
    assert "share" in capsys.readouterr().out


def test_what_could_not_be_measured_does_not_count_as_kept() -> None:
    report = Report("demo")
    report.add("share", None, "%", at_least=95)
    report.add("seconds", 3.0, "s")
    assert [row.ok for row in report.rows] == [False, None]
    assert not report.ok


def test_the_interval_of_a_full_house_does_not_reach_certainty() -> None:
    low, high = wilson(50, 50)
    assert 0.9 < low < 1
    assert high == pytest.approx(1)


def test_an_error_and_a_wrong_name_break_the_promise() -> None:
    def trial(outcome: Outcome) -> Trial:
        return Trial(Task(Path("a.png"), "crop_10", False, 100, 100, 1.0, 1), outcome, psnr_db=46.0)

    report = Report("robustness")
    summarise([trial(Outcome.RIGHT)] * 98 + [trial(Outcome.OTHER), trial(Outcome.ERROR)], report)
    kept = {row.name: row.ok for row in report.rows}
    assert kept["named"]
    assert not kept["others named"]
    assert not kept["errors"]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_listed_benchmark_says_what_it_may_be_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        import_module(f"benchmarks.{name}").main(["--help"])
    assert ended.value.code == 0
    assert "--quick" in capsys.readouterr().out
