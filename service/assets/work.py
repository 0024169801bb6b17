"""The job that makes an asset ready: prepare the master, then the fingerprints, then the preflight, then say so.

Every step may run twice (a killed process goes on at the step it had reached): files are put once, fingerprints are
inserted only where there are none, and a state that is already reached is kept.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.assets import pixels
from service.assets.models import Asset, AssetState
from service.assets.service import PREPARE, data_key, failed_rungs, mark_key, preparing_of
from service.context import Context
from service.db import after_commit, everywhere
from service.events.models import EventKind
from service.events.service import record
from service.jobs.job import Job, is_final
from service.lookups.details import DETAILS
from service.lookups.models import Fingerprint, HashKind, Landmarks
from service.tenants.service import vault_of
from service.videos.content import Kind

_OURS = ("Preparing this file failed on our side.", "Upload it again; if it fails again, tell the operator.")

MEND = "asset.mend"

_UNDER_WAY = (AssetState.RECEIVED.value, AssetState.PREPARING.value)


def prepare_job(context: Context) -> Job:
    """Bind the steps to a context."""
    return Job(
        kind=PREPARE,
        steps=(
            lambda asset_id: prepare(context, asset_id),
            lambda asset_id: describe(context, asset_id),
            lambda asset_id: certify(context, asset_id),
            lambda asset_id: finish(context, asset_id),
        ),
        failed=lambda asset_id, error: fail(context, asset_id, error),
    )


def mend_job(context: Context) -> Job:
    """Bind the one step of mending; where it fails, hashes still find the asset, and the next start tries again."""
    return Job(kind=MEND, steps=(lambda asset_id: mend(context, asset_id),), failed=lambda _asset_id, _error: None)


def prepare(context: Context, asset_id: str) -> None:
    """Decode the original in a worker and store the prepared master."""
    with context.database.writing() as session:
        asset = _open(session, asset_id)
        if asset is None:
            return
        asset.advance(AssetState.PREPARING)
        asset.progress = 0.1
        key = data_key(session, context=context, asset=asset)
        mark = mark_key(session, context=context, asset=asset)
    original = context.blobs.get(asset.blob("original"), key=key)
    prepared = context.pool.run(pixels.prepare, original, mark, context.settings.max_pixels)
    context.blobs.put_once(asset.blob("master"), prepared.master, key=key)
    with context.database.writing() as session:
        asset = _open(session, asset_id)
        if asset is not None:
            asset.format, asset.width, asset.height = prepared.format, prepared.width, prepared.height
            asset.progress = 0.4


def describe(context: Context, asset_id: str) -> None:
    """Compute the fingerprints in a worker and make the asset findable."""
    with context.database.reading() as session:
        asset = _open(session, asset_id)
    if asset is None:
        return
    found = _described(context, asset)
    with context.database.writing() as session:
        asset = _open(session, asset_id, lock=True)  # a deletion waits, or has happened
        known = session.scalar(everywhere(Fingerprint).where(Fingerprint.asset_id == asset_id).limit(1))
        if asset is None or known is not None:
            return
        codes = [(HashKind.PDQ, turn, code) for turn, code in enumerate(found.pdq)]
        codes += [(HashKind.PHASH, 0, found.phash), (HashKind.DHASH, 0, found.dhash)]
        session.add_all(
            Fingerprint(
                tenant_id=asset.tenant_id,
                asset_id=asset_id,
                kind=kind.value,
                orientation=turn,
                code=code,
                quality=found.quality,
            )
            for kind, turn, code in codes
        )
        session.add(_sealed(session, context, asset, found))
        asset.progress = 0.5


def mend(context: Context, asset_id: str) -> None:
    """Compute the local features of a picture anew, because those at hand cannot be read."""
    with context.database.reading() as session:
        asset = _picture(session, asset_id)
    if asset is None:
        return
    context.blobs.delete(asset.blob(DETAILS))
    found = _described(context, asset)
    with context.database.writing() as session:
        asset = _picture(session, asset_id, lock=True)
        if asset is None:
            return
        own = sa.delete(Landmarks).where(Landmarks.asset_id == asset_id, Landmarks.tenant_id == asset.tenant_id)
        session.execute(own)
        session.add(_sealed(session, context, asset, found))
        after_commit(session, lambda: context.lookups.refresh(force=True))


def _described(context: Context, asset: Asset) -> pixels.Described:
    """Describe an original in a worker, and put aside what a closer look needs."""
    with context.database.reading() as session:
        key = data_key(session, context=context, asset=asset)
    original = context.blobs.get(asset.blob("original"), key=key)
    found = context.pool.run(pixels.describe, original, context.settings.max_pixels)
    context.blobs.put_once(asset.blob(DETAILS), found.details, key=key)
    return found


def _sealed(session: Session, context: Context, asset: Asset, found: pixels.Described) -> Landmarks:
    own = vault_of(session, vault=context.vault, tenant_id=asset.tenant_id)
    data = own.seal(found.landmarks, place=f"asset/{asset.id}/landmarks")
    return Landmarks(tenant_id=asset.tenant_id, asset_id=asset.id, data=data)


def certify(context: Context, asset_id: str) -> None:
    """Damage and read back a trial copy that nobody will hold, and store what the asset was seen to bear.

    An asset that bears too little is held, not marked more strongly: the strength was solved for what nobody sees,
    and visibility comes first. Whether its copies may go out anyway is for the uploader to say.
    """
    with context.database.reading() as session:
        asset = _open(session, asset_id)
        if asset is None or asset.certificate is not None:
            return
        key = data_key(session, context=context, asset=asset)
    found = context.pool.run(pixels.certify, context.blobs.get(asset.blob("master"), key=key))
    context.blobs.put_once(asset.blob("carries"), found.carries, key=key)
    with context.database.writing() as session:
        asset = _open(session, asset_id)
        if asset is not None:
            asset.certificate = found.certificate
            asset.progress = 0.95


def finish(context: Context, asset_id: str) -> None:
    """Say that the asset is ready, or held and why."""
    with context.database.writing() as session:
        asset = _open(session, asset_id)
        if asset is None:
            return
        asset.progress = 1.0
        certificate = asset.certificate or {"passed": True}
        if certificate["passed"]:
            asset.advance(AssetState.READY)
            record(session, kind=EventKind.ASSET_READY, tenant_id=asset.tenant_id, asset_id=asset_id)
        else:
            asset.advance(AssetState.HELD)
            asset.problem, asset.hint = certificate["reason"], certificate["hint"]
            record(
                session,
                kind=EventKind.ASSET_HELD,
                tenant_id=asset.tenant_id,
                asset_id=asset_id,
                reason=certificate["reason"],
                rungs=failed_rungs(asset),
            )
        after_commit(session, lambda: context.lookups.refresh(force=True))


def fail(context: Context, asset_id: str, error: Exception) -> None:
    """Record why the asset cannot be prepared, in words for the person who uploaded it."""
    problem, hint = (str(error), getattr(error, "hint", "")) if is_final(error) else _OURS
    with context.database.writing() as session:
        asset = _open(session, asset_id)
        if asset is None:
            return
        asset.advance(AssetState.FAILED)
        asset.problem, asset.hint = problem, hint
        record(session, kind=EventKind.ASSET_FAILED, tenant_id=asset.tenant_id, asset_id=asset_id, problem=problem)


def unfinished(session: Session) -> list[tuple[str, str]]:
    """Name the jobs that must run, by kind and asset: looked up at every start, whatever was lost before."""
    query = everywhere(Asset).where(Asset.state.in_(_UNDER_WAY), Asset.deleted_at.is_(None))
    return [(preparing_of(asset), asset.id) for asset in session.scalars(query)]


def _picture(session: Session, asset_id: str, *, lock: bool = False) -> Asset | None:
    """Fetch the asset if it is a picture and not deleted."""
    query = everywhere(Asset).where(Asset.id == asset_id, Asset.kind == Kind.PICTURE.value, Asset.deleted_at.is_(None))
    return session.scalar(query.with_for_update() if lock else query)


def _open(session: Session, asset_id: str, *, lock: bool = False) -> Asset | None:
    """Fetch the asset unless there is nothing left to do for it."""
    query = everywhere(Asset).where(Asset.id == asset_id)
    asset = session.scalar(query.with_for_update() if lock else query)
    if asset is None or asset.deleted_at is not None or asset.state not in _UNDER_WAY:
        return None
    return asset
