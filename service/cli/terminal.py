"""What a command says: its result on stdout, everything else on stderr, an error as one line with a hint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from service.errors import ServiceError, kebab
from watermark.errors import WatermarkError

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


class WrongUse(ServiceError):
    """The command cannot be run like this."""


class Terminal:
    """Two streams: ``out`` for the result, ``err`` for progress, notes and errors."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False)
        self.err = Console(stderr=True, highlight=False)

    def note(self, text: str) -> None:
        """Say something that is not the result."""
        self.err.print(text, soft_wrap=True)

    def result(self, value: dict[str, Any], *lines: object) -> None:
        """Print the result: as JSON where that was asked for, else the lines (texts or rich objects)."""
        if self.as_json:
            self.out.out(json.dumps(value, ensure_ascii=False, indent=2), highlight=False)
            return
        for line in lines:
            self.out.print(line, soft_wrap=isinstance(line, str))  # a link or token stays in one piece

    def error(self, code: str, message: str, hint: str) -> None:
        """Print an error: one line and what to do about it; with ``--json`` also as JSON."""
        self.err.print(f"[red]Error:[/] {plain(message)}", soft_wrap=True)
        if hint:
            self.err.print(f"[dim]Hint:[/]  {plain(hint)}", soft_wrap=True)
        if self.as_json:
            self.out.out(json.dumps({"error": {"code": code, "message": message, "hint": hint}}, ensure_ascii=False))

    def progress(self, *, counting: bool = False) -> Progress:
        """Make a progress bar on stderr, with or without a count; it disappears when it is done."""
        count = (MofNCompleteColumn(),) if counting else ()
        columns = (TextColumn("{task.description}"), BarColumn(), *count, TimeRemainingColumn())
        return Progress(*columns, console=self.err, transient=True, disable=not self.err.is_terminal)


@contextmanager
def terminal(*, as_json: bool, debug: bool) -> Iterator[Terminal]:
    """Give a command its terminal and turn what it raises into one line, a hint and an exit status."""
    shown = Terminal(as_json=as_json)
    try:
        yield shown
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        shown.err.print("Stopped.")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if debug:
            raise
        shown.error(*told(error))
        raise typer.Exit(status_of(error)) from None


def told(error: Exception) -> tuple[str, str, str]:
    """Return an error's code, message and hint, in words for whoever typed the command."""
    if isinstance(error, (ServiceError, WatermarkError)):
        return kebab(type(error).__name__), str(error), error.hint
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        names = "".join(f"TELLTALE_{str(name).upper()}: " for name in first["loc"][:1])
        message = f"{names}{first['msg'].removeprefix('Value error, ')}."
        return "bad-setting", message, "Correct the setting in the environment, in .env, or in the option."
    if isinstance(error, OSError):
        what = error.strerror or type(error).__name__
        return (
            "os-error",
            f"{what}{f': {error.filename}' if error.filename else ''}.",
            "Check the path and its permissions.",
        )
    return (
        "unexpected",
        f"Unexpected {type(error).__name__}: {error}",
        "Run it again with --debug and report what it shows.",
    )


def status_of(error: Exception) -> int:
    """Return the exit status of an error."""
    return WRONG_USE if isinstance(error, (WrongUse, ValidationError)) else FAILED


def plain(text: str) -> str:
    """Keep rich from reading brackets in somebody's words as markup."""
    from rich.markup import escape

    return escape(text)


def probability(log10: float) -> str:
    """Write a probability given by its decimal logarithm, however small.

    >>> probability(-31.4)
    '4.0e-32'
    """
    exponent = int(log10 // 1)
    mantissa = 10 ** (log10 - exponent)
    if round(mantissa, 1) >= 10:
        mantissa, exponent = 1.0, exponent + 1
    return f"{mantissa:.1f}e{exponent:+03d}"
