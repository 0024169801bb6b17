"""The shape every benchmark shares: options in, a table on the screen and a JSON file out.

A benchmark module offers `main(argv)`, made of three lines around `run`; `benchmarks/__main__.py` lists the modules.
The JSON is `{"benchmark": NAME, "rows": [{"name", "value", "unit", "target", "ok", "trials"}]}`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure.

    Attributes
    ----------
    name, unit : str
    value : float or None
        None where nothing could be measured.
    target : str
        What was promised, as "≥ 95"; empty where nothing is.
    ok : bool or None
        Whether the promise is kept; None without one.
    trials : int
        How many measurements the value sums up.
    """

    name: str
    value: float | None
    unit: str
    target: str
    ok: bool | None
    trials: int


@dataclass(slots=True)
class Report:
    """The rows of one benchmark, and notes for people that the JSON leaves out."""

    benchmark: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float | None,
        unit: str = "",
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        trials: int = 1,
    ) -> None:
        """Append a figure, with a promise if there is one; a promised figure that could not be measured is broken."""
        promises, kept = [], []
        if at_least is not None:
            promises.append(f"≥ {at_least:g}")
            kept.append(value is not None and value >= at_least)
        if at_most is not None:
            promises.append(f"≤ {at_most:g}")
            kept.append(value is not None and value <= at_most)
        self.rows.append(Row(name, value, unit, " and ".join(promises), all(kept) if kept else None, trials))

    @property
    def ok(self) -> bool:
        """Whether every promise is kept."""
        return all(row.ok is not False for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {"benchmark": self.benchmark, "rows": [asdict(row) for row in self.rows]}

    def save(self, file: Path | None) -> None:
        """Write what was measured so far, if there is a file for it."""
        if file is not None:
            file.write_text(json.dumps(self.as_json(), indent=1) + "\n")

    def show(self, console: Console) -> None:
        """Print the table and the notes."""
        table = Table(title=self.benchmark, title_justify="left")
        for heading in ("figure", "value", "unit", "target", "kept", "trials"):
            table.add_column(heading, justify="right" if heading in {"value", "trials"} else "left")
        for row in self.rows:
            kept = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[row.ok]
            value = "–" if row.value is None else f"{row.value:,.4g}" if abs(row.value) < 1e4 else f"{row.value:,.0f}"
            table.add_row(row.name, value, row.unit, row.target, kept, str(row.trials))
        console.print(table)
        for note in self.notes:
            console.print(note, markup=False, highlight=False)


def wilson(hits: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a share, by default at 95 % (Wilson 1927, doi:10.2307/2276774).

    >>> [round(bound, 3) for bound in wilson(9, 10)]
    [0.596, 0.982]
    """
    if trials == 0:
        return 0.0, 1.0
    share, extra = hits / trials, z * z / trials
    middle = (share + extra / 2) / (1 + extra)
    reach = z / (1 + extra) * (share * (1 - share) / trials + extra / (4 * trials)) ** 0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)


Measure = Callable[[argparse.Namespace, Report], None]


def run(
    benchmark: str,
    measure: Measure,
    argv: Sequence[str] | None = None,
    options: Callable[[argparse.ArgumentParser], None] | None = None,
    description: str | None = None,
) -> int:
    """Parse the options, measure, print, write; returns the process's exit code, 1 when a promise is broken."""
    parser = argparse.ArgumentParser(f"python -m benchmarks.{benchmark}", description=description)
    parser.add_argument("--quick", action="store_true", help="fewer trials: a minute or two instead of hours")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    if options is not None:
        options(parser)
    chosen = parser.parse_args(argv)
    report = Report(benchmark)
    measure(chosen, report)
    report.show(Console())
    report.save(chosen.json)
    return 0 if report.ok else 1
