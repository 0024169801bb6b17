"""Codewords: one secret bit per cell for every copy, from a serial number and nothing else.

Copy `r` shows variant + in cell `j` with probability `p_j` (the cell's *bias*), independently of every other copy.
The bit is read off AES in counter mode, laid out cell-major: the bytes that one cell gives to 65,536 neighbouring
serial numbers are contiguous, so that a whole issue is scored cell by cell without storing a code book.

The bias law balances two leakers' strategies: `p = 1/2` is strongest against a lone leaker and against averaging, but
a minority attack by three colluders defeats it at any length; Tardos' arcsine law withstands every attack and costs a
lone leaker up to a third of the score. Half of the cells follow each.

References
----------
G. Tardos, "Optimal probabilistic fingerprint codes", J. ACM 55(2), 2008, doi:10.1145/1346330.1346335.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from . import keys

LEVELS = 256  # a bias is a whole number of 256ths, so that one byte decides one bit exactly
RUN = 1 << 16  # serial numbers whose bytes of one cell are contiguous
MAX_SERIAL = (1 << 32) - 1
ARCSINE_SHARE = 0.5
ARCSINE_CUTOFF = 0.01
ARCSINE_LEVELS = 16


def bias_law(cells: int) -> NDArray[np.uint8]:
    """Return the multiset of thresholds, 256 p, for `cells` cells: (cells,) uint8, sorted by kind, not shuffled.

    The arcsine half has density 1 / ((pi - 4a) sqrt(p (1-p))) on [t, 1-t], a = asin sqrt t, as 16 equal-weight levels
    p_i = sin^2(a + (i + 1/2)/16 (pi/2 - 2a)).
    """
    a = np.arcsin(np.sqrt(ARCSINE_CUTOFF))
    steps = (np.arange(ARCSINE_LEVELS) + 0.5) / ARCSINE_LEVELS
    arcsine = np.rint(LEVELS * np.sin(a + steps * (np.pi / 2 - 2 * a)) ** 2)
    skewed = int(cells * ARCSINE_SHARE)
    law = np.full(cells, LEVELS // 2, np.float64)
    law[:skewed] = arcsine[np.arange(skewed) % ARCSINE_LEVELS]
    return np.clip(law, 1, LEVELS - 1).astype(np.uint8)


@dataclass(frozen=True)
class Codebook:
    """All codewords of one asset.

    Attributes
    ----------
    secret : AES-256 key of the bits.
    thresholds : (m,) uint8, 256 times each cell's bias.
    """

    secret: bytes = field(repr=False)
    thresholds: NDArray[np.uint8]

    @classmethod
    def build(cls, key: bytes, cells: int) -> "Codebook":
        """Derive the code book of an asset with `cells` cells from its key."""
        law = bias_law(cells)
        return cls(keys.derive(key, "codewords"), law[keys.permutation(key, "biases", cells)])

    @property
    def biases(self) -> NDArray[np.float64]:
        """Probability of variant + per cell: (m,) float64, exact multiples of 1/256."""
        return self.thresholds / float(LEVELS)

    def bits(self, cells: NDArray[np.intp], first: int, stop: int) -> NDArray[np.bool_]:
        """Bits of the copies `first` … `stop - 1` in `cells`: (len(cells), stop - first) bool.

        The range must not cross a multiple of 65,536 (`runs` splits ranges that do).
        """
        run, offset = divmod(first, RUN)
        head = offset % 16
        blocks = -(-(head + stop - first) // 16)
        base = (np.uint64(run) << np.uint64(36)) + (cells.astype(np.uint64) << np.uint64(12)) + np.uint64(offset // 16)
        counters = np.zeros((len(cells), blocks, 2), ">u8")
        counters[:, :, 1] = base[:, None] + np.arange(blocks, dtype=np.uint64)
        cipher = Cipher(algorithms.AES(self.secret), modes.ECB()).encryptor()  # noqa: S305  counters never repeat: CTR
        stream = np.frombuffer(cipher.update(counters.tobytes()), np.uint8).reshape(len(cells), blocks * 16)
        return stream[:, head : head + stop - first] < self.thresholds[cells, None]

    def codewords(self, serials: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whole codewords of chosen copies: (len(serials), m) bool, True where the copy shows variant +."""
        every = np.arange(len(self.thresholds))
        return np.stack([self.bits(every, int(s), int(s) + 1)[:, 0] for s in serials])

    def scores(
        self, cells: NDArray[np.intp], weights: NDArray[np.float32], serials: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Sum `weights` over the cells where each copy shows variant +.

        Parameters
        ----------
        cells : (k,) the cells to score.
        weights : (looks, k) float32.
        serials : (n,) sorted, distinct.

        Returns
        -------
        (looks, n) float32.
        """
        out = np.zeros((len(weights), len(serials)), np.float32)
        for start, stop, first, last in runs(serials):
            wanted = serials[start:stop] - first
            total = np.zeros((len(weights), last - first), np.float32)
            step = max(16, (1 << 20) // (last - first))
            for k in range(0, len(cells), step):
                bits = self.bits(cells[k : k + step], first, last)
                total += weights[:, k : k + step] @ bits.astype(np.float32)
            out[:, start:stop] = total[:, wanted]
        return out


def runs(serials: NDArray[np.int64]) -> list[tuple[int, int, int, int]]:
    """Split sorted serials into (start, stop, first, last): slices whose byte ranges [first, last) share one run."""
    out = []
    edges = np.flatnonzero(np.diff(serials // (RUN // 8))) + 1  # an eighth of a run keeps a block within the cache
    for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(serials)], strict=True):
        out.append((start, stop, int(serials[start]), int(serials[stop - 1]) + 1))
    return out
