"""Receiving, listing and deleting assets; preparing them is work for :mod:`service.assets.work`."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.assets import pixels
from service.assets.models import Asset, AssetState
from service.context import Context
from service.db import after_commit, new_id, now, scoped
from service.errors import Conflict, Invalid, NotFound
from service.events.models import EventKind
from service.events.service import record
from service.identity.roles import Principal
from service.jobs.pool import PoolBusy
from service.lookups.models import Fingerprint, Landmarks, Removal
from service.overlays import paint
from service.pages import Window, paged
from service.settings import Settings
from service.tenants.service import vault_of
from service.videos import pixels as video_pixels
from service.videos.content import Kind, kind_of
from service.videos.models import VideoSegment
from watermark.video import Limits

PREPARE, PREPARE_VIDEO = "prepare-asset", "prepare-video"


class AssetNotFound(NotFound):
    """There is no asset under this id."""


class AssetNotReady(Conflict):
    """This asset is not ready yet."""

    hint = "Wait until its state is 'ready'."


class AssetHeld(Conflict):
    """This asset is held: its copies could not be told apart after a leak."""


class AssetNotHeld(Conflict):
    """This asset is not held, so there is nothing to release."""

    hint = "Only an asset whose state is 'held' can be released."


class NoMap(NotFound):
    """There is no map of where this asset carries."""

    hint = "It exists once the asset's preflight has run; assets prepared by earlier versions have none."


class ReleaseNotConfirmed(Invalid):
    """Copies of this asset may not be traceable, so its title must be given as 'confirm'."""

    hint = "Repeat the asset's title exactly in 'confirm'."


class DeletionNotConfirmed(Invalid):
    """Deleting an asset cannot be undone, so its title must be given as 'confirm'."""

    hint = "Repeat the asset's title exactly in the parameter 'confirm'."


class BadTitle(Invalid):
    """An asset needs a title of 1 to 300 printable characters."""

    hint = "Give the asset a title."


def receive(
    session: Session,
    *,
    context: Context,
    principal: Principal,
    data: bytes,
    title: str,
    embargo_until: datetime | None = None,
    name: str | None = None,
) -> Asset:
    """Store an original encrypted and have it prepared; its content says whether it is a picture or a video.

    ``name`` is the file's, and counts only where the content is neither.

    What the header alone shows to be unfit is refused at once; the rest is found when the job decodes the picture.

    Raises
    ------
    watermark.errors.WatermarkError, BadTitle
    """
    title = " ".join(title.split())
    if not (1 <= len(title) <= 300 and title.isprintable()):
        raise BadTitle
    kind = kind_of(data, name or "")
    with contextlib.suppress(PoolBusy):  # then the job will tell
        if kind is Kind.VIDEO:
            context.pool.run_within(20.0, 5.0, video_pixels.inspect, data, video_limits(context.settings))
        else:
            context.pool.run_within(20.0, 5.0, pixels.inspect, data, context.settings.max_pixels)
    own = vault_of(session, vault=context.vault, tenant_id=principal.tenant_id)
    asset_id = new_id("ast")
    asset = Asset(
        id=asset_id,
        tenant_id=principal.tenant_id,
        kind=kind.value,
        title=title,
        embargo_until=embargo_until,
        state=AssetState.RECEIVED.value,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        data_key=own.new_key(place=f"asset/{asset_id}/data"),
        mark_key=own.new_key(place=f"asset/{asset_id}/mark"),
        created_by=principal.id,
    )
    key = data_key(session, context=context, asset=asset)
    context.blobs.put_once(asset.blob("original"), data, key=key, durable=True)
    session.add(asset)
    session.flush()
    record(
        session,
        kind=EventKind.ASSET_RECEIVED,
        tenant_id=asset.tenant_id,
        principal_id=principal.id,
        asset_id=asset_id,
        sha256=asset.sha256,
    )
    after_commit(session, lambda: context.jobs.submit(preparing_of(asset), asset_id))
    return asset


def preparing_of(asset: Asset) -> str:
    """Name the kind of job that prepares an asset."""
    return PREPARE_VIDEO if asset.kind == Kind.VIDEO.value else PREPARE


def video_limits(settings: Settings) -> Limits:
    """What a video may ask for, here."""
    return Limits(
        pixels=settings.max_video_pixels,
        duration_s=settings.max_video_s,
        all_pixels=settings.max_video_total_pixels,
        tracks=settings.max_video_tracks,
        stored_bytes=settings.max_video_stored_bytes,
    )


def list_(session: Session, *, principal: Principal, window: Window) -> tuple[list[Asset], int]:
    """Return one page of assets, newest first, and how many there are."""
    query = _live(session, principal).order_by(Asset.created_at.desc(), Asset.id)
    return paged(session, query, window)


def get(session: Session, *, principal: Principal, asset_id: str) -> Asset | None:
    """Return one asset, or None."""
    return session.scalar(_live(session, principal).where(Asset.id == asset_id))


def require(session: Session, *, principal: Principal, asset_id: str, lock: bool = False) -> Asset:
    """Return one asset, locked for counting serials if so wanted; raises :class:`AssetNotFound`."""
    query = _live(session, principal).where(Asset.id == asset_id)
    asset = session.scalar(query.with_for_update() if lock else query)
    if asset is None:
        raise AssetNotFound
    return asset


def require_ready(session: Session, *, principal: Principal, asset_id: str, lock: bool = False) -> Asset:
    """Return an asset whose copies can be made.

    Raises
    ------
    AssetNotFound, AssetNotReady, AssetHeld
    """
    asset = require(session, principal=principal, asset_id=asset_id, lock=lock)
    if asset.state == AssetState.HELD.value:
        raise AssetHeld(
            f"This asset is held. {asset.problem or ''}".strip(),
            hint=f"{asset.hint or ''} Or release it knowingly, by repeating its title.".strip(),
            state=asset.state,
            reason=asset.problem,
        )
    if asset.state != AssetState.READY.value:
        raise AssetNotReady(f"This asset is not ready: its state is '{asset.state}'.")
    return asset


def release(session: Session, *, principal: Principal, asset_id: str, confirm: str) -> Asset:
    """Make a held asset ready although its preflight failed, and record who did so and what it could not bear.

    Raises
    ------
    AssetNotFound, AssetNotHeld, ReleaseNotConfirmed
    """
    asset = require(session, principal=principal, asset_id=asset_id, lock=True)
    if asset.state != AssetState.HELD.value:
        raise AssetNotHeld(f"This asset is not held: its state is '{asset.state}'.", state=asset.state)
    if " ".join(confirm.split()) != asset.title:
        raise ReleaseNotConfirmed
    asset.advance(AssetState.READY)
    record(
        session,
        kind=EventKind.ASSET_RELEASED,
        tenant_id=asset.tenant_id,
        principal_id=principal.id,
        asset_id=asset.id,
        reason=asset.problem,
        rungs=failed_rungs(asset),
    )
    asset.problem = asset.hint = None
    return asset


def failed_rungs(asset: Asset) -> list[str]:
    """Name the required damage that the asset's trial copy did not survive."""
    rungs = (asset.certificate or {}).get("rungs", [])
    return [rung["name"] for rung in rungs if rung["required"] and not rung["survives"]]


