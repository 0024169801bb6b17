"""Prepare an asset: solve the strength, cut the cells, encode the variants, index the landmarks. Once."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from . import encoding, jpeg, keys, registration
from .averaging import averaged
from .cells import canonical_shape
from .codebook import Codebook
from .encoding import LARGEST_MCU_PX
from .errors import ImageTooSmall, WatermarkError
from .issuing import BAND_ROWS, render, variant_amplitudes
from .lattice import Design, Lattice
from .mask import amplitude_mask
from .master import PLANE_SCALE, Master, opacity, pack
from .picture import Picture
from .strength import (
    TILE_PX,
    Deliver,
    Viewer,
    chances,
    solve_strength,
    square,
    take_away,
    take_away_at_once,
)

MIN_SIDE_PX = 64
SEGMENT_SIDE = 3000  # long side from which copies are joined instead of encoded
JOINED_BAND = 2  # finest band in which the mark of a joined copy has energy: its cells are 23 px wide and more
CB_PER_BLUE, MID_CB = 0.564, 128  # Cb = 0.564 (B - Y) + 128
CACHED_ROWS = 32  # of a picture of some megapixels that lie in the cache together
CHROMA_SHARE = 0.5  # more shows as tinted patches in smooth skies, which the vision model does not see


def prepare(rgb: NDArray[np.uint8], *, key: bytes, icc: bytes | None = None) -> Master:
    """Prepare 8-bit RGB pixels whose copies are JPEG; see `prepare_picture`.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, both sides at least 64 px.
    key : the asset's secret, 32 random bytes; never use one key for two assets.
    icc : the picture's colour profile, handed on to every copy.

    Raises
    ------
    InvalidKey, ImageTooSmall, WatermarkError
        As `prepare_picture`, and if `rgb` is not an (H, W, 3) array of uint8.
    """
    if rgb.ndim != 3 or rgb.dtype != np.uint8:
        raise WatermarkError(f"A picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}.")
    return prepare_picture(Picture(rgb, icc=icc), key=key)


def prepare_picture(picture: Picture, *, key: bytes) -> Master:
    """Prepare an asset for issuing copies and reading leaks.

    Everything that concerns the eye or a leak is solved on what the picture shows, in 8-bit RGB on white; the mark
    itself goes into the picture's own pixels, those under transparency included.

    Parameters
    ----------
    picture : what `decode.decode_asset` returns.
    key : the asset's secret, 32 random bytes; never use one key for two assets.

    Raises
    ------
    InvalidKey
        If the key has not 32 bytes.
    ImageTooSmall
        If a side is shorter than 64 px.
    WatermarkError
        If the pixels are not RGB or grey of 8 or 16 bits.
    """
    height, width = picture.pixels.shape[:2]
    if picture.pixels.dtype not in (np.uint8, np.uint16) or picture.pixels.shape[2:] not in ((), (3,)):
        raise WatermarkError(f"A picture must be RGB or grey, not {picture.pixels.shape} {picture.pixels.dtype}.")
    if min(height, width) < MIN_SIDE_PX:
        raise ImageTooSmall(f"The picture has {width}×{height} px; {MIN_SIDE_PX} px are the least on either side.")
    design = draft(picture)
    settled = encoding.through_jpeg(picture) if picture.issued_as == "JPEG" else None
    base = settled.picture if settled else picture
    rgb = np.ascontiguousarray(base.rgb)
    small, planes = canonical(rgb)
    shown = np.float32(1) if picture.alpha is None else opacity(picture.alpha, design)
    lattice = Lattice.build(key, design)
    codebook = Codebook.build(key, lattice.count)
    minus, plus = variant_amplitudes(codebook.biases)
    sample = np.where(keys.uniform(key, "sample copy", lattice.count) < codebook.biases, plus, minus)
    pattern = lattice.pattern * sample[lattice.labels]
    mask = amplitude_mask(small, pattern).astype(np.float16)
    mark = pattern * mask.astype(np.float32) * shown
    delivered = partial(pass_jpeg, subsampling=design.subsampling) if settled else None
    design = replace(design, strength=solve_strength(small, mark, design.chroma_share, delivered))
    viewer = Viewer.of(
        np.ascontiguousarray(settled.shown.rgb if settled else rgb),
        first=JOINED_BAND if design.run else 0,
        chances=partial(chances, lattice.pattern, lattice.labels, codebook.biases, sample),
    )
    show = partial(show_rows, base, design, lattice, sample, delivered)
    if design.run:
        shape = design.height, design.width
        mask = take_away_at_once(mask, show, partial(show_square, show, shape), viewer)
    else:
        mask = take_away(mask, show, viewer.bearable)
    return Master(
        key=key,
        design=design,
        mask=mask,
        planes=np.rint(planes * PLANE_SCALE).clip(0, 65535).astype(np.uint16),
        landmarks=registration.Index.build(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), planes[0]).to_arrays(),
        original=pack(picture.pixels),
        alpha=None if picture.alpha is None else pack(picture.alpha),
        variants=encode_variants(base, design, lattice, mask, (minus, plus)) if design.run else None,
        format=picture.format,
        lossless=picture.lossless,
        icc=picture.icc,
        metadata=picture.metadata,
    )


def draft(picture: Picture) -> Design:
    """The design of a picture's mark, but for its strength."""
    height, width = picture.pixels.shape[:2]
    subsampling = "4:0:0" if picture.grey else picture.subsampling
    joined = picture.issued_as == "JPEG" and max(height, width) >= SEGMENT_SIDE
    design = Design(height, width, 1.0, 0.0 if picture.grey else CHROMA_SHARE, 0, subsampling)
    return replace(design, run=segment_run(design)) if joined else design


