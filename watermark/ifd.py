"""TIFF image file directories, written: the form in which TIFF keeps everything and JPEG, PNG and WebP their EXIF.

Only what is put in comes out. A library that copied an original's directory would copy its thumbnail (a small,
unmarked picture), its maker notes and its place on the map too.

References
----------
TIFF revision 6.0, section 2; EXIF 2.32 (CIPA DC-008-2019), 4.5 and 4.6.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

HEADER = b"II*\0"
SHORT, LONG, RATIONAL, ASCII, UNDEFINED = 3, 4, 5, 2, 7
ENTRY_BYTES = 12
EXIF_POINTER = 34665


@dataclass(frozen=True)
class Value:
    """A field's type, its number of values and their little-endian bytes."""

    kind: int
    count: int
    data: bytes


def shorts(*values: int) -> Value:
    """16-bit numbers."""
    return Value(SHORT, len(values), struct.pack(f"<{len(values)}H", *values))


def longs(*values: int) -> Value:
    """32-bit numbers."""
    return Value(LONG, len(values), struct.pack(f"<{len(values)}I", *values))


def text(value: str) -> Value:
    """A string, in UTF-8 as readers have come to expect of a field that is declared ASCII."""
    data = value.encode("utf-8", "replace") + b"\0"
    return Value(ASCII, len(data), data)


def rational(value: float) -> Value:
    """A non-negative fraction."""
    exact = Fraction(value).limit_denominator(10_000)
    return Value(RATIONAL, 1, struct.pack("<II", exact.numerator, exact.denominator))


def opaque(data: bytes) -> Value:
    """Bytes of no declared meaning."""
    return Value(UNDEFINED, len(data), data)


def directory(fields: Mapping[int, Value], at: int) -> bytes:
    """Serialise one directory with its values behind it.

    Parameters
    ----------
    fields : values by tag.
    at : offset in the file at which the result will stand; even.
    """
    behind = at + 2 + ENTRY_BYTES * len(fields) + 4
    entries, values = [struct.pack("<H", len(fields))], b""
    for tag, value in sorted(fields.items()):
        if len(value.data) <= 4:
            place = value.data.ljust(4, b"\0")
        else:
            place = struct.pack("<I", behind + len(values))
            values += value.data + b"\0" * (len(value.data) % 2)
        entries.append(struct.pack("<HHI", tag, value.kind, value.count) + place)
    return b"".join(entries) + struct.pack("<I", 0) + values


def tree(fields: Mapping[int, Value], exif: Mapping[int, Value], at: int) -> bytes:
    """Serialise a main directory and, behind it, the EXIF directory that it points to."""
    if not exif:
        return directory(fields, at)
    size = len(directory({**fields, EXIF_POINTER: longs(0)}, at))
    return directory({**fields, EXIF_POINTER: longs(at + size)}, at) + directory(exif, at + size)
