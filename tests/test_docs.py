"""What the README says exists: targets, commands, settings, routes, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from service.app import create_app
from service.cli.program import app
from service.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
TARGETS = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = {" ".join(path) for path in commands(typer.main.get_command(app))}


def test_every_target_named_exists() -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test", "run", "check", "bench", "help"} <= named <= TARGETS


def test_every_command_is_named_and_exists() -> None:
    table = re.findall(r"^\| `telltale ([a-z -]+?)(?: [A-Z`-]| --|`)", README, re.MULTILINE)
    assert set(table) == COMMANDS
    for named in re.findall(r"telltale ((?:brand |db )?[a-z-]+)(?= |`|\"|$)", README):
        assert named in COMMANDS or named.split()[0] in {"telltale", "brand"}, named


def test_every_option_of_protect_is_real() -> None:
    protect = typer.main.get_command(app).commands["protect"]  # type: ignore[attr-defined]
    options = {name for parameter in protect.params for name in parameter.opts}
    assert {"--recipients", "--out", "--json", "--data-dir", "--debug"} <= options


def test_settings_readme_and_example_agree() -> None:
    fields = {f"TELLTALE_{name.upper()}" for name in Settings.model_fields}
    rows = dict(re.findall(r"^\| `(TELLTALE_\w+)` \| (.*?) \|", README, re.MULTILINE))
    example = dict(re.findall(r"^(TELLTALE_\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert set(rows) == set(example) == fields
    for name, default in example.items():
        if default:
            assert rows[name] == f"`{default}`", name
    assert set(re.findall(r"TELLTALE_\w+", README)) <= fields


@pytest.mark.parametrize("file", ["compose.yaml", "Dockerfile"])
def test_the_container_uses_settings_that_exist(file: str) -> None:
    named = set(re.findall(r"TELLTALE_\w+", (ROOT / file).read_text()))
    assert named <= {f"TELLTALE_{name.upper()}" for name in Settings.model_fields}


def test_every_route_named_exists(tmp_path: Path) -> None:
    served = create_app(Settings(_env_file=None, data_dir=tmp_path)).openapi()["paths"]
    shapes = {re.sub(r"\{[^}]+\}", "*", path) for path in served} | {"/openapi.json"}
    named = {re.sub(r"\$[A-Z]+", "*", path) for path in re.findall(r"(/v1/[\w/$.-]+|/healthz|/openapi\.json)", README)}
    assert len(named) >= 7
    assert named <= shapes


def test_every_file_linked_exists() -> None:
    links = set(re.findall(r"\]\(((?!https?:)[^)#]+)\)", README))
    missing = {link for link in links if not (ROOT / link).exists()}
    assert not missing


def test_locks_hold_hashes_and_no_addresses() -> None:
    whole, runtime = ((ROOT / name).read_text() for name in ("requirements.lock", "requirements-runtime.lock"))
    pinned = re.compile(r"^([a-z0-9_.-]+==\S+)", re.MULTILINE)
    assert set(pinned.findall(runtime)) <= set(pinned.findall(whole)), "run 'make lock'"
    for lock in (whole, runtime):
        assert "://" not in lock
        assert lock.count("--hash=sha256:") >= len(pinned.findall(lock))
    assert "pytest==" not in runtime
