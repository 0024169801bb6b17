"""Whether a file is a video, by its first bytes; its name counts only where these say nothing.

Still pictures in the same container (AVIF, HEIC) are told by their brands: ISO/IEC 23008-12, 10.2; AVIF 1.1, 6.
"""

from __future__ import annotations

from enum import StrEnum

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".flv", ".mpg", ".mpeg")
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf")
_STARTS = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75", b"\0\0\1\xba")
_STILL_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"GIF8", b"BM")


class Kind(StrEnum):
    """What a file is."""

    PICTURE = "picture"
    VIDEO = "video"


def kind_of(data: bytes, name: str = "") -> Kind:
    """Tell a video from a picture; what is neither is taken for what its name claims, and refused as such later.

    >>> kind_of(b"\\0\\0\\0\\x18ftypisom"), kind_of(b"\\0\\0\\0\\x18ftypavif"), kind_of(b"hello", "clip.mp4")
    (<Kind.VIDEO: 'video'>, <Kind.PICTURE: 'picture'>, <Kind.VIDEO: 'video'>)
    """
    head = bytes(data[:16])
    if head.startswith(_STILL_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return Kind.PICTURE
    if head[4:8] == b"ftyp":
        return Kind.PICTURE if head[8:12] in _STILL_BRANDS else Kind.VIDEO
    if head.startswith(_STARTS) or head[4:8] in (b"moov", b"mdat", b"wide") or head[8:12] == b"AVI ":
        return Kind.VIDEO
    return Kind.VIDEO if name.lower().endswith(SUFFIXES) else Kind.PICTURE
