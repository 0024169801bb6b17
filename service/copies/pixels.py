"""Rendering in a worker process, and reading back: a master and a serial in, the marked file or its reading out."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Sequence

from PIL import Image

import watermark
from watermark import preflight
from watermark.decode import decode_leak

_held: OrderedDict[str, watermark.Master] = OrderedDict()
"""The last masters of this child, so that the next copy of an asset need not unpack them again."""
_HOLD = 2


def hold_master(name: str, data: bytes | None) -> watermark.Master | None:
    """Return a master that this child holds, or take it in from its bytes; None when it must be sent."""
    if name not in _held:
        if data is None:
            return None
        _held[name] = watermark.Master.from_bytes(data)
        while len(_held) > _HOLD:
            _held.popitem(last=False)
    _held.move_to_end(name)
    return _held[name]


def render(name: str, data: bytes | None, serial: int) -> watermark.IssuedFile | None:
    """Make the marked file of a copy in its original's format; None when the master must be sent along."""
    master = hold_master(name, data)
    return None if master is None else watermark.issue_file(master, serial=serial)


def preview(name: str, data: bytes | None, serial: int, side: int) -> bytes | None:
    """Make a JPEG of the marked copy whose long side is at most ``side``; None when the master must be sent along.

    It is in RGB and on white, whatever the original is, so a grey original's profile does not apply.
    """
    master = hold_master(name, data)
    if master is None:
        return None
    picture = Image.fromarray(watermark.issue(master, serial=serial))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    options = {"icc_profile": master.icc} if master.icc and not master.picture.grey else {}
    picture.save(out, "JPEG", quality=92, subsampling=0, **options)
    return out.getvalue()


def names(
    name: str, data: bytes | None, serial: int, serials: Sequence[int], in_place: bool, max_pixels: int
) -> list[int] | None:
    """Render a copy as for a download, read it as a leak, and return whom of ``serials`` it names.

    The file is decoded like a stranger's and found on the original from scratch, unless ``in_place``; so whatever may
    be wrong with what goes out is wrong here too. None when the master must be sent along.
    """
    file = render(name, data, serial)
    if file is None:
        return None
    master = hold_master(name, data)
    if master is None:
        return None
    leak = decode_leak(file.data, max_pixels)
    reading = preflight.read_in_place(master, leak) if in_place else watermark.read(master, leak)
    return [int(accused.serial) for accused in watermark.accuse(master, reading, serials=serials).named]
