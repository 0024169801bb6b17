"""Steps: each with a bar while it runs, one line when it is done, and its time kept for the table at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@dataclass
class Step:
    """A step and how long it took; ``note`` is said beside its time."""

    name: str
    seconds: float = 0.0
    note: str = ""


class Bar:
    """The bar of the step that runs."""

    def __init__(self, progress: Progress, total: float) -> None:
        self._progress, self.total = progress, total
        self._task = progress.add_task("", total=total)

    def at(self, value: float) -> None:
        """Show how far it is."""
        self._progress.update(self._task, completed=value)

    def advance(self) -> None:
        """One more is done."""
        self._progress.advance(self._task)


class Steps:
    """All steps of a run, in order."""

    def __init__(self, screen: Console) -> None:
        self.screen, self.done = screen, list[Step]()

    @contextmanager
    def step(self, name: str, *, total: float = 1.0) -> Iterator[tuple[Step, Bar]]:
        """Run a step; a total above 1 is counted."""
        count = (MofNCompleteColumn(),) if total > 1 else ()
        columns = (TextColumn(f"  {escape(name)} "), BarColumn(32), *count, TimeElapsedColumn())
        step, started = Step(name), time.perf_counter()
        with Progress(*columns, console=self.screen, transient=True, disable=not self.screen.is_terminal) as progress:
            yield step, Bar(progress, total)
        step.seconds = time.perf_counter() - started
        self.done.append(step)
        note = f"[dim]  {escape(step.note)}[/]" if step.note else ""
        self.screen.print(f"[green]✓[/] {escape(name)}  [cyan]{duration(step.seconds)}[/]{note}")


def duration(seconds: float) -> str:
    """Write a time as people read it.

    >>> duration(0.0123), duration(4.56)
    ('12 ms', '4.6 s')
    """
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"
