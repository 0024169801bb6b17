"""The folder that marked copies are written to, and its manifest: which file is which copy, issued to whom.

Nothing is ever overwritten in passing. The plan is written before the first file, so that a run that was cut off can
be repeated: what is there already is kept, what is missing is made.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from service.cli.terminal import WrongUse

MANIFEST, TABLE = "manifest.json", "manifest.csv"
_MOST_OF_ALIAS = 50


class FolderInUse(WrongUse):
    """The folder holds files that this command would have to overwrite."""

    hint = "Choose another folder with --out, or overwrite with --force."


@dataclass(frozen=True)
class Line:
    """One file of the manifest; ``sha256`` and ``size_bytes`` are unknown until the file is written."""

    copy_id: str
    name: str
    serial: int
    alias: str
    recipient_id: str
    file: str
    sha256: str | None = None
    size_bytes: int | None = None


class Folder:
    """One asset's copies as files."""

    def __init__(self, path: Path, asset: dict[str, Any]) -> None:
        self.path, self.asset = path, asset

    def plan(self, lines: Sequence[Line], *, force: bool) -> list[Line]:
        """Write the manifest of what will be there, and return the lines whose files are still to be made.

        Raises
        ------
        FolderInUse
            When a file is in the way that an earlier run of this command did not write for the same copy.
        """
        if self.path.exists() and not self.path.is_dir():
            raise WrongUse(f"{self.path} is not a folder.", hint="Choose another folder with --out.")
        known = {line.copy_id: line for line in self._read()}
        for line in lines:
            if not force and line.copy_id not in known and (self.path / line.file).exists():
                raise FolderInUse(f"{self.path / line.file} exists and was not written for {line.name}.")
        self.path.mkdir(parents=True, exist_ok=True)
        self._write(list({**known, **{line.copy_id: line for line in lines}}.values()))
        return [line for line in lines if force or not (self.path / line.file).exists()]

    def put(self, line: Line, pieces: Iterable[bytes | memoryview]) -> None:
        """Write one file, whole or not at all."""
        part = self.path / f".{line.file}.part"
        with part.open("wb") as file:
            file.writelines(pieces)
        os.replace(part, self.path / line.file)

    def finish(self) -> list[Line]:
        """Write the manifest of what is there, with the hash of every file; returns its lines."""
        lines = [self._measured(line) for line in self._read()]
        self._write(lines)
        return lines

    def _measured(self, line: Line) -> Line:
        try:
            with (self.path / line.file).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                return Line(**{**asdict(line), "sha256": digest, "size_bytes": file.tell()})
        except FileNotFoundError:
            return line

    def _read(self) -> list[Line]:
        path = self.path / MANIFEST
        if not path.exists():
            return []
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            asset_id, lines = manifest["asset"]["id"], [Line(**line) for line in manifest["copies"]]
        except (ValueError, TypeError, KeyError) as error:
            raise WrongUse(
                f"{path} is not a manifest of this command.", hint="Choose another folder with --out."
            ) from error
        if asset_id != self.asset["id"]:
            raise WrongUse(
                f"{self.path} holds the copies of another asset (“{manifest['asset'].get('title')}”).",
                hint="Choose another folder with --out.",
            )
        return lines

    def _write(self, lines: Sequence[Line]) -> None:
        rows = [asdict(line) for line in sorted(lines, key=lambda line: line.serial)]
        table = io.StringIO()
        writer = csv.DictWriter(table, list(Line.__dataclass_fields__))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        for name, text in (
            (MANIFEST, json.dumps({"asset": self.asset, "copies": rows}, ensure_ascii=False, indent=2) + "\n"),
            (TABLE, table.getvalue()),
        ):
            part = self.path / f".{name}.part"
            part.write_text(text, encoding="utf-8", newline="")
            os.replace(part, self.path / name)


def file_name(serial: int, alias: str, suffix: str) -> str:
    """Name a copy's file by its number and the recipient's alias.

    >>> file_name(42, "Press desk / Lisbon", "jpg")
    'copy-0042-Press-desk-Lisbon.jpg'
    """
    words = "".join(c if c.isalnum() else " " for c in alias).split()
    stem = "-".join(words)[:_MOST_OF_ALIAS].strip("-")
    return f"copy-{serial:04d}{'-' if stem else ''}{stem}.{suffix}"


def _cell(value: object) -> object:
    """Keep a spreadsheet from running an alias as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t") else value
