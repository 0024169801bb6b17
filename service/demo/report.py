"""What the demo says at the end: the verdict, the times, the answers."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from service.cli.terminal import probability
from service.demo.answers import COPY_NAMED, Answer
from service.demo.scenario import Told
from service.demo.steps import Steps, duration


def as_dict(told: Told, steps: Steps) -> dict[str, Any]:
    """Put everything in plain values, for JSON; holds no secret."""
    return {
        "ok": all(answer.ok for answer in told.answers),
        "answers": [answer.as_dict() for answer in told.answers],
        "lookups": told.lookups,
        "steps": [{"name": s.name, "seconds": round(s.seconds, 3), "note": s.note} for s in steps.done],
        "seconds": round(sum(step.seconds for step in steps.done), 1),
        "ms_per_copy": round(told.ms_per_copy, 1),
        "trail": [{name: entry.get(name) for name in ("at", "kind", "copy_name", "alias")} for entry in told.trail],
    }


def show(screen: Console, told: Told, steps: Steps) -> None:
    """Print verdict, times and answers."""
    screen.print()
    for answer in told.answers:
        if answer.expected == COPY_NAMED:
            screen.print(_verdict(answer))
    screen.print(_times(steps))
    screen.print(_lookups(told))
    screen.print(_answers(told))
    for answer in told.answers:
        if not answer.ok:
            screen.print(f"[red]Wrong:[/] {escape(answer.case)}. {escape(answer.wrong or '')}")


def _verdict(answer: Answer) -> Panel:
    named = answer.detail.get("named") or []
    if not named:
        body: Any = f"No copy was named. {escape(str(answer.detail.get('reason') or ''))}"
        return Panel(body, title="verdict", title_align="left", border_style="red", expand=False)
    lines = []
    for item in named:
        bound = probability(item["log10_false_accusation"])
        lines.append(f"[bold]The picture shows {escape(item['name'])}, issued to {escape(item['issued_to'])}.[/]")
        lines.append(f"False-accusation probability: at most [bold]{bound}[/] (the gate is 1e-9)")
    lines.append("[dim]This names a copy, not a person: an account may have been opened,[/]")
    lines.append("[dim]a device lost, a copy forwarded in good faith.[/]")
    return Panel(Group(*lines), title="verdict", title_align="left", border_style="green", expand=False)


def _times(steps: Steps) -> Table:
    table = _table("How long it took", "step")
    table.add_column("time", justify="right")
    for step in steps.done:
        table.add_row(escape(step.name), duration(step.seconds))
    table.add_section()
    table.add_row("all", duration(sum(step.seconds for step in steps.done)))
    return table


def _lookups(told: Told) -> Table:
    table = _table("Is this ours?", "look-up by")
    table.add_column("answer")
    table.add_column("evidence", style="dim")
    for row in told.lookups:
        table.add_row(escape(row["case"]), str(row["result"]).replace("_", " "), _match(row))
    return table


def _answers(told: Told) -> Table:
    table = _table("Were the answers right?", "question")
    for name in ("expected", "answer"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", style="dim")
    for answer in told.answers:
        mark = "[green]✓[/]" if answer.ok else "[red]✗[/]"
        got = answer.got.replace("_", " ")
        why = str(answer.detail.get("reason") or _names(answer) or _match(answer.detail))
        table.add_row(escape(answer.case), answer.expected.replace("_", " "), f"{mark} {escape(got)}", escape(why))
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    table.add_column(first)
    return table


def _names(answer: Answer) -> str:
    named = answer.detail.get("named") or []
    return ", ".join(f"{item['name']}, {probability(item['log10_false_accusation'])}" for item in named)


def _match(row: dict[str, Any]) -> str:
    bits, inliers = row.get("distance_bits"), row.get("inliers")
    told = [] if bits is None else [f"{bits} of 256 bits differ"]
    told += [] if inliers is None else [f"{inliers} local features agree"]
    return ", ".join(told)
