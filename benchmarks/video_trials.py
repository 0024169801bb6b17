"""One trial of a leaked video: prepare a clip, issue a copy, attack it, read what is left and see whom it names."""

from __future__ import annotations

import hashlib
import tempfile
import time
import traceback
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.attacks_video import STILLS, SUITE
from benchmarks.attacks_video.clips import read_frames, write, x264
from benchmarks.attacks_video.collusion import mixed
from watermark.video import Folder, Master, issue, prepare
from watermark.video.accusing import Traced, accuse, trace
from watermark.video.finder import Finder
from watermark.video.reading import Reading, read_picture, read_stages
from watermark.video.references import References

FEW, MANY = 1_000, 100_000
COLLUDERS = (3, 4, 5)
MONTAGE_S = 30.0
CLIP_S = 12.0


@dataclass(frozen=True, slots=True)
class Task:
    """One trial: plain data, so that it travels to a worker.

    Attributes
    ----------
    clip : file.
    kind : "clip", "still" or "collusion".
    attack : its name.
    moment : of a still, share of the clip's length.
    nulls : serials that were never issued, to be scored on the same reading.
    """

    clip: Path
    work: Path
    kind: str
    attack: str
    moment: float
    nulls: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a task.

    Attributes
    ----------
    named : whether the copy (of a mixture: at least one) is named among the copies in question.
    others : copies named that did not leak.
    first : whether the copy ranks first among 100,000.
    log10_bound : of the copy that leaked, 0 where it is not ranked.
    nulls, null_named : serials never issued, and those of them past the gate.
    cpu_s : to read and accuse.
    groups : of pictures, read.
    """

    task: Task
    named: bool = False
    others: int = 0
    first: bool = False
    log10_bound: float = 0.0
    nulls: int = 0
    null_named: int = 0
    cpu_s: float = 0.0
    groups: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared clip and the copy that leaks."""

    references: References
    finder: Finder
    serial: int
    copy: Path
    length_s: float

    @property
    def master(self) -> Master:
        """The prepared video."""
        return self.references.master


@lru_cache(maxsize=2)
def prepared(clip: Path, work: Path) -> Prepared:
    """Prepare a clip and issue copies, or open them where an earlier run left them."""
    folder = work / clip.stem
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(clip.name.encode()).digest()
    serial = zlib.crc32(key) % FEW
    copy = folder / f"copy-{serial}.mp4"
    if copy.exists():
        master = Master.open(Folder(folder / "master"))
    else:
        source = cut(clip, folder / "source.mp4", MONTAGE_S if clip.parent == work else CLIP_S)
        master = prepare(source, Folder(folder / "master"), key=key)
        copy.write_bytes(b"".join(bytes(part) for part in issue(master, serial)))
    references = References(master)
    return Prepared(references, Finder.build(references), serial, copy, float(references.starts_s[-1]))


def cut(clip: Path, target: Path, length_s: float) -> Path:
    """The first seconds of a clip, its packets as they are."""
    with av.open(str(clip)) as file, av.open(str(target), "w") as out:
        stream = file.streams.video[0]
        copied = out.add_stream_from_template(stream)
        first = None
        for packet in file.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            first = packet.pts if first is None else first
            if float((packet.pts - first) * stream.time_base) > length_s:
                break
            packet.stream = copied
            out.mux(packet)
    return target


def attempt(task: Task) -> Trial:
    """Run one trial; an error is an outcome, with its last lines, and counts against the mark."""
    cv2.setNumThreads(1)
    try:
        return {"clip": leak_clip, "still": leak_still, "collusion": collude}[task.kind](task)
    except Exception:  # the trial's report carries it; one broken trial must not hide the others
        return Trial(task, why=" | ".join(traceback.format_exc().strip().splitlines()[-3:]))


def chance(task: Task) -> np.random.Generator:
    """Chance of one trial, always the same."""
    return np.random.default_rng([zlib.crc32(f"{task.clip.name} {task.attack} {task.moment}".encode())])


