"""What a copy keeps of its original's words: who made it, whose it is, what it shows, when, and at what resolution.

Everything else stays behind, by allow-list: positions (GPS), maker notes and serial numbers, which name people;
embedded thumbnails and previews, layers and depth maps, which are pixels without a mark; XMP and IPTC, which can
hold any of these.

References
----------
EXIF 2.32 (CIPA DC-008-2019), 4.6.4 and 4.6.5; PNG 3rd ed., 11.3.3.2 (keywords).
"""

import contextlib
import math
from dataclasses import dataclass

from PIL import Image

from . import ifd

LONGEST = 2000  # characters of one field
DESCRIPTION, CHANGED, ARTIST, COPYRIGHT, TAKEN = 0x010E, 0x0132, 0x013B, 0x8298, 0x9003
EXIF_IFD = 0x8769
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
INCH = 2
PNG_WORDS = {DESCRIPTION: "Description", ARTIST: "Author", COPYRIGHT: "Copyright", TAKEN: "Creation Time"}


@dataclass(frozen=True)
class Metadata:
    """The words that copies keep; None where the original had none.

    Attributes
    ----------
    description, artist, copyright : free text.
    taken, changed : dates as the file wrote them, in EXIF "YYYY:MM:DD HH:MM:SS".
    dpi : pixels per inch, across and down.
    """

    description: str | None = None
    artist: str | None = None
    copyright: str | None = None
    taken: str | None = None
    changed: str | None = None
    dpi: tuple[float, float] | None = None

    @classmethod
    def of(cls, picture: Image.Image) -> "Metadata":
        """Read the words of an opened file; what is broken counts as absent."""
        found: dict[int, object] = {tag: picture.info.get(word) for tag, word in PNG_WORDS.items()}
        with contextlib.suppress(Exception):  # broken EXIF raises anything, and is no reason to refuse a picture
            exif = picture.getexif()
            found |= {tag: exif[tag] for tag in (DESCRIPTION, CHANGED, ARTIST, COPYRIGHT) if tag in exif}
            found |= {tag: value for tag, value in exif.get_ifd(EXIF_IFD).items() if tag == TAKEN}
        return cls(
            clean(found.get(DESCRIPTION)),
            clean(found.get(ARTIST)),
            clean(found.get(COPYRIGHT)),
            clean(found.get(TAKEN)),
            clean(found.get(CHANGED)),
            resolution(picture.info.get("dpi")),
        )

    def fields(self) -> dict[int, ifd.Value]:
        """Fields of the main directory."""
        words = {DESCRIPTION: self.description, CHANGED: self.changed, ARTIST: self.artist, COPYRIGHT: self.copyright}
        out = {tag: ifd.text(word) for tag, word in words.items() if word}
        if self.dpi:
            out[X_RESOLUTION], out[Y_RESOLUTION] = ifd.rational(self.dpi[0]), ifd.rational(self.dpi[1])
            out[RESOLUTION_UNIT] = ifd.shorts(INCH)
        return out

    def exif_fields(self) -> dict[int, ifd.Value]:
        """Fields of the EXIF directory."""
        return {TAKEN: ifd.text(self.taken)} if self.taken else {}

    def exif(self) -> bytes:
        """The words as an EXIF block with its "Exif" prefix; empty when there are none."""
        fields, more = self.fields(), self.exif_fields()
        if not fields and not more:
            return b""
        return b"Exif\0\0" + ifd.HEADER + (8).to_bytes(4, "little") + ifd.tree(fields, more, 8)


def clean(value: object) -> str | None:
    """A field's text without control characters and padding, in the UTF-8 that was meant; None when empty."""
    if not isinstance(value, str):
        return None
    with contextlib.suppress(UnicodeError):  # Pillow reads EXIF text as Latin-1, whatever was written
        value = value.encode("latin-1").decode("utf-8")
    shown = "".join(c if c.isprintable() or c == "\n" else " " for c in value.split("\0")[0])
    return shown.strip()[:LONGEST] or None


def resolution(value: object) -> tuple[float, float] | None:
    """Pixels per inch where the file states plausible ones."""
    with contextlib.suppress(Exception):  # a fraction with denominator 0 among them
        across, down = (float(v) for v in value)  # type: ignore[attr-defined]
        if all(math.isfinite(v) and 1 < v <= 100_000 for v in (across, down)):  # 1 is what Pillow says for none
            return across, down
    return None
