"""A data directory opened from the command line, without a server.

The same context, services and job bodies as the server's, but with jobs in threads of this process: a command does its
own work and waits for it, and leaves alone what a server beside it has under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from service import runtime
from service.cli.terminal import Terminal, WrongUse, plain
from service.context import Context
from service.errors import ServiceError
from service.settings import Settings


class NothingHere(ServiceError):
    """There is no installation in this directory."""

    hint = "Name the right one with --data-dir, or make one with 'telltale protect' or 'telltale serve'."


class NoSuchFile(WrongUse):
    """There is no such file."""

    hint = "Check the path."


def settings_for(data_dir: Path | None, **given: Any) -> Settings:
    """Read the settings; options that were given come before the environment."""
    chosen = {name: value for name, value in given.items() if value is not None}
    if data_dir is not None:
        if data_dir.exists() and not data_dir.is_dir():
            raise WrongUse(f"{data_dir} is not a directory.", hint="Name a directory with --data-dir.")
        chosen["data_dir"] = data_dir
    return Settings(**chosen)


def require_installation(settings: Settings) -> None:
    """Raise :class:`NothingHere` where nothing was ever stored, instead of making a new installation in passing."""
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        raise NothingHere(f"There is no Telltale data in {settings.data_dir}.")


@contextmanager
def opened(settings: Settings) -> Iterator[Context]:
    """Open everything for one command; ``settings.jobs_url`` should be ``memory://``."""
    context = runtime.build(settings)
    try:
        context.lookups.refresh(force=True)
        context.jobs.start()
        yield context
    finally:
        runtime.stop(context)


def read_file(path: Path) -> bytes:
    """Read a file named on the command line; raises :class:`NoSuchFile`."""
    if not path.exists():
        raise NoSuchFile(f"There is no file {path}.")
    if path.is_dir():
        raise NoSuchFile(f"{path} is a directory, not a file.")
    return path.read_bytes()


def wait(terminal: Terminal, label: str, look: Callable[[], tuple[float, bool]]) -> None:
    """Show a bar until ``look`` (progress from 0 to 1, whether it has ended) says that it is over."""
    with terminal.progress() as bar:
        task = bar.add_task(plain(label), total=1.0)
        while True:
            progress, ended = look()
            bar.update(task, completed=progress)
            if ended:
                return
            time.sleep(0.1)
