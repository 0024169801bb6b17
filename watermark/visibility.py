"""How visible is a difference? A compact form of ColorVideoVDP for still pictures on an ordinary office screen.

Invisibility is judged by a model of vision because PSNR hardly predicts it. The model: display light, opponent
channels, Laplacian pyramid, contrast sensitivity per band and background, masking by the picture's own contrast
within and across channels, and pooling over bands and channels. It agrees with the reference implementation to about
0.005 JOD on the pictures and marks it was checked with; it inherits the reference's faults.

References
----------
R. Mantiuk et al., "ColorVideoVDP: A visual difference predictor for image, video and display distortions",
ACM Trans. Graph. 43(4), 2024, doi:10.1145/3658144. Sensitivities: castleCSF, Ashraf et al., J. Vision 24(4), 2024,
doi:10.1167/jov.24.4.5. Pyramid: Burt and Adelson 1983, doi:10.1109/TCOM.1983.1095851.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .compiling import compiled_in_any_order

Image = NDArray[np.uint8]
Plane = NDArray[np.float32]

PEAK_CD_M2, AMBIENT_CD_M2 = 199.8, 0.6
LOG_LUMINANCE = np.linspace(-1, 2.398, 8)
# log10 sensitivity, [channel][band, fine to coarse][log10 luminance]: achromatic, red-green, violet-yellow
SENSITIVITY = np.array(
    [
        [
            [-0.584, -0.094, 0.362, 0.775, 1.133, 1.404, 1.574, 1.655],
            [0.796, 1.165, 1.5, 1.797, 2.048, 2.235, 2.35, 2.406],
            [1.305, 1.599, 1.861, 2.087, 2.272, 2.406, 2.489, 2.529],
            [1.544, 1.765, 1.953, 2.107, 2.227, 2.309, 2.358, 2.383],
            [1.552, 1.698, 1.813, 1.895, 1.95, 1.991, 2.032, 2.056],
            [1.364, 1.435, 1.487, 1.556, 1.629, 1.692, 1.737, 1.761],
            [1.022, 1.1, 1.179, 1.256, 1.33, 1.392, 1.437, 1.461],
        ],
        [
            [0.452, 0.687, 0.92, 1.145, 1.352, 1.517, 1.622, 1.672],
            [0.931, 1.166, 1.399, 1.624, 1.832, 1.996, 2.101, 2.151],
            [1.168, 1.403, 1.636, 1.861, 2.069, 2.233, 2.338, 2.388],
            [1.317, 1.552, 1.785, 2.01, 2.217, 2.382, 2.487, 2.537],
            [1.348, 1.583, 1.815, 2.041, 2.248, 2.413, 2.518, 2.568],
            [1.294, 1.529, 1.762, 1.987, 2.195, 2.359, 2.464, 2.514],
            [1.196, 1.431, 1.664, 1.889, 2.097, 2.261, 2.366, 2.416],
        ],
        [
            [-0.058, 0.13, 0.318, 0.503, 0.679, 0.833, 0.947, 1.011],
            [0.418, 0.607, 0.795, 0.979, 1.156, 1.31, 1.423, 1.487],
            [0.658, 0.847, 1.035, 1.219, 1.396, 1.55, 1.663, 1.728],
            [0.822, 1.011, 1.198, 1.383, 1.559, 1.714, 1.827, 1.891],
            [0.867, 1.055, 1.243, 1.428, 1.604, 1.758, 1.872, 1.936],
            [0.809, 0.998, 1.185, 1.37, 1.546, 1.7, 1.814, 1.878],
            [0.692, 0.881, 1.069, 1.254, 1.43, 1.584, 1.698, 1.762],
        ],
    ]
)
BANDS = SENSITIVITY.shape[1]
CONTRAST_EXPONENT = 2.264
MASKING_GAIN = 2**-0.1895
MASKING_EXPONENTS = (1.3026, 2.8886, 3.6808)
MASKING_BLUR_PX, MASKING_WINDOW_PX = 3, 13  # sigma and width of the reference's kernel
MASKING_SCALE = 10**-0.7955
# log2 gain of masking, [masker][masked]
CROSS_MASKING = (
    2.0 ** np.array([[-0.1895, -5.96215, -4.31835], [2.56556, 0.34407, -2.71965], [3.81184, -1.00517, -0.51934]])
).astype(np.float32)
CHANNEL_GAIN = (1.0, 1.45, 1.0)
CEILING = 10**2.564
POOL_GAIN = 0.578

XYZ_FROM_RGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
LMS_FROM_XYZ = np.array(
    [[0.187596, 0.585169, -0.026384], [-0.133397, 0.405506, 0.034502], [0.000244, -0.000543, 0.019407]]
)
DKL_FROM_LMS = np.array([[1, 1, 0], [1, -2.31113, 0], [-1, -1, 50.97757]])
DKL_FROM_RGB = (DKL_FROM_LMS @ LMS_FROM_XYZ @ XYZ_FROM_RGB).astype(np.float32)

_CODES = np.arange(256) / 255
LIGHT = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
EMITTED_CD_M2 = LIGHT * np.float32(PEAK_CD_M2) + np.float32(AMBIENT_CD_M2)  # of each primary, by its code
KERNEL_REACH = 2  # rows beside its own that a step down the pyramid looks at
CACHED_ROWS = 64
STEPS = 1024  # in a table of sensitivities
LUMINANCE_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)


def luminance(rgb: Image) -> Plane:
    """Luminance in cd/m² of an sRGB picture on a 200-nit screen in a lit office: (h, w) float32."""
    return cv2.LUT(rgb, LIGHT) @ LUMINANCE_WEIGHTS * np.float32(PEAK_CD_M2) + np.float32(AMBIENT_CD_M2)


def opponent(rgb: Image, halvings: int = 0) -> list[Plane]:
    """Achromatic, red-green and violet-yellow planes of the light a screen emits: three (h, w) float32.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.
    halvings : steps down the pyramid to begin with.
    """
    light = halved_light(rgb) if halvings else cv2.LUT(rgb, EMITTED_CD_M2)
    for _ in range(halvings - 1):
        light = cv2.pyrDown(light)
    return list(cv2.split(cv2.transform(light, DKL_FROM_RGB)))


def halved_light(rgb: Image) -> Plane:
    """Light of each primary one step down the pyramid, some rows at a time, as large pictures do not fit the cache."""
    height, width = rgb.shape[:2]
    out = np.empty((-(-height // 2), -(-width // 2), 3), np.float32)
    for top in range(0, height, CACHED_ROWS):
        above = KERNEL_REACH if top else 0
        rows = rgb[top - above : top + CACHED_ROWS + KERNEL_REACH]
        part = out[top // 2 : (top + CACHED_ROWS) // 2]
        part[:] = cv2.pyrDown(cv2.LUT(rows, EMITTED_CD_M2))[above // 2 :][: len(part)]
    return out


def expand(coarse: Plane, like: Plane) -> Plane:
    """One step up the pyramid, to the shape of `like`."""
    return cv2.pyrUp(coarse, dstsize=(like.shape[1], like.shape[0]))


@cache
def sensitivities(channel: int, band: int) -> NDArray[np.float32]:
    """Contrast sensitivity at 1,024 backgrounds, evenly spaced in log luminance."""
    fine = np.interp(np.linspace(0, len(LOG_LUMINANCE) - 1, STEPS), np.arange(len(LOG_LUMINANCE)),
                     SENSITIVITY[channel, band])  # fmt: skip
    return (10.0**fine).astype(np.float32)


def sensitivity(channel: int, band: int, background: Plane) -> Plane:
    """Contrast sensitivity per pixel for one channel and band on that background (cd/m²)."""
    return looked_up(sensitivities(channel, band), cv2.log(background))


def looked_up(table: NDArray[np.float32], log_background: Plane) -> Plane:
    """A table made by `sensitivities`, or multiples of one, at each background (natural logarithm of cd/m²)."""
    first, last = np.log(10) * LOG_LUMINANCE[[0, -1]]
    out = np.empty_like(log_background)
    _look_up(table, log_background, np.float32(first), np.float32((STEPS - 1) / (last - first)), out)
    return out


@compiled_in_any_order
def _look_up(table: NDArray[np.float32], places: Plane, first: np.float32, scale: np.float32, out: Plane) -> None:
    """Entry of a table at each place, the first of which stands at `first`, and `scale` of them within 1."""
    last = np.float32(len(table) - 1)
    for row in range(places.shape[0]):
        for column in range(places.shape[1]):
            place = (places[row, column] - first) * scale
            out[row, column] = table[np.uint32(min(max(place, np.float32(0)), last))]


def power(base: Plane, exponent: float) -> Plane:
    """`base ** exponent` for non-negative planes, in SIMD."""
    return cv2.pow(base, exponent)


def difference(reference: Image, test: Image) -> float:
    """Pooled visible difference Q of two pictures of equal shape; 0 when identical, about 1.9 at JOD 9.92."""
    return Original.seen(reference).difference(test)


def pool(means: list[float]) -> float:
    """Pool the mean energies of bands and channels: Q = 0.578 (sum of squares)^(1/4)."""
    return float(POOL_GAIN * sum(mean**2 for mean in means) ** 0.25)


@dataclass(frozen=True)
class Band:
    """One band of an original: the sensitivity of each channel, and its contrast in thresholds."""

    gains: list[Plane]
    contrasts: list[Plane]


@dataclass(frozen=True)
class Original:
    """A picture as it is seen, prepared once so that copies can be compared with it.

    Attributes
    ----------
    planes : opponent planes, as large as the finest band.
    bands : from fine to coarse.
    first : the finest band that is looked at; what is finer has been given up.
    """

    planes: list[Plane]
    bands: list[Band]
    first: int

    @classmethod
    def seen(cls, rgb: Image, *, first: int = 0) -> "Original":
        """Look at a picture, (h, w, 3) uint8, from the band `first` on.

        Where a difference has hardly any energy in the finest bands, a later one gives nearly the same answer for a
        fraction of the work.
        """
        whole = planes = opponent(rgb, first)
        bands = []
        for band in range(first, BANDS):
            if min(planes[0].shape) < 8:
                break
            coarse, below, ground = split(planes)
            log_ground = cv2.log(ground)
            tables = [sensitivities(c, band) * np.float32((2 if band else 1) * CHANNEL_GAIN[c]) for c in range(3)]
            gains = [looked_up(table, log_ground) for table in tables]
            contrasts = [np.empty_like(ground) for _ in gains]
            for c in range(3):
                _contrast(planes[c], below[c], ground, gains[c], contrasts[c])
            bands.append(Band(gains, contrasts))
            planes = coarse
        return cls(whole, bands, first)

    def difference(self, copy: Image) -> float:
        """Pooled visible difference Q of a copy of equal shape."""
        return pool([float(np.mean(energy)) for energy in self.energies(self.opened(copy))])

    def opened(self, copy: Image) -> list[Plane]:
        """Opponent planes of a copy of equal shape."""
        return opponent(copy, self.first)

    def energies(self, planes: list[Plane]) -> list[Plane]:
        """Squared visible difference d² of a copy, per pixel.

        Parameters
        ----------
        planes : what `opened` returns of it.

        Returns
        -------
        list of (h / 2^band, w / 2^band) float32, fine to coarse, three channels each.
        """
        out = []
        for band in self.bands:
            coarse, below, ground = split(planes)
            shared, apart = ([np.empty_like(ground) for _ in planes] for _ in range(2))
            for c in range(3):
                _compare(planes[c], below[c], ground, band.gains[c], band.contrasts[c], shared[c], apart[c])
            maskers = masking(shared)
            for difference, weights in zip(apart, CROSS_MASKING.T, strict=True):
                cv2.pow(difference, CONTRAST_EXPONENT, dst=difference)
                _see(difference, *maskers, weights)
            out += apart
            planes = coarse
        return out


def split(planes: list[Plane]) -> tuple[list[Plane], list[Plane], Plane]:
    """One step down the pyramid: the coarser planes, those at the old size, and the luminance that they show."""
    coarse = [cv2.pyrDown(plane) for plane in planes]
    below = [expand(c, plane) for c, plane in zip(coarse, planes, strict=True)]
    return coarse, below, np.maximum(below[0], np.float32(0.01))


def masking(shared: list[Plane]) -> list[Plane]:
    """What each channel's contrast that both pictures share lends to masking, before it is weighted by channel."""
    out = []
    for contrast, exponent in zip(shared, MASKING_EXPONENTS, strict=True):
        around = cv2.GaussianBlur(contrast, (MASKING_WINDOW_PX,) * 2, MASKING_BLUR_PX)
        out.append(cv2.pow(around, exponent, dst=around))
    return out


