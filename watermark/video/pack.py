"""Named arrays in one run of bytes, read back without copying.

The prepared parts of a video are read thousands of times, a few slices here and there, so they must open from a memory
map in microseconds: a magic number, the length of a JSON table of names, types, shapes and offsets, then the arrays,
each at a multiple of 16 bytes.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watermark.errors import CorruptMaster

MAGIC = b"TTV1"
ALIGN = 16


def dumps(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Serialise arrays of plain numbers.

    >>> loads(dumps({"a": np.arange(3, dtype=np.int16)}))["a"].tolist()
    [0, 1, 2]
    """
    table, bodies, at = {}, [], 0
    for name, array in arrays.items():
        body = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        table[name] = (array.dtype.newbyteorder("<").str, list(array.shape), at)
        pad = -len(body) % ALIGN
        bodies += [body, bytes(pad)]
        at += len(body) + pad
    head = json.dumps(table).encode()
    head += b" " * (-(len(head) + 8) % ALIGN)
    return b"".join([MAGIC, len(head).to_bytes(4, "little"), head, *bodies])


def loads(data: bytes | memoryview) -> dict[str, NDArray[Any]]:
    """Views of the arrays that `dumps` serialised; nothing is copied.

    Raises
    ------
    CorruptMaster
        If the bytes are not such a run, or end early.
    """
    try:
        view = memoryview(data)
        if bytes(view[:4]) != MAGIC:
            raise CorruptMaster("A part of the prepared video is damaged.")
        start = 8 + int.from_bytes(view[4:8], "little")
        table = json.loads(bytes(view[8:start]))
        return {
            name: np.frombuffer(view, dtype, int(np.prod(shape)), start + at).reshape(shape)
            for name, (dtype, shape, at) in table.items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptMaster("A part of the prepared video is damaged.") from error
