"""Issue copies: a copy is a serial number within its asset, and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import encoding, jpeg, rendering
from .codebook import MAX_SERIAL
from .compiling import compiled_in_any_order
from .encoding import IssuedFile
from .lattice import Design, Lattice, cubic_rows, enlarged_rows, linear_rows, mcu_cells
from .master import Master
from .picture import Picture, Samples, eight_bits, lay_on_white

Bits = NDArray[np.bool_]
Plane = NDArray[np.float32]
BAND_ROWS = 64  # a multiple of every MCU's height


def issue(master: Master, serial: int) -> NDArray[np.uint8]:
    """Render one copy as a person sees it: in 8-bit RGB, on white where the original is transparent.

    Parameters
    ----------
    master : the prepared asset.
    serial : the copy's number within the asset, 0 … 2³²-1.

    Returns
    -------
    (H, W, 3) uint8, of the original's size.
    """
    marked = marked_pixels(master, master.picture, serial, eight_bit=True)
    if marked.ndim == 2:
        marked = cv2.cvtColor(marked, cv2.COLOR_GRAY2RGB)
    alpha = master.picture.alpha
    if alpha is not None:
        for top in range(0, len(marked), BAND_ROWS):
            rows = slice(top, top + BAND_ROWS)
            marked[rows] = lay_on_white(marked[rows], eight_bits(alpha[rows]))
    return marked


def issue_file(master: Master, serial: int) -> IssuedFile:
    """Issue one copy as a file of the original's own format, depth, transparency, profile and chroma sub-sampling.

    Grey stays grey; what came as CMYK leaves as RGB; what came as HEIC leaves as JPEG.
    """
    if master.picture.issued_as == "JPEG":
        return IssuedFile(issue_jpeg(master, serial), *encoding.JPEG)
    return encoding.encode(replace(master.picture, pixels=marked_pixels(master, master.picture, serial)))


def issue_jpeg(master: Master, serial: int) -> bytes:
    """Issue one copy as JPEG: joined from prepared segments where the master has them, else rendered and encoded."""
    if master.variants is None:
        settled = master.through_jpeg
        return encoding.as_jpeg(replace(settled, pixels=marked_pixels(master, settled, serial)))
    segments = master.lattice.segments
    assert segments is not None  # noqa: S101  a master with variants is cut along their segments
    return jpeg.join(*master.segments, codeword(master, serial)[segments])


def marked_pixels(master: Master, picture: Picture, serial: int, *, eight_bit: bool = False) -> NDArray[Any]:
    """A picture's pixels with a copy's mark, in its own channels, and in its depth unless `eight_bit`.

    Parameters
    ----------
    picture : the original, or the original after its first pass through JPEG.
    """
    amplitude = amplitudes(master, codeword(master, serial))
    (marked,) = render(picture.pixels, master.design, master.lattice, master.mask, [amplitude], eight_bit=eight_bit)
    return marked


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
    pixels: Samples,
    design: Design,
    lattice: Lattice,
    mask: NDArray[np.float16],
    amplitudes: Sequence[Plane],
    *,
    rows: tuple[int, int] | None = None,
    eight_bit: bool = False,
) -> list[NDArray[Any]]:
    """Show each cell at its amplitude, band of rows by band of rows; several pictures at once share what they can.

    Parameters
    ----------
    pixels : (H, W, 3) or (H, W), the original.
    mask : (h, w), relative amplitude on the canonical raster.
    amplitudes : (m,) float32 each, signed amplitude of each cell, one for every picture wanted.
    rows : the first wanted, a multiple of `BAND_ROWS`, and that behind the last; None for all.
    eight_bit : whether 16 bits come out as 8.
    """
    first, last = rows or (0, design.height)
    shape = (last - first, *pixels.shape[1:])
    out = [np.empty(shape, np.uint8 if eight_bit else pixels.dtype) for _ in amplitudes]
    for top, marks in mark_bands(design, lattice, mask, amplitudes, (first, last)):
        stop = top + len(marks[0])
        for picture, mark in zip(out, marks, strict=True):
            picture[top - first : stop - first] = rendering.add_mark(
                pixels[top:stop], mark, design.chroma_share, top, eight_bit=eight_bit
            )
    return out


def mark_bands(
    design: Design, lattice: Lattice, mask: NDArray[np.float16], amplitudes: Sequence[Plane], rows: tuple[int, int]
) -> Iterator[tuple[int, list[Plane]]]:
    """The marks of copies in luma levels: first row and (rows, W) float32 of each, one band after the other."""
    shape = (design.height, design.width)
    relative = mask.astype(np.float32) * np.float32(design.strength)
    bands = ((top, min(top + BAND_ROWS, rows[1])) for top in range(*rows, BAND_ROWS))
    if lattice.segments is None or lattice.drawn is None:
        marks = [lattice.pattern * relative * amplitude[lattice.labels] for amplitude in amplitudes]
        for top, stop in bands:
            yield top, [cubic_rows(mark, shape, top, stop) for mark in marks]
        return
    cells = mcu_cells(lattice.segments, design)
    mcu_height, mcu_width = design.mcu_px
    for top, stop in bands:
        block = cells[top // mcu_height : -(-stop // mcu_height)]
        pattern = enlarged_rows(lattice.drawn, design.width, top, stop) * linear_rows(relative, shape, top, stop)
        marks = [np.empty_like(pattern) for _ in amplitudes]
        for mark, amplitude in zip(marks, amplitudes, strict=True):
            _amplify(pattern, amplitude[block], mcu_height, mcu_width, mark)
        yield top, marks


@compiled_in_any_order
def _amplify(pattern: Plane, amplitudes: Plane, mcu_height: int, mcu_width: int, out: Plane) -> None:
    """Multiply each MCU of a pattern by its amplitude."""
    for row in range(len(pattern)):
        for column, amplitude in enumerate(amplitudes[row // mcu_height]):
            mcu = slice(column * mcu_width, (column + 1) * mcu_width)
            unit, marked = pattern[row, mcu], out[row, mcu]
            for place in range(len(unit)):
                marked[place] = amplitude * unit[place]