def leak_clip(task: Task) -> Trial:
    """Attack the copy's clip, read it and accuse among 100,000."""
    it, attack = prepared(task.clip, task.work), SUITE[task.attack]
    length_s = min(attack.length_s, it.length_s)
    start_s = min(0.8, it.length_s - length_s)
    with tempfile.TemporaryDirectory() as folder:
        leak = Path(folder, "leak.mp4")
        attack.apply(read_frames(it.copy, start_s, length_s), leak, chance(task))
        return read(task, it, leak)


def read(task: Task, it: Prepared, leak: Path) -> Trial:
    """Read a clip and accuse until a copy is named."""
    start = time.process_time()
    stages = read_stages(it.references, it.finder, leak)
    traced = trace(it.master, stages, serials=range(MANY), everything=task.kind == "collusion")
    cpu_s = time.process_time() - start
    return judged(task, it, traced, cpu_s)


def judged(task: Task, it: Prepared, traced: Traced, cpu_s: float) -> Trial:
    """Compare a verdict with who leaked."""
    leakers = set(COLLUDERS) if task.kind == "collusion" else {it.serial}
    verdict = traced.verdict
    named = {a.serial for a in verdict.named}
    own = [a.log10_bound for a in verdict.ranked if a.serial in leakers]
    ranked = verdict.ranked[0].serial if verdict.ranked else -1
    null_named = null_scores(it.master, traced.reading, task.nulls)
    return Trial(
        task,
        named=bool(named & leakers),
        others=len(named - leakers),
        first=ranked in leakers,
        log10_bound=min(own, default=0.0),
        nulls=task.nulls if traced.reading.readable else 0,
        null_named=null_named,
        cpu_s=cpu_s,
        groups=len(traced.reading.groups),
        why=verdict.reason or "",
    )


def null_scores(master: Master, reading: Reading, count: int) -> int:
    """Serials that were never issued and are named all the same."""
    if not count or not reading.readable:
        return 0
    return len(accuse(master, reading, serials=range(MANY, MANY + count)).named)


def leak_still(task: Task) -> Trial:
    """Attack one frame of the copy, read it, accuse among 1,000 and rank among 100,000."""
    it = prepared(task.clip, task.work)
    at_s = task.moment * it.length_s
    frame = next(read_frames(it.copy, at_s))
    shown = STILLS[task.attack](frame.rgb, chance(task))
    start = time.process_time()
    reading = read_picture(it.references, it.finder, cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY))
    verdict = accuse(it.master, reading, serials=range(FEW))
    cpu_s = time.process_time() - start
    trial = judged(task, it, Traced(verdict, reading), cpu_s)
    wide = accuse(it.master, reading, serials=range(MANY))
    first = bool(wide.ranked) and wide.ranked[0].serial == it.serial
    others = trial.others + sum(a.serial != it.serial for a in wide.named)
    said = f"{reading.moments[0].video_s - at_s:+.2f} s, presence {reading.moments[0].said.presence:.2f}" if (
        reading.readable
    ) else ""  # fmt: skip
    return Trial(task, trial.named, others, first, trial.log10_bound, trial.nulls, trial.null_named, cpu_s, 1,
                 f"{said} {trial.why}".strip())  # fmt: skip


def collude(task: Task) -> Trial:
    """Mix three copies, publish the mixture, and see whom it names."""
    it = prepared(task.clip, task.work)
    design = it.master.design
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for serial in COLLUDERS:
            file = Path(folder, f"{serial}.mp4")
            file.write_bytes(b"".join(bytes(part) for part in issue(it.master, serial)))
            copies.append(read_frames(file))
        slice_px = int(design.boxes[0][1] - design.boxes[0][0])
        leak = Path(folder, "leak.mp4")
        write(mixed(copies, task.attack, slice_px, design.gop_frames, chance(task)), leak, x264(26))
        return read(task, it, leak)
