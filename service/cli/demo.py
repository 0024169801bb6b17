"""``telltale demo``: the main job, done before your eyes by a running service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import AsJson, Debug
from service.cli.terminal import WrongUse, terminal


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit when done, with status 1 if any answer was wrong.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option(help="Write the answers to this file as JSON.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to serve on. Default: a free one.")] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Keep everything in this new directory. Default: a temporary one."),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Trace a leak end to end on real photographs, through a running service, then keep serving.

    Uses a fresh data directory of its own, never yours.
    """
    with terminal(as_json=as_json, debug=debug) as shown:
        try:
            from service.demo.run import run
        except ModuleNotFoundError as error:
            if error.name != "skimage":
                raise
            hint = "Install them with: pip install 'telltale[demo]'"
            raise WrongUse("The demo's photographs come with scikit-image, which is missing.", hint=hint) from None
        screen = shown.err if as_json else shown.out
        report = run(screen=screen, once=once, json_file=json_file, port=port, directory=data_dir)
        if as_json:
            shown.result(report)
        if not report["ok"]:
            raise typer.Exit(1)
