"""Words and figures for people: the console says nothing that is not written here or in a template.

A verdict names a copy, never a person; a probability is written so that it cannot be read as smaller than it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from service.events.models import EventKind
from service.sightings.models import Outcome, SightingState
from service.sightings.schemas import Obtained, SightingOut
from service.videos.content import Kind

GATE_LOG10 = -9.0
MOST_DIGITS = 30  # beyond this the arithmetic is exact, but no assumption about the world is

_STATES = {
    "received": "Waiting",
    "preparing": "Preparing",
    "ready": "Ready",
    "held": "Held",
    "failed": "Failed",
    "recognising": "Finding the asset",
    "tracing": "Reading the mark",
    "done": "Done",
}
_EVENTS = {
    EventKind.TOKEN_REVOKED: "API token revoked",
    EventKind.EXTENSION_ADMITTED: "Browser extension signed in",
    EventKind.EXTENSION_REVOKED: "Browser extension signed out",
    EventKind.ASSET_RECEIVED: "Asset uploaded",
    EventKind.ASSET_READY: "Asset ready",
    EventKind.ASSET_HELD: "Asset held by its preflight",
    EventKind.ASSET_RELEASED: "Held asset released knowingly",
    EventKind.ASSET_FAILED: "Preparing failed",
    EventKind.ASSET_DELETED: "Asset deleted",
    EventKind.RECIPIENTS_ADDED: "Recipient added",
    EventKind.COPY_ISSUED: "Copy issued",
    EventKind.COPIES_RELEASED: "Copies checked and released",
    EventKind.COPIES_HELD: "Copies held by their check",
    EventKind.COPY_DOWNLOADED: "Copy downloaded",
    EventKind.COPY_VIEWED: "Looked at in the console",
    EventKind.LOOKUP_HIT: "Recognised by a look-up",
    EventKind.SIGHTING_RECEIVED: "Sighting submitted",
    EventKind.SIGHTING_VERDICT: "Trace ended",
    EventKind.COPY_NAMED: "Copy named in a leak",
    EventKind.SIGHTING_FAILED: "Trace failed",
    EventKind.LEAK_VIEWED: "Found picture looked at",
}
_WORDS = {kind.value: words for kind, words in _EVENTS.items()}
_NOTES = {
    "issued": "{n} new copies issued; {m} recipients had theirs already.",
    "imported": "{n} recipients added.",
    "added": "The recipient was added.",
    "uploaded": "Uploaded. Telltale is preparing it now; this page follows along.",
    "released": "Released. Copies can be issued now; who released it is recorded.",
    "deleted": "The asset was deleted. The record of its copies and downloads stays.",
    "signed-out": "You are signed out.",
    "extension-revoked": "The extension is signed out. Its next request will be refused.",
}
_OBTAINED = {
    Obtained.FILE: "The original file, as its host serves it",
    Obtained.CANVAS: "Exported by the page itself",
    Obtained.CAPTURE: "Captured from the screen at the picture's own size",
    Obtained.STITCHED: "Captured from the screen in parts, and joined",
    Obtained.SCREEN: "Cut out of the page as it was shown",
    Obtained.UPLOAD: "A file from elsewhere",
}
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Verdict:
    """What a sighting's page says first; ``tone`` is named, unsure, clear, running or failed."""

    tone: str
    label: str
    headline: str
    lead: str


def verdict(shown: SightingOut) -> Verdict:
    """Put a sighting into words, from what the caller's role may know of it."""
    what = thing(shown.kind)
    if shown.state is SightingState.FAILED:
        return Verdict("failed", "Failed", f"The {what} could not be traced", shown.problem or "")
    if shown.state is not SightingState.DONE:
        return Verdict("running", "Tracing", f"Tracing this {what}", "The result appears here as soon as it is there.")
    if shown.outcome is None:
        return _for_flaggers(shown)
    if shown.outcome is Outcome.NOT_OURS:
        return Verdict("clear", "Not ours", "Not ours", f"The {what} shows none of your assets.")
    if shown.outcome is Outcome.INCONCLUSIVE:
        return Verdict(
            "unsure", "Inconclusive", "Inconclusive: no copy is named", shown.reason or "The mark is too weak to read."
        )
    if not shown.named:
        lead = "Who it was issued to is for investigators to see. They can find this sighting in their list."
        return Verdict("named", "Copy named", "A copy is named", lead)
    first = shown.named[0]
    how = "issued to" if first.kind == "recipient" else "shown to"
    if len(shown.named) == 1:
        return Verdict(
            "named", "Copy named", f"{_capital(first.name)} is named: {how} {first.issued_to}", first.statement
        )
    names = ", ".join(item.name for item in shown.named)
    lead = f"The {what} holds pixels of more than one copy: {names}."
    return Verdict("named", "Copies named", f"{len(shown.named)} copies are named", lead)


