"""Parts of one video, lent to a worker for one task.

Threat: a worker decodes strangers' files, so it must hold no key and reach no store. It asks by name over a pipe for
parts of the one video it works on, and the server decrypts them one by one; so a long video is never in memory whole.
The server hands out what it is asked for, and takes nothing but names, and how far the worker has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread

from service.videos.holding import Held

_MOST_OF_A_NAME = 200
_HELD = 3
_DONE = "done/"


@contextmanager
def lending(
    fetch: Callable[[str], bytes | memoryview], told: Callable[[float], None] = lambda _share: None
) -> Iterator[Connection]:
    """Answer a worker's requests while it runs.

    Parameters
    ----------
    fetch : returns a part, or raises KeyError where there is none; whatever else it raises is raised here at the end.
    told : called with the share of its task, 0 to 1, that a worker says is done.
    """
    ours, theirs = Pipe()
    errors: list[Exception] = []
    thread = Thread(target=_lend, args=(ours, fetch, told, errors), daemon=True)
    thread.start()
    try:
        yield theirs
    except (EOFError, OSError):
        if not errors:
            raise
    finally:
        theirs.close()
    if errors:
        raise errors[0]


def _lend(
    ours: Connection,
    fetch: Callable[[str], bytes | memoryview],
    told: Callable[[float], None],
    errors: list[Exception],
) -> None:
    with ours:
        try:
            while True:
                name = ours.recv_bytes(_MOST_OF_A_NAME).decode()
                if name.startswith(_DONE):
                    told(int(name.removeprefix(_DONE)) / 1000)
                    continue
                try:
                    ours.send_bytes(fetch(name))
                except KeyError:
                    ours.send_bytes(b"")
        except (EOFError, OSError):
            return  # the worker is done, or dead
        except Exception as error:
            errors.append(error)


class Borrowed:
    """A `watermark.video.Store` whose parts are lent; large ones are held only while they are the latest."""

    def __init__(self, lent: Connection) -> None:
        self._lent = lent
        self._held = Held(_HELD)

    def get(self, name: str) -> bytes:
        """Return a part; raises KeyError where there is none."""
        return self._held.get(name, self._ask)

    def _ask(self, name: str) -> bytes:
        self._lent.send_bytes(name.encode())
        data = self._lent.recv_bytes()
        if not data:
            raise KeyError(name)
        return data

    def tell(self, share: float) -> None:
        """Say how much of the task is done, 0 to 1."""
        self._lent.send_bytes(f"{_DONE}{round(1000 * share)}".encode())

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        try:
            self.get(name)
        except KeyError:
            return False
        return True

    def put(self, name: str, data: bytes) -> None:
        """Nothing can be given back this way."""
        raise TypeError("a borrowed store is read-only")


class Made:
    """A store for what a worker makes: its own parts first, then those lent."""

    def __init__(self, behind: Borrowed | None = None) -> None:
        self.parts: dict[str, bytes] = {}
        self._behind = behind

    def put(self, name: str, data: bytes) -> None:
        """Keep a part, to be returned with the task's result."""
        self.parts[name] = bytes(data)

    def get(self, name: str) -> bytes:
        """Return a part; raises KeyError where there is none."""
        if name in self.parts or self._behind is None:
            return self.parts[name]
        return self._behind.get(name)

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        return name in self.parts or (self._behind is not None and self._behind.has(name))
