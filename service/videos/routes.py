"""Playing a video: the viewer's own marked copy, as a file and as a stream (HLS, RFC 8216)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from service.identity.access import Ctx, Sender
from service.net.problems import declared
from service.net.ranges import answer
from service.videos import delivery
from service.videos.delivery import Sent

router = APIRouter(
    prefix="/v1/assets/{asset_id}", tags=["videos"], responses=declared(401, 403, 404, 409, 416, 422, 429)
)
_VIDEO: dict[int | str, dict[str, Any]] = {
    200: {"description": "Your own marked copy.", "content": {"video/mp4": {}}},
    206: {"description": "A range of it.", "content": {"video/mp4": {}}},
}


@router.get("/film.mp4", summary="Play a video", response_class=Response, responses=_VIDEO)
def play_film(asset_id: str, request: Request, context: Ctx, principal: Sender) -> Response:
    """Return a marked copy of the video that belongs to you, in ranges; the original itself is never served."""
    return sent(request, delivery.film_of(context, principal=principal, asset_id=asset_id))


@router.get(
    "/stream/index.m3u8",
    summary="Playlist of a video",
    response_class=Response,
    responses={200: {"description": "Playlist.", "content": {"application/vnd.apple.mpegurl": {}}}},
)
def show_playlist(asset_id: str, request: Request, context: Ctx, principal: Sender) -> Response:
    """Return the playlist of the video as a stream; it is the same for everybody and tells nothing of any copy."""
    return sent(request, delivery.playlist_of(context, principal=principal, asset_id=asset_id))


@router.get("/stream/init.mp4", summary="Begin a stream", response_class=Response, responses=_VIDEO)
def begin_stream(asset_id: str, request: Request, context: Ctx, principal: Sender) -> Response:
    """Return what a player needs before the first segment."""
    return sent(request, delivery.piece_of(context, principal=principal, asset_id=asset_id, segment=None))


@router.get("/stream/{segment}.m4s", summary="Segment of a stream", response_class=Response, responses=_VIDEO)
def show_segment(asset_id: str, segment: str, request: Request, context: Ctx, principal: Sender) -> Response:
    """Return some six seconds of your own marked copy, assembled when asked for."""
    return sent(request, delivery.piece_of(context, principal=principal, asset_id=asset_id, segment=segment))


def sent(request: Request, file: Sent) -> Response:
    """Answer with a file, or with the range of it that the request asks for."""
    return answer(
        request.headers,
        length=file.length,
        read=file.read,
        media_type=file.media_type,
        etag=file.etag,
    )
