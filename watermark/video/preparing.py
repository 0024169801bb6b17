"""Prepare a video: probe it, make twins of it segment by segment, join the segments. Once.

Segments are units of work: `prepare_segment` needs nothing of any other, so they may be made by several processes and
hosts in any order, and one that is in the store already is not made again. `join` then closes the table and carries
over sound and subtitles. `prepare` does all of it in one process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.errors import CorruptMaster

from . import pack, signatures, tracks
from .encoding import Frame
from .errors import TruncatedVideo, TwinsDiffer, VideoTooHeavy
from .frames import conversions, frames
from .master import TRACKS, Master, Part
from .opening import LIMITS, Limits
from .planning import Plan, plan
from .probing import Source
from .segment import Segment, interleave
from .store import Store
from .twins import Coding, Group, Twins, encode_twins, first, length

THUMBNAIL_PX = (27, 48)
THUMBNAILS_PER_S = 4
UNDECODED_SHARE = 0.02  # of the frames that packets promised; more is a damaged file
NAME = "segments/{:05d}"
SIZES = "sizes/{:05d}"
FACTS = "facts/{:05d}"


def prepare(
    path: Path,
    store: Store,
    *,
    key: bytes,
    limits: Limits = LIMITS,
    progress: Callable[[int, int], None] | None = None,
) -> Master:
    """Prepare a video for issuing copies and reading leaks; goes on where an interrupted run stopped.

    Parameters
    ----------
    path : MP4, MOV, MKV or WebM.
    store : where the parts go; empty, or with parts of the same video under the same key.
    key : the asset's secret, 32 random bytes; never use one key for two assets.
    limits : what is refused.
    progress : called with segments done and segments in all; what it raises ends the work.

    Raises
    ------
    As `plan`, `prepare_segment` and `join`.
    """
    whole = plan(path, key=key, limits=limits)
    with ThreadPoolExecutor(2) as workers:
        for segment in range(whole.segments):
            prepare_segment(whole, store, segment, workers=workers)
            if progress is not None:
                progress(segment + 1, whole.segments)
    return join(whole, store)


def prepare_segment(
    plan: Plan,
    store: Store,
    segment: int,
    *,
    workers: ThreadPoolExecutor | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Make one segment, unless it is in the store already.

    Memory holds one group of pictures, about a second.

    Parameters
    ----------
    plan : what `plan` returned, in this process or another.
    store : where the parts go.
    segment : 0 … plan.segments - 1.
    workers : two threads for the two encodes; made where none are given.
    progress : called with frames done after every group of pictures; what it raises ends the work.

    Raises
    ------
    TruncatedVideo, UndecodableVideo, ChangingFrames, VideoTooSlow, VideoTooHeavy, TwinsDiffer
    """
    if store.has(FACTS.format(segment)):
        return
    if workers is None:
        with ThreadPoolExecutor(2) as own:
            prepare_segment(plan, store, segment, workers=own, progress=progress)
        return
    twins: list[Twins] = []
    small: list[tuple[int, Frame]] = []
    spent = 0
    for group, made in marked_groups(plan, segment, workers):
        twins.append(made)
        spent += length(made.plus) + length(first(made.minus))
        if spent > plan.most_bytes:
            raise VideoTooHeavy(f"A part of the video takes more than {plan.most_bytes / 2**20:,.0f} MB.")
        small += thumbnails(group, plan.source)
        if progress is not None:
            progress(sum(len(done.base.times) for done in twins))
    if not twins:
        raise TruncatedVideo(f"No frame of segment {segment} can be decoded.")
    pairs = [(made.plus, made.minus) for made in twins]
    whole = interleave(pairs, [made.coding.strength for made in twins], [s for _, s in small], [t for t, _ in small])
    finish(store, segment, whole, twins[0].plus.parameters)


def finish(store: Store, segment: int, made: Segment, parameters: tuple[bytes, bytes]) -> None:
    """Put a segment's parts into the store, the one that says it is complete last."""
    store.put(NAME.format(segment), made.to_bytes())
    store.put(SIZES.format(segment), made.sizes.to_bytes())
    facts = {name: np.frombuffer(unit, np.uint8) for name, unit in zip(("sps", "pps"), parameters, strict=True)}
    counts = np.array([made.sizes.times.min(), len(made.sizes.times), made.sizes.groups], np.int64)
    store.put(FACTS.format(segment), pack.dumps({**facts, "counts": counts}))


