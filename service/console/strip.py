"""The strip chart of a video's reading, placed for drawing: when it was read, where in the picture, how strongly.

Columns are groups of pictures, a second each at most; rows are slices from the top of the picture to its bottom, a few
of them drawn as one. A second lane shows where in the whole video the clip comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.console import wording
from service.sightings.schemas import StripOut

WIDTH, HEIGHT, LEFT, TOP = 720.0, 150.0, 0.0, 0.0
MOST_ROWS = 15
_LEAST_WIDTH = 3.0


@dataclass(frozen=True)
class Cell:
    """A rectangle of the chart; ``tone`` is agrees, against or seen, ``opacity`` 0 to 1 in steps of a tenth."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    opacity: float


@dataclass(frozen=True)
class Chart:
    """Everything that is drawn, and its summary in words."""

    cells: list[Cell]
    ticks: list[tuple[float, str]]
    spans: list[tuple[float, float]]
    named: bool
    words: str


def chart_of(strip: StripOut) -> Chart:
    """Place a strip chart on a drawing of `WIDTH` by `HEIGHT`."""
    columns = len(strip.starts_s)
    values = strip.agreement if strip.agreement is not None else strip.strength
    rows = _binned(values)
    wide, high = WIDTH / max(1, columns), HEIGHT / max(1, len(rows))
    cells = [
        Cell(
            x=round(column * wide, 1),
            y=round(row * high, 1),
            width=round(max(wide - 0.6, 0.6), 1),
            height=round(max(high - 0.6, 0.6), 1),
            tone="seen" if strip.agreement is None else "agrees" if value > 0 else "against",
            opacity=round(min(1.0, abs(value)), 1),
        )
        for row, line in enumerate(rows)
        for column, value in enumerate(line)
        if abs(value) >= 0.05
    ]
    every = max(1, -(-columns // 6))
    ticks = [(round(k * wide, 1), wording.clock(strip.starts_s[k])) for k in range(0, columns, every)]
    scale = WIDTH / max(strip.length_s, 1e-6)
    spans = [
        (round(start * scale, 1), round(max((stop - start) * scale, _LEAST_WIDTH), 1))
        for start, stop in _joined(list(zip(strip.starts_s, strip.ends_s, strict=True)))
    ]
    return Chart(cells, ticks, spans, strip.agreement is not None, _words(strip))


def _binned(values: list[list[float]]) -> list[list[float]]:
    """Draw neighbouring rows as one, by their mean."""
    step = max(1, -(-len(values) // MOST_ROWS))
    parts = [values[start : start + step] for start in range(0, len(values), step)]
    return [[sum(column) / len(part) for column in zip(*part, strict=True)] for part in parts]


def _joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    out: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if out and start - out[-1][1] < 0.05:
            out[-1] = (out[-1][0], max(stop, out[-1][1]))
        else:
            out.append((start, stop))
    return out


def _words(strip: StripOut) -> str:
    if not strip.starts_s:
        return "Nothing could be read."
    seconds = sum(stop - start for start, stop in zip(strip.starts_s, strip.ends_s, strict=True))
    first, last = wording.clock(min(strip.starts_s)), wording.clock(max(strip.ends_s))
    if len(strip.starts_s) == 1:
        return f"Read in one part of the video, from {first} to {last}."
    return (
        f"Read in {len(strip.starts_s)} parts of the video, {wording.duration(seconds)} in all, from {first} to {last}."
    )
