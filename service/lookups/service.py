"""Is this ours? Answers for hashes and for pictures; what matches nothing leaves no trace.

Radii in bits. PDQ: 31 of 256 decides (the nearest of 3,000 unrelated pictures was 74 away); up to 70 is a candidate
that local features must confirm. The 64-bit hashes are a second opinion: they never decide beyond 4 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from service.assets.models import Asset
from service.context import Context
from service.db import now, scoped
from service.events.models import EventKind
from service.events.service import record_many
from service.identity.roles import Principal, Role
from service.lookups import pixels
from service.lookups.details import details_of
from service.lookups.engines.port import Hit
from service.lookups.models import HashKind
from service.lookups.moments import nearest_moment
from service.lookups.schemas import HashQuery, LookupAnswer, LookupResult
from service.videos.content import Kind


class Radii(NamedTuple):
    """Length of a kind's codes, and within how many bits they decide or are candidates."""

    size_bytes: int
    confident: int
    candidate: int


PDQ_CONFIDENT, PDQ_CANDIDATE, PDQ_LEAST_QUALITY = 31, 70, 50
PDQ_ONES = (64, 192)  # PDQ sets the bits above the median, about half; far from that, the picture was flat
SHORT_CONFIDENT, SHORT_CANDIDATE = 4, 10
_RADII = {
    HashKind.PDQ: Radii(32, PDQ_CONFIDENT, PDQ_CANDIDATE),
    HashKind.PHASH: Radii(8, SHORT_CONFIDENT, SHORT_CANDIDATE),
    HashKind.DHASH: Radii(8, SHORT_CONFIDENT, SHORT_CANDIDATE),
}
_NEAREST = 8  # the nearest may just have been deleted
_MOST_CANDIDATES = 100


@dataclass(frozen=True)
class Match:
    """An asset that a found picture shows: by code (``distance``), by local features (``inliers``), or both.

    ``hint`` is the homography (3 × 3) from the picture's pixels to the original's, where one is known;
    ``in_other_colours`` tells that the picture shows the same shot of another colourway, or was recoloured in part;
    ``at_s`` is the moment of a video that it shows, in seconds.
    """

    asset_id: str
    distance: int | None
    inliers: int | None
    hint: np.ndarray | None
    in_other_colours: bool = False
    at_s: float | None = None


def lookup(context: Context, *, principal: Principal, queries: Sequence[HashQuery]) -> list[LookupAnswer]:
    """Answer a batch of hashes in order, with one query for all assets that were hit.

    Only hits are recorded. A brand searches its own shelves alone, so that what is unknown and what is another's take
    the same steps to the same answer.

    Raises
    ------
    service.errors.TooManyRequests
        Past the limit of hashes per caller.
    """
    context.limiter.hit_hashes(principal.id, len(queries))
    codes = [_code(query) for query in queries]
    hits: list[list[Hit]] = [[] for _ in queries]
    for kind in HashKind:
        asked = {place: code[1] for place, code in enumerate(codes) if code is not None and code[0] is kind}
        if asked:
            _, confident, candidate = _RADII[kind]
            wanted = principal.tenant_id, kind, [*asked.values()]
            found = context.lookups.nearest(*wanted, confident=confident, candidate=candidate, limit=_NEAREST)
            for place, near in zip(asked, found, strict=True):
                hits[place] = near
    known = _known(context, principal, {hit.asset_id for near in hits for hit in near})
    answers, ours = [], []
    for code, near in zip(codes, hits, strict=True):
        best = next((hit for hit in near if hit.asset_id in known), None)
        if code is None:
            answers.append(LookupAnswer(result=LookupResult.UNREADABLE))
        elif best is None:
            answers.append(LookupAnswer(result=LookupResult.NOT_OURS))
        elif best.distance > _RADII[code[0]].confident:
            answers.append(LookupAnswer(result=LookupResult.CANDIDATE))
        else:
            at_s = _moment(context, principal, known[best.asset_id], code)
            ours.append(Match(best.asset_id, best.distance, None, None, at_s=at_s))
            sure = [hit.asset_id for hit in near if hit.distance <= _RADII[code[0]].confident and hit.asset_id in known]
            answers.append(_ours(principal, known[best.asset_id], ours[-1], sure[1:]))
    _record(context, principal, ours)
    return answers


def lookup_picture(context: Context, *, principal: Principal, found: pixels.Found) -> LookupAnswer:
    """Answer for a picture that a worker has described; another colourway of an asset is a candidate, not ours."""
    matches = recognise(context, tenant_id=principal.tenant_id, found=found)
    known = _known(context, principal, {match.asset_id for match in matches})
    match = next((match for match in matches if match.asset_id in known), None)
    if match is None:
        return LookupAnswer(result=LookupResult.NOT_OURS)
    if match.in_other_colours:
        return LookupAnswer(result=LookupResult.CANDIDATE)
    _record(context, principal, [match])
    return _ours(principal, known[match.asset_id], match)


