"""Three recipients mix their copies before they leak one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.attacks_video.clips import Frame, Rgb

Mix = str
MIXES: tuple[Mix, ...] = ("averaging", "GOP mix", "slice mix", "minority")
ROWS = 16


def mixed(copies: Sequence[Iterator[Frame]], kind: Mix, slice_px: int, gop_frames: int,
          rng: np.random.Generator) -> Iterator[Frame]:  # fmt: skip
    """Mix copies frame by frame.

    Parameters
    ----------
    kind : one of `MIXES`. GOP and slice mix draw a copy per group of pictures, or per group and slice; minority shows
        in every slice the copy that differs most from the others.
    slice_px, gop_frames : rows of px in a slice, frames in a group, which colluders can find out by comparing.
    """
    turn: np.ndarray = np.zeros(0, np.intp)
    for number, frames in enumerate(zip(*copies, strict=True)):
        shown = np.stack([f.rgb for f in frames])
        slices = -(-shown.shape[1] // slice_px)
        if number % gop_frames == 0:
            turn = rng.integers(0, len(copies), slices if kind == "slice mix" else 1).repeat(
                1 if kind == "slice mix" else slices
            )
        if kind == "averaging":
            out = np.rint(shown.mean(0, dtype=np.float32)).astype(np.uint8)
        else:
            choice = rarest(shown, slice_px) if kind == "minority" else turn
            out = by_slice(shown, choice, slice_px)
        yield Frame(frames[0].time_s, out)


def by_slice(shown: np.ndarray, choice: np.ndarray, slice_px: int) -> Rgb:
    """One frame with every slice from the copy chosen for it."""
    out = np.empty_like(shown[0])
    for number, copy in enumerate(choice.tolist()):
        rows = slice(number * slice_px, (number + 1) * slice_px)
        out[rows] = shown[copy, rows]
    return out


def rarest(shown: np.ndarray, slice_px: int) -> np.ndarray:
    """For every slice the copy that lies farthest from all others."""
    grey = shown[..., 1].astype(np.int16)
    distance = np.stack([sum(np.abs(a - b) for b in grey).sum(1, dtype=np.int64) for a in grey])
    starts = np.arange(0, shown.shape[1], slice_px)
    return np.asarray(np.add.reduceat(distance, starts, axis=1).argmax(0))