def encode_variants(
    picture: Picture,
    design: Design,
    lattice: Lattice,
    mask: NDArray[np.float16],
    amplitudes: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> tuple[bytes, bytes]:
    """The picture with every cell's variant -, and with every cell's variant +, as JPEG with restart markers."""
    shown_minus, shown_plus = render(picture.pixels, design, lattice, mask, amplitudes)
    return jpeg.encode_pair(
        shown_minus,
        shown_plus,
        picture.icc,
        design.run,
        subsampling=design.subsampling,
        metadata=picture.metadata,
    )


def segment_run(design: Design) -> int:
    """MCUs per restart segment: as many as make a segment as wide as sites are apart."""
    return max(1, round(design.pitch_px / design.mcu_px[1]))


def pass_jpeg(rgb: NDArray[np.uint8], subsampling: str) -> NDArray[np.uint8]:
    """Encode and decode a picture as copies are."""
    return jpeg.decode(encoding.as_jpeg(Picture(rgb, subsampling=subsampling), compact=False))


def show_rows(
    base: Picture,
    design: Design,
    lattice: Lattice,
    amplitude: NDArray[np.float32],
    delivered: Deliver | None,
    mask: NDArray[np.float16],
    rows: tuple[int, int] | None = None,
    columns: slice = slice(None),
) -> NDArray[np.uint8]:
    """A copy whose cells are at `amplitude`, or a part of it, as a person sees the delivered file: (h, w, 3) uint8.

    A part must begin where MCUs do, and its rows as `render` says.
    """
    (marked,) = render(base.pixels, design, lattice, mask, [amplitude], rows=rows, eight_bit=True)
    seen = np.ascontiguousarray(replace(base, pixels=marked[:, columns]).rgb)
    return delivered(seen) if delivered else seen


def show_square(
    show: Callable[..., NDArray[np.uint8]], shape: tuple[int, int], mask: NDArray[np.float16], top: int, left: int
) -> NDArray[np.uint8]:
    """The square at some row and column of what `show_rows` shows of a picture of that shape: (h, w, 3) uint8.

    It is cut out of a part that is an MCU larger on every side.
    """
    first, last = max(0, top - LARGEST_MCU_PX) // BAND_ROWS * BAND_ROWS, min(shape[0], top + TILE_PX + LARGEST_MCU_PX)
    start = max(0, left - LARGEST_MCU_PX) // LARGEST_MCU_PX * LARGEST_MCU_PX
    part = show(mask, rows=(first, last), columns=slice(start, left + TILE_PX + LARGEST_MCU_PX))
    return square(part, top - first, left - start)


def canonical(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The picture on its canonical raster: (h, w, 3) uint8, and its luma and Cb planes before rounding."""
    exact = averaged(rgb, canonical_shape(*rgb.shape[:2]))
    return cv2.convertScaleAbs(exact), luma_and_cb(exact)


def luma_and_cb(rgb: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Luma and Cb planes of a picture of 0 … 255, after ITU-R BT.601, not rounded: (2, h, w) float32."""
    planes = np.empty((2, *rgb.shape[:2]), np.float32)
    for top in range(0, len(rgb), CACHED_ROWS):
        rows = slice(top, top + CACHED_ROWS)
        exact = rgb[rows].astype(np.float32, copy=False)
        cv2.cvtColor(exact, cv2.COLOR_RGB2GRAY, dst=planes[0, rows])
        blue = cv2.extractChannel(exact, 2)
        cv2.addWeighted(blue, CB_PER_BLUE, planes[0, rows], -CB_PER_BLUE, MID_CB, dst=planes[1, rows])
    return planes
