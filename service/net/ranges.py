"""Answers in ranges of bytes, so that a download can go on where it broke off and a player can seek.

Source: RFC 9110, 13.1.5 (If-Range) and 14 (Range Requests). One range is answered; several at once are answered with
the whole, as the RFC allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from starlette.responses import StreamingResponse

from service.errors import ServiceError

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


class RangeNotSatisfiable(ServiceError):
    """The file ends before the range that was asked for begins."""

    status = 416
    hint = "Ask without a range to learn how long the file is."


def span_of(header: str | None, length: int) -> tuple[int, int] | None:
    """Read a Range header: (start, stop) in bytes, or None for the whole.

    Raises
    ------
    RangeNotSatisfiable

    >>> span_of("bytes=0-99", 500), span_of("bytes=-100", 500), span_of("bytes=450-", 500), span_of("lines=1-", 500)
    ((0, 100), (400, 500), (450, 500), None)
    """
    found = _RANGE.match(header or "")
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        start, stop = max(0, length - int(found[2])), length
    else:
        start, stop = int(found[1]), min(length, int(found[2]) + 1 if found[2] else length)
        if found[2] and int(found[2]) < int(found[1]):
            return None
    if start >= length or stop <= start:
        raise RangeNotSatisfiable(f"The file has {length} bytes.", length=length)
    return start, stop


def answer(
    request: Mapping[str, str],
    *,
    length: int,
    read: Callable[[int, int], Iterator[bytes | memoryview]],
    media_type: str,
    etag: str,
    headers: Mapping[str, str] | None = None,
) -> StreamingResponse:
    """Answer with the whole or with the range that the request's headers ask for.

    Parameters
    ----------
    request : the headers of the request.
    length : of the whole, in bytes.
    read : yields the bytes from a place until before another.
    etag : strong, in quotes; the same as long as every byte is.
    headers : further ones.

    Raises
    ------
    RangeNotSatisfiable
    """
    same = request.get("if-range") in (None, etag)
    span = span_of(request.get("range"), length) if same else None
    start, stop = span or (0, length)
    sent = {"Accept-Ranges": "bytes", "ETag": etag, "Content-Length": str(stop - start), **(headers or {})}
    if span is not None:
        sent["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    pieces = (bytes(piece) for piece in read(start, stop))
    return StreamingResponse(pieces, 206 if span else 200, sent, media_type)