def recognise(context: Context, *, tenant_id: str, found: pixels.Found) -> list[Match]:
    """Find the assets that a picture shows: as tier 2 ranks them, then those only tier 1 is sure of.

    Tier 2 is verified geometrically and by colour: codes of tier 1 cannot tell the colourways of one shot apart.
    """
    nearest: dict[str, tuple[int, bytes]] = {}
    for code, radius in _asked(found):
        hits = context.lookups.codes(tenant_id, HashKind.PDQ, [code], radius=radius, limit=_MOST_CANDIDATES)[0]
        for hit in hits:
            nearest[hit.asset_id] = min((hit.distance, code), nearest.get(hit.asset_id, (hit.distance, code)))
    details = details_of(context, tenant_id=tenant_id)
    sights = {sight.asset_id: sight for sight in context.lookups.sights(tenant_id, found.features, details)}
    sure = sorted((asset for asset, (bits, _) in nearest.items() if bits <= PDQ_CONFIDENT), key=nearest.__getitem__)
    ranked = [*sights, *(asset for asset in sure if asset not in sights)]
    with context.database.reading() as session:
        moments = {
            asset: nearest_moment(session, tenant_id=tenant_id, asset_id=asset, code=code)
            for asset, (_, code) in nearest.items()
        }
    return [
        Match(
            asset,
            nearest[asset][0] if asset in nearest else None,
            sights[asset].inliers if asset in sights else None,
            sights[asset].homography if asset in sights else None,
            asset in sights and sights[asset].in_other_colours,
            moments[asset] if asset in sure or asset not in sights else sights[asset].at_s,
        )
        for asset in ranked
    ]


def _asked(found: pixels.Found) -> list[tuple[bytes, int]]:
    """PDQ codes of a picture and of those set into it, and within how many bits each is searched."""
    whole = [(found.pdq, PDQ_CANDIDATE)] if found.quality >= PDQ_LEAST_QUALITY else []
    return whole + [(code, PDQ_CONFIDENT) for code in found.insets]


def _code(query: HashQuery) -> tuple[HashKind, bytes] | None:
    """Read a hash; None when it is none, or is of a picture too flat to say anything."""
    kind = next(kind for kind in HashKind if getattr(query, kind.value) is not None)
    try:
        code = bytes.fromhex(getattr(query, kind.value))
    except ValueError:
        return None
    if len(code) != _RADII[kind].size_bytes:
        return None
    if kind is HashKind.PDQ:
        ones = int.from_bytes(code).bit_count()
        quality = 100 if query.quality is None else query.quality
        if quality < PDQ_LEAST_QUALITY or not PDQ_ONES[0] <= ones <= PDQ_ONES[1]:
            return None
    return kind, code


class Known(NamedTuple):
    """What an answer tells of an asset."""

    asset_id: str
    title: str
    embargo_until: datetime | None
    kind: str


def _known(context: Context, principal: Principal, asset_ids: set[str]) -> dict[str, Known]:
    """Fetch the caller's assets among these that are not deleted."""
    if not asset_ids:
        return {}
    with context.database.reading() as session:
        query = scoped(session, Asset, principal).where(Asset.id.in_(asset_ids), Asset.deleted_at.is_(None))
        rows = session.execute(query.with_only_columns(Asset.id, Asset.title, Asset.embargo_until, Asset.kind))
        return {row.id: Known(*row) for row in rows}


def _moment(context: Context, principal: Principal, asset: Known, code: tuple[HashKind, bytes]) -> float | None:
    if asset.kind != Kind.VIDEO.value or code[0] is not HashKind.PDQ:
        return None
    with context.database.reading() as session:
        return nearest_moment(session, tenant_id=principal.tenant_id, asset_id=asset.asset_id, code=code[1])


def _record(context: Context, principal: Principal, matches: Sequence[Match]) -> None:
    """Write the hits down, in one transaction that others wait for no longer than that."""
    if not matches:
        return
    with context.database.writing() as session:
        record_many(
            session,
            kind=EventKind.LOOKUP_HIT,
            tenant_id=principal.tenant_id,
            principal_id=principal.id,
            rows=[
                {
                    "asset_id": match.asset_id,
                    "detail": {"distance_bits": match.distance, "inliers": match.inliers},
                }
                for match in matches
            ],
        )


def _ours(principal: Principal, asset: Known, match: Match, others: Sequence[str] = ()) -> LookupAnswer:
    """Tell a flagger that it is ours and until when it is embargoed, and the others which it is."""
    answer = LookupAnswer(
        result=LookupResult.OURS,
        embargo_until=asset.embargo_until,
        embargoed=asset.embargo_until is None or asset.embargo_until > now(),
    )
    if principal.may(Role.UPLOADER, Role.INVESTIGATOR):
        answer.asset_id, answer.title = asset.asset_id, asset.title
        answer.distance_bits, answer.inliers, answer.at_s = match.distance, match.inliers, match.at_s
        answer.other_asset_ids = list(others) or None
    return answer
