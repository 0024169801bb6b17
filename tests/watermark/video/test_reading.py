"""A leaked clip, or one frame of it, names its copy; nothing else does."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("av")

from watermark.codebook import Codebook
from watermark.errors import WatermarkError
from watermark.registration.geometry import resize_matrix
from watermark.registration.warping import Leak
from watermark.video import Folder, issue, prepare
from watermark.video.accusing import accuse, trace
from watermark.video.encoding import decode
from watermark.video.finder import Finder
from watermark.video.fingerprints import fingerprints, landmarked
from watermark.video.leaks import WINDOW_S, WINDOWS, held_frames, windows
from watermark.video.reading import Reading, read_picture, read_stages
from watermark.video.references import References
from watermark.video.strip import strip
from watermark.video.symbols import OWN, read_frame
from watermark.video.twins import mixture

from .conftest import panned, write

av = pytest.importorskip("av")
SERIAL, COPIES = 5, 1000


@pytest.fixture(scope="module")
def references(clip, tmp_path_factory):
    """The clip, prepared."""
    return References(prepare(clip, Folder(tmp_path_factory.mktemp("read")), key=bytes(range(32))))


@pytest.fixture(scope="module")
def finder(references):
    """What its leaks are found by."""
    return Finder.build(references)


@pytest.fixture(scope="module")
def copy(references, tmp_path_factory):
    """One copy as a file."""
    path = tmp_path_factory.mktemp("copy") / "copy.mp4"
    path.write_bytes(b"".join(bytes(part) for part in issue(references.master, SERIAL)))
    return path


@pytest.fixture(scope="module")
def frames(copy):
    """Frames of the copy, RGB."""
    with av.open(str(copy)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def named(references, finder, leak, copies=COPIES):
    """Serials that a leaked file names."""
    traced = trace(references.master, read_stages(references, finder, leak), serials=range(copies))
    return [a.serial for a in traced.verdict.named]


def test_a_copy_names_itself(references, finder, copy):
    assert named(references, finder, copy) == [SERIAL]


def test_a_mirrored_and_recompressed_excerpt_names_its_copy(references, finder, frames, tmp_path):
    leak = write(
        tmp_path / "leak.mp4", [np.ascontiguousarray(f[:, ::-1]) for f in frames[10:80]], options={"crf": "28"}
    )
    assert named(references, finder, leak) == [SERIAL]


def test_a_crop_at_another_speed_says_what_it_shows(references, finder, frames, tmp_path):
    leak = write(tmp_path / "leak.mp4", [f[20:180, 30:310] for f in frames[24:84]], rate=13)
    reading = list(read_stages(references, finder, leak))[-1]
    errors_s = [abs(moment.video_s - (2.0 + moment.leak_s * 13 / 12)) for moment in reading.moments]
    assert np.median(errors_s) < 0.2
    assert max(errors_s) < 0.26  # the small pictures that a pan is found by are a quarter of a second apart


def test_reordered_cuts_are_found_each_by_itself(references, finder, frames, tmp_path):
    other = cv2.resize(cv2.flip(frames[0], 0), (320, 192))
    leak = write(tmp_path / "leak.mp4", [*frames[60:84], *[other] * 6, *frames[12:36]])
    reading = list(read_stages(references, finder, leak))[-1]
    shown = {round(m.leak_s, 1): m.video_s for m in reading.moments}
    assert any(t < 2 and 5 <= at <= 7 for t, at in shown.items())
    assert any(t > 2.6 and 1 <= at <= 3 for t, at in shown.items())


def test_a_foreign_clip_is_not_read(references, finder, tmp_path):
    rng = np.random.default_rng(1)
    shown = cv2.resize(rng.integers(0, 255, (12, 20, 3), np.uint8), (320, 192), interpolation=cv2.INTER_CUBIC)
    leak = write(tmp_path / "leak.mp4", [np.roll(shown, 2 * i, 1) for i in range(24)])
    (reading,) = read_stages(references, finder, leak)
    assert not reading.readable
    assert reading.reason
    assert reading.hint
    assert accuse(references.master, reading, serials=range(10)).named == []


def test_a_screenshot_says_when_it_was_taken(references, finder, frames):
    reading = read_picture(references, finder, cv2.cvtColor(frames[40], cv2.COLOR_RGB2GRAY))
    assert abs(reading.moments[0].video_s - 40 / 12) < 0.1
    ranked = accuse(references.master, reading, serials=range(COPIES)).ranked
    assert not ranked or all(a.serial == SERIAL for a in ranked if a.log10_bound <= -9)


def test_unmarked_frames_name_nobody(references, finder, tmp_path):
    leak = write(tmp_path / "leak.mp4", panned(60))
    assert named(references, finder, leak) == []


def test_copies_that_did_not_leak_are_not_named(references, finder, copy):
    reading = next(iter(read_stages(references, finder, copy)))
    assert accuse(references.master, reading, serials=range(100, 50_000)).named == []


def test_every_further_stage_costs_more_looks(references, finder, copy):
    readings = list(read_stages(references, finder, copy))
    assert [r.stage for r in readings] == list(range(1, len(readings) + 1))
    one, two = (accuse(references.master, replace(readings[-1], stage=k), serials=[SERIAL]) for k in (1, 2))
    assert two.looks == 3 * one.looks
    assert two.ranked[0].log10_bound > one.ranked[0].log10_bound


def test_reading_uses_no_codeword(references, finder, copy, monkeypatch):
    def refuse(*_):
        raise AssertionError("a codeword was asked for")

    monkeypatch.setattr(Codebook, "bits", refuse)
    monkeypatch.setattr(Codebook, "scores", refuse)
    assert next(iter(read_stages(references, finder, copy))).readable


def test_what_was_not_coded_again_says_nothing_of_its_group(references, frames):
    reference, slices = references.group(1)[5], references.master.design.slices
    now, before = (cv2.cvtColor(frames[n], cv2.COLOR_RGB2GRAY).astype(np.float32) for n in (17, 11))
    middle = references.master.design.height // 2
    before[middle:] = now[middle:]
    onto = resize_matrix(now.shape, references.shape)
    whole, told = (
        read_frame(Leak.build(now), onto, reference, slices, earlier).precisions[OWN].sum(0)
        for earlier in (None, Leak.build(before))
    )
    lower = references.master.design.boxes[:, 0] > middle + 16
    upper = references.master.design.boxes[:, 1] < middle - 16
    assert np.all(told[lower] < 0.01 * whole[lower].mean())
    assert told[upper].sum() > 0.5 * whole[upper].sum()


def test_a_reference_lies_between_its_variants(references):
    frames = references.group(1)
    height, slices = references.master.design.height, references.master.design.slices
    a, b = (decode(twin)[5][:height].astype(np.float32) for twin in references.coded(1))
    mark = (a - b) / 2
    leans = np.append(2 * references.master.codebook.biases[slices : 2 * slices] - 1, 0).astype(np.float32)
    assert np.abs(frames[5].mark.astype(np.float32) - mark).max() < 0.02
    assert np.abs(frames[5].clean - (a + b) / 2 - leans[frames[5].labels] * mark).max() < 0.2


def test_the_last_frame_of_a_pan_shows_each_cell_where_it_went(references):
    *_, last = references.group(1)
    plus, minus = references.coded(1)
    bits = np.random.default_rng(0).random(references.master.design.slices) < 0.5
    shown = decode(mixture(plus, minus, bits))[-1][: references.master.design.height].astype(np.float32)
    expected = np.append(np.where(bits, 1, -1), 0)[last.labels] * last.mark.astype(np.float32)
    left = (shown - last.middle.astype(np.float32)) * expected
    assert left.sum() > 0.9 * np.square(expected).sum()


def test_what_is_found_by_survives_being_stored(finder):
    restored = Finder.from_bytes(finder.to_bytes())
    assert np.array_equal(restored.times_s, finder.times_s)
    assert [len(f) for f in restored.keys] == [len(f) for f in finder.keys]


def test_fingerprints_hold_distinct_moments_with_their_times(references):
    found = fingerprints(references)
    assert found[0].time_s == 0
    assert 1 <= len(found) <= references.master.groups
    assert all(f.codes.shape == (8, 32) for f in found)


def test_landmarks_are_bounded_per_minute(references):
    assert len(list(landmarked(references, per_minute=2))) <= 2


def test_a_strip_shows_agreement_only_for_a_named_copy(references, finder, copy):
    reading = next(iter(read_stages(references, finder, copy)))
    plain, mine = (strip(references.master, reading, references.starts_s, s) for s in (None, SERIAL))
    slices = references.master.design.slices
    assert plain.symbols.shape == (slices, len(reading.groups))
    assert not plain.agreement.any()
    assert mine.agreement.mean() > 0.3
    empty = strip(references.master, Reading(reason="x", hint="y"), references.starts_s)
    assert empty.symbols.shape == (slices, 0)


@pytest.mark.parametrize("content", [b"", b"GIF89a not a video", b"\0\0\0\x18ftypisom" + bytes(64)])
def test_what_is_no_video_is_refused_with_advice(content, tmp_path):
    path = tmp_path / "leak.mp4"
    path.write_bytes(content)
    with pytest.raises(WatermarkError) as caught:
        next(held_frames(path))
    assert caught.value.hint


def test_a_clip_cut_off_in_transfer_is_refused_with_advice(copy, tmp_path):
    data = copy.read_bytes()
    path = tmp_path / "leak.mp4"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(WatermarkError) as caught:
        list(held_frames(path))
    assert caught.value.hint


def test_a_single_frame_is_to_be_sent_as_a_picture(tmp_path):
    leak = write(tmp_path / "leak.mp4", panned(1))
    with pytest.raises(WatermarkError, match="frames"):
        list(held_frames(leak))


def test_of_a_long_leak_a_few_windows_are_decoded():
    class Long:
        time_base = 0.001
        times = np.arange(0, 3_600_000, 40)
        entries = times[::250]

    spans = windows(Long())
    assert len(spans) == WINDOWS
    assert all(stop - start <= WINDOW_S * 1000 + 1 for start, stop in spans)
    assert abs(sum(spans[0]) / 2 - 1_800_000) < 10_000
