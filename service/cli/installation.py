"""A data directory opened from the command line, without a server.

The same context, services and job bodies as the server's, but no engine: a command does its own work and waits for it,
and leaves alone what a server beside it has under way.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from service.cli.terminal import Terminal, WrongUse, plain
from service.errors import ServiceError
from service.settings import Settings

T = TypeVar("T")


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


def read_file(path: Path) -> bytes:
    """Read a file named on the command line; raises :class:`NoSuchFile`."""
    if not path.exists():
        raise NoSuchFile(f"There is no file {path}.")
    if path.is_dir():
        raise NoSuchFile(f"{path} is a directory, not a file.")
    return path.read_bytes()


def watched(terminal: Terminal, label: str, work: Callable[[], T], progress: Callable[[], float]) -> T:
    """Do some work and show a bar meanwhile; ``progress`` says from 0 to 1 how far it is."""
    with ThreadPoolExecutor(1) as thread, terminal.progress() as bar:
        task = bar.add_task(plain(label), total=1.0)
        future = thread.submit(work)
        while not wait([future], timeout=0.1).done:
            bar.update(task, completed=progress())
        return future.result()