def marked_groups(plan: Plan, segment: int, workers: ThreadPoolExecutor) -> Iterator[tuple[Group, Twins]]:
    """Yield a segment's groups of pictures as twins, each ending where its mark does."""
    number, coding = 0, Coding()
    lone: int | None = None  # idr_pic_id of the group before, where that is a single key frame
    for second in seconds(plan, segment):
        waiting: list[tuple[list[tuple[int, Frame]], int | None]] = [(second, None)]
        while waiting:
            shown, plain = waiting.pop(0)
            times, planes = [ticks for ticks, _ in shown], [frame for _, frame in shown]
            idr = int(len(shown) == 1) if lone is None else 1 - lone
            group = Group(plan.key, plan.design, segment, number, idr, times, planes)
            made = encode_twins(group, plan.source.time_base, plan.signal, workers, coding, plain)
            coding, count = made.coding, len(made.base.times)
            if count < len(shown):
                waiting.insert(0, (shown[count:], made.left))
            if made.kept < count:
                parts = shown[: made.kept], shown[made.kept : count]
                waiting[:0] = [(part, length(made.base.only(ticks for ticks, _ in part))) for part in parts]
                continue
            yield group.first(count), made
            number, lone = number + 1, idr if len(shown) == 1 else None


def seconds(plan: Plan, segment: int) -> Iterator[list[tuple[int, Frame]]]:
    """Yield a segment's frames with their times, as many of one shot at once as a group of pictures may have."""
    start, stop = plan.span(segment)
    held: list[tuple[int, Frame]] = []
    before: NDArray[np.float32] | None = None
    for ticks, planes in frames(plan.source, start, stop, plan.limits):
        small = signatures.whole(planes[: plan.design.height])
        cut = before is not None and len(signatures.shots(np.stack([before, small]))) > 1
        if len(held) == plan.design.gop_frames or (held and cut):
            yield held
            held = []
        held.append((ticks, planes))
        before = small
    if held:
        yield held


def thumbnails(group: Group, source: Source) -> list[tuple[int, Frame]]:
    """Return small luma pictures of a group, some four a second, with their times."""
    step = max(1, round(group.design.rate / THUMBNAILS_PER_S))
    height, width = THUMBNAIL_PX
    return [
        (group.times[i], cv2.resize(group.frames[i][: source.height], (width, height), interpolation=cv2.INTER_AREA))
        for i in range(0, len(group.times), step)
    ]


def join(plan: Plan, store: Store) -> Master:
    """Close the table over prepared segments, and carry over sound and subtitles.

    Raises
    ------
    CorruptMaster
        If a segment is missing.
    TruncatedVideo
        If fewer frames were decoded than the file promised.
    TwinsDiffer
        If segments were encoded with different parameters.
    """
    parts, sets = [], set()
    for segment in range(plan.segments):
        try:
            facts = pack.loads(store.get(FACTS.format(segment)))
        except KeyError as error:
            raise CorruptMaster(f"Segment {segment} of the video has not been prepared.") from error
        sets.add((facts["sps"].tobytes(), facts["pps"].tobytes()))
        parts.append(Part(*facts["counts"].tolist()))
    if len(sets) != 1:
        raise TwinsDiffer("Segments were encoded with different parameters.")
    decoded, promised = sum(part.pictures for part in parts), len(plan.source.times)
    if decoded < promised * (1 - UNDECODED_SHARE) - 1:
        raise TruncatedVideo(f"Only {decoded} of {promised} frames can be decoded.")
    master = Master(
        store=store,
        key=plan.key,
        design=plan.design,
        time_base=Fraction(plan.source.time_base),
        end=plan.source.end,
        signal=plan.signal,
        parameters=sets.pop(),
        parts=tuple(parts),
    )
    notes = conversions(plan.source) + carry_over(plan.source, master, plan.limits)
    master = replace(master, notes=tuple(notes))
    master.save()
    return master


def carry_over(source: Source, master: Master, limits: Limits) -> list[str]:
    """Put sound and subtitles into the store, cut where the groups of pictures start; returns what was changed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "tracks.mp4")
        count, said = tracks.remux(source, file, limits)
        if not count:
            return said
        starts = [master.sizes(k).times[np.flatnonzero(np.diff(master.sizes(k).group, prepend=-1))] for k in
                  range(len(master.parts))]  # fmt: skip
        starts_s = np.concatenate(starts).astype(np.float64) * float(master.time_base)
        carried, places = tracks.read(file, starts_s)
        master.store.put(TRACKS, tracks.pack_tracks(carried))
        with file.open("rb") as handle:
            for k, part in enumerate(master.parts):
                first = int(master.first_group[k])
                runs = [
                    tracks.samples(handle, place, track, group)
                    for group in range(first, first + part.groups)
                    for track, place in zip(carried, places, strict=True)
                ]
                master.store.put(f"tracks/{k:05d}", b"".join(runs) or b"\0")
    return said
