"""The figures of a sighting's result, placed for drawing and put into words; only what the caller's role may know."""

from __future__ import annotations

from dataclasses import dataclass

from service.console import wording
from service.sightings.models import Sighting
from service.sightings.schemas import NamedCopyOut, SightingOut

_SCALE_DIGITS = 40.0  # the gauge's right end; stronger evidence is drawn there
_STEPS = {"recognise": "Recognising the asset", "trace": "Reading the mark and comparing with every copy"}


@dataclass(frozen=True)
class NamedLine:
    """A named copy with its probability for people; ``gauge`` is where its needle stands, 0 to 1."""

    copy: NamedCopyOut
    odds: str
    odds_in_words: str
    log10: str
    gauge: float


@dataclass(frozen=True)
class Result:
    """What stands below the headline."""

    named: list[NamedLine]
    gate: float
    found_by: str | None
    steps: list[tuple[str, str, float]]
    total: str | None


def result_of(row: Sighting, shown: SightingOut) -> Result:
    """Gather the result; empty lists where the role may not know."""
    named = [
        NamedLine(
            copy=item,
            odds=wording.odds(item.log10_false_accusation),
            odds_in_words=wording.odds_in_words(item.log10_false_accusation),
            log10=f"{item.log10_false_accusation:.1f}".replace("-", "−"),
            gauge=round(min(1.0, max(0.0, -item.log10_false_accusation / _SCALE_DIGITS)), 4),
        )
        for item in shown.named or []
    ]
    timings = shown.timings_s or {}
    slowest = max(timings.values(), default=0.0) or 1.0
    whole = (shown.finished_at - shown.created_at).total_seconds() if shown.finished_at else None
    return Result(
        named=named,
        gate=-wording.GATE_LOG10 / _SCALE_DIGITS,
        found_by=_found_by(row) if shown.copies_tried is not None else None,
        steps=[(_STEPS.get(name, name), wording.duration(took), took / slowest) for name, took in timings.items()],
        total=wording.duration(whole) if whole is not None else None,
    )


def _found_by(row: Sighting) -> str | None:
    found = next((item for item in row.candidates or [] if item["asset_id"] == row.asset_id), None)
    if found is None:
        return None
    ways = []
    if found["distance_bits"] is not None:
        ways.append(f"its perceptual hash ({found['distance_bits']} of 256 bits differ)")
    if found["inliers"] is not None:
        ways.append(f"{found['inliers']} matching picture details")
    if not ways:
        return "You chose the asset; the look-up did not find it by itself."
    at_s = found.get("at_s")
    when = "" if at_s is None else f", at {wording.clock(at_s)} of the video"
    return f"Found by {' and by '.join(ways)}{when}."
