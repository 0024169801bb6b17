"""Issue copies: a copy is a serial number within its asset, and nothing else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from . import jpeg, rendering
from .codebook import MAX_SERIAL
from .master import SEGMENT_PITCH, Design, Lattice, Master, resample, working_bumps

Bits = NDArray[np.bool_]
Plane = NDArray[np.float32]
BAND_ROWS = 16 * jpeg.MCU_PX


def issue(master: Master, serial: int) -> NDArray[np.uint8]:
    """Render one copy.

    Parameters
    ----------
    master : the prepared asset.
    serial : the copy's number within the asset, 0 … 2³²-1.

    Returns
    -------
    (H, W, 3) uint8, of the original's size.
    """
    return render(
        master.pixels, master.design, master.lattice, master.mask, amplitudes(master, codeword(master, serial))
    )


def issue_jpeg(master: Master, serial: int) -> bytes:
    """Issue one copy as JPEG: joined from prepared segments where the master has them, else rendered and encoded."""
    if master.variants is None:
        return jpeg.encode(issue(master, serial), master.icc)
    segments = master.lattice.segments
    assert segments is not None  # noqa: S101  a master with variants is cut along their segments
    return jpeg.join(*master.segments, codeword(master, serial)[segments])


def codeword(master: Master, serial: int) -> Bits:
    """Bits of one copy: (m,) bool.

    Raises
    ------
    ValueError
        If the serial is out of range.
    """
    if not 0 <= serial <= MAX_SERIAL:
        raise ValueError(f"Serial {serial} is outside 0 … {MAX_SERIAL}.")
    return master.codebook.codewords([serial])[0]


def amplitudes(master: Master, bits: Bits) -> Plane:
    """Signed amplitude of each cell of a copy: (m,) float32; see `variant_amplitudes`."""
    minus, plus = variant_amplitudes(master.codebook.biases)
    return np.where(bits, plus, minus).astype(np.float32)


def variant_amplitudes(biases: NDArray[np.float64]) -> tuple[Plane, Plane]:
    """Amplitudes of the two variants of each cell: -2pb and +2(1-p)b, (m,) float32 each.

    Off-centre variants: the mean over all copies is the original, the mean energy over all copies is 1
    (b² = 1 / mean 4p(1-p)), and the distance 2b between the variants is the same in every cell. The rarer variant is
    the stronger one, which gives a lone leaker back what biased cells would cost.
    """
    b = contrast(biases)
    return (-2 * b * biases).astype(np.float32), (2 * b * (1 - biases)).astype(np.float32)


def contrast(biases: NDArray[np.float64]) -> float:
    """Half the distance between the two variants of a cell, in units of the pattern."""
    return float(1 / np.sqrt(np.mean(4 * biases * (1 - biases))))


def render(
    rgb: NDArray[np.uint8], design: Design, lattice: Lattice, mask: NDArray[np.float16], amplitude: Plane
) -> NDArray[np.uint8]:
    """Show each cell at its amplitude, band of rows by band of rows.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, the original.
    mask : (h, w), relative amplitude on the canonical raster.
    amplitude : (m,) float32, signed amplitude of each cell.
    """
    size = (design.width, design.height)
    relative = mask.astype(np.float32) * np.float32(design.strength)
    if lattice.segments is None:
        mark = lattice.pattern * relative * amplitude[lattice.labels]
        full = cv2.resize(mark, size, interpolation=cv2.INTER_CUBIC)
        return rendering.add_mark(rgb, full, design.chroma_share)
    rows, cols = design.mcu_shape
    by_mcu = lattice.segments[np.arange(rows * cols) // design.run].reshape(rows, cols)
    mcu = jpeg.MCU_PX * design.canonical_shape[0] / design.height
    pattern = resample(working_bumps(by_mcu, SEGMENT_PITCH / mcu), design, design.height, design.width)
    pattern *= cv2.resize(relative, size, interpolation=cv2.INTER_LINEAR)
    out = np.empty_like(rgb)
    for top in range(0, design.height, BAND_ROWS):
        stop = min(top + BAND_ROWS, design.height)
        block = amplitude[by_mcu[top // jpeg.MCU_PX : -(-stop // jpeg.MCU_PX)]]
        shown = np.repeat(np.repeat(block, jpeg.MCU_PX, 0), jpeg.MCU_PX, 1)[: stop - top, : design.width]
        out[top:stop] = rendering.add_mark(rgb[top:stop], pattern[top:stop] * shown, design.chroma_share, top)
    return out
