"""Inner loops that NumPy and OpenCV have no words for, compiled by Numba.

They release the interpreter's lock, so those of several threads run side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.extending import intrinsic


def compiled(function: Callable[..., Any], signature: str | None = None, **options: Any) -> Callable[..., Any]:
    """Compile at the first call, or now if for one signature; keep the machine code on disk where there is a place.

    Parameters
    ----------
    function : to compile.
    signature : of its result and arguments, as Numba writes it.
    options : of `numba.njit`.
    """
    try:
        return numba.njit(signature, nogil=True, cache=True, **options)(function)
    except (RuntimeError, OSError):  # a read-only installation without a home, or a full disk: compile every time
        return numba.njit(signature, nogil=True, **options)(function)


def compiled_in_any_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function whose numbers are finite and whose sums may be taken in any order, so as to be vectorised."""
    return compiled(function, error_model="numpy", fastmath=True)


@intrinsic  # type: ignore[untyped-decorator]
def popcount(_: Any, word: Any) -> Any:
    """Count the ones of a word of 64 bits: one instruction where there is one, and vectorised."""

    def emit(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return numba.uint64(numba.uint64), emit
