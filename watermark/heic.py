"""HEIC and HEIF, the phones' format, where the optional package that decodes it is installed.

It is not a plain dependency because its decoder is under the LGPL, its wheels also carry an encoder under the GPL,
and HEVC itself is covered by patents that an operator may have to license. The extra is called ``heic``.

References
----------
ISO/IEC 23008-12 (HEIF), annex B (brands); ISO/IEC 14496-12, 4.3 (the file type box).
"""

import importlib
from functools import cache

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
OTHER_BRANDS = (b"avif", b"avis")


@cache
def available() -> bool:
    """Whether such files can be opened; makes Pillow open them."""
    try:
        module = importlib.import_module("pillow_heif")
    except ImportError:
        return False
    module.register_heif_opener(thumbnails=False)
    return True


def recognised(data: bytes) -> bool:
    """Whether a file claims to be HEIC or HEIF, and not AVIF, which shares the container."""
    if data[4:8] != b"ftyp":
        return False
    size = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[at : at + 4] for at in (8, *range(16, size, 4))]
    return any(b in BRANDS for b in brands) and not any(b in OTHER_BRANDS for b in brands)
