"""A picture's landmarks: where it has key points, and 256 bits of what each looks like.

Key points and descriptors are SIFT (Lowe 2004, doi:10.1023/B:VISI.0000029664.99615.94), found at a contrast threshold
so low that smooth pictures have some (dull and dark ones are first given more contrast), and kept by a quota per grid
cell so that text and foliage do not use up the budget. A descriptor becomes a code by signs of random projections of
its RootSIFT form `r` (Arandjelović & Zisserman 2012, doi:10.1109/CVPR.2012.6248018):

    code = sign(R (r - m)),   R: 256 × 128 with orthonormal columns,   m: mean of r over photographs.

The bits that differ between two codes measure the angle between their centred descriptors (Charikar 2002,
doi:10.1145/509907.509965). R and m are part of the format: codes made under others cannot be compared.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark import colourway
from watermark.errors import WatermarkError
from watermark.registration.features import Features, Levels, detect, permutation, root
from watermark.registration.geometry import resize_matrix

ASSET_LEVELS: Levels = ((640, 300), (320, 180), (160, 70))
"""(long side in px, key points kept): thumbnails on pages meet only the smaller sizes."""

DETAIL_LEVELS: Levels = ((1440, 1300), (720, 700), (360, 350), (180, 150))
"""What a closer look compares: five times as many, and sizes at which a small crop still has some."""

QUERY_LEVELS: Levels = ((1280, 1100), (800, 1000), (400, 500), (200, 250))
"""A pyramid: a picture within a page is smaller than it is in the index, and of a crop the index knows the coarse."""

PICTURE_SIDE = 512
"""Long side in px of the picture that a query carries for its colours."""

VARIANTS = ((False, False), (True, False), (False, True), (True, True))
"""(mirrored, inverted): what may have been done to a leak that permutes its descriptors, and nothing else."""

_DULL = 64  # levels between the 1st and the 99th percentile
_MOST_GAIN = 4.0
_ROTATION_SEED = 5
_HEADER = struct.Struct("<4sIIH")
_MAGIC = b"TLM2"
_THUMBNAIL = (colourway.SIDE, colourway.SIDE, 3)
_THUMBNAIL_BYTES = colourway.SIDE**2 * 3
_RECORD = np.dtype([("x", "<u2"), ("y", "<u2"), ("size", "<f2"), ("angle", "u1"), ("code", "u1", 32)])


class DamagedLandmarks(WatermarkError):
    """Stored landmarks cannot be read."""

    hint = "Compute the asset's landmarks anew from its original."


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of an asset.

    Attributes
    ----------
    shape : (H, W) of the picture, px.
    points : ndarray, shape (n, 2), float32: x, y in px of the picture, centre of the first pixel at 0.
    sizes : ndarray, shape (n,), float32: diameters in px.
    angles : ndarray, shape (n,), float32: degrees, clockwise.
    codes : ndarray, shape (n, 32), uint8.
    thumbnail : ndarray, shape (32, 32, 3), uint8
        Its colours, as `watermark.colourway.thumbnail` gives them.
    """

    shape: tuple[int, int]
    points: NDArray[np.float32]
    sizes: NDArray[np.float32]
    angles: NDArray[np.float32]
    codes: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def geometry(self) -> NDArray[np.float32]:
        """x, y, diameter in px, angle in degrees; shape (n, 4)."""
        return np.c_[self.points, self.sizes, self.angles].astype(np.float32)

    def to_bytes(self) -> bytes:
        """Pack into 3,086 bytes and 39 a landmark; places keep 1/65,536 of the side."""
        records = np.zeros(len(self), _RECORD)
        height, width = self.shape
        unit = np.clip((self.points + 0.5) / [width, height], 0, 1)
        records["x"], records["y"] = np.rint(unit * 65535).T
        records["size"] = np.minimum(self.sizes, 65504)
        records["angle"] = np.rint(self.angles * (256 / 360)).astype(np.int64) % 256
        records["code"] = self.codes
        return _HEADER.pack(_MAGIC, height, width, len(self)) + self.thumbnail.tobytes() + records.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Landmarks:
        """Unpack what `to_bytes` packed.

        Raises
        ------
        DamagedLandmarks
        """
        try:
            magic, height, width, count = _HEADER.unpack_from(data)
            colours = np.frombuffer(data, np.uint8, _THUMBNAIL_BYTES, _HEADER.size)
            records = np.frombuffer(data, _RECORD, offset=_HEADER.size + _THUMBNAIL_BYTES)
        except (struct.error, ValueError) as error:
            raise DamagedLandmarks("landmarks are cut short") from error
        if magic != _MAGIC or len(records) != count:
            raise DamagedLandmarks("landmarks of an unknown format")
        unit = np.stack([records["x"], records["y"]], axis=1) / np.float32(65535)
        return cls(
            (height, width),
            (unit * [width, height] - 0.5).astype(np.float32),
            records["size"].astype(np.float32),
            records["angle"] * np.float32(360 / 256),
            records["code"].copy(),
            colours.reshape(_THUMBNAIL).copy(),
        )


