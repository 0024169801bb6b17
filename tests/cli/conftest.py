"""Commands run in this process, on a data directory of the test's own; one prepared installation is shared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import jpeg

from service.cli.program import run
from service.jobs.pool import PixelPool
from service.runtime import offline


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def telltale(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, pool: PixelPool
) -> Callable[..., Ran]:
    monkeypatch.setenv("COLUMNS", "200")
    for command in ("brand", "sign_in", "protect", "trace"):
        monkeypatch.setattr(f"service.cli.{command}.offline", partial(offline, pool=pool))

    def ran(*arguments: object) -> Ran:
        status = run([str(argument) for argument in arguments])
        caught = capsys.readouterr()
        assert "Traceback" not in caught.out + caught.err
        return Ran(status, caught.out, caught.err)

    return ran


@dataclass(frozen=True)
class Protected:
    """A data directory with one picture, three recipients, and their copies as files."""

    data: Path
    picture: Path
    recipients: Path
    copies: Path


@pytest.fixture(scope="session")
def protected(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Protected:
    place = tmp_path_factory.mktemp("protected")
    made = Protected(place / "data", place / "look-3.jpg", place / "recipients.csv", place / "copies")
    made.picture.write_bytes(jpeg(astronaut[:320, 96:416]))
    made.recipients.write_text("alias,contact\nPress 1,desk@example.org\n=Éditeur/2,\nPrint shop 3,\n")
    options = ("--data-dir", made.data, "--title", "Look 3")
    status = run(
        [str(a) for a in ("protect", made.picture, "--recipients", made.recipients, "--out", made.copies, *options)]
    )
    assert status == 0
    return made
