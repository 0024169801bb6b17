"""Reading a leak in a worker process: the asset's master and the found picture in, a verdict in plain values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import watermark
from service.copies.pixels import hold_master
from service.overlays import packed
from watermark.decode import decode_leak


@dataclass(frozen=True)
class Named:
    """A copy past the gate."""

    serial: int
    score: float
    log10_bound: float


@dataclass(frozen=True)
class Trace:
    """What one asset's master says about a found picture or clip; ``named`` is empty below the gate.

    ``strip`` is a video's: where, when and how strongly the mark was read, in plain values to draw.
    """

    readable: bool
    coverage: float
    named: tuple[Named, ...]
    mixture: bool
    copies: int
    looks: int
    reason: str | None
    hint: str | None
    homography: list[list[float]] | None
    heat: bytes | None
    strip: dict[str, Any] | None = None


def trace(
    name: str,
    master_data: bytes | None,
    leak: bytes,
    max_pixels: int,
    start: np.ndarray | None,
    serials: Sequence[int],
    looks: int,
) -> Trace | None:
    """Read a leak against one asset and accuse among its serials; None when the master must be sent along."""
    master = hold_master(name, master_data)
    if master is None:
        return None
    reading = watermark.read(master, decode_leak(leak, max_pixels), hint=start)
    verdict = watermark.accuse(master, reading, serials=serials, looks=looks)
    if verdict.named:
        reading = reading.confirmed()
    named = tuple(Named(int(a.serial), float(a.score), float(a.log10_bound)) for a in verdict.named)
    heat = watermark.heat_map(master, reading, serial=named[0].serial if named else None) if reading.readable else None
    fit = reading.fits[0] if reading.readable else None
    return Trace(
        readable=bool(reading.readable),
        coverage=float(reading.coverage),
        named=named,
        mixture=bool(verdict.mixture),
        copies=int(verdict.copies),
        looks=int(verdict.looks),
        reason=verdict.reason,
        hint=verdict.hint,
        homography=_homography(fit),
        heat=packed(heat) if heat is not None else None,
    )


def _homography(fit: object) -> list[list[float]] | None:
    matrix = getattr(fit, "homography", None)
    if matrix is None:
        return None
    return [[float(value) for value in row] for row in np.asarray(matrix, dtype=np.float64)]
