"""Marked videos on demand: a file or a stream is assembled while it is sent, and never stored.

A copy is chosen slice by slice from two variants that are both at rest encrypted; nothing is decoded or encoded, so it
happens here and in no worker. Only a preview picture decodes, and what it decodes is a marked copy.

A player asks for a file in dozens of ranges and for a stream in pieces; all of it within a quarter of an hour is one
download, or one view, in the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from service.assets.models import Asset
from service.assets.service import data_key, require_ready
from service.blobs.store import BlobMissing
from service.context import Context
from service.copies import rendering
from service.copies.models import Copy, CopyKind
from service.copies.service import require, require_released, viewer_copy
from service.db import now, scoped
from service.errors import Conflict, NotFound
from service.events.models import Event, EventKind
from service.events.service import record
from service.identity.roles import Principal
from service.videos import reading
from service.videos.content import Kind
from service.videos.films import movie_of
from watermark.video import Copy as Marked
from watermark.video import Movie, Stream, playlist
from watermark.video.streaming import MEDIA_TYPE, PLAYLIST_TYPE, durations_s

SAME_VISIT = timedelta(minutes=15)
POSTER_AT = 0.2  # of the video's length: the beginning is often black
_LANE_S = 60.0


class NotAVideo(Conflict):
    """This asset is a picture, so there is nothing to play."""

    hint = "Fetch the copy's file, or the asset's preview."


class NoSuchPiece(NotFound):
    """The stream has no such segment."""

    hint = "Take the addresses from the stream's playlist."


@dataclass(frozen=True)
class Sent:
    """A file to send; ``read(start, stop)`` yields its bytes, and every byte is the same whenever it is asked for."""

    length: int
    read: Callable[[int, int], Iterator[bytes | memoryview]]
    name: str
    media_type: str
    etag: str
    sha256: str | None = None


def file_of(context: Context, *, principal: Principal, copy_id: str) -> Sent:
    """Return a recipient's copy, picture or video, and log the download.

    Raises
    ------
    CopyNotFound, AssetNotFound, AssetNotReady, AssetHeld, CopyBeingChecked, CopyHeld
    """
    with context.database.reading() as session:
        copy = require(session, principal=principal, copy_id=copy_id)
        asset = require_ready(session, principal=principal, asset_id=copy.asset_id)
        require_released(session, principal=principal, copy=copy)
    if asset.kind == Kind.PICTURE.value:
        file = rendering.file_of(context, principal=principal, copy_id=copy_id)
        etag = f'"{file.sha256[:32]}"'
        return Sent(len(file.data), _within(file.data), file.name, file.media_type, etag, file.sha256)
    return _film(context, principal=principal, asset=asset, copy=copy)


def film_of(context: Context, *, principal: Principal, asset_id: str) -> Sent:
    """Return the viewer's own marked copy of a video, and log the view.

    Raises
    ------
    AssetNotFound, AssetNotReady, AssetHeld, NotAVideo
    """
    asset, copy = _own(context, principal=principal, asset_id=asset_id)
    return _film(context, principal=principal, asset=asset, copy=copy)


def playlist_of(context: Context, *, principal: Principal, asset_id: str) -> Sent:
    """Return the playlist (HLS) of the viewer's own copy; addresses in it are the same for everybody."""
    asset, copy = _own(context, principal=principal, asset_id=asset_id)
    _record(context, principal=principal, copy=copy)
    text = playlist(movie_of(context, asset=asset), "init.mp4", lambda k: f"{k}.m4s")
    return _piece(asset, copy, text.encode(), "index.m3u8", PLAYLIST_TYPE)


def piece_of(context: Context, *, principal: Principal, asset_id: str, segment: str | None) -> Sent:
    """Return one segment of the viewer's own copy as a stream, or with None what a player needs before the first.

    ``segment`` is its number as it stands in an address.

    Raises
    ------
    AssetNotFound, AssetNotReady, AssetHeld, NotAVideo, NoSuchPiece
    """
    asset, copy = _own(context, principal=principal, asset_id=asset_id)
    movie = movie_of(context, asset=asset)
    if segment is None:
        return _piece(asset, copy, movie.init_segment, "init.mp4", MEDIA_TYPE)
    number = int(segment) if segment.isdecimal() and len(segment) < 9 else -1
    if not 0 <= number < len(movie.master.parts):
        raise NoSuchPiece
    _record(context, principal=principal, copy=copy)
    return _piece(asset, copy, Stream(movie, copy.serial).segment(number), f"{number}.m4s", MEDIA_TYPE)


