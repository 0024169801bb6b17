"""What became of the symbols on the way: a channel fitted from the reading and the biases alone.

Between `K` leakers and the reader lies a strategy (average, minority, minimum, patchwork, …), a gain, noise, and
sometimes a common offset. All of it can be estimated without a codeword, so likelihood-ratio weights built on the
estimate keep the false-accusation bound exact, right or wrong as the estimate may be.

Model of cell `j`: with `k` of the `K` leakers showing +, the clean value `v` in [-1, 1] has probability
`theta[k, v]`, theta[0] = all mass at -1 and theta[K] = all mass at +1 (colluders who agree can show nothing else);
the reading is `y ~ N(gain (v - (2p - 1)) + offset, variance_j)` with a floor against outliers. `theta` comes from
expectation-maximisation, gain, noise and offset from a small grid by the same likelihood.

References
----------
A. Furon, G. Doerr, "Tracing pirated content on the Internet: unwinding Ariadne's thread", IEEE Security & Privacy
8(5), 2010, doi:10.1109/MSP.2010.165; K. Nuida et al., "An improvement of discrete Tardos fingerprinting codes",
Des. Codes Cryptogr. 52, 2009, doi:10.1007/s10623-009-9285-z.
"""

from dataclasses import dataclass
from itertools import product
from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
VALUES = np.linspace(-1.0, 1.0, 13)
OUTLIERS = 1e-3
GAINS = (1.0, 0.6)
NOISES = (0.03, 0.1, 0.3, 1.0, 4.0)
OFFSETS = (-0.6, -0.3, 0.3, 0.6)
GRID_CELLS = 1500
EM_CELLS = 3000


@dataclass(frozen=True)
class Channel:
    """Nuisance parameters of one reading: gain of the mark, noise relative to it, offset common to all cells."""

    gain: float
    noise: float
    offset: float

    def likelihoods(self, values: Floats, precisions: Floats, biases: Floats) -> NDArray[np.float32]:
        """Likelihood of each reading under each clean value: (m, 13)."""
        scale = self.noise * self.gain**2
        variance = (scale * (0.7 * np.median(precisions) / precisions + 0.3))[:, None]
        centre = self.gain * (VALUES[None] - (2 * biases - 1)[:, None]) + self.offset
        density = np.exp(-0.5 * (values[:, None] - centre) ** 2 / variance) / np.sqrt(variance)
        return (density + OUTLIERS).astype(np.float32)


def binomial(trials: int, biases: Floats) -> Floats:
    """Probability that k of `trials` codewords show + in each cell: (m, trials + 1)."""
    levels, where = np.unique(biases, return_inverse=True)
    k = np.arange(trials + 1)
    choose = np.array([comb(trials, int(i)) for i in k], np.float64)
    return (choose * levels[:, None] ** k * (1 - levels[:, None]) ** (trials - k))[where]


def fit_strategy(
    likelihoods: NDArray[np.float32], biases: Floats, leakers: int, rounds: int
) -> tuple[NDArray[np.float32], float]:
    """Estimate theta, (leakers + 1, 13), by expectation-maximisation; returns it with the log-likelihood."""
    prior = binomial(leakers, biases).astype(np.float32)
    theta = np.full((leakers + 1, len(VALUES)), 1 / len(VALUES), np.float32)
    pin_agreement(theta)
    for _ in range(rounds if leakers > 1 else 0):
        total = np.sum(prior * (likelihoods @ theta.T), axis=1)
        theta *= (prior / total[:, None]).T @ likelihoods + np.float32(1e-6)
        pin_agreement(theta)
        theta /= theta.sum(axis=1, keepdims=True)
    total = np.sum(prior * (likelihoods @ theta.T), axis=1)
    return theta, float(np.log(total).sum())


def pin_agreement(theta: NDArray[np.float32]) -> None:
    """Colluders who all show the same variant can only leak that variant (the marking assumption); in place."""
    theta[0], theta[-1] = 0, 0
    theta[0, 0], theta[-1, -1] = 1, 1


def fit_channel(values: Floats, precisions: Floats, biases: Floats, sample: NDArray[np.intp]) -> Channel:
    """Choose gain, noise and offset by likelihood on a sample of cells; codeword-free.

    An offset is what one-sided collusions (minimum, maximum) leave after the local photometric fit; it is admitted
    only where the evidence is clear, since a lone leaker never has one.
    """
    y, precision, p = values[sample], precisions[sample], biases[sample]

    def evidence(channel: Channel, leakers: int) -> float:
        return fit_strategy(channel.likelihoods(y, precision, p), p, leakers, 5)[1]

    centred = [Channel(g, n, 0.0) for g, n in product(GAINS, NOISES)]
    best, score = max(((c, max(evidence(c, k) for k in (1, 5))) for c in centred), key=lambda found: found[1])
    shifted = [Channel(g, n, o) for g, n, o in product(GAINS, NOISES, OFFSETS)]
    rival, rival_score = max(((c, evidence(c, 10)) for c in shifted), key=lambda found: found[1])
    return rival if rival_score > score + 5 else best


def log_ratio_weights(
    theta: NDArray[np.float32], likelihoods: NDArray[np.float32], biases: Floats, leakers: int
) -> tuple[Floats, Floats]:
    """Log-likelihood-ratio weights "this copy is one of the K" against "it is not": (minus, plus), each (m,)."""
    given = (likelihoods @ theta.T).astype(np.float64)
    others = binomial(leakers - 1, biases)
    shows_minus, shows_plus = (others * given[:, :-1]).sum(1), (others * given[:, 1:]).sum(1)
    total = biases * shows_plus + (1 - biases) * shows_minus + 1e-300
    return np.log(shows_minus / total + 1e-12), np.log(shows_plus / total + 1e-12)
