"""``telltale serve`` as people run it: a process that makes its keys, serves, and stops in order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx

from cli.test_commands import free_port


def test_the_first_run_makes_an_installation_and_says_how_to_begin(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "service.cli", "serve", "--with-parent", "--port", str(port), "--json"]
    with (tmp_path / "err").open("w") as err:
        process = subprocess.Popen(
            [*command, "--data-dir", str(tmp_path / "d")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            cwd=tmp_path,
        )
    try:
        assert process.stdout is not None
        assert process.stdin is not None
        lines = [process.stdout.readline()]
        while lines[-1] not in ("}\n", ""):
            lines.append(process.stdout.readline())
        told = json.loads("".join(lines))
        assert (told["url"], told["first_run"], told["brands"]) == (f"http://127.0.0.1:{port}", True, 0)
        assert httpx.get(f"{told['url']}/healthz").json()["ok"] is True
        assert (tmp_path / "d" / "telltale.key").stat().st_mode & 0o777 == 0o600
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    assert "telltale brand create NAME" in (tmp_path / "err").read_text()
