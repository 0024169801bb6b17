"""Six ways to weigh one reading; each is a *look* and is paid for in the bound.

No single score is best against every strategy: the symmetric Tardos score withstands the unknown, the centred linear
one is what a likelihood ratio tends to under heavy noise, and likelihood ratios fitted for 1, 3, 5 and 10 leakers win
where the channel can be estimated. All weights are functions of the reading and the biases alone.

References
----------
B. Škorić, S. Katzenbeisser, M. Celik, "Symmetric Tardos fingerprinting codes for arbitrary alphabet sizes",
Des. Codes Cryptogr. 46, 2008, doi:10.1007/s10623-007-9142-x.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import channel

Floats = NDArray[np.float64]
LEAKERS = (1, 3, 5, 10)
LIMIT = 2.0  # times the size from which on half of all is said
FAINT = 1e-3  # a cell with less than this share of the median precision was not seen


@dataclass(frozen=True)
class Look:
    """One weighing: what a copy earns in each cell for showing variant - and +."""

    name: str
    minus: Floats
    plus: Floats

    def spread(self, cells: NDArray[np.intp], count: int) -> "Look":
        """The same look over all `count` cells of an asset: cells outside `cells` weigh nothing."""
        minus, plus = np.zeros(count), np.zeros(count)
        minus[cells], plus[cells] = self.minus, self.plus
        return Look(self.name, minus, plus)


def looks(correlations: Floats, precisions: Floats, biases: Floats, seed: int = 2) -> list[Look]:
    """Build the six weighings of a reading.

    Parameters
    ----------
    correlations, precisions : (m,) numerator and denominator of each cell's least-squares amplitude; all seen.
    biases : (m,) probability of variant + in each cell.
    seed : of the sample of cells on which the channel is fitted.

    Returns
    -------
    list of Look, in a fixed order.
    """
    soft = limited(correlations)
    _, level = np.unique(biases, return_inverse=True)
    centred = soft - (np.bincount(level, soft) / np.bincount(level))[level]
    out = [
        Look("symmetric", -soft * np.sqrt(biases / (1 - biases)), soft * np.sqrt((1 - biases) / biases)),
        Look("linear", -centred * biases, centred * (1 - biases)),
    ]
    values = correlations / precisions
    order = np.random.default_rng(seed).permutation(len(values))
    fitted = channel.fit_channel(values, precisions, biases, order[: channel.GRID_CELLS])
    likelihoods = fitted.likelihoods(values, precisions, biases)
    sample = order[: channel.EM_CELLS]
    for leakers in LEAKERS:
        theta, _ = channel.fit_strategy(likelihoods[sample], biases[sample], leakers, 12)
        out.append(Look(f"ratio-{leakers}", *channel.log_ratio_weights(theta, likelihoods, biases, leakers)))
    return out


def limited(correlations: Floats) -> Floats:
    """Correlations bent towards a limit, so that a few wild cells do not decide.

    The limit goes by the size from which on half of all is said: the many cells of a white ground, which say next to
    nothing, must not silence the few that do.
    """
    sizes = np.sort(np.abs(correlations))
    said = np.cumsum(sizes)
    limit = LIMIT * sizes[np.searchsorted(said, said[-1] / 2)] + 1e-12
    return limit * np.tanh(correlations / limit)


def seen(precisions: Floats) -> NDArray[np.intp]:
    """Indices of the cells of which the leak shows anything."""
    positive = precisions[precisions > 0]
    if not len(positive):
        return np.empty(0, np.intp)
    return np.flatnonzero(precisions > max(1e-9, FAINT * float(np.median(positive))))
