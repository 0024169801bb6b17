"""Engines: DBOS for a server that may be killed at any moment, threads for tests, nothing at all for commands.

DBOS keeps what is under way in its own database file, so a job survives ``kill -9`` and goes on at the step it had
reached. Measured before choosing: no work lost in repeated kills, where a popular SQLite queue lost a quarter. Its
defaults that bite are set here: a constant application version (the default hashes the source, and a new release
would ignore yesterday's jobs), JSON instead of pickle in the database, WAL before launch.
"""

from __future__ import annotations

import logging
import socket
import sqlite3
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any

import sqlalchemy as sa

from service.db import new_id
from service.jobs.job import Job, is_final, run_now

log = logging.getLogger("telltale.jobs")

APPLICATION_VERSION = "1"  # raise by hand when a job's steps change their order or meaning
_QUEUE = "pixels"


class DurableJobs:
    """DBOS on SQLite or PostgreSQL. One per process, because DBOS is."""

    def __init__(self, url: str, jobs: Mapping[str, Job], *, concurrency: int, poll_s: float = 0.1) -> None:
        self._url, self._jobs, self._concurrency, self._poll_s = url, jobs, concurrency, poll_s
        self._stopping = threading.Event()
        self._started = False
        self._workflow: Any = None

    def start(self) -> None:
        """Launch, and take up what was left unfinished."""
        from dbos import DBOS, DBOSPortableJSONSerializer  # slow to import, and no child process needs it

        url = sa.make_url(self._url)
        if url.get_backend_name() == "sqlite" and url.database:
            with sqlite3.connect(url.database) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        local = url.get_backend_name() == "sqlite"
        DBOS(
            config={
                "name": "telltale",
                "system_database_url": self._url,
                "application_version": APPLICATION_VERSION,
                "executor_id": "local" if local else socket.gethostname(),
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "WARNING",
                "notification_listener_polling_interval_sec": 0.25,
            }
        )

        @DBOS.step(name="step", retries_allowed=True, max_attempts=3, interval_seconds=1.0)
        def step(kind: str, subject: str, number: int) -> bool:
            """Run one step; False when the job is over because its subject is at fault."""
            job = self._jobs[kind]
            try:
                job.steps[number](subject)
            except Exception as error:
                if not is_final(error):
                    raise
                job.failed(subject, error)
                return False
            return True

        @DBOS.step(name="give_up", retries_allowed=True, max_attempts=3, interval_seconds=1.0)
        def give_up(kind: str, subject: str, reason: str) -> None:
            self._jobs[kind].failed(subject, RuntimeError(reason))

        @DBOS.workflow(name="job")
        def workflow(kind: str, subject: str) -> bool:
            try:
                return all(step(kind, subject, number) for number in range(len(self._jobs[kind].steps)))
            except Exception as error:
                if not self._stopping.is_set():
                    log.exception("job %s failed for %s", kind, subject)
                    give_up(kind, subject, type(error).__name__)
                raise

        self._workflow = workflow
        DBOS.launch()
        DBOS.register_queue(_QUEUE, worker_concurrency=self._concurrency, polling_interval_sec=self._poll_s)
        self._started = True

    def submit(self, kind: str, subject: str) -> None:
        """Enqueue once; a job that ended without a result may be submitted again.

        A step may submit too: in a context of its own, because DBOS would take it for a child that the step waits for.
        """
        Context().run(self._enqueue, kind, subject)

    def _enqueue(self, kind: str, subject: str) -> None:
        from dbos import DBOS, SetWorkflowID

        name = f"{kind}:{subject}"
        status = DBOS.get_workflow_status(name)
        if status is not None:
            if status.status in ("PENDING", "ENQUEUED", "DELAYED"):
                return
            name = f"{name}:{new_id('try')}"
        with SetWorkflowID(name):
            DBOS.enqueue_workflow(_QUEUE, self._workflow, kind, subject)

    def stop(self) -> None:
        """Stop; what is unfinished goes on at the next start."""
        from dbos import DBOS

        self._stopping.set()
        self._started = False
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=2)

    def healthy(self) -> bool:
        """Whether the engine was launched and its database answers."""
        if not self._started:
            return False
        from dbos import DBOS

        DBOS.get_workflow_status("health")
        return True


class LocalJobs:
    """Threads in this process and nothing on disk: for tests, and for trying things out."""

    def __init__(self, jobs: Mapping[str, Job], *, concurrency: int) -> None:
        self._jobs, self._concurrency = jobs, concurrency
        self._threads: ThreadPoolExecutor | None = None
        self._under_way: set[tuple[str, str]] = set()
        self._stopping = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Open the threads."""
        self._threads = ThreadPoolExecutor(self._concurrency, thread_name_prefix="job")

    def submit(self, kind: str, subject: str) -> None:
        """Queue the job unless it is under way."""
        if self._threads is None:
            raise RuntimeError("the job engine was not started")
        with self._lock:
            if self._stopping or (kind, subject) in self._under_way:
                return
            self._under_way.add((kind, subject))
            self._threads.submit(self._run, kind, subject)

    def _run(self, kind: str, subject: str) -> None:
        try:
            run_now(self._jobs[kind], subject)
        except Exception:
            log.exception("job %s could not even be recorded as failed for %s", kind, subject)
        finally:
            with self._lock:
                self._under_way.discard((kind, subject))

    def stop(self) -> None:
        """Finish what is running and forget the rest, also what a running job would have submitted."""
        with self._lock:
            self._stopping = True
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None

    def healthy(self) -> bool:
        """Whether the threads are open."""
        return self._threads is not None


class InlineJobs:
    """No engine: a job is done when :meth:`submit` returns, and so is every job that it submitted itself.

    For commands that work without a server, from one thread.
    """

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs
        self._waiting: deque[tuple[str, str]] = deque()
        self._busy = False

    def start(self) -> None:
        """There is nothing to start."""

    def submit(self, kind: str, subject: str) -> None:
        """Do the job; one that is submitted by another is done after it."""
        self._waiting.append((kind, subject))
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting:
                kind, subject = self._waiting.popleft()
                run_now(self._jobs[kind], subject)
        finally:
            self._busy = False

    def stop(self) -> None:
        """There is nothing to stop."""

    def healthy(self) -> bool:
        """Nothing can be broken."""
        return True
