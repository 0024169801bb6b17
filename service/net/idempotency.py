"""``Idempotency-Key``: a POST that is sent again, because the answer was lost on its way, is not done again.

The key belongs to the caller's credential and the route. The first answer is kept sealed for a day and given again;
the same key with another body is refused, and so is a repetition while the first is still under way.
Source: draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

import sqlalchemy as sa
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.context import Context
from service.db import everywhere, now
from service.errors import Conflict, Invalid, ServiceError, Unauthenticated
from service.identity.access import identify, session_cookie
from service.identity.grants import by_access_token
from service.identity.service import is_operator
from service.identity.tokens import ACCESS, is_well_formed
from service.net.models import KeptAnswer
from service.net.problems import problem_response

KEEP = timedelta(days=1)
_ABANDONED = timedelta(minutes=10)
_QUESTION = "/v1/lookup"  # may be asked again at will, and nothing of what matches nothing is kept, not even a digest


class BadIdempotencyKey(Invalid):
    """An Idempotency-Key has 1 to 200 printable characters."""

    hint = "Use a random value such as a UUID, a new one for each new request."


class KeyUsedOtherwise(Invalid):
    """This Idempotency-Key was used for another request."""

    hint = "Use a new key for a new request."


class StillUnderWay(Conflict):
    """The first request with this Idempotency-Key is still under way."""

    hint = "Wait a moment and send it again."


class Idempotency:
    """ASGI middleware around the whole application, so that an answer is kept after its transaction has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do it once, or give the kept answer."""
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        if key is None or scope["method"] != "POST" or scope["path"] == _QUESTION:
            await self.app(scope, receive, send)
            return
        try:
            await self._once(key, scope, receive, send)
        except ServiceError as error:
            await problem_response(error)(scope, receive, send)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        if not (1 <= len(key) <= 200 and key.isprintable()):
            raise BadIdempotencyKey
        request = Request(scope, receive)
        digest = ""  # a multipart boundary differs each time it is sent, so only other bodies are compared
        if not request.headers.get("content-type", "").startswith("multipart/"):
            body = await request.body()
            digest, receive = hashlib.sha256(body).hexdigest(), _again(body, receive)
        context: Context = request.app.state.context
        name = await run_in_threadpool(_name, request, context, key)
        kept = await run_in_threadpool(_claim, request, context, name, digest)
        if kept is not None:
            await kept(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self.app(scope, receive, answer.hear)
        finally:
            await run_in_threadpool(_keep, context, name, answer)
        await answer.tell()


class _Answer:
    """An answer on its way, held back until it is kept: the client must not repeat a request before that."""

    def __init__(self, send: Send) -> None:
        self._send, self._messages = send, list[Message]()

    async def hear(self, message: Message) -> None:
        self._messages.append(message)

    async def tell(self) -> None:
        for message in self._messages:
            await self._send(message)

    @property
    def status(self) -> int:
        return next((int(m["status"]) for m in self._messages if m["type"] == "http.response.start"), 500)

    @property
    def media_type(self) -> str | None:
        starts = [m for m in self._messages if m["type"] == "http.response.start"]
        return Headers(raw=list(starts[0]["headers"])).get("content-type") if starts else None

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self._messages if m["type"] == "http.response.body")


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand on a body that was read already, then whatever follows."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _credential(request: Request, context: Context) -> str:
    cookie = request.cookies.get(session_cookie(secure=context.settings.secure), "")
    return request.headers.get("authorization") or cookie


def _name(request: Request, context: Context, key: str) -> str:
    """Name a request by who sends it: by the seat, where the token behind it is a new one every few minutes."""
    credential = _credential(request, context)
    token = credential.rpartition(" ")[2]
    if is_well_formed(token, ACCESS):
        with context.database.reading() as session:
            principal = by_access_token(session, vault=context.vault, token=token)
        credential = f"seat {principal.id}" if principal is not None else credential
    return context.vault.keyed("idempotency", "|".join((credential, request.url.path, key)))


def _claim(request: Request, context: Context, scope: str, digest: str) -> Response | None:
    """Take the key, or give the kept answer to a caller who is still admitted."""
    with context.database.writing() as session:
        session.execute(sa.delete(KeptAnswer).where(KeptAnswer.created_at < now() - KEEP))
        row = session.scalar(everywhere(KeptAnswer).where(KeptAnswer.scope == scope))
        if row is None:
            session.add(KeptAnswer(scope=scope, body_hash=digest))
            return None
        if row.body_hash != digest:
            raise KeyUsedOtherwise
        if row.status is None or row.body is None:
            if row.created_at > now() - _ABANDONED:
                raise StillUnderWay
            row.created_at = now()
            return None
        _admit(request, context)
        body = context.vault.unseal(row.body, place=f"answer/{scope}")
        return Response(body, row.status, {"Idempotent-Replayed": "true"}, row.media_type)


def _admit(request: Request, context: Context) -> None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if kind.lower() == "bearer" else None
    if bearer is not None and is_operator(context.settings.operator_token_file, bearer):
        return
    if bearer is None and not _credential(request, context):
        raise Unauthenticated
    identify(request, context, bearer)


def _keep(context: Context, scope: str, answer: _Answer) -> None:
    if not 200 <= answer.status < 300:
        _release(context, scope)
        return
    with context.database.writing() as session:
        row = session.scalars(everywhere(KeptAnswer).where(KeptAnswer.scope == scope)).one()
        row.status, row.media_type = answer.status, answer.media_type
        row.body = context.vault.seal(answer.body, place=f"answer/{scope}")


def _release(context: Context, scope: str) -> None:
    with context.database.writing() as session:
        session.execute(sa.delete(KeptAnswer).where(KeptAnswer.scope == scope))
