"""Passing the picture through a model of pictures: what remains is looks, not pixels.

Real regeneration runs a diffusion model or an auto-encoder; these stand-ins remove the same thing, fine structure that
the picture's own statistics do not predict, with a codec, a denoiser, and small random moves.
"""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.attacks.attack import Attack, Rgb, Transform, chain, in_place
from benchmarks.attacks.bend import jitter
from benchmarks.attacks.codecs import avif, webp
from benchmarks.attacks.geometry import and_back, resize
from benchmarks.attacks.noise import gaussian_noise, non_local_means, unsharp


def _auto_encoder(rgb: Rgb, _: np.random.Generator) -> Rgb:
    """Blur colour widely, keep edges of the luma, drop its texture, sharpen."""
    ycc = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    luma = cv2.bilateralFilter(np.ascontiguousarray(ycc[..., 0]), 7, 24, 2.5)
    colour = cv2.GaussianBlur(ycc, (0, 0), 4)[..., 1:]
    return cv2.cvtColor(np.dstack([luma, colour]), cv2.COLOR_YCrCb2RGB)


auto_encoder: Transform = chain(and_back(resize(0.7)), in_place(_auto_encoder), unsharp(0.6, 1.2))

ATTACKS = (
    Attack("regen_half", "regeneration", chain(and_back(chain(resize(0.5), non_local_means(6))), jitter(0.4))),
    Attack("regen_avif_50", "regeneration", and_back(chain(resize(0.5), avif(30))), core=True),
    Attack("regen_webp_50", "regeneration", and_back(chain(resize(0.5), webp(20)))),
    Attack("regen_nlm", "regeneration", non_local_means(14)),
    Attack("regen_vae", "regeneration", auto_encoder, core=True),
    Attack("regen_vae_twice", "regeneration", chain(auto_encoder, auto_encoder)),
    Attack("regen_jitter", "regeneration", chain(jitter(0.8, 24), gaussian_noise(4), non_local_means(4)), core=True),
)
