"""Where the parts of a prepared video lie: anything that puts and gets named bytes.

A film is prepared and issued a few seconds at a time, so its master is not one value but a small tree of parts:

    master            what the video is, its key, and a table of its segments
    segments/00000    some six seconds: key frames of both twins, what follows them, a few small pictures of it
    sizes/00000       how long each of those slices is, so that a copy's length is known before it is assembled
    tracks/00000      sound and subtitles of the same seconds, as the source had them

`Folder` keeps them as files and hands out memory maps; a service may keep them encrypted in an object store instead.
"""

import mmap
import secrets
from pathlib import Path
from typing import Protocol

from watermark.errors import CorruptMaster

SHARED_NOW = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)  # all pages at once, where the system can


class Store(Protocol):
    """Named bytes; names are of letters, digits and slashes."""

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes under a name, all or nothing."""

    def get(self, name: str) -> bytes | memoryview:
        """Return what was put; raises KeyError where nothing was."""

    def has(self, name: str) -> bool:
        """Whether something is there."""


class Folder:
    """Parts as files of a directory, written in one step and read through memory maps."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, data: bytes) -> None:
        """Write a file beside its place and move it there; nothing is left of one that could not be written whole."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            beside.write_bytes(data)
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    def get(self, name: str) -> memoryview:
        """Map a file into memory.

        Raises
        ------
        KeyError
            If there is none.
        """
        try:
            with (self.root / name).open("rb") as file:
                return memoryview(mmap.mmap(file.fileno(), 0, flags=SHARED_NOW, prot=mmap.PROT_READ))
        except FileNotFoundError as error:
            raise KeyError(name) from error
        except ValueError as error:
            raise CorruptMaster(f"The part {name} of the prepared video is empty.") from error

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return (self.root / name).is_file()
