"""Per-recipient watermarks for still images: prepare → issue → register → read → accuse.

>>> import numpy as np, watermark
>>> y, x = np.mgrid[0:192, 0:256]
>>> picture = np.stack([x, y, 128 + 64 * np.sin(x / 9) * np.cos(y / 7)], -1).clip(0, 255).astype(np.uint8)
>>> master = watermark.prepare(picture, key=bytes(range(32)))
>>> copy = watermark.issue(master, serial=42)
>>> reading = watermark.read(master, copy)
>>> verdict = watermark.accuse(master, reading, serials=range(200))
>>> [a.serial for a in verdict.named]
[42]
"""

from .accusing import Accusation, Verdict, accuse
from .encoding import IssuedFile
from .errors import WatermarkError
from .heatmap import heat_map
from .issuing import issue, issue_file, issue_jpeg
from .master import Master
from .picture import Picture
from .preparing import prepare, prepare_picture
from .reading import Reading, read

__all__ = [
    "Accusation",
    "IssuedFile",
    "Master",
    "Picture",
    "Reading",
    "Verdict",
    "WatermarkError",
    "accuse",
    "heat_map",
    "issue",
    "issue_file",
    "issue_jpeg",
    "prepare",
    "prepare_picture",
    "read",
]
