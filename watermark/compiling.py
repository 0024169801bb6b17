"""Inner loops that NumPy and OpenCV have no words for, compiled by Numba."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; keep the machine code on disk where any place for it is writable.

    Sums may be taken in any order, and numbers are finite.
    """
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=True)(function)
    except RuntimeError:  # a read-only installation without a home: compile in every process
        return numba.njit(nogil=True, error_model="numpy", fastmath=True)(function)
