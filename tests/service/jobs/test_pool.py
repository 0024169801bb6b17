"""A hung, crashed or greedy task harms nobody but itself, and no child outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.jobs.pool import PixelPool, TaskCrashed, TaskTimedOut
from watermark.errors import ImageTooSmall


@pytest.fixture(scope="module")
def own() -> Iterator[PixelPool]:
    opened = PixelPool(workers=2, memory_bytes=2 * 2**30, timeout_s=30)
    yield opened
    opened.close()


def test_tasks_return_and_raise_as_if_they_ran_here(own: PixelPool) -> None:
    from watermark.decode import decode_leak

    assert own.run(os.getpid) != os.getpid()
    with pytest.raises(ImageTooSmall) as caught:
        own.run(_raise_too_small)
    assert caught.value.hint == "Larger."
    with pytest.raises(ValueError, match="empty"):
        own.run(decode_leak, b"")


def _raise_too_small() -> None:
    raise ImageTooSmall("small", hint="Larger.")


def test_a_hung_task_is_killed_and_the_others_go_on(own: PixelPool) -> None:
    beside: list[int] = []
    thread = threading.Thread(target=lambda: beside.append(own.run(sum, [1, 2, 3])))
    started = time.monotonic()
    thread.start()
    with pytest.raises(TaskTimedOut):
        own.run_within(0.5, 5.0, time.sleep, 60)
    thread.join()
    assert beside == [6]
    assert [own.run(sum, [k, 1]) for k in range(4)] == [1, 2, 3, 4]
    assert time.monotonic() - started < 30


def test_a_crashed_task_is_reported_and_its_lane_replaced(own: PixelPool) -> None:
    with pytest.raises(TaskCrashed):
        own.run(os._exit, 11)
    assert [own.run(sum, [k]) for k in range(3)] == [0, 1, 2]


def test_a_greedy_task_fails_within_its_memory(own: PixelPool) -> None:
    with pytest.raises(MemoryError):
        own.run(bytearray, 4 * 2**30)
    assert own.run(sum, [1]) == 1


def test_children_outlive_the_thread_that_first_used_them(own: PixelPool) -> None:
    pids: list[int] = []
    thread = threading.Thread(target=lambda: pids.append(own.run(os.getpid)))
    thread.start()
    thread.join()
    time.sleep(0.2)
    os.kill(pids[0], 0)


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from service.jobs.pool import PixelPool\n"
        "if __name__ == '__main__':\n"
        "    pool = PixelPool(workers=1, memory_bytes=2**32, timeout_s=60)\n"
        "    print(pool.run(os.getpid), flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _alive(child):
        time.sleep(0.05)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
