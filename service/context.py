"""What the work of the service needs at hand, built once by :mod:`service.runtime` and passed along explicitly."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.blobs.store import Blobs
from service.db import Database
from service.jobs.job import Jobs
from service.jobs.pool import PixelPool
from service.lookups.index import LookupIndex
from service.net.limits import Limiter
from service.settings import Settings
from service.vault.keys import Vault
from service.videos.store import MovieShelf


@dataclass
class Context:
    """Settings, storage, engines. ``jobs`` is set last, because jobs need the context."""

    settings: Settings
    database: Database
    vault: Vault
    blobs: Blobs
    pool: PixelPool
    lookups: LookupIndex
    limiter: Limiter
    movies: MovieShelf = field(default_factory=MovieShelf)
    jobs: Jobs = field(init=False)
