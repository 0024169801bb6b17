"""A prepared asset: everything that issuing one more copy or reading one more leak needs, computed once.

What a master holds is as secret as the asset itself: the picture, and the key that tells every copy apart.
"""

import io
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import encoding, jpeg, registration, symbols
from .codebook import Codebook
from .errors import CorruptMaster
from .lattice import Design, Lattice
from .metadata import Metadata
from .picture import Picture, Samples, eight_bits

FORMAT = "telltale-master-3"
PLANE_SCALE = 256  # canonical planes are stored as 16-bit fixed point
RUNS = [
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),  # one filter takes half the time of choosing among all
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
]
REPETITIVE = 0.2  # share of samples that are as those above, from which runs are worth looking for
ROWS_TRIED = 64


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
    original : the picture's pixels, losslessly; see `pack`.
    alpha : its transparency, likewise, or None.
    variants : the two encoded variants (minus, plus), or None where copies are encoded one by one.
    format, lossless, icc, metadata : what else a copy takes over from the original; see `Picture`.
    """

    key: bytes = field(repr=False)
    design: Design
    mask: NDArray[np.float16] = field(repr=False)
    planes: NDArray[np.uint16] = field(repr=False)
    landmarks: dict[str, NDArray[Any]] = field(repr=False)
    original: bytes = field(repr=False)
    alpha: bytes | None = field(repr=False)
    variants: tuple[bytes, bytes] | None = field(repr=False)
    format: str
    lossless: bool
    icc: bytes | None = field(repr=False)
    metadata: Metadata

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
        """Amplitude of the luma mark as a leak shows it, on the canonical raster, in levels: (h, w) float32."""
        amplitude: NDArray[np.float32] = (
            self.lattice.pattern * self.mask.astype(np.float32) * np.float32(self.design.strength)
        )
        return amplitude if self.alpha is None else amplitude * opacity(unpack(self.alpha), self.design)

    @cached_property
    def canonical(self) -> NDArray[np.float32]:
        """Luma and Cb of the original on the canonical raster: (2, h, w) float32, 0 … 255."""
        return self.planes.astype(np.float32) / np.float32(PLANE_SCALE)

    @cached_property
    def channels(self) -> list[symbols.Channel]:
        """What leaks are correlated with: luma, and Cb where it carries a mark."""
        return symbols.channels(self)

    @cached_property
    def index(self) -> registration.Index:
        """Registration index of the original."""
        return registration.Index.from_arrays(
            self.canonical[0], self.design.canonical_shape[1] / self.design.width, self.landmarks
        )

    @cached_property
    def through_jpeg(self) -> Picture:
        """The original after one pass through JPEG, which JPEG copies are marked on."""
        return encoding.through_jpeg(self.picture).picture

    @cached_property
    def picture(self) -> Picture:
        """The original."""
        return Picture(
            pixels=unpack(self.original),
            format=self.format,
            alpha=None if self.alpha is None else unpack(self.alpha),
            icc=self.icc,
            metadata=self.metadata,
            subsampling=self.design.subsampling,
            lossless=self.lossless,
        )

    @cached_property
    def segments(self) -> tuple[jpeg.Segments, jpeg.Segments]:
        """The two variants, cut at their restart markers."""
        if self.variants is None:
            raise ValueError("This master's copies are encoded one by one.")
        return jpeg.Segments.split(self.variants[0]), jpeg.Segments.split(self.variants[1])

    def to_bytes(self) -> bytes:
        """Serialise; the result holds the key and the original and must be kept encrypted."""
        header = {
            "format": FORMAT,
            "design": vars(self.design),
            "picture": {"format": self.format, "lossless": self.lossless},
            "metadata": asdict(self.metadata),
        }
        blobs = {
            "header": json.dumps(header).encode(),
            "key": self.key,
            "original": self.original,
            **({"alpha": self.alpha} if self.alpha is not None else {}),
            **({"icc": self.icc} if self.icc is not None else {}),
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
                    alpha=arrays["alpha"].tobytes() if "alpha" in arrays else None,
                    variants=variants,
                    icc=arrays["icc"].tobytes() if "icc" in arrays else None,
                    metadata=words(header["metadata"]),
                    **header["picture"],
                )
        except CorruptMaster:
            raise
        except Exception as broken:  # whatever a damaged archive makes NumPy raise, the reader needs one answer
            raise CorruptMaster from broken


def pack(samples: Samples) -> bytes:
    """Keep samples as PNG where that is small, else as they are: what a photograph would save is not worth its time."""
    rows = np.linspace(1, len(samples) - 1, ROWS_TRIED).astype(int)
    if np.mean(samples[rows] == samples[rows - 1]) <= REPETITIVE:
        ordered, header = np.ascontiguousarray(samples), io.BytesIO()
        np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(ordered))
        return b"".join([header.getvalue(), ordered.data])  # copied once, unlike by numpy.save
    channels = samples if samples.ndim == 2 else cv2.cvtColor(samples, cv2.COLOR_RGB2BGR)
    encoded, png = cv2.imencode(".png", channels, RUNS)
    if not encoded:
        raise CorruptMaster("The picture could not be stored losslessly.")
    return png.tobytes()


def unpack(data: bytes) -> Samples:
    """Restore what `pack` kept.

    Raises
    ------
    CorruptMaster
        If it is damaged.
    """
    if data.startswith(np.lib.format.MAGIC_PREFIX):
        try:
            samples: Samples = np.load(io.BytesIO(data), allow_pickle=False)
        except ValueError as broken:
            raise CorruptMaster from broken
        return samples
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise CorruptMaster
    return decoded if decoded.ndim == 2 else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def opacity(alpha: Samples, design: Design) -> NDArray[np.float32]:
    """Share of the picture, and so of the mark, that shows on the canonical raster: (h, w) float32, 0 … 1."""
    height, width = design.canonical_shape
    small = cv2.resize(eight_bits(alpha), (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(255)


def words(stored: dict[str, Any]) -> Metadata:
    """Metadata as JSON gave it back, pairs as lists."""
    dpi = stored.pop("dpi")
    return Metadata(**stored, dpi=None if dpi is None else (dpi[0], dpi[1]))
