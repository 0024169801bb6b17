"""One run of the demo: a directory, a service, the scenario, the report, and a console to look around in."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape

from service.demo import report
from service.demo.client import Client
from service.demo.scenario import play
from service.demo.server import Server, ServiceStopped, serving
from service.demo.steps import Steps
from service.errors import Invalid

_TERMINATED = 143


class DirectoryInUse(Invalid):
    """The demo needs a directory of its own."""

    hint = "Name one that does not exist yet, or leave --data-dir out for a temporary one."


def run(
    *, screen: Console, once: bool, json_file: Path | None, port: int | None, directory: Path | None
) -> dict[str, Any]:
    """Do the whole demo; returns the report, whose ``ok`` says whether every answer was right.

    Raises
    ------
    DirectoryInUse, ServiceStopped, service.demo.client.Refused
    """
    screen.print("[bold]Telltale[/]: two pictures, two hundred recipients, one leak.\n")
    steps = Steps(screen)
    with _ending_in_order(), _workplace(directory) as place, serving(place / "data", port=port) as server:
        with steps.step("Start the service on a fresh data directory") as (step, bar):
            server.wait_until_ready()
            step.note = server.url
            bar.at(1)
        client = Client(server, (place / "data" / "operator.token").read_text().strip())
        try:
            told = play(client, steps, place)
            made = report.as_dict(told, steps)
            report.show(screen, told, steps)
            if json_file is not None:
                json_file.parent.mkdir(parents=True, exist_ok=True)
                json_file.write_text(json.dumps(made, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            if not once:
                _stay(screen, server, place, client.sign_in_url(told.brand_id))
        except ServiceStopped:
            screen.print(escape(server.last_words()), style="dim", soft_wrap=True)
            raise
        finally:
            client.close()
    return made


def _stay(screen: Console, server: Server, place: Path, sign_in_url: str) -> None:
    """Keep serving until Ctrl-C."""
    try:
        screen.print(f"\nConsole: [bold]{server.url}[/]")
        screen.print(f"Sign in: [bold]{sign_in_url}[/]  [dim](works once)[/]", soft_wrap=True)
        screen.print(f"The copies, the leaks and the CSV: {escape(str(place))}", soft_wrap=True)
        screen.print("[dim]Ctrl-C stops the service.[/]")
        while server.running(within_s=0.5):
            pass
    except KeyboardInterrupt:
        screen.print("Stopped.")
        return
    raise server.stopped()


@contextmanager
def _workplace(directory: Path | None) -> Iterator[Path]:
    """Give a new directory, that goes away again unless it was asked for by name."""
    if directory is not None:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise DirectoryInUse(f"{directory} is not empty.")
        directory.mkdir(parents=True, exist_ok=True)
        yield directory.resolve()
        return
    place = Path(tempfile.mkdtemp(prefix="telltale-demo-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let a request to terminate unwind the stack, so that service and directory go away with the demo."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
