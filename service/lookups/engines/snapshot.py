"""A view on disk, mapped into memory by every process that serves: written whole or not at all, checked when read.

Layout: magic, length of the header (8 bytes, little-endian), SHA-256 of the header, the header as JSON, then the
arrays, each from a multiple of 64 bytes. The header lists each array's place, type, shape and CRC-32. A file that is
missing, of another version, torn or damaged is treated alike: there is none, and the view is built from the database.

It holds perceptual hashes and ids of assets, as the database does, and only its owner may read it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from service.lookups.engines.assets import AssetNumbers
from service.lookups.engines.bands import Band
from service.lookups.engines.port import Shelf
from service.lookups.engines.shelves import ShelfIndex, Sorted
from service.lookups.engines.view import View

log = logging.getLogger("telltale.lookups")

_MAGIC = b"telltale lookup 1\n"
_PREFIX = len(_MAGIC) + 8 + 32
_ALIGN = 64
_MOST_HEADER_BYTES = 1 << 26


class Torn(Exception):
    """This is not a whole snapshot of this version."""


def write(path: Path, view: View) -> None:
    """Put a freshly sorted view on disk: a temporary file, its bytes on disk, its name, the folder's entry.

    Raises
    ------
    OSError
        When the disk is full or may not be written; what was there before stays as it was.
    """
    arrays: list[np.ndarray] = []

    def place(array: np.ndarray) -> int:
        arrays.append(np.ascontiguousarray(array))
        return len(arrays) - 1

    names, rows = view.assets.sorted_part
    header: dict[str, Any] = {
        "last_code": view.last_code,
        "last_removal": view.last_removal,
        "names": place(names),
        "rows": place(rows),
        "shelves": [
            {
                "shelf": list(shelf),
                "bands": [[band.offset, band.bits, band.threshold] for band in held.sorted.bands],
                "arrays": [place(array) for array in _arrays(held.sorted)],
            }
            for shelf, held in view.shelves.items()
            if held.sorted is not None
        ],
    }
    offset, entries = 0, list[list[Any]]()
    for array in arrays:
        offset += -offset % _ALIGN
        entries.append([offset, array.dtype.str, list(array.shape), zlib.crc32(_bytes(array))])
        offset += array.nbytes
    header["arrays"], header["size"] = entries, offset
    text = json.dumps(header).encode()
    descriptor, temporary = tempfile.mkstemp(prefix=path.name, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + len(text).to_bytes(8, "little") + hashlib.sha256(text).digest() + text)
            start = file.tell() + -file.tell() % _ALIGN
            for array, entry in zip(arrays, entries, strict=True):
                file.seek(start + entry[0])
                file.write(_bytes(array))
            file.truncate(start + offset)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def last_code(path: Path) -> int:
    """Return the last id that the snapshot on disk covers, without reading its arrays; 0 if there is none."""
    try:
        with path.open("rb") as file:
            return int(_header(file.read(_PREFIX), file)["last_code"])
    except (OSError, Torn):
        return 0


def load(path: Path) -> View | None:
    """Map the snapshot on disk, after checking every byte; None if there is no whole one."""
    try:
        return _load(path)
    except FileNotFoundError:
        return None
    except (OSError, Torn, KeyError, ValueError, TypeError) as error:
        log.warning("the snapshot of the look-up cannot be used (%s); it is built anew from the database", error)
        return None


def remove_leftovers(path: Path) -> None:
    """Delete temporary files that a killed process left behind."""
    for leftover in path.parent.glob(f"{path.name}*.part"):
        leftover.unlink(missing_ok=True)


def _load(path: Path) -> View:
    with path.open("rb") as file:
        header = _header(file.read(_PREFIX), file)
        start = file.tell() + -file.tell() % _ALIGN
        if os.fstat(file.fileno()).st_size != start + header["size"]:
            raise Torn("its length is wrong")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # never written: pages stay shared
    arrays = []
    for offset, kind, shape, crc32 in header["arrays"]:
        count = int(np.prod(shape))
        array = np.frombuffer(mapped, np.dtype(kind), count, start + offset).reshape(shape)
        if zlib.crc32(_bytes(array)) != crc32:
            raise Torn("its checksum is wrong")
        arrays.append(array)
    view = View(AssetNumbers(arrays[header["names"]], arrays[header["rows"]]), {}, 0, 0)
    view.last_code, view.last_removal = int(header["last_code"]), int(header["last_removal"])
    for entry in header["shelves"]:
        codes, owners, starts, rows = (arrays[number] for number in entry["arrays"])
        bands = [Band(*numbers) for numbers in entry["bands"]]
        view.shelves[Shelf(*entry["shelf"])] = ShelfIndex(codes.shape[1], Sorted(codes, owners, bands, starts, rows))
    return view


def _header(prefix: bytes, file: Any) -> dict[str, Any]:
    length = int.from_bytes(prefix[len(_MAGIC) : len(_MAGIC) + 8], "little")
    if len(prefix) != _PREFIX or not prefix.startswith(_MAGIC) or length > _MOST_HEADER_BYTES:
        raise Torn("it is no snapshot of this version")
    text = file.read(length)
    if hashlib.sha256(text).digest() != prefix[-32:]:
        raise Torn("its header is damaged")
    header: dict[str, Any] = json.loads(text)
    return header


def _arrays(held: Sorted) -> tuple[np.ndarray, ...]:
    return held.codes, held.owners, held.starts, held.rows


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