def preview_of(context: Context, *, principal: Principal, asset_id: str, size: int, at_s: float | None = None) -> bytes:
    """Return the viewer's own marked copy as a picture, shrunk (JPEG): of a video, one of its frames.

    Parameters
    ----------
    size : long side in px, rounded up to one that is kept.
    at_s : which moment of a video, to the second.

    Raises
    ------
    AssetNotFound, AssetNotReady, AssetHeld
    """
    with context.database.reading() as session:
        asset = require_ready(session, principal=principal, asset_id=asset_id)
        key = data_key(session, context=context, asset=asset)
    if asset.kind == Kind.PICTURE.value:
        return rendering.preview_of(context, principal=principal, asset_id=asset_id, size=size)
    _, copy = _own(context, principal=principal, asset_id=asset_id)
    _record(context, principal=principal, copy=copy)
    side = next((side for side in rendering.PREVIEW_SIDES if side >= size), rendering.PREVIEW_SIDES[-1])
    length_s = asset.duration_s or 0.0
    second = int(min(max(0.0, POSTER_AT * length_s if at_s is None else at_s), length_s))
    name = asset.blob(f"preview-{copy.serial}-{side}-{second}")
    try:
        return context.blobs.get(name, key=key)
    except BlobMissing:
        movie = movie_of(context, asset=asset)
        clip, starts_s = clip_of(movie, copy.serial, float(second))
        data = context.pool.run_within(
            context.settings.worker_timeout_s, _LANE_S, reading.frame_of, clip, second - starts_s, side
        )
        context.blobs.put_once(name, data, key=key)
        return data


def clip_of(movie: Movie, serial: int, at_s: float) -> tuple[bytes, float]:
    """Assemble the segment of a copy that is shown at a time, as a file of its own; returns also when it starts."""
    number, start_s = 0, 0.0
    lengths = durations_s(movie)
    while number < len(lengths) - 1 and start_s + lengths[number] <= at_s:
        start_s += lengths[number]
        number += 1
    return movie.init_segment + Stream(movie, serial).segment(number), start_s


def _own(context: Context, *, principal: Principal, asset_id: str) -> tuple[Asset, Copy]:
    """The asset, and the copy of whoever looks at it."""
    with context.database.reading() as session:
        asset = require_ready(session, principal=principal, asset_id=asset_id)
        query = scoped(session, Copy, principal).where(Copy.asset_id == asset.id, Copy.viewer_id == principal.id)
        copy = session.scalar(query)
    if asset.kind != Kind.VIDEO.value:
        raise NotAVideo
    if copy is None:
        with context.database.writing() as session:
            asset = require_ready(session, principal=principal, asset_id=asset_id)
            copy = viewer_copy(session, principal=principal, asset=asset)
    return asset, copy


def _film(context: Context, *, principal: Principal, asset: Asset, copy: Copy) -> Sent:
    made = Marked(movie_of(context, asset=asset), copy.serial)
    _record(context, principal=principal, copy=copy)
    stem = "".join(c if c.isalnum() else "-" for c in asset.title)[:60].strip("-") or "asset"
    return Sent(made.length, made.read, f"{stem}-{copy.serial:04d}.mp4", MEDIA_TYPE, _etag(asset, copy, "file"))


def _piece(asset: Asset, copy: Copy, data: bytes, name: str, media_type: str) -> Sent:
    return Sent(len(data), _within(data), name, media_type, _etag(asset, copy, name))


def _etag(asset: Asset, copy: Copy, name: str) -> str:
    """A tag that tells neither codeword nor serial: ids are random and belong to one copy."""
    return f'"{asset.id[-12:]}-{copy.id[-12:]}-{name}"'


def _within(data: bytes) -> Callable[[int, int], Iterator[bytes | memoryview]]:
    def read(start: int, stop: int) -> Iterator[bytes | memoryview]:
        yield memoryview(data)[start:stop]

    return read


def _record(context: Context, *, principal: Principal, copy: Copy) -> None:
    """Write a download or a view down, unless the same visit is there already."""
    kind = EventKind.COPY_VIEWED if copy.kind == CopyKind.VIEWER.value else EventKind.COPY_DOWNLOADED
    with context.database.reading() as session:
        known = session.scalar(
            scoped(session, Event, principal)
            .where(Event.copy_id == copy.id, Event.kind == kind.value, Event.principal_id == principal.id)
            .where(Event.at > now() - SAME_VISIT)
            .limit(1)
        )
    if known is not None:
        return
    with context.database.writing() as session:
        record(
            session,
            kind=kind,
            tenant_id=copy.tenant_id,
            principal_id=principal.id,
            asset_id=copy.asset_id,
            copy_id=copy.id,
            recipient_id=copy.recipient_id,
        )
