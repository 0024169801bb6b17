"""Whether a Matroska or WebM file is encrypted: its track entries say so, long before a packet.

References
----------
RFC 8794, 4 (EBML: variable-size integers); RFC 9559, 5.1.4.1.31 (ContentEncodings).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

HEAD_BYTES = 1 << 22  # track entries lie before the packets
SEGMENT, TRACKS, ENTRY = 0x18538067, 0x1654AE6B, 0xAE
ENCODINGS, ENCODING, ENCRYPTION = 0x6D80, 0x6240, 0x5035
DOWN = SEGMENT, TRACKS, ENTRY, ENCODINGS, ENCODING, ENCRYPTION


def encrypted(path: Path) -> bool:
    """Whether any track of the file is encrypted, as far as its first 4 MB tell."""
    with path.open("rb") as file:
        return has(file.read(HEAD_BYTES), DOWN)


def has(data: bytes, down: tuple[int, ...]) -> bool:
    """Whether there is an element down a path of ids."""
    found = (body for kind, body in elements(data) if kind == down[0])
    return any(len(down) == 1 or has(body, down[1:]) for body in found)


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield id and body of each element; the last one may be cut off, or of unknown size."""
    at = 0
    while at < len(data):
        kind, at = number(data, at, marked=True)
        size, start = number(data, at, marked=False)
        if start == at:
            return
        unknown = size == (1 << 7 * (start - at)) - 1
        at = len(data) if unknown else start + size
        yield kind, data[start:at]


def number(data: bytes, at: int, *, marked: bool) -> tuple[int, int]:
    """Read a variable-size integer; returns it and where it ends, which is where it began if there is none.

    >>> number(bytes([0x40, 0x02]), 0, marked=False), number(bytes([0x40, 0x02]), 0, marked=True)
    ((2, 2), (16386, 2))
    """
    if at >= len(data) or not data[at]:
        return 0, at
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big")
    return (value if marked else value & ((1 << 7 * width) - 1)), at + width
