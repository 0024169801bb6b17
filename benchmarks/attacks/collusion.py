"""Several recipients pool their copies of one picture and make a new one from them.

The kinds follow Zhao, Wu, Wang, Liu, "Forensic analysis of nonlinear collusion attacks" (2005,
doi:10.1109/TIP.2005.846035) and the marking assumption of Boneh and Shaw: where all copies agree, the result agrees.
Copies are equally large; work is done in strips, so memory holds the copies and the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.attacks.attack import Rgb, Scene, Transform
from benchmarks.attacks.chains import SOCIAL
from benchmarks.attacks.codecs import jpeg

Stack = npt.NDArray[np.uint8]
"""(K, rows, W, 3): the same strip of K copies."""
Collusion = Callable[[Sequence[Rgb], np.random.Generator], Rgb]
Rule = Callable[[Stack, np.random.Generator], npt.NDArray[np.generic]]


def samplewise(rule: Rule, rows: int = 64) -> Collusion:
    """Make a collusion of a rule that looks at every sample by itself."""

    def run(copies: Sequence[Rgb], rng: np.random.Generator) -> Rgb:
        out = np.empty_like(copies[0])
        for top in range(0, out.shape[0], rows):
            strip = rule(np.stack([copy[top : top + rows] for copy in copies]), rng)
            out[top : top + rows] = np.clip(np.rint(strip), 0, 255)
        return out

    return run


def mosaic(side: int) -> Collusion:
    """Take every tile of `side` px from a random copy."""

    def run(copies: Sequence[Rgb], rng: np.random.Generator) -> Rgb:
        height, width = copies[0].shape[:2]
        tiles = rng.integers(len(copies), size=(-(-height // side), -(-width // side)))
        out = np.empty_like(copies[0])
        for (row, column), chosen in np.ndenumerate(tiles):
            window = np.s_[row * side : (row + 1) * side, column * side : (column + 1) * side]
            out[window] = copies[int(chosen)][window]
        return out

    return run


def then(collusion: Collusion, transform: Transform) -> Collusion:
    """Attack what a collusion made; the result may be smaller than the copies."""
    return lambda copies, rng: transform(collusion(copies, rng), Scene(rng, ())).rgb


def _weighted(copies: Sequence[Rgb], rng: np.random.Generator) -> Rgb:
    weights = rng.dirichlet(np.full(len(copies), 2.0)).astype(np.float32)
    return samplewise(lambda stack, _: np.tensordot(weights, stack.astype(np.float32), 1))(copies, rng)


def _negative_of_the_median(stack: Stack, _: np.random.Generator) -> npt.NDArray[np.generic]:
    return stack.min(0).astype(np.float32) + stack.max(0) - np.median(stack, axis=0)


def _random_extreme(stack: Stack, rng: np.random.Generator) -> npt.NDArray[np.generic]:
    return np.where(rng.random(stack.shape[1:], np.float32) < 0.5, stack.min(0), stack.max(0))


def _random_copy(stack: Stack, rng: np.random.Generator) -> npt.NDArray[np.generic]:
    chosen = rng.integers(len(stack), size=(1, *stack.shape[1:3], 1))
    return np.take_along_axis(stack, chosen, axis=0)[0]


def _minority(stack: Stack, _: np.random.Generator) -> npt.NDArray[np.generic]:
    """Take the extreme farther from the mean: where copies differ, what fewer of them show.

    Equal to the negative of the median for an odd number of copies that show two values, but never in between.
    """
    low, high = stack.min(0), stack.max(0)
    return np.where(2 * stack.mean(axis=0, dtype=np.float32) > low.astype(np.float32) + high, low, high)


average = samplewise(lambda stack, _: stack.mean(axis=0, dtype=np.float32))

COLLUSIONS: dict[str, Collusion] = {
    "avg": average,
    "min": samplewise(lambda stack, _: stack.min(0)),
    "max": samplewise(lambda stack, _: stack.max(0)),
    "median": samplewise(lambda stack, _: np.median(stack, axis=0)),
    "minmax": samplewise(lambda stack, _: (stack.min(0).astype(np.float32) + stack.max(0)) / 2),
    "modneg": samplewise(_negative_of_the_median),
    "randneg": samplewise(_random_extreme),
    "pixel": samplewise(_random_copy),
    "patch_64": mosaic(64),
    "patch_256": mosaic(256),
    "weighted": _weighted,
    "avg_jpeg75": then(average, jpeg(75)),
    "avg_social": then(average, SOCIAL),
    "minority": samplewise(_minority),
}
"""Every kind of collusion by name: copies (list of (H, W, 3) uint8) and a generator to one picture."""
