"""What the service should have answered, and whether it did. Pure: answers in, judgements out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

GATE_LOG10 = -9.0
COPY_NAMED, INCONCLUSIVE, NOT_OURS = "copy_named", "inconclusive", "not_ours"


@dataclass(frozen=True)
class Answer:
    """One question: what it showed, what was expected, what came back, and why that is wrong (or None)."""

    case: str
    expected: str
    got: str
    wrong: str | None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the answer was right."""
        return self.wrong is None

    def as_dict(self) -> dict[str, Any]:
        """Put it in plain values, for JSON."""
        return {**asdict(self), "ok": self.ok}


def judge_sighting(case: str, sighting: dict[str, Any], *, expected: str, copy_id: str | None = None) -> Answer:
    """Judge a verdict: the right outcome, the right copy, a probability past the gate; never a name where none belongs.

    Parameters
    ----------
    sighting : dict
        As ``GET /v1/sightings/{id}`` answers an investigator.
    expected : str
        The outcome.
    copy_id : str, optional
        The copy that must be named, alone.
    """
    named = sighting.get("named") or []
    got = str(sighting.get("outcome") or sighting.get("state"))
    detail = {
        "sighting_id": sighting.get("id"),
        "outcome": sighting.get("outcome"),
        "named": [
            {name: item.get(name) for name in ("name", "issued_to", "log10_false_accusation", "copy_id")}
            for item in named
        ],
        "reason": sighting.get("reason") or sighting.get("problem"),
        "hint": sighting.get("hint"),
        "timings_s": sighting.get("timings_s"),
    }
    return Answer(case, expected, got, _wrong(sighting, named, got, expected, copy_id), detail)


def judge_lookup(case: str, result: dict[str, Any], *, asset_id: str) -> Answer:
    """Judge a look-up that must find an asset."""
    got = str(result.get("result"))
    wrong = None
    if got != "ours":
        wrong = f"The look-up answered “{got}”."
    elif result.get("asset_id") != asset_id:
        wrong = "The look-up found another asset."
    return Answer(
        case, "ours", got, wrong, {name: result.get(name) for name in ("asset_id", "title", "distance_bits", "inliers")}
    )


def _wrong(
    sighting: dict[str, Any], named: list[dict[str, Any]], got: str, expected: str, copy_id: str | None
) -> str | None:
    if expected != COPY_NAMED and named:
        return f"{named[0].get('name')} was named, and nobody should have been."
    if got != expected:
        return f"The outcome is “{got}”."
    if expected == INCONCLUSIVE and not sighting.get("reason"):
        return "No reason was given."
    if expected != COPY_NAMED:
        return None
    if [item.get("copy_id") for item in named] != [copy_id]:
        return f"Named: {', '.join(str(item.get('name')) for item in named) or 'nobody'}."
    worst = max(float(item["log10_false_accusation"]) for item in named)
    return None if worst < GATE_LOG10 else f"The probability 10^{worst:.1f} is above the gate."
