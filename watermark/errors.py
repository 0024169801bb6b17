"""What can be wrong with a picture, a key or a prepared master, and what a person can do about it.

Every error carries a ``hint``: one sentence for whoever handed the thing in, free of jargon. The service shows
message and hint unchanged, so neither may ever contain a secret, a path or somebody else's file name.
"""

from __future__ import annotations


class WatermarkError(ValueError):
    """Base of everything this library raises on purpose.

    Parameters
    ----------
    message : str, optional
        What happened, in one sentence; defaults to the first line of the class's docstring.
    hint : str, optional
        What to do about it; defaults to the class's own hint.
    """

    hint: str = "Check the file and try again."

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or type(self).__name__).strip().splitlines()[0])
        if hint is not None:
            self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way home from a worker process, hint included."""
        return _rebuild, (type(self), str(self), self.hint)


def _rebuild(kind: type[WatermarkError], message: str, hint: str) -> WatermarkError:
    return kind(message, hint=hint)


class UndecodableImage(WatermarkError):
    """This file is not a picture that can be opened."""

    hint = "Send a JPEG, PNG, TIFF, WebP or AVIF file. If it opens elsewhere, save it again as PNG."


class TruncatedImage(WatermarkError):
    """The picture ends before it is complete."""

    hint = "The file is damaged or was cut off on its way. Copy or export it again."


class ImageTooLarge(WatermarkError):
    """The picture has more pixels than are accepted."""

    hint = "Send a smaller version of the picture."


class ImageTooSmall(WatermarkError):
    """The picture is too small to carry or to show a mark."""

    hint = "Send the picture in a larger size, at least 64 pixels on its shorter side."


class AnimatedImage(WatermarkError):
    """The picture is animated."""

    hint = "Send the frame that you need as a still picture."


class UnsupportedFormat(WatermarkError):
    """Originals must be JPEG, PNG, TIFF, WebP, AVIF or HEIC files."""

    hint = "Export the picture as JPEG (quality 95 or more) or as PNG."


class UnsupportedPixelFormat(WatermarkError):
    """Originals must be RGB, grey or CMYK of 8 or 16 bits."""

    hint = "Export the picture as RGB (sRGB) or grey, with 8 or 16 bits per channel."


class InvalidKey(WatermarkError):
    """A key must be 32 random bytes."""

    hint = "Keys are made by the service; pass exactly 32 bytes."


class CorruptMaster(WatermarkError):
    """These bytes are not a prepared master, or not one of this version."""

    hint = "Prepare the picture again from its original."
