"""Both engines keep one contract; the durable one also survives kill -9."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.jobs.engine import DurableJobs, LocalJobs
from service.jobs.job import Job, Jobs
from watermark.errors import TruncatedImage


class Log:
    """What a job did."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.tries = 0

    def job(self) -> Job:
        return Job(kind="work", steps=(self.first, self.second), failed=self.fail)

    def first(self, subject: str) -> None:
        time.sleep(0.05)
        self.done.append(f"first {subject}")

    def second(self, subject: str) -> None:
        if subject == "bad":
            raise TruncatedImage
        if subject == "hopeless":
            self.tries += 1
            raise RuntimeError("blip")
        self.done.append(f"second {subject}")

    def fail(self, subject: str, error: Exception) -> None:
        self.done.append(f"failed {subject} {type(error).__name__}")


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture(params=["durable", "local"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path, log: Log) -> Iterator[Jobs]:
    table = {"work": log.job()}
    engine: Jobs = LocalJobs(table, concurrency=1)
    if request.param == "durable":
        engine = DurableJobs(f"sqlite:///{tmp_path / 'jobs.sqlite'}", table, concurrency=1, poll_s=0.05)
    engine.start()
    yield engine
    engine.stop()
    assert not engine.healthy()


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_steps_run_in_order(jobs: Jobs, log: Log) -> None:
    assert jobs.healthy()
    jobs.submit("work", "a")
    until(lambda: len(log.done) == 2)
    assert log.done == ["first a", "second a"]


def test_a_job_under_way_is_not_done_twice(jobs: Jobs, log: Log) -> None:
    for _ in range(3):
        jobs.submit("work", "a")
    jobs.submit("work", "b")
    until(lambda: "second b" in log.done)
    assert log.done.count("first a") == 1


def test_a_subject_at_fault_fails_at_once(jobs: Jobs, log: Log) -> None:
    jobs.submit("work", "bad")
    until(lambda: "failed bad TruncatedImage" in log.done)
    assert log.done == ["first bad", "failed bad TruncatedImage"]


def test_what_goes_wrong_on_our_side_ends_as_a_failure_too(jobs: Jobs, log: Log) -> None:
    jobs.submit("work", "hopeless")
    until(lambda: any(line.startswith("failed hopeless") for line in log.done))
    assert log.tries == (3 if isinstance(jobs, DurableJobs) else 1)


APP = """
import sys, time, os
from pathlib import Path
from service.jobs.engine import DurableJobs
from service.jobs.job import Job
out = Path(sys.argv[1])
def write(line):
    with open(out / "log.txt", "a") as file: file.write(line + "\\n")
def first(subject): write(f"first {subject}")
def second(subject):
    if sys.argv[2] == "hang": write("hanging"); time.sleep(60)
    write(f"second {subject}")
job = Job("work", (first, second), lambda subject, error: write("failed"))
jobs = DurableJobs(f"sqlite:///{out / 'jobs.sqlite'}", {"work": job}, concurrency=1, poll_s=0.05)
jobs.start()
if sys.argv[2] == "hang": jobs.submit("work", "a")
time.sleep(30)
"""


@pytest.mark.fault
def test_a_killed_process_goes_on_at_the_step_it_had_reached(tmp_path: Path) -> None:
    script, log = tmp_path / "app.py", tmp_path / "log.txt"
    script.write_text(APP)

    def run(mode: str, line: str) -> None:
        process = subprocess.Popen([sys.executable, str(script), str(tmp_path), mode])
        try:
            until(lambda: log.exists() and line in log.read_text().splitlines())
        finally:
            process.kill()
            process.wait()

    run("hang", "hanging")
    run("go", "second a")
    assert log.read_text().splitlines() == ["first a", "hanging", "second a"]
