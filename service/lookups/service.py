"""Is this ours? Answers for hashes and for pictures; what matches nothing leaves no trace.

Radii in bits. PDQ: 31 of 256 decides (the nearest of 3,000 unrelated pictures was 74 away); up to 70 is a candidate
that local features must confirm. The 64-bit hashes are a second opinion: they never decide beyond 4 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from service.assets.models import Asset
from service.assets.service import get as get_asset
from service.context import Context
from service.events.models import EventKind
from service.events.service import record
from service.identity.roles import Principal, Role
from service.lookups import pixels
from service.lookups.models import HashKind
from service.lookups.schemas import HashQuery, LookupAnswer, LookupResult

PDQ_CONFIDENT, PDQ_CANDIDATE, PDQ_LEAST_QUALITY = 31, 70, 50
SHORT_CONFIDENT, SHORT_CANDIDATE = 4, 10
_RADII = {
    HashKind.PDQ: (32, PDQ_CONFIDENT, PDQ_CANDIDATE),
    HashKind.PHASH: (8, SHORT_CONFIDENT, SHORT_CANDIDATE),
    HashKind.DHASH: (8, SHORT_CONFIDENT, SHORT_CANDIDATE),
}


@dataclass(frozen=True)
class Match:
    """An asset that a found picture shows: by code (``distance``), by local features (``inliers``), or both.

    ``hint`` is the homography (3 × 3) from the picture's pixels to the original's, where one is known.
    """

    asset_id: str
    distance: int | None
    inliers: int | None
    hint: np.ndarray | None


def lookup(
    session: Session, *, context: Context, principal: Principal, queries: Sequence[HashQuery]
) -> list[LookupAnswer]:
    """Answer a batch of hashes in order; only hits are recorded."""
    return [_lookup_one(session, context, principal, query) for query in queries]


def lookup_picture(session: Session, *, context: Context, principal: Principal, found: pixels.Found) -> LookupAnswer:
    """Answer for a picture that a worker has described."""
    for match in recognise(context, tenant_id=principal.tenant_id, found=found):
        asset = get_asset(session, principal=principal, asset_id=match.asset_id)
        if asset is not None:
            return _ours(session, principal, asset, match.distance, match.inliers)
    return LookupAnswer(result=LookupResult.NOT_OURS)


def recognise(context: Context, *, tenant_id: str, found: pixels.Found) -> list[Match]:
    """Find the assets that a picture shows, surest first: tier 1 within the confident radius, then tier 2.

    Tier 2 is verified geometrically, and is what turns a candidate of tier 1 into a match.
    """
    distances: dict[str, int] = {}
    if found.quality >= PDQ_LEAST_QUALITY:
        hits = context.lookups.codes(tenant_id, HashKind.PDQ, found.pdq, PDQ_CANDIDATE)
        distances = {hit.asset_id: hit.distance for hit in hits}
    sights = {sight.asset_id: sight for sight in context.lookups.sights(tenant_id, found.features)}
    sure = [asset for asset, distance in distances.items() if distance <= PDQ_CONFIDENT]
    ranked = sorted(sure, key=lambda asset: (-(sights[asset].inliers if asset in sights else 0), distances[asset]))
    ranked += [asset for asset in sights if asset not in sure]
    return [
        Match(
            asset,
            distances.get(asset),
            sights[asset].inliers if asset in sights else None,
            sights[asset].homography if asset in sights else None,
        )
        for asset in ranked
    ]


def _lookup_one(session: Session, context: Context, principal: Principal, query: HashQuery) -> LookupAnswer:
    kind = next(kind for kind in HashKind if getattr(query, kind.value) is not None)
    length, confident, candidate = _RADII[kind]
    code = _bytes(getattr(query, kind.value), length)
    if code is None or (kind is HashKind.PDQ and (query.quality or 100) < PDQ_LEAST_QUALITY):
        return LookupAnswer(result=LookupResult.UNREADABLE)
    for hit in context.lookups.codes(principal.tenant_id, kind, code, candidate):
        asset = get_asset(session, principal=principal, asset_id=hit.asset_id)
        if asset is None:
            continue
        if hit.distance <= confident:
            return _ours(session, principal, asset, hit.distance, None)
        return LookupAnswer(result=LookupResult.CANDIDATE)
    return LookupAnswer(result=LookupResult.NOT_OURS)


def _bytes(text: str, length: int) -> bytes | None:
    """Read hex digits; None when they are not, or not as many."""
    try:
        code = bytes.fromhex(text)
    except ValueError:
        return None
    return code if len(code) == length else None


def _ours(
    session: Session, principal: Principal, asset: Asset, distance: int | None, inliers: int | None
) -> LookupAnswer:
    record(
        session,
        kind=EventKind.LOOKUP_HIT,
        tenant_id=principal.tenant_id,
        principal_id=principal.id,
        asset_id=asset.id,
        distance_bits=distance,
        inliers=inliers,
    )
    if not principal.may(Role.UPLOADER, Role.INVESTIGATOR):
        return LookupAnswer(result=LookupResult.OURS, embargo_until=asset.embargo_until)
    return LookupAnswer(
        result=LookupResult.OURS,
        embargo_until=asset.embargo_until,
        asset_id=asset.id,
        title=asset.title,
        distance_bits=distance,
        inliers=inliers,
    )
