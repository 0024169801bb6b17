"""The options that every command shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="The installation's directory. Default: TELLTALE_DATA_DIR, or ./data.",
        rich_help_panel="Everywhere",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print the result as JSON on stdout; everything else goes to stderr.",
        rich_help_panel="Everywhere",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel="Everywhere")]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--public-url", help="How people reach the service, for links. Default: TELLTALE_PUBLIC_URL, or host and port."
    ),
]
