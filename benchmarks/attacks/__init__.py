"""Everything that happens to a leaked still, by name.

>>> import numpy as np
>>> from benchmarks.attacks import SUITE
>>> leak = SUITE["crop_25"].apply(np.zeros((200, 300, 3), np.uint8), np.random.default_rng(7))
>>> leak.rgb.shape, leak.homography.shape
((100, 150, 3), (3, 3))
"""

from __future__ import annotations

from benchmarks.attacks import (
    bend,
    camera,
    chains,
    chromium,
    codecs,
    collages,
    geometry,
    noise,
    overlays,
    pages,
    prints,
    regeneration,
    tone,
)
from benchmarks.attacks.attack import Attack, Attacked

__all__ = ["CORE", "FRONTIER", "SUITE", "Attack", "Attacked"]

_PARTS = (
    codecs,
    geometry,
    bend,
    tone,
    noise,
    overlays,
    pages,
    chromium,
    collages,
    camera,
    prints,
    regeneration,
    chains,
)

SUITE: dict[str, Attack] = {attack.name: attack for part in _PARTS for attack in part.ATTACKS}
"""Every attack, in the order of the files."""

CORE: dict[str, Attack] = {name: attack for name, attack in SUITE.items() if attack.core}
"""The short suite: the attacks that matter most, at least one of each kind."""

FRONTIER: dict[str, Attack] = {
    name: SUITE[name] for name in ("jpeg_q8", "px_160", "crop_3", "blur_5", "patch_192_collage", "screencam_tilt_30")
}
"""Where the information in a leak runs out: each leaves about as much as naming one copy in a million takes."""
