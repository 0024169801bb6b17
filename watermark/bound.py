"""The false-accusation bound: a theorem about whoever is innocent, whatever was done to the picture.

An innocent copy's bits are independent of the leak, so for *any* weights computed from the leak without using a
codeword, Chernoff's inequality holds exactly:

    ln P(S >= tau) <= min_{lambda > 0} [ sum_j ln((1-p_j) exp(lambda w_j-) + p_j exp(lambda w_j+)) - lambda tau ].

Any lambda is valid, so a coarse grid costs tightness, never truth. The larger exponential must be taken out of each
logarithm, so that none overflows, and nothing clipped: clipping lambda w silently breaks the bound.

References
----------
H. Chernoff, "A measure of asymptotic efficiency for tests of a hypothesis based on the sum of observations",
Ann. Math. Statist. 23(4), 1952, doi:10.1214/aoms/1177729330.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TILTS = np.geomspace(0.7, 60.0, 24)  # lambda in units of 1 / standard deviation: from chance scores to T = 60


def log_bound(minus: Floats, plus: Floats, biases: Floats, scores: Floats) -> Floats:
    """Bound the logarithm of the probability that an innocent copy scores at least this much.

    Parameters
    ----------
    minus, plus : (m,) weight a copy earns in each cell for showing variant - or +; free of any codeword.
    biases : (m,) probability of variant + in each cell.
    scores : (n,) sums of the weights the copies earned.

    Returns
    -------
    (n,) natural logarithms, at most 0.

    Examples
    --------
    A fair coin in 400 cells; a copy that agrees in all of them, against Hoeffding's exp(-400/2):

    >>> one, half = np.ones(400), np.full(400, 0.5)
    >>> bool(-400 * np.log(2) <= log_bound(-one, one, half, np.array([400.0]))[0] < -200)
    True
    """
    spread = np.sqrt(np.sum(biases * (1 - biases) * (plus - minus) ** 2))
    if spread <= 0:
        return np.zeros_like(scores)
    tilts = TILTS / spread
    cumulants = np.array([cumulant(t * minus, t * plus, biases) for t in tilts])
    return np.minimum(0.0, (cumulants[:, None] - tilts[:, None] * scores[None]).min(0))


def cumulant(minus: Floats, plus: Floats, biases: Floats) -> float:
    """Sum over cells of ln((1 - p) exp(minus) + p exp(plus)), the larger exponential taken out of each."""
    apart = plus - minus
    rarer = np.exp(-np.abs(apart))
    rest = np.where(apart > 0, biases + (1 - biases) * rarer, 1 - biases + biases * rarer)
    return float(np.sum(np.maximum(minus, plus) + np.log(rest)))
