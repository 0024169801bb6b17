"""What else a sender could install: `python -m benchmarks.peers`.

Open peers that come with pip mark the same photographs, suffer the same core attacks, and are asked for the id of the
copy. They live in a virtual environment of their own, made on the first run (it needs a package index, and takes a few
minutes and a gigabyte or more); `peer_runner.py` is what runs there. A peer that cannot be installed is listed as such.

Named means that the exact id of the copy comes back. Peers read blind; Telltale, in the last rows, holds the original.
An id found in a picture that carries none is a false name: raw-bit peers cannot say that there is none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

import watermark
from benchmarks import peer_runner
from benchmarks.attacks import CORE, SUITE
from benchmarks.photographs import Rgb, at_megapixels, open_rgb, paths_in, wheel_paths
from benchmarks.report import Report, run
from benchmarks.robustness import psnr_db

PACKAGES: dict[str, tuple[str, ...]] = {
    "dwtDct": ("invisible-watermark==0.2.0", "torch", "onnxruntime"),
    "dwtDctSvd": ("invisible-watermark==0.2.0", "torch", "onnxruntime"),
    "rivaGan": ("invisible-watermark==0.2.0", "torch", "onnxruntime"),
    "blind-watermark": ("blind-watermark==0.4.4",),
    # asks for a Python and a NumPy that it does not need
    "traceless": ("--no-deps", "--ignore-requires-python", "traceless-watermark==0.1.0"),
    "clawid": ("clawid==0.2.4",),
}
UNMARKED = ("identity", "jpeg_q75", "resize_50")
COPIES = 10_000
QUICK_STEP = 6


@dataclass(frozen=True, slots=True)
class Score:
    """What one peer did.

    Attributes
    ----------
    right, wrong, trials : attacked copies that gave the copy's id, another id, and how many there were.
    false, unmarked : pictures without a mark that gave an id, and how many there were.
    psnr_db : of its copies, mean; None where it could mark none.
    """

    right: int
    wrong: int
    trials: int
    false: int
    unmarked: int
    psnr_db: float | None


class Peer:
    """One peer in its environment; pictures go over as files."""

    def __init__(self, name: str, python: Path, folder: Path) -> None:
        self.name, self.python, self.folder = name, python, folder

    def work(self, jobs: list[dict[str, object]]) -> list[int | None]:
        """Let the runner do a list of jobs."""
        asked, answered = self.folder / "jobs.json", self.folder / "answers.json"
        asked.write_text(json.dumps(jobs))
        command = [str(self.python), peer_runner.__file__, self.name, str(asked), str(answered)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(last_line(done.stderr))
        answers: list[int | None] = json.loads(answered.read_text())
        return answers

    def mark(self, pictures: Sequence[Rgb], ids: Sequence[int]) -> list[Rgb | None]:
        """Embed an id in each picture; None where the peer refuses."""
        jobs: list[dict[str, object]] = []
        for i, (picture, number) in enumerate(zip(pictures, ids, strict=True)):
            jobs.append({"picture": self.save(f"in{i}", picture), "id": number, "to": str(self.folder / f"out{i}.png")})
        return [open_rgb(Path(str(j["to"]))) if ok else None for j, ok in zip(jobs, self.work(jobs), strict=True)]

    def read(self, pictures: Sequence[Rgb], _: Sequence[int]) -> list[int | None]:
        """Read an id from each picture; a blind reader makes nothing of which photographs they show."""
        return self.work([{"picture": self.save(f"leak{i}", picture)} for i, picture in enumerate(pictures)])

    def save(self, name: str, picture: Rgb) -> str:
        """Write a picture losslessly for the runner."""
        path = str(self.folder / f"{name}.png")
        cv2.imwrite(path, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return path


class Telltale:
    """The library behind the same two verbs."""

    def __init__(self) -> None:
        self.masters: list[watermark.Master] = []

    def mark(self, pictures: Sequence[Rgb], ids: Sequence[int]) -> list[Rgb | None]:
        """Issue one copy of each photograph."""
        self.masters = [watermark.prepare(p, key=hashlib.sha256(p.tobytes()).digest()) for p in pictures]
        return [watermark.issue(m, serial=n) for m, n in zip(self.masters, ids, strict=True)]

    def read(self, pictures: Sequence[Rgb], shown: Sequence[int]) -> list[int | None]:
        """Read leaks of the photographs `shown` and name the foremost copy."""
        found: list[int | None] = []
        for leak, i in zip(pictures, shown, strict=True):
            master = self.masters[i]
            named = watermark.accuse(master, watermark.read(master, leak), serials=range(COPIES)).named
            found.append(named[0].serial if named else None)
        return found


def last_line(text: str) -> str:
    """Return what a failing program said last."""
    return next((line for line in reversed(text.strip().splitlines()) if line.strip()), "no message")


def python_of(venv: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(name: str, venv: Path) -> str | None:
    """Install a peer where it is not there yet; returns what went wrong, or None."""
    if not python_of(venv).exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    done = venv / f"{name}.installed"
    if done.exists():
        return None
    command = [str(python_of(venv)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for packages in (PACKAGES["blind-watermark"], PACKAGES[name]):  # the first brings OpenCV, NumPy and PyWavelets
        tried = subprocess.run([*command, *packages], capture_output=True, text=True, check=False)
        if tried.returncode:
            return last_line(tried.stderr)
    done.touch()
    return None


def compare(peer: Peer | Telltale, pictures: Sequence[Rgb], attacks: Sequence[str], seed: int) -> Score:
    """Mark, attack and read; then read what was never marked."""
    ids = [zlib.crc32(picture.tobytes()) % COPIES for picture in pictures]
    copies = peer.mark(pictures, ids)
    marked = [(p, c) for p, c in zip(pictures, copies, strict=True) if c is not None]
    leaks, shown = [], []
    for i, copy in enumerate(copies):
        if copy is None:
            continue
        for attack in attacks:
            leaks.append(SUITE[attack].apply(copy, np.random.default_rng([seed, i, zlib.crc32(attack.encode())])).rgb)
            shown.append(i)
    answers = peer.read(leaks, shown)
    clean = [SUITE[a].apply(p, np.random.default_rng(seed)).rgb for p in pictures for a in UNMARKED]
    asked = [i for i in range(len(pictures)) for _ in UNMARKED]
    return Score(
        right=sum(a == ids[i] for a, i in zip(answers, shown, strict=True)),
        wrong=sum(a not in (None, ids[i]) for a, i in zip(answers, shown, strict=True)),
        trials=len(pictures) * len(attacks),
        false=sum(a is not None for a in peer.read(clean, asked)),
        unmarked=len(clean),
        psnr_db=float(np.mean([psnr_db(p, c) for p, c in marked])) if marked else None,
    )


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Compare peer by peer, Telltale last."""
    cv2.setNumThreads(1)
    paths = list(wheel_paths().values()) if chosen.images is None else paths_in(chosen.images)
    pictures = [open_rgb(path) for path in paths[: 1 if chosen.quick else chosen.pictures]]
    pictures = [p if p.shape[0] * p.shape[1] < 1e6 * chosen.megapixels else at_megapixels(p, chosen.megapixels)
                for p in pictures]  # fmt: skip
    attacks = list(CORE)[:: QUICK_STEP if chosen.quick else 1]
    report.notes.append(f"{len(pictures)} photographs, {len(attacks)} attacks; ids of 32 bits, settings as shipped")
    for name in track(chosen.peers, "peers"):
        why = install(name, chosen.venv)
        if why is None:
            try:
                with tempfile.TemporaryDirectory() as folder:
                    peer = Peer(name, python_of(chosen.venv), Path(folder))
                    add(report, name, compare(peer, pictures, attacks, chosen.seed))
                continue
            except OSError as error:
                why = str(error)
        report.add(f"named: {name}", None, "%", trials=0)
        report.notes.append(f"{name}: could not be installed or started: {why}")
    add(report, "telltale", compare(Telltale(), pictures, attacks, chosen.seed))


def add(report: Report, name: str, score: Score) -> None:
    """Add one peer's rows."""
    report.add(f"named: {name}", 100 * score.right / score.trials, "%", trials=score.trials)
    report.add(f"somebody else named: {name}", 100 * score.wrong / score.trials, "%", trials=score.trials)
    report.add(f"names in unmarked pictures: {name}", 100 * score.false / score.unmarked, "%", trials=score.unmarked)
    report.add(f"PSNR of a copy: {name}", score.psnr_db, "dB", trials=1)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--images", type=Path, metavar="DIR", help="photographs to use instead of scikit-image's")
    parser.add_argument("--pictures", type=int, default=4, help="how many of them")
    parser.add_argument("--megapixels", type=float, default=0.4, help="shrink larger ones to this")
    parser.add_argument("--peers", nargs="*", choices=tuple(PACKAGES), default=tuple(PACKAGES), metavar="PEER")
    parser.add_argument(
        "--venv", type=Path, metavar="DIR", default=cache / "telltale" / "peers", help="where they live"
    )
    parser.add_argument("--seed", type=int, default=11)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("peers", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
