"""Marked files on demand: rendered in a worker, logged, never stored in full.

No session is open while pixels are made, so a slow picture blocks nobody's writing. Previews are kept, encrypted,
because a list of assets shows many; each belongs to one viewer's copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from service.assets.models import Asset
from service.assets.service import data_key, require_ready
from service.blobs.store import BlobMissing
from service.context import Context
from service.copies.pixels import preview as render_preview
from service.copies.pixels import render as render_copy
from service.copies.service import require, require_released, viewer_copy
from service.events.models import EventKind
from service.events.service import record
from service.identity.roles import Principal
from watermark import IssuedFile

PREVIEW_SIDES = (160, 320, 480, 960, 1600)
_LANE_S = 60.0
T = TypeVar("T")


@dataclass(frozen=True)
class File:
    """A file to send."""

    data: bytes
    name: str
    media_type: str
    sha256: str


def file_of(context: Context, *, principal: Principal, copy_id: str) -> File:
    """Render a recipient's copy and log the download.

    Raises
    ------
    CopyNotFound, AssetNotFound, AssetNotReady, AssetHeld, CopyBeingChecked, CopyHeld
    """
    with context.database.reading() as session:
        copy = require(session, principal=principal, copy_id=copy_id)
        asset = require_ready(session, principal=principal, asset_id=copy.asset_id)
        require_released(session, principal=principal, copy=copy)
        key = data_key(session, context=context, asset=asset)
    made = render(context, asset=asset, key=key, serial=copy.serial)
    digest = hashlib.sha256(made.data).hexdigest()
    with context.database.writing() as session:
        record(
            session,
            kind=EventKind.COPY_DOWNLOADED,
            tenant_id=copy.tenant_id,
            principal_id=principal.id,
            asset_id=copy.asset_id,
            copy_id=copy.id,
            recipient_id=copy.recipient_id,
            sha256=digest,
        )
    stem = "".join(c if c.isalnum() else "-" for c in asset.title)[:60].strip("-") or "asset"
    return File(made.data, f"{stem}-{copy.serial:04d}.{made.suffix}", made.media_type, digest)


def preview_of(context: Context, *, principal: Principal, asset_id: str, size: int) -> bytes:
    """Return the viewer's own marked copy, shrunk (JPEG), and log the view; raises AssetNotFound, AssetNotReady."""
    side = next((side for side in PREVIEW_SIDES if side >= size), PREVIEW_SIDES[-1])
    with context.database.writing() as session:
        asset = require_ready(session, principal=principal, asset_id=asset_id)
        copy = viewer_copy(session, principal=principal, asset=asset)
        record(
            session,
            kind=EventKind.COPY_VIEWED,
            tenant_id=copy.tenant_id,
            principal_id=principal.id,
            asset_id=asset_id,
            copy_id=copy.id,
            side_px=side,
        )
        key = data_key(session, context=context, asset=asset)
    name = asset.blob(f"preview-{copy.serial}-{side}")
    try:
        return context.blobs.get(name, key=key)
    except BlobMissing:
        data = with_master(
            context,
            asset,
            key,
            lambda master: context.pool.run_within(
                context.settings.worker_timeout_s, _LANE_S, render_preview, asset.id, master, copy.serial, side
            ),
        )
        context.blobs.put_once(name, data, key=key)
        return data


def render(context: Context, *, asset: Asset, key: bytes, serial: int) -> IssuedFile:
    """Make the marked file of one serial, in the asset's own format."""
    return with_master(
        context,
        asset,
        key,
        lambda master: context.pool.run_within(
            context.settings.worker_timeout_s, _LANE_S, render_copy, asset.id, master, serial
        ),
    )


def with_master(context: Context, asset: Asset, key: bytes, ask: Callable[[bytes | None], T | None]) -> T:
    """Ask a worker that may hold the master already; send the master when it does not."""
    made = ask(None)
    if made is None:
        made = ask(context.blobs.get(asset.blob("master"), key=key))
    if made is None:
        raise RuntimeError("a worker refused a master that was sent to it")
    return made
