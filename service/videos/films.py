"""Opening what was prepared: an asset's parts, for a worker and for delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from sqlalchemy.orm import Session

from service.assets.models import Asset
from service.assets.service import data_key
from service.context import Context
from service.db import scoped
from service.videos.lending import lending
from service.videos.models import VideoSegment
from service.videos.store import SealedStore
from watermark.video import Master, Movie


def bundles_of(session: Session, *, asset: Asset) -> dict[int, str]:
    """Return the bundle of every segment that is prepared."""
    rows = session.scalars(scoped(session, VideoSegment, asset).where(VideoSegment.asset_id == asset.id))
    return {row.number: row.bundle for row in rows}


def store_of(session: Session, *, context: Context, asset: Asset) -> SealedStore:
    """Return an asset's parts."""
    key = data_key(session, context=context, asset=asset)
    return SealedStore(context.blobs, f"{asset.tenant_id}/{asset.id}", key, bundles_of(session, asset=asset))


def movie_of(context: Context, *, asset: Asset) -> Movie:
    """Open a ready asset for delivery; the caller has made sure that it is ready, and who asks."""

    def opened() -> Movie:
        with context.database.reading() as session:
            store = store_of(session, context=context, asset=asset)
        return Movie(Master.open(store))

    return context.movies.take(asset.id, opened)


@contextmanager
def lent(
    context: Context, *, asset: Asset, told: Callable[[float], None] = lambda _share: None
) -> Iterator[Connection]:
    """Lend an asset's parts to a worker for one task; `told` hears how much of it is done."""
    with context.database.reading() as session:
        store = store_of(session, context=context, asset=asset)
    with lending(store.get, told) as connection:
        yield connection
