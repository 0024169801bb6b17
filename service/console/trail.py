"""The record of one subject, made readable: like things that happened together become one line, and a picture.

Two hundred copies issued by one click are one line that says so. The picture has one lane per kind of thing, and its
marks are placed here, so that templates only draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.console import wording
from service.events.models import EventKind
from service.provenance.service import Entry

_TOGETHER = timedelta(minutes=2)
LANES: tuple[tuple[str, str, frozenset[str]], ...] = (
    (
        "asset",
        "Asset",
        frozenset(f"asset.{what}" for what in ("received", "ready", "held", "released", "failed", "deleted")),
    ),
    ("issued", "Issued", frozenset({"copy.issued", "copies.released", "copies.held", "recipients.added"})),
    ("opened", "Opened", frozenset({"copy.downloaded", "copy.viewed", "leak.viewed"})),
    ("seen", "Seen outside", frozenset({"lookup.hit", "sighting.received", "sighting.verdict", "sighting.failed"})),
    ("named", "Named", frozenset({"copy.named"})),
)


@dataclass
class Line:
    """One thing that happened, or several alike: ``entries`` in order of time."""

    kind: str
    lane: str
    entries: list[Entry] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Name it."""
        if len(self.entries) == 1:
            return wording.event(self.kind)
        plural = {
            EventKind.COPY_ISSUED.value: "copies issued",
            EventKind.COPY_DOWNLOADED.value: "downloads",
            EventKind.COPY_VIEWED.value: "looks in the console",
            EventKind.LEAK_VIEWED.value: "looks at the found picture",
            EventKind.LOOKUP_HIT.value: "look-ups that recognised it",
        }
        words = plural.get(self.kind, f"× {wording.event(self.kind).lower()}")
        return f"{len(self.entries)} {words}"

    @property
    def first(self) -> datetime:
        """When it began."""
        return self.entries[0].event.at

    @property
    def last(self) -> datetime:
        """When it ended."""
        return self.entries[-1].event.at


@dataclass(frozen=True)
class Mark:
    """One mark of the picture: ``x`` in drawing units, ``lane`` counted from the top."""

    x: float
    lane: int
    kind: str
    radius: float
    title: str


def lane_of(kind: str) -> str:
    """Say which lane an event belongs to."""
    return next((name for name, _, kinds in LANES if kind in kinds), "asset")


def lines(entries: Sequence[Entry], *, only: str = "") -> list[Line]:
    """Join what is alike and close together; with ``only``, keep one lane."""
    made: list[Line] = []
    for entry in entries:
        kind, lane = entry.event.kind, lane_of(entry.event.kind)
        if only and lane != only:
            continue
        before = made[-1] if made else None
        joins = (
            before is not None
            and before.kind == kind
            and before.entries[0].event.principal_id == entry.event.principal_id
            and entry.sighting is before.entries[0].sighting
            and entry.event.at - before.last <= _TOGETHER
        )
        if before is not None and joins:
            before.entries.append(entry)
        else:
            made.append(Line(kind, lane, [entry]))
    return made


def marks(made: Sequence[Line], *, left: float, right: float) -> list[Mark]:
    """Place lines on a linear axis of time from ``left`` to ``right``."""
    if not made:
        return []
    names = [name for name, _, _ in LANES]
    begin, span = made[0].first, (made[-1].last - made[0].first).total_seconds()
    return [
        Mark(
            x=round(left + (right - left) * ((line.first - begin).total_seconds() / span if span else 0.5), 1),
            lane=names.index(line.lane),
            kind=line.lane,
            radius=round(min(11.0, 4.5 + 0.9 * len(line.entries) ** 0.5), 1),
            title=f"{line.title}, {wording.moment(line.first)}",
        )
        for line in made
    ]
