"""The program: which commands there are, and how wrong use is answered."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer

from service.cli import brand, db, demo, protect, serve, sign_in, trace
from service.cli.terminal import INTERRUPTED, WRONG_USE, Terminal

UsageError: Any = typer.BadParameter.__base__  # the parser that typer brings along has no public name
app = typer.Typer(
    name="telltale",
    help="Invisibly marked copies of unreleased pictures, one per recipient; names the copy that leaked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("protect")(protect.protect)
app.command("trace")(trace.trace)
app.command("sign-in")(sign_in.sign_in)
app.add_typer(brand.app, name="brand")
app.add_typer(db.app, name="db")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(given, prog_name="telltale", standalone_mode=False)
    except UsageError as error:
        message, context = error.format_message(), error.ctx
        if message:  # there is none where the help was printed instead
            command = context.command_path if context else "telltale"
            Terminal(as_json="--json" in given).error("wrong-use", message, f"Try '{command} --help'.")
        return WRONG_USE
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return status if isinstance(status, int) else 0
