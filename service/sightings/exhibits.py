"""What comes with a found picture: how, where and when it was taken, and pictures that show it in its place.

The page, the post and the account belong to third parties, so all of it is sealed like the picture. What the sender
says stays a claim, told apart from what the service has itself checked: the SHA-256 and size of every file received.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence

from PIL import Image
from pydantic import ValidationError
from sqlalchemy.orm import Session

from service.context import Context
from service.db import new_id, scoped
from service.errors import Invalid
from service.events.models import EventKind
from service.events.service import record
from service.identity.roles import Principal
from service.lookups import pixels
from service.sightings.models import Exhibit, ExhibitKind, Sighting
from service.sightings.schemas import CaptureClaim, EvidenceOut, ExhibitOut
from service.sightings.service import NothingToShow, data_key, require
from service.tenants.service import vault_of
from watermark.decode import decode_leak

MOST_FRAMES = 10
_SHOWN_SIDE = 480


class BadEvidence(Invalid):
    """What was said about the picture cannot be read."""

    hint = "Send `evidence` as a JSON object of the fields that the API describes."


class ArrivedOtherwise(Invalid):
    """A file is not the one that its SHA-256 was made of."""

    hint = "It was damaged or changed on its way; send it again."


class TooManyFrames(Invalid):
    """At most 10 frames of a video come with one sighting."""

    hint = "Send one frame a second, for ten seconds."


def read_claim(text: str | None) -> CaptureClaim | None:
    """Read what the sender says; raises :class:`BadEvidence`."""
    if not text:
        return None
    try:
        return CaptureClaim.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadEvidence(f"evidence, {where or 'as a whole'}: {first['msg']}") from None


def attach(
    session: Session,
    *,
    context: Context,
    principal: Principal,
    sighting: Sighting,
    claim: CaptureClaim | None,
    screenshot: bytes | None = None,
    frames: Sequence[bytes] = (),
) -> None:
    """Keep what came with a sighting that was just received, sealed with its key.

    Raises
    ------
    ArrivedOtherwise, TooManyFrames, watermark.errors.WatermarkError
    """
    if len(frames) > MOST_FRAMES:
        raise TooManyFrames
    claimed = claim.frames if claim else []
    files = [(ExhibitKind.FRAME, data, claimed[at] if at < len(claimed) else None) for at, data in enumerate(frames)]
    _same(claim.sha256 if claim else None, sighting.sha256)
    key = data_key(session, context=context, sighting=sighting)
    if screenshot is not None:
        _keep(session, context, sighting, key, ExhibitKind.SCREENSHOT, 0, screenshot, None, _shot_hash(claim))
    for position, (kind, data, frame) in enumerate(files):
        at_s, sha256 = (frame.at_s, frame.sha256) if frame else (None, None)
        _keep(session, context, sighting, key, kind, position, data, at_s, sha256)
    if claim is not None:
        own = vault_of(session, vault=context.vault, tenant_id=principal.tenant_id)
        said = json.dumps(claim.model_dump(mode="json", exclude_none=True)).encode()
        sighting.capture = own.seal(said, place=f"sighting/{sighting.id}/capture")
    session.flush()


def evidence(session: Session, *, context: Context, principal: Principal, sighting_id: str) -> EvidenceOut:
    """Gather what is known of how a sighting's picture was taken."""
    sighting = require(session, principal=principal, sighting_id=sighting_id)
    own = vault_of(session, vault=context.vault, tenant_id=sighting.tenant_id)
    claim = None
    if sighting.capture is not None:
        said = own.unseal(sighting.capture, place=f"sighting/{sighting.id}/capture")
        claim = CaptureClaim.model_validate_json(said)
    query = scoped(session, Exhibit, principal).where(Exhibit.sighting_id == sighting_id)
    rows = list(session.scalars(query.order_by(Exhibit.kind.desc(), Exhibit.position)))
    return EvidenceOut(
        sighting_id=sighting.id,
        received_at=sighting.created_at,
        picture_sha256=sighting.sha256,
        picture_bytes=sighting.size_bytes,
        claim=claim,
        exhibits=[_shown(row) for row in rows],
    )


def show_exhibit(context: Context, *, principal: Principal, sighting_id: str, exhibit_id: str) -> bytes:
    """Return an exhibit at 480 px or less, and log that it was looked at."""
    with context.database.writing() as session:
        sighting = require(session, principal=principal, sighting_id=sighting_id)
        query = scoped(session, Exhibit, principal).where(Exhibit.sighting_id == sighting_id, Exhibit.id == exhibit_id)
        if session.scalar(query) is None:
            raise NothingToShow
        key = data_key(session, context=context, sighting=sighting)
        record(
            session,
            kind=EventKind.LEAK_VIEWED,
            tenant_id=sighting.tenant_id,
            principal_id=principal.id,
            sighting_id=sighting_id,
            asset_id=sighting.asset_id,
            exhibit=exhibit_id,
        )
    data = context.blobs.get(sighting.blob(exhibit_id), key=key)
    return context.pool.run_within(30.0, 30.0, reduced, data, context.settings.max_pixels)


def reduced(data: bytes, max_pixels: int) -> bytes:
    """Decode a picture in a worker and make it small: a screenshot may show an asset, and no unmarked pixel leaves."""
    picture = Image.fromarray(decode_leak(data, max_pixels))
    picture.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


def _keep(
    session: Session,
    context: Context,
    sighting: Sighting,
    key: bytes,
    kind: ExhibitKind,
    position: int,
    data: bytes,
    at_s: float | None,
    claimed: str | None,
) -> None:
    context.pool.run_within(20.0, 5.0, pixels.inspect, data, context.settings.max_pixels)
    digest = hashlib.sha256(data).hexdigest()
    _same(claimed, digest)
    exhibit = Exhibit(
        id=new_id("exh"),
        tenant_id=sighting.tenant_id,
        sighting_id=sighting.id,
        kind=kind.value,
        position=position,
        at_s=at_s,
        size_bytes=len(data),
        sha256=digest,
    )
    context.blobs.put_once(sighting.blob(exhibit.id), data, key=key, durable=True)
    session.add(exhibit)


def _same(claimed: str | None, found: str) -> None:
    if claimed is not None and claimed.lower() != found:
        raise ArrivedOtherwise


def _shot_hash(claim: CaptureClaim | None) -> str | None:
    return claim.screenshot_sha256 if claim else None


def _shown(row: Exhibit) -> ExhibitOut:
    return ExhibitOut(
        id=row.id,
        kind=ExhibitKind(row.kind),
        at_s=row.at_s,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        picture=f"/v1/sightings/{row.sighting_id}/exhibits/{row.id}.jpg",
    )
