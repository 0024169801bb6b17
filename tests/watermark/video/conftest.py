"""Small clips made on the spot: a photograph that a camera pans over, with a title, in any container and coding."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
import skimage.data

av = pytest.importorskip("av")


def panned(count, width=320, height=192):
    """Frames of a pan over a photograph, a title on it."""
    photograph = cv2.resize(skimage.data.astronaut(), (2 * width, 2 * height), interpolation=cv2.INTER_AREA)
    for i in range(count):
        frame = photograph[i // 8 % height :, 2 * (i % (width // 2)) :][:height][:, :width].copy()
        cv2.putText(frame, "Telltale", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
        yield frame


def write(
    path, frames, *, codec="libx264", pix_fmt="yuv420p", rate=12, times=None, sound=None, options=None, setup=None
):
    """Write a clip; `times` in milliseconds make its frame rate variable, `sound` is the coding of a tone."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.pix_fmt = pix_fmt
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        tone = out.add_stream(sound, rate=48000) if sound else None
        count = 0
        for i, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            if not i:
                stream.height, stream.width = rgb.shape[:2]
            if times is not None:
                frame.pts, frame.time_base = times[i], Fraction(1, 1000)
            out.mux(stream.encode(frame))
            count += 1
        out.mux(stream.encode(None))
        if tone is not None:
            wave = (8000 * np.sin(np.arange(48000 * count // rate) / 20)).astype(np.int16)
            for at in range(0, len(wave) - 1023, 1024):
                piece = av.AudioFrame.from_ndarray(wave[None, at : at + 1024], format="s16", layout="mono")
                piece.sample_rate, piece.pts = 48000, at
                out.mux(tone.encode(piece))
            out.mux(tone.encode(None))
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Eight seconds at 12 frames per second with sound: two segments."""
    return write(tmp_path_factory.mktemp("clip") / "clip.mp4", panned(96), sound="aac", options={"g": "30"})
