"""The vectors that the extension's own PDQ is held against are what the service computes."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watermark import fingerprint

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "pdq.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_service_makes_the_same_hash_of_the_same_pixels(vector: dict[str, Any]) -> None:
    pixels = np.frombuffer(zlib.decompress(base64.b64decode(vector["rgb"])), np.uint8)
    codes, quality = fingerprint.pdq(pixels.reshape(vector["height"], vector["width"], 3))
    assert codes[0].tobytes().hex() == vector["pdq"]
    assert quality == vector["quality"]