@dataclass(frozen=True)
class Query:
    """Landmarks of a picture that is looked up: places as in `Landmarks`, codes for every variant.

    Attributes
    ----------
    codes : ndarray, shape (4, n, 32), uint8
        As the picture is, and as it would be mirrored and/or negative; the order of `VARIANTS`.
    picture : ndarray, shape (h, w, 3), uint8
        The picture at `PICTURE_SIDE` px or less, for its colours.
    shrink : ndarray, shape (3, 3), float64
        Picture px -> px of `picture`.
    """

    points: NDArray[np.float32]
    sizes: NDArray[np.float32]
    angles: NDArray[np.float32]
    codes: NDArray[np.uint8]
    picture: NDArray[np.uint8]
    shrink: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def shape(self) -> tuple[float, float]:
        """(H, W) of the picture that is looked up, px."""
        height, width = self.picture.shape[:2]
        return height / float(self.shrink[1, 1]), width / float(self.shrink[0, 0])


def describe(rgb: NDArray[np.uint8]) -> Landmarks:
    """Landmarks to keep of an asset in an index.

    Parameters
    ----------
    rgb : ndarray, shape (H, W, 3), uint8

    Returns
    -------
    Landmarks
        At most 550, 24.6 kB; none of a blank picture.
    """
    return _described(rgb, ASSET_LEVELS)


def detail(rgb: NDArray[np.uint8]) -> Landmarks:
    """Landmarks to keep of an asset beside an index, for a closer look at it.

    Parameters
    ----------
    rgb : ndarray, shape (H, W, 3), uint8

    Returns
    -------
    Landmarks
        At most 2,500, 101 kB.
    """
    return _described(rgb, DETAIL_LEVELS)


def _described(rgb: NDArray[np.uint8], levels: Levels) -> Landmarks:
    found = _detect(rgb, levels)
    x = found.points
    height, width = rgb.shape[:2]
    return Landmarks(
        (height, width),
        x[:, :2].copy(),
        x[:, 2].copy(),
        x[:, 3].copy(),
        binarise(found.descriptors),
        colourway.thumbnail(rgb),
    )


def query(rgb: NDArray[np.uint8]) -> Query:
    """Landmarks of a picture to be looked up.

    Parameters
    ----------
    rgb : ndarray, shape (H, W, 3), uint8

    Returns
    -------
    Query
    """
    found = _detect(rgb, QUERY_LEVELS)
    x = found.points
    codes = [binarise(found.descriptors[:, permutation(*variant)]) for variant in VARIANTS]
    scale = min(1.0, PICTURE_SIDE / max(rgb.shape[:2]))
    width, height = (max(1, round(side * scale)) for side in (rgb.shape[1], rgb.shape[0]))
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    shrink = resize_matrix(rgb.shape[:2], small.shape[:2])
    return Query(x[:, :2].copy(), x[:, 2].copy(), x[:, 3].copy(), np.stack(codes), small, shrink)


def binarise(descriptors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """SIFT descriptors, shape (n, 128), uint8, to codes, shape (n, 32), uint8."""
    return np.packbits((root(descriptors) - _mean()) @ _rotation().T > 0, axis=1)


def _detect(rgb: NDArray[np.uint8], levels: Levels) -> Features:
    largest = max(side for side, _ in levels)
    height, width = rgb.shape[:2]
    scale = min(1.0, 2 * largest / max(height, width))
    # a huge picture is first brought near the largest level as bytes: a float luma of it would cost hundreds of MB
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    found = detect(raised(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)), levels)
    if small is not rgb:
        sx, sy = width / small.shape[1], height / small.shape[0]
        found.points[:, :2] = (found.points[:, :2] + 0.5) * [sx, sy] - 0.5
        found.points[:, 2] *= (sx * sy) ** 0.5
    return found


def raised(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """A dull or dark luma at up to four times its contrast, so that it has key points; any other as it is.

    Parameters
    ----------
    luma : ndarray, shape (H, W), float32, 0..255

    Returns
    -------
    ndarray, shape (H, W), float32, 0..255

    Examples
    --------
    >>> raised(np.tile(np.float32([20, 36]), (50, 50))).max()
    np.float32(64.0)
    """
    low, high = np.percentile(luma[::4, ::4], (1, 99))
    if high - low >= _DULL:
        return luma
    gain = np.float32(min(_MOST_GAIN, _DULL / max(high - low, 1.0)))
    return np.clip((luma - np.float32(low)) * gain, 0, 255)


@lru_cache(maxsize=1)
def _rotation() -> NDArray[np.float32]:
    """R, shape (256, 128): half the columns of the orthogonal factor of a Gaussian matrix of fixed seed.

    The legacy generator's stream is frozen by NumPy's compatibility policy, and a positive diagonal makes the
    factorisation unique, so every machine gets the same R to rounding.
    """
    gaussian = np.random.RandomState(_ROTATION_SEED).standard_normal((256, 256))
    q, r = np.linalg.qr(gaussian)
    return (q * np.sign(np.diag(r)))[:, :128].astype(np.float32)


@lru_cache(maxsize=1)
def _mean() -> NDArray[np.float32]:
    """m, shape (128,): mean RootSIFT over 22,740 key points of 46 photographs."""
    with resources.files(__package__).joinpath("mean_rootsift.npy").open("rb") as file:
        return np.load(file)
