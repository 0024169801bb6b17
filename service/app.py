"""The application: routes, middleware, and the life of what stands behind them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartParser

from service import health, runtime
from service.assets.routes import router as assets
from service.authorization.routes import REVOKE, TOKEN
from service.authorization.routes import router as authorization
from service.console.install import install as install_console
from service.copies.routes import router as copies
from service.identity.access import Requires, RequiresOperator, session_cookie
from service.jobs.pool import PixelPool
from service.lookups.routes import router as lookups
from service.net.headers import SameSite, SecurityHeaders
from service.net.idempotency import Idempotency
from service.net.limits import BodyLimit
from service.net.problems import Problem, install
from service.provenance.routes import router as provenance
from service.recipients.routes import router as recipients
from service.settings import Settings
from service.sightings.routes import router as sightings
from service.tenants.routes import router as tenants
from service.videos.routes import router as videos

log = logging.getLogger("telltale")

DESCRIPTION = """
Issues per-recipient, invisibly marked copies of unreleased pictures and videos, and names **the copy** that leaked:
never a person. Every refusal is problem+json (RFC 9457) with a `hint`. POSTs honour `Idempotency-Key`.
Roles: **uploader** (assets, recipients, copies), **flagger** (look-ups, sightings), **investigator** (results,
provenance); each route's `x-roles` lists who may call it.
"""

ROUTERS = (tenants, assets, recipients, copies, videos, lookups, sightings, provenance, health.router)


def create_app(settings: Settings | None = None, *, pool: PixelPool | None = None) -> FastAPI:
    """Build the application from settings; everything is opened when it starts and given back when it stops."""
    settings = settings or Settings()
    MultiPartParser.spool_max_size = settings.max_upload_bytes  # no upload touches a disk before it is encrypted

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        context = await run_in_threadpool(runtime.build, settings, pool=pool)
        app.state.context = context
        try:
            await run_in_threadpool(runtime.start, context)
            log.info("serving at %s", settings.public_url)
            yield
        finally:
            await run_in_threadpool(runtime.stop, context, keep_pool=pool is not None)

    app = FastAPI(
        title="Telltale",
        version=_version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # these pages load scripts from elsewhere, which our own policy forbids
        redoc_url=None,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(authorization)
    install(app)
    install_console(app)
    app.add_middleware(Idempotency)
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes)
    cookie = session_cookie(secure=settings.secure)
    app.add_middleware(SameSite, cookie=cookie, public_url=settings.public_url, without_cookies=(TOKEN, REVOKE))
    app.add_middleware(SecurityHeaders, secure=settings.secure)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def roles_of(route: APIRoute) -> list[str]:
    """List who may call a route, as its dependencies say; empty means everybody."""
    return sorted(
        str(role)
        for dependency in route.dependant.dependencies
        if isinstance(dependency.call, (Requires, RequiresOperator))
        for role in dependency.call.roles
    )


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Describe the API, with the roles of each route and the form of every refusal."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        for route in (route for router in ROUTERS for route in router.routes):
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    schema["paths"][route.path_format][method.lower()]["x-roles"] = roles_of(route)
        app.openapi_schema = schema
    return app.openapi_schema


def _version() -> str:
    try:
        return version("telltale")
    except PackageNotFoundError:
        return "0"
