"""Clips to measure on: a folder of the caller's own, or one made here of the scikit-image wheel's photographs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.photographs import from_wheel

SUFFIXES = {".mp4", ".mov", ".mkv", ".webm"}
RATE = 24


def generated(path: Path, frames: int, height: int, width: int) -> Path:
    """Write a clip of two shots: a slow pan over a photograph, and a still one with a title."""
    wheel = from_wheel()
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "14", "preset": "veryfast"})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for i in range(frames):
            name, shift = ("coffee", i) if i < frames // 2 else ("rocket", 0)
            size = (int(width * 1.2), int(height * 1.2))
            picture = cv2.resize(wheel[name], size, interpolation=cv2.INTER_CUBIC)
            rgb = np.ascontiguousarray(picture[:height, shift % (size[0] - width) :][:, :width])
            if not shift:
                cv2.putText(rgb, "TELLTALE", (width // 4, height // 2), cv2.FONT_HERSHEY_DUPLEX, 3, (255, 255, 255), 4)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(stream.encode(None))
    return path


@contextmanager
def clips(folder: Path | None, *, quick: bool) -> Iterator[list[Path]]:
    """The caller's clips, or a generated one: 720p of four seconds when quick, 1080p of ten else."""
    if folder is not None:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        yield found[:1] if quick else found
        return
    with tempfile.TemporaryDirectory() as made:
        shape = (96, 720, 1280) if quick else (240, 1080, 1920)
        yield [generated(Path(made, "generated.mp4"), *shape)]
