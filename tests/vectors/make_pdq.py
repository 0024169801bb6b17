"""Write ``pdq.json``: small pictures and what the reference makes of them, for the service and the extension alike.

Run it again with ``python tests/vectors/make_pdq.py`` when a picture is added; the pictures are generated here.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pdqhash

FILE = Path(__file__).with_name("pdq.json")


def pictures() -> Iterator[tuple[str, np.ndarray]]:
    """Draw pictures with what can go wrong: odd sizes, windows of one and of several pixels, ties, no gradient."""
    rng = np.random.default_rng(2019)
    blobs = rng.integers(0, 256, (6, 8, 3), np.uint8)
    smooth = cv2.resize(blobs, (200, 133), interpolation=cv2.INTER_CUBIC) // 16 * 16
    yield "smooth, 200 × 133", smooth
    yield "mirrored", smooth[:, ::-1]
    yield "64 × 64, one pixel per sample", cv2.resize(blobs, (64, 64)) // 8 * 8
    yield "tall, 65 × 300", cv2.resize(blobs, (65, 300)) // 16 * 16
    yield "smaller than the samples, 40 × 30", rng.integers(0, 256, (30, 40, 3), np.uint8)
    yield "noise, 96 × 96", rng.integers(0, 16, (96, 96, 3), np.uint8) * 16
    yield "a slope", np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (128, 256, 3))
    yield "flat", np.full((70, 90, 3), 77, np.uint8)
    board = (np.indices((129, 257)).sum(axis=0) // 16 % 2 * 255).astype(np.uint8)
    yield "a chessboard, 257 × 129", np.repeat(board[..., None], 3, axis=2)


def main() -> None:
    """Write the file."""
    vectors = []
    for name, rgb in pictures():
        pixels = np.ascontiguousarray(rgb, np.uint8)
        bits, quality = pdqhash.compute(pixels)
        vectors.append(
            {
                "name": name,
                "width": pixels.shape[1],
                "height": pixels.shape[0],
                "rgb": base64.b64encode(zlib.compress(pixels.tobytes(), 9)).decode(),
                "pdq": np.packbits(np.array(bits, np.uint8)).tobytes().hex(),
                "quality": int(quality),
            }
        )
    FILE.write_text(json.dumps({"encoding": "base64 of zlib of RGB, row by row", "vectors": vectors}, indent=1) + "\n")


if __name__ == "__main__":
    main()