@compiled_in_any_order
def _contrast(plane: Plane, below: Plane, ground: Plane, gain: Plane, out: Plane) -> None:
    """Contrast in thresholds of a plane of the pyramid over what is below it."""
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            detail = plane[row, column] - below[row, column]
            out[row, column] = detail / ground[row, column] * gain[row, column]


@compiled_in_any_order
def _compare(plane: Plane, below: Plane, ground: Plane, gain: Plane, ours: Plane, shared: Plane, apart: Plane) -> None:
    """Contrast, as in `_contrast`, that a plane shares with an original's `ours`, scaled, and how much it differs."""
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            detail = plane[row, column] - below[row, column]
            contrast, own = detail / ground[row, column] * gain[row, column], ours[row, column]
            shared[row, column] = min(abs(contrast), abs(own)) * np.float32(MASKING_SCALE)
            apart[row, column] = abs(contrast - own)


@compiled_in_any_order
def _see(difference: Plane, one: Plane, two: Plane, three: Plane, weights: NDArray[np.float32]) -> None:
    """Mask a difference by the three channels, bound it and square it, in place."""
    ceiling = np.float32(CEILING)
    for row in range(difference.shape[0]):
        for column in range(difference.shape[1]):
            masker = weights[0] * one[row, column] + weights[1] * two[row, column] + weights[2] * three[row, column]
            masked = difference[row, column] / (np.float32(1) + masker)
            bounded = ceiling * masked / (ceiling + masked)
            difference[row, column] = bounded * bounded


def jod(pooled: float) -> float:
    """Just-objectionable-difference scale: 10 is identical, 9 is what three in four people would notice."""
    return 10 - 0.04396 * (pooled**0.9302 if pooled > 0.1 else pooled * 0.1**-0.0698)