def carries_map(context: Context, *, principal: Principal, asset_id: str) -> bytes:
    """Return where the asset carries its mark, coloured for people (PNG); raises AssetNotFound, NoMap."""
    with context.database.reading() as session:
        asset = require(session, principal=principal, asset_id=asset_id)
        if asset.certificate is None:
            raise NoMap
        key = data_key(session, context=context, asset=asset)
    grid = context.blobs.get(asset.blob("carries"), key=key)
    return context.pool.run_within(30.0, 30.0, paint, grid, 960)


def delete(session: Session, *, context: Context, principal: Principal, asset_id: str, confirm: str) -> None:
    """Shred an asset: its keys, its files and its fingerprints; the record of what happened stays.

    Raises
    ------
    AssetNotFound, DeletionNotConfirmed
    """
    asset = require(session, principal=principal, asset_id=asset_id, lock=True)
    if " ".join(confirm.split()) != asset.title:
        raise DeletionNotConfirmed
    asset.deleted_at = now()
    asset.data_key = asset.mark_key = b""
    for model in (Fingerprint, Landmarks, VideoSegment):
        session.execute(sa.delete(model).where(model.asset_id == asset.id, model.tenant_id == principal.tenant_id))
    session.add(Removal(tenant_id=asset.tenant_id, asset_id=asset.id))
    record(
        session,
        kind=EventKind.ASSET_DELETED,
        tenant_id=asset.tenant_id,
        principal_id=principal.id,
        asset_id=asset.id,
        title=asset.title,
    )
    prefix = f"{asset.tenant_id}/{asset.id}"
    after_commit(session, lambda: context.movies.forget(asset_id))
    after_commit(session, lambda: context.blobs.delete_under(prefix))
    after_commit(session, lambda: context.lookups.refresh(force=True))


def data_key(session: Session, *, context: Context, asset: Asset) -> bytes:
    """Open the key of an asset's files."""
    own = vault_of(session, vault=context.vault, tenant_id=asset.tenant_id)
    return own.unseal(asset.data_key, place=f"asset/{asset.id}/data")


def mark_key(session: Session, *, context: Context, asset: Asset) -> bytes:
    """Open the key of an asset's mark."""
    own = vault_of(session, vault=context.vault, tenant_id=asset.tenant_id)
    return own.unseal(asset.mark_key, place=f"asset/{asset.id}/mark")


def _live(session: Session, principal: Principal) -> sa.Select[Asset]:
    return scoped(session, Asset, principal).where(Asset.deleted_at.is_(None))
