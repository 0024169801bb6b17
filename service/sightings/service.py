"""Receiving sightings and showing them; tracing is work for :mod:`service.sightings.work`."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from service.assets.service import require as require_asset
from service.assets.service import video_limits
from service.context import Context
from service.db import after_commit, new_id, scoped
from service.errors import Conflict, Invalid, NotFound
from service.events.models import EventKind
from service.events.service import record
from service.identity.roles import Principal, Role
from service.jobs.pool import PoolBusy
from service.lookups import pixels
from service.overlays import paint
from service.pages import Window, paged
from service.sightings.models import NamedCopy, Sighting, SightingState
from service.sightings.schemas import StripOut
from service.tenants.service import vault_of
from service.videos import pixels as video_pixels
from service.videos.content import Kind, kind_of

TRACE = "trace-sighting"
_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f\x7f]+\Z")


class SightingNotFound(NotFound):
    """There is no sighting under this id."""


class NothingToShow(NotFound):
    """There is no such picture for this sighting."""

    hint = "It exists only once the trace has got that far."


class NoStrip(Conflict):
    """There is no chart over time for this sighting."""

    hint = "There is one once the mark of a video was read; of a picture there is a heat map instead."


class BadPageUrl(Invalid):
    """The page's address must begin with http:// or https:// and have at most 2,000 characters."""

    hint = "Copy the address from the browser's address bar, or leave it out."


def receive(
    session: Session,
    *,
    context: Context,
    principal: Principal,
    data: bytes,
    page_url: str | None = None,
    notes: str | None = None,
    asset_id: str | None = None,
    name: str | None = None,
) -> Sighting:
    """Store a found picture or clip encrypted and have it traced, against one asset first if one is given.

    Its content says which it is; ``name`` is the file's, and counts only where the content is neither.

    Raises
    ------
    watermark.errors.WatermarkError, BadPageUrl, AssetNotFound
    """
    if page_url and not (_ADDRESS.match(page_url) and len(page_url) <= 2000):
        raise BadPageUrl
    if asset_id:
        require_asset(session, principal=principal, asset_id=asset_id)
    kind = kind_of(data, name or "")
    with contextlib.suppress(PoolBusy):  # then the job will tell
        if kind is Kind.VIDEO:
            context.pool.run_within(20.0, 5.0, video_pixels.inspect, data, video_limits(context.settings))
        else:
            context.pool.run_within(20.0, 5.0, pixels.inspect, data, context.settings.max_pixels)
    own = vault_of(session, vault=context.vault, tenant_id=principal.tenant_id)
    sighting_id = new_id("sgt")
    sighting = Sighting(
        id=sighting_id,
        tenant_id=principal.tenant_id,
        kind=kind.value,
        page_url=page_url or None,
        notes=(notes or "").replace("\0", "").strip()[:4000] or None,
        against_asset_id=asset_id or None,
        state=SightingState.RECEIVED.value,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        data_key=own.new_key(place=f"sighting/{sighting_id}/data"),
        created_by=principal.id,
    )
    key = data_key(session, context=context, sighting=sighting)
    context.blobs.put_once(sighting.blob("leak"), data, key=key, durable=True)
    session.add(sighting)
    record(
        session,
        kind=EventKind.SIGHTING_RECEIVED,
        tenant_id=sighting.tenant_id,
        principal_id=principal.id,
        sighting_id=sighting_id,
        sha256=sighting.sha256,
    )
    session.flush()
    after_commit(session, lambda: context.jobs.submit(TRACE, sighting_id))
    return sighting


def list_(session: Session, *, principal: Principal, window: Window) -> tuple[list[Sighting], int]:
    """Return one page of sightings, newest first, and how many there are."""
    query = scoped(session, Sighting, principal).order_by(Sighting.created_at.desc(), Sighting.id)
    return paged(session, query, window)


def require(session: Session, *, principal: Principal, sighting_id: str) -> Sighting:
    """Return one sighting; raises :class:`SightingNotFound`."""
    row = session.scalar(scoped(session, Sighting, principal).where(Sighting.id == sighting_id))
    if row is None:
        raise SightingNotFound
    return row


def named_copies(session: Session, *, principal: Principal, sighting_ids: Sequence[str]) -> list[NamedCopy]:
    """Return which copies some sightings name; nothing unless an investigator asks."""
    if not principal.may(Role.INVESTIGATOR):
        return []
    return list(session.scalars(scoped(session, NamedCopy, principal).where(NamedCopy.sighting_id.in_(sighting_ids))))


def heat_map(context: Context, *, principal: Principal, sighting_id: str) -> bytes:
    """Return the stored grid of where the mark was read (grey PNG, 127.5 is zero), coloured for people."""
    with context.database.reading() as session:
        sighting = require(session, principal=principal, sighting_id=sighting_id)
        key = data_key(session, context=context, sighting=sighting)
    if not sighting.has_heat_map:
        raise NothingToShow
    grid = context.blobs.get(sighting.blob("heat"), key=key)
    return context.pool.run_within(30.0, 30.0, paint, grid, 960)


def strip_chart(context: Context, *, principal: Principal, sighting_id: str) -> StripOut:
    """Return where in a video the mark was read, when and how strongly; raises SightingNotFound, NoStrip."""
    with context.database.reading() as session:
        sighting = require(session, principal=principal, sighting_id=sighting_id)
        key = data_key(session, context=context, sighting=sighting)
    if not (sighting.verdict or {}).get("strip"):
        raise NoStrip
    return StripOut.model_validate_json(context.blobs.get(sighting.blob("strip"), key=key))


def leak_thumbnail(context: Context, *, principal: Principal, sighting_id: str) -> bytes:
    """Return the found picture at 480 px or less, and log that it was looked at."""
    with context.database.writing() as session:
        sighting = require(session, principal=principal, sighting_id=sighting_id)
        key = data_key(session, context=context, sighting=sighting)
        if sighting.ours is None and sighting.state in (SightingState.RECEIVED, SightingState.RECOGNISING):
            raise NothingToShow
        record(
            session,
            kind=EventKind.LEAK_VIEWED,
            tenant_id=sighting.tenant_id,
            principal_id=principal.id,
            sighting_id=sighting_id,
            asset_id=sighting.asset_id,
        )
    return context.blobs.get(sighting.blob("thumbnail"), key=key)


def data_key(session: Session, *, context: Context, sighting: Sighting) -> bytes:
    """Open the key of a sighting's files."""
    own = vault_of(session, vault=context.vault, tenant_id=sighting.tenant_id)
    return own.unseal(sighting.data_key, place=f"sighting/{sighting.id}/data")
