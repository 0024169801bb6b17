"""The one place where settings become a working service: for the server, the command line and the tests.

>>> from service.settings import Settings                                        # doctest: +SKIP
>>> with running(Settings(data_dir="./data", jobs_url="memory://")) as context:  # doctest: +SKIP
...     context.lookups.count("brd_…")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.assets import work as assets
from service.assets.work import MEND
from service.blobs.store import ObjectBlobs
from service.context import Context
from service.copies import work as copies
from service.copies.service import CHECK
from service.db import Database
from service.identity.service import operator_token
from service.jobs.engine import DurableJobs, InlineJobs, LocalJobs
from service.jobs.job import Job, Jobs
from service.jobs.pool import PixelPool
from service.lookups.engines.opening import open_engine
from service.lookups.index import LookupIndex
from service.migrations.upgrade import require_current, upgrade
from service.net.limits import Limiter
from service.settings import Settings
from service.sightings import work as sightings
from service.sightings.service import TRACE
from service.vault.keys import open_vault
from service.videos import work as videos


def build(settings: Settings, *, pool: PixelPool | None = None) -> Context:
    """Open everything, without starting any work.

    Raises
    ------
    service.errors.SetupError
        With a hint, when the key file is missing or wrong or the schema is out of date.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    if settings.migrate_on_start:
        upgrade(database)
    else:
        require_current(database)
    with database.writing() as session:
        vault = open_vault(session, settings.key_file)
    operator_token(settings.operator_token_file)
    context = Context(
        settings=settings,
        database=database,
        vault=vault,
        blobs=ObjectBlobs(settings.blob_url),
        pool=pool
        or PixelPool(
            workers=settings.workers, memory_bytes=settings.worker_memory_bytes, timeout_s=settings.worker_timeout_s
        ),
        lookups=LookupIndex(database, vault, open_engine(settings.lookup_url, database)),
        limiter=Limiter(
            requests=settings.rate_limit, failures=settings.failed_sign_in_limit, hashes=settings.lookup_limit
        ),
    )
    context.jobs = _engine(settings, context)
    return context


def jobs_of(context: Context) -> dict[str, Job]:
    """List every kind of job, bound to a context."""
    made = (
        assets.prepare_job(context),
        assets.mend_job(context),
        videos.prepare_video_job(context),
        videos.segment_job(context),
        videos.join_job(context),
        copies.check_job(context),
        sightings.trace_job(context),
    )
    return {job.kind: job for job in made}


def start(context: Context) -> None:
    """Start the engines, and have done what a former process left undone."""
    context.pool.warm()
    context.lookups.refresh(force=True)
    context.jobs.start()
    with context.database.reading() as session:
        left = assets.unfinished(session)
        left += [(CHECK, subject) for subject in copies.unfinished(session)]
        left += [(TRACE, subject) for subject in sightings.unfinished(session)]
    left += [(MEND, subject) for subject in context.lookups.unreadable()]
    for kind, subject in left:
        context.jobs.submit(kind, subject)


def stop(context: Context, *, keep_pool: bool = False) -> None:
    """Stop the engines and give everything back."""
    context.jobs.stop()
    if not keep_pool:
        context.pool.close()
    context.lookups.close()
    context.database.close()


@contextmanager
def running(settings: Settings, *, pool: PixelPool | None = None) -> Iterator[Context]:
    """Build, start and stop again; a pool that was passed in stays open."""
    context = build(settings, pool=pool)
    try:
        start(context)
        yield context
    finally:
        stop(context, keep_pool=pool is not None)


@contextmanager
def offline(settings: Settings, *, pool: PixelPool | None = None) -> Iterator[Context]:
    """Build without any engine: each job is done within the transaction's end that asked for it.

    For commands on a data directory, also beside a running server: nothing that is under way there is touched.
    """
    context = build(settings, pool=pool)
    context.jobs = InlineJobs(jobs_of(context))
    try:
        yield context
    finally:
        stop(context, keep_pool=pool is not None)


def _engine(settings: Settings, context: Context) -> Jobs:
    """Choose the job engine; one lane of the pool is left for people who wait for a download."""
    concurrency = max(1, context.pool.workers - 1)
    if settings.jobs_url.startswith("memory:"):
        return LocalJobs(jobs_of(context), concurrency=concurrency)
    return DurableJobs(settings.jobs_url, jobs_of(context), concurrency=concurrency)
