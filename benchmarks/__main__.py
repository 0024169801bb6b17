"""Run every benchmark: `python -m benchmarks --quick`.

Each runs in a process of its own, so that one cannot warm or starve the next, and a crash ends only itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

BENCHMARKS = (
    *("robustness", "collusion", "visibility", "preflight", "calibration", "speed", "peers"),
    *("lookup", "lookup_scale", "video_robustness", "video_visibility", "video_speed", "video_codes", "extension"),
)
"""Modules of this package with a `main(argv)`, in the order they run."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks one after the other; returns 1 if any fails or breaks a promise."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer trials")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of all of them here, as a list")
    chosen = parser.parse_args(argv)
    reports, failed = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in BENCHMARKS:
            file = Path(folder, f"{name}.json")
            command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(file)]
            if subprocess.run(command + ["--quick"] * chosen.quick, check=False).returncode:
                failed.append(name)
            if file.exists():
                reports.append(json.loads(file.read_text()))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(reports, indent=1) + "\n")
    if failed:
        print("not as promised:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
