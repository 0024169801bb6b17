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
BLOCK = 16  # bytes of AES, and so serial numbers, that come at once
CHUNK = 1 << 19  # bits scored at once, so that their numbers stay within the cache
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
        head = offset % BLOCK
        blocks = np.arange(offset // BLOCK, -(-(offset + stop - first) // BLOCK))
        stream = self.stream(cells, run, blocks)
        return stream[:, head : head + stop - first] < self.thresholds[cells, None]

    def bits_of(self, cells: NDArray[np.intp], serials: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Bits of scattered copies of one run in `cells`: (len(cells), len(serials)) bool."""
        offsets = serials % RUN
        blocks, place = np.unique(offsets // BLOCK, return_inverse=True)
        stream = self.stream(cells, int(serials[0]) // RUN, blocks)
        return stream[:, place * BLOCK + offsets % BLOCK] < self.thresholds[cells, None]

    def stream(self, cells: NDArray[np.intp], run: int, blocks: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Bytes that the cells give to the serials of some blocks of a run: (len(cells), 16 len(blocks))."""
        base = (np.uint64(run) << np.uint64(36)) + (cells.astype(np.uint64) << np.uint64(12))
        counters = np.zeros((len(cells), len(blocks), 2), ">u8")
        np.add(base[:, None], blocks.astype(np.uint64), out=counters[:, :, 1])
        out = bytearray(counters.nbytes + BLOCK - 1)  # the cipher asks for a block's room more
        cipher = Cipher(algorithms.AES(self.secret), modes.ECB()).encryptor()  # noqa: S305  counters never repeat: CTR
        cipher.update_into(counters.reshape(-1).view(np.uint8).data, out)
        return np.frombuffer(out, np.uint8, counters.nbytes).reshape(len(cells), len(blocks) * BLOCK)

    def codewords(self, serials: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whole codewords of chosen copies: (len(serials), m) bool, True where the copy shows variant +."""
        every = np.arange(len(self.thresholds))
        wanted = np.asarray(serials, np.int64)
        order = np.argsort(wanted, kind="stable")
        out = np.empty((len(wanted), len(every)), bool)
        for start, stop, _, _ in runs(wanted[order]):
            members = order[start:stop]
            out[members] = self.bits_of(every, wanted[members]).T
        return out

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
        buffer = np.empty(CHUNK, np.float32)
        for start, stop, first, last in runs(serials):
            members, total = serials[start:stop], out[:, start:stop]
            whole = len(members) == last - first
            step = max(BLOCK, CHUNK // len(members))
            for k in range(0, len(cells), step):
                part = cells[k : k + step]
                bits = self.bits(part, first, last) if whole else self.bits_of(part, members)
                signs = (
                    buffer[: bits.size].reshape(bits.shape) if bits.size <= CHUNK else np.empty(bits.shape, np.float32)
                )
                np.copyto(signs, bits)
                total += weights[:, k : k + step] @ signs
        return out


def runs(serials: NDArray[np.int64]) -> list[tuple[int, int, int, int]]:
    """Split sorted serials into (start, stop, first, last): slices whose byte ranges [first, last) share one run."""
    out = []
    edges = np.flatnonzero(np.diff(serials // (RUN // 8))) + 1  # an eighth of a run keeps a block within the cache
    for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(serials)], strict=True):
        out.append((start, stop, int(serials[start]), int(serials[stop - 1]) + 1))
    return out