def thing(kind: Kind) -> str:
    """Call what was found by a word."""
    return "clip" if kind is Kind.VIDEO else "picture"


def _for_flaggers(shown: SightingOut) -> Verdict:
    what = thing(shown.kind)
    if shown.ours:
        lead = f"Thank you. The {what} was traced, and your investigators have the result."
        return Verdict("unsure", "Ours", "This is one of ours", lead)
    if shown.ours is None:
        lead = f"The {what} was compared with the asset you chose, and your investigators have the result."
        return Verdict("unsure", "Traced", "The trace has ended", lead)
    return Verdict("clear", "Not ours", "Not ours", f"The {what} shows none of your brand's assets.")


def odds(log10_bound: float) -> str:
    """Write the bound on a false accusation as odds, never smaller than it is.

    >>> odds(-11.7)
    '1 in 10¹¹ or less'
    >>> odds(-214.0)
    'less than 1 in 10³⁰'
    """
    digits = math.floor(-log10_bound + 1e-9)
    if digits > MOST_DIGITS:
        return f"less than 1 in {power_of_ten(MOST_DIGITS)}"
    return f"1 in {power_of_ten(max(0, digits))} or less"


def odds_in_words(log10_bound: float) -> str:
    """Write the bound as a count, as long as it is one that people can read; else nothing.

    >>> odds_in_words(-12.5)
    'at most one in a million million'
    """
    digits = math.floor(-log10_bound + 1e-9)
    if digits > 18:
        return ""
    thousand = {0: "", 1: "ten ", 2: "a hundred "}[digits % 3]
    units = {0: "", 1: "thousand", 2: "million", 3: "thousand million"}
    millions, rest = divmod(digits - digits % 3, 6)
    words = ["million"] * millions if rest == 0 else [units[1], *["million"] * millions]
    return f"at most one in {thousand or 'a '}{' '.join(words)}".strip()


def power_of_ten(exponent: int) -> str:
    """Write a power of ten.

    >>> power_of_ten(-9)
    '10⁻⁹'
    """
    return f"10{str(exponent).translate(_SUPERSCRIPT)}"


def strength(survives: bool, log10_bound: float) -> str:
    """Say how clearly a damaged trial copy would be named.

    >>> strength(False, -3.0), strength(True, -9.5), strength(True, -200.0)
    ('too weak to name a copy', 'just enough', 'very strong')
    """
    if not survives:
        return "too weak to name a copy"
    return "just enough" if log10_bound > -15 else "strong" if log10_bound > -40 else "very strong"


def event(kind: str) -> str:
    """Name something that happened."""
    return _WORDS.get(kind, kind)


def note(query: dict[str, str]) -> str | None:
    """Say what the last form did, from the query its answer redirected to; anything unknown says nothing."""
    text = _NOTES.get(query.get("note", ""))
    if text is None:
        return None
    n, m = (query.get(key, "0") for key in "nm")
    return text.format(n=n, m=m) if n.isdecimal() and m.isdecimal() and len(n + m) < 20 else None


def state(value: str) -> str:
    """Name a state."""
    return _STATES.get(value, value.capitalize())


def moment(value: datetime | None) -> str:
    """Write a moment.

    >>> from datetime import UTC, datetime
    >>> moment(datetime(2026, 11, 5, 9, 4, tzinfo=UTC))
    '5 Nov 2026, 09:04 UTC'
    """
    return f"{day(value)}, {value:%H:%M} UTC" if value else "—"


def day(value: datetime | None) -> str:
    """Write a day."""
    return f"{value.day} {value:%b %Y}" if value else "—"


def size(value: int) -> str:
    """Write a file's size.

    >>> size(2_450_000)
    '2.5 MB'
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= factor:
            return f"{value / factor:.1f} {unit}" if value < 10 * factor else f"{value / factor:.0f} {unit}"
    return f"{value} bytes"


def number(value: int) -> str:
    """Write a count with its thousands apart."""
    return f"{value:,}"


def percent(value: float | None) -> str:
    """Write a share; never 0 % for something that is there."""
    if value is None:
        return "—"
    return "under 1 %" if 0 < value < 0.01 else f"{value * 100:.0f} %"


def duration(seconds: float) -> str:
    """Write how long something took.

    >>> duration(0.94), duration(75.0)
    ('0.9 s', '1 min 15 s')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def clock(seconds: float) -> str:
    """Write a time within a video.

    >>> clock(3.4), clock(75.0), clock(3725.0)
    ('0:03.4', '1:15.0', '1:02:05')
    """
    hours, rest = divmod(seconds, 3600)
    if hours:
        return f"{int(hours)}:{int(rest // 60):02d}:{int(rest % 60):02d}"
    tenths = int(rest * 10 + 1e-6)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def obtained(how: Obtained) -> str:
    """Say how a picture's pixels were got."""
    return _OBTAINED[how]
