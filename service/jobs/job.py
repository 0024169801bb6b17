"""What a job is: named steps over one id, each safe to run again.

A job knows nothing of the engine that runs it, so the same bodies serve the durable engine of the server, the tests
and the command line without a server. An argument is an id and nothing else: no pixels and no personal data ever
reach the engine's own tables.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from service.errors import ServiceError
from watermark.errors import WatermarkError

log = logging.getLogger("telltale.jobs")


@dataclass(frozen=True)
class Job:
    """A kind of work: ``steps`` take the subject's id and are idempotent; ``failed`` records why there is no result."""

    kind: str
    steps: tuple[Callable[[str], None], ...]
    failed: Callable[[str, Exception], None]


class Jobs(Protocol):
    """The engine that runs jobs."""

    def start(self) -> None:
        """Begin to work, first on what a former process left behind."""
        ...

    def submit(self, kind: str, subject: str) -> None:
        """Have a job done once; submitting it again while it is under way changes nothing."""
        ...

    def stop(self) -> None:
        """Stop taking work; durable engines resume unfinished work at the next start."""
        ...

    def healthy(self) -> bool:
        """Whether submitted work will be done."""
        ...


def is_final(error: Exception) -> bool:
    """Whether trying again is useless: the picture or the request is at fault, not the moment."""
    return isinstance(error, WatermarkError) or (isinstance(error, ServiceError) and error.status < 500)


def run_now(job: Job, subject: str) -> None:
    """Run a job here and now, without an engine; its outcome is in the subject's row."""
    try:
        for step in job.steps:
            step(subject)
    except Exception as error:
        if not is_final(error):
            log.exception("job %s failed for %s", job.kind, subject)
        job.failed(subject, error)
