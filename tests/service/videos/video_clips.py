"""Small clips made on the spot: a camera pans over a photograph, in any container and coding."""

from __future__ import annotations

import io
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import skimage.data

av = pytest.importorskip("av")
RATE = 12


def panned(count: int, width: int = 640, height: int = 480) -> Iterator[np.ndarray]:
    photograph = cv2.resize(skimage.data.astronaut(), (2 * width, 2 * height), interpolation=cv2.INTER_AREA)
    for i in range(count):
        yield photograph[2 * i % height :, 3 * i % width :][:height, :width]


def encode(frames: Iterator[np.ndarray], *, container: str = "mp4", codec: str = "libx264", **options: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=RATE, options=options)
        stream.pix_fmt = "yuv420p"
        for number, rgb in enumerate(frames):
            if not number:
                stream.height, stream.width = rgb.shape[:2]
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")))
        file.mux(stream.encode(None))
    return out.getvalue()


def decode(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Four seconds without sound."""
    return encode(panned(4 * RATE), crf="18")
