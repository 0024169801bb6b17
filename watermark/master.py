"""A prepared asset: everything that issuing one more copy or reading one more leak needs, computed once.

What a master holds is as secret as the asset itself: the picture, and the key that tells every copy apart.
"""

import io
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import cells, jpeg, registration
from .codebook import Codebook
from .errors import CorruptMaster

FORMAT = "telltale-master-1"
PIXEL_PITCH = 6.0  # canonical px between sites when cells are cut on the canonical raster
SEGMENT_PITCH = 8.0  # the same when cells are unions of JPEG segments
SEGMENT_SIDE = 3000  # long side from which copies are joined instead of encoded
WORKING_MCU_PX = 4  # resolution at which the bumps of segment cells are drawn
PLANE_SCALE = 256  # canonical planes are stored as 16-bit fixed point


@dataclass(frozen=True)
class Design:
    """The numbers that fix an asset's mark, together with its key.

    Attributes
    ----------
    height, width : of the picture in px.
    strength : rms amplitude of the mark in luma levels where the mask is 1.
    chroma_share : Cb levels per luma level.
    run : MCUs per restart segment, 0 where cells are cut on the canonical raster.
    """

    height: int
    width: int
    strength: float
    chroma_share: float
    run: int

    @property
    def mcu_shape(self) -> tuple[int, int]:
        """Rows and columns of MCUs of the picture's JPEG."""
        return -(-self.height // jpeg.MCU_PX), -(-self.width // jpeg.MCU_PX)

    @property
    def canonical_shape(self) -> tuple[int, int]:
        """Height and width of the canonical raster."""
        return cells.canonical_shape(self.height, self.width)


@dataclass(frozen=True)
class Lattice:
    """Where the cells are, and the unit pattern they carry.

    Attributes
    ----------
    labels : (h, w) int32, cell of each canonical pixel.
    pattern : (h, w) float32, unit bumps on the canonical raster.
    count : number of cells.
    segments : (n,) int32, cell of each JPEG segment; None where cells are cut on the canonical raster.
    """

    labels: NDArray[np.int32]
    pattern: NDArray[np.float32]
    count: int
    segments: NDArray[np.int32] | None

    @classmethod
    def build(cls, key: bytes, design: Design) -> "Lattice":
        """Cut the picture into cells by key."""
        height, width = design.canonical_shape
        if not design.run:
            labels = cells.voronoi(key, height, width, PIXEL_PITCH)
            return cls(labels, cells.bumps(labels, PIXEL_PITCH), int(labels.max()) + 1, None)
        rows, cols = design.mcu_shape
        mcu = jpeg.MCU_PX * height / design.height  # canonical px
        segments = cells.segment_cells(key, rows, cols, design.run, SEGMENT_PITCH / mcu)
        by_mcu = segments[np.arange(rows * cols) // design.run].reshape(rows, cols)
        y = np.minimum(((np.arange(height) + 0.5) * design.height / height / jpeg.MCU_PX).astype(int), rows - 1)
        x = np.minimum(((np.arange(width) + 0.5) * design.width / width / jpeg.MCU_PX).astype(int), cols - 1)
        drawn = working_bumps(by_mcu, SEGMENT_PITCH / mcu)
        pattern = resample(drawn, design, height, width)
        return cls(by_mcu[np.ix_(y, x)], pattern, int(segments.max()) + 1, segments)


def working_bumps(by_mcu: NDArray[np.int32], pitch_mcu: float) -> NDArray[np.float32]:
    """Bumps of segment cells at the working resolution of 4 px per MCU."""
    labels = np.repeat(np.repeat(by_mcu, WORKING_MCU_PX, 0), WORKING_MCU_PX, 1)
    return cells.bumps(labels, pitch_mcu * WORKING_MCU_PX)


def resample(drawn: NDArray[np.float32], design: Design, height: int, width: int) -> NDArray[np.float32]:
    """Bring a plane from the working resolution to (height, width) over the picture, without its MCUs' padding."""
    step = jpeg.MCU_PX / WORKING_MCU_PX  # picture px per working px
    sy, sx = design.height / height / step, design.width / width / step
    y = ((np.arange(height, dtype=np.float32) + 0.5) * sy - 0.5)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) * sx - 0.5)[None]
    across = np.ascontiguousarray(np.broadcast_to(x, (height, width)), np.float32)
    down = np.ascontiguousarray(np.broadcast_to(y, (height, width)), np.float32)
    return cv2.remap(drawn, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@dataclass(frozen=True)
class Master:
    """One prepared asset; see the module. Build with `prepare`, store with `to_bytes`.

    Attributes
    ----------
    key : the asset's key, 32 bytes.
    design : the numbers that fix the mark.
    mask : (h, w) float16, relative amplitude on the canonical raster.
    planes : (2, h, w) uint16, canonical luma and Cb in 256ths of a level.
    landmarks : arrays of the registration index.
    original : the picture, losslessly encoded (PNG).
    variants : the two encoded variants (minus, plus), or None where copies are encoded one by one.
    icc : the picture's colour profile.
    """

    key: bytes = field(repr=False)
    design: Design
    mask: NDArray[np.float16] = field(repr=False)
    planes: NDArray[np.uint16] = field(repr=False)
    landmarks: dict[str, NDArray[Any]] = field(repr=False)
    original: bytes = field(repr=False)
    variants: tuple[bytes, bytes] | None = field(repr=False)
    icc: bytes | None = field(repr=False)

    @cached_property
    def lattice(self) -> Lattice:
        """Cells and unit pattern."""
        return Lattice.build(self.key, self.design)

    @cached_property
    def codebook(self) -> Codebook:
        """Codewords of every copy."""
        return Codebook.build(self.key, self.lattice.count)

    @cached_property
    def amplitude(self) -> NDArray[np.float32]:
        """Amplitude of the luma mark on the canonical raster, in levels: (h, w) float32."""
        return self.lattice.pattern * self.mask.astype(np.float32) * np.float32(self.design.strength)

    @cached_property
    def canonical(self) -> NDArray[np.float32]:
        """Luma and Cb of the original on the canonical raster: (2, h, w) float32, 0 … 255."""
        return self.planes.astype(np.float32) / np.float32(PLANE_SCALE)

    @cached_property
    def index(self) -> registration.Index:
        """Registration index of the original."""
        return registration.Index.from_arrays(
            self.canonical[0], self.design.canonical_shape[1] / self.design.width, self.landmarks
        )

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """The original: (H, W, 3) uint8."""
        decoded = cv2.imdecode(np.frombuffer(self.original, np.uint8), cv2.IMREAD_COLOR_RGB)
        if decoded is None:
            raise CorruptMaster
        return decoded

    @cached_property
    def segments(self) -> tuple[jpeg.Segments, jpeg.Segments]:
        """The two variants, cut at their restart markers."""
        if self.variants is None:
            raise ValueError("This master's copies are encoded one by one.")
        return jpeg.Segments.split(self.variants[0]), jpeg.Segments.split(self.variants[1])

    def to_bytes(self) -> bytes:
        """Serialise; the result holds the key and the original and must be kept encrypted."""
        header = {"format": FORMAT, "design": vars(self.design), "has_icc": self.icc is not None}
        blobs = {
            "header": json.dumps(header).encode(),
            "key": self.key,
            "original": self.original,
            "icc": self.icc or b"",
            **({"minus": self.variants[0], "plus": self.variants[1]} if self.variants else {}),
        }
        arrays: dict[str, Any] = {name: np.frombuffer(data, np.uint8) for name, data in blobs.items()}
        arrays |= {"mask": self.mask, "planes": self.planes}
        arrays |= {f"landmarks_{name}": array for name, array in self.landmarks.items()}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Master":
        """Restore a master.

        Raises
        ------
        CorruptMaster
            If the bytes are not a master of this format.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                header = json.loads(arrays["header"].tobytes())
                if header["format"] != FORMAT:
                    raise CorruptMaster
                prefix = "landmarks_"
                variants = (arrays["minus"].tobytes(), arrays["plus"].tobytes()) if "minus" in arrays else None
                return cls(
                    key=arrays["key"].tobytes(),
                    design=Design(**header["design"]),
                    mask=arrays["mask"],
                    planes=arrays["planes"],
                    landmarks={n.removeprefix(prefix): arrays[n] for n in arrays.files if n.startswith(prefix)},
                    original=arrays["original"].tobytes(),
                    variants=variants,
                    icc=arrays["icc"].tobytes() if header["has_icc"] else None,
                )
        except CorruptMaster:
            raise
        except Exception as broken:  # whatever a damaged archive makes NumPy raise, the reader needs one answer
            raise CorruptMaster from broken
