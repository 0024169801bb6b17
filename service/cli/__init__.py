"""The command line: ``telltale``, one command per file.

Every worker process imports the main module again, and so this package; therefore nothing is imported up here.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and leave with its status: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    from service.cli.program import run

    raise SystemExit(run())
