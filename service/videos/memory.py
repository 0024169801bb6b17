"""Bytes with a path, for libraries that open files: in memory, and gone with the process that holds them.

Threat: a clear original left behind on a disk. A temporary file outlives a killed process; an anonymous file in memory
does not (Linux, memfd_create(2)). Elsewhere there is nothing better than a temporary file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_file(data: bytes) -> Iterator[Path]:
    """Lend bytes a path while the context lasts."""
    if sys.platform == "linux":
        with open(os.memfd_create("video"), "wb", closefd=True) as file:
            file.write(data)
            file.flush()
            yield Path(f"/proc/self/fd/{file.fileno()}")
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield Path(file.name)


@contextmanager
def scratch(needed_bytes: int) -> Iterator[None]:
    """Have temporary files of this process lie in memory while the context lasts, where there is room for them."""
    shared = Path("/dev/shm")  # noqa: S108
    before = tempfile.tempdir
    try:
        facts = os.statvfs(shared)
        if facts.f_bavail * facts.f_frsize > 2 * needed_bytes:
            tempfile.tempdir = str(shared)
    except OSError:
        pass  # there is no such place here
    try:
        yield
    finally:
        tempfile.tempdir = before
