"""Processes for pixels: strangers' files are decoded here, never in the server.

Threats: a decoder that crashes, eats the memory or never returns; children that outlive a killed parent. So every
task runs in a spawned process with a limit on its address space and on its time; a hung or dead child is replaced and
takes down nothing but its own task, because each lane is a pool of one.

Children die with their parent (``PR_SET_PDEATHSIG``). Linux ties that signal to the *thread* that started the child,
so lanes are started by threads that live as long as the pool, never by a passing request thread. A spawned child runs
the main module again, so nothing heavy may be imported at the top of ``service/cli``.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from service.errors import Invalid, Unavailable
from service.jobs.memory import keep_freed_memory

log = logging.getLogger("telltale.pool")

P = ParamSpec("P")
R = TypeVar("R")
_START_S = 120.0


class TaskTimedOut(Invalid):
    """Working on this file took too long and was stopped."""

    hint = "Send a smaller version of it."


class TaskCrashed(Unavailable):
    """Working on this file failed: the worker process died."""

    hint = "Try again; if it happens again, send a smaller version, or save a picture anew as PNG."


class PoolBusy(Unavailable):
    """All workers are busy."""


class PixelPool:
    """A fixed number of lanes, each one child process.

    Parameters
    ----------
    workers : int
        Lanes.
    memory_bytes : int
        Address space of each child.
    timeout_s : float
        How long a task may run; its wait for a lane does not count.
    """

    def __init__(self, *, workers: int, memory_bytes: int, timeout_s: float) -> None:
        self.workers = workers
        self._memory_bytes, self._timeout_s = memory_bytes, timeout_s
        self._keepers = ThreadPoolExecutor(workers, thread_name_prefix="lane-keeper")
        self._free: queue.LifoQueue[_Lane] = queue.LifoQueue()
        self._lanes = [_Lane() for _ in range(workers)]
        self._closed = threading.Event()
        for lane in self._lanes:
            self._free.put(lane)

    def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run an importable function in a child and return what it returns, or raise what it raises.

        Raises
        ------
        TaskTimedOut, TaskCrashed, PoolBusy
        """
        return self.run_within(self._timeout_s, 3600.0, function, *args, **kwargs)

    def run_within(
        self, timeout_s: float, wait_s: float, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run with other limits: ``timeout_s`` for the task itself, ``wait_s`` for a free lane."""
        if self._closed.is_set():
            raise PoolBusy("The service is shutting down.")
        try:
            lane = self._free.get(timeout=wait_s)
        except queue.Empty:
            raise PoolBusy from None
        try:
            if lane.executor is None:
                self._keepers.submit(lane.start, self._memory_bytes).result(timeout=_START_S)
            if lane.executor is None:
                raise TaskCrashed
            return lane.executor.submit(function, *args, **kwargs).result(timeout=timeout_s)
        except TimeoutError:
            lane.kill()
            raise TaskTimedOut from None
        except BrokenProcessPool as error:
            lane.kill()
            raise TaskCrashed from error
        finally:
            self._free.put(lane)

    def warm(self) -> None:
        """Start the children now, in the background, so that the first request need not wait for them."""
        for _ in self._lanes:
            try:
                lane = self._free.get_nowait()
            except queue.Empty:
                return
            self._keepers.submit(self._warm, lane)

    def _warm(self, lane: _Lane) -> None:
        try:
            if lane.executor is None and not self._closed.is_set():
                lane.start(self._memory_bytes)
        finally:
            self._free.put(lane)

    def close(self) -> None:
        """Kill the children."""
        self._closed.set()
        for lane in self._lanes:
            lane.kill()
        self._keepers.shutdown(wait=False, cancel_futures=True)


class _Lane:
    """One child and the executor that feeds it."""

    def __init__(self) -> None:
        self.executor: ProcessPoolExecutor | None = None
        self._pid = 0

    def start(self, memory_bytes: int) -> None:
        executor = ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn"), initializer=_enter, initargs=(memory_bytes,)
        )
        self._pid = executor.submit(os.getpid).result(timeout=_START_S)
        self.executor = executor

    def kill(self) -> None:
        executor, self.executor = self.executor, None
        if executor is not None:
            try:
                os.kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                log.debug("worker %s was gone already", self._pid)
            executor.shutdown(wait=False, cancel_futures=True)


def _enter(memory_bytes: int) -> None:
    """Prepare a child: die with the parent, stay within the memory, keep what it frees, use one thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    if sys.platform != "win32":
        import resource

        try:
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        except (ValueError, OSError):  # macOS knows no such limit
            log.debug("no limit on the address space here")
    keep_freed_memory()
    import cv2

    cv2.setNumThreads(1)
