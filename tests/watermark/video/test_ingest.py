"""What comes in: every container and coding that is promised, and everything that must be refused with a reason."""

import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import av
import numpy as np
import pytest

from watermark.errors import InvalidKey
from watermark.video import Folder, Limits, VideoUnavailable, backend, issue, plan, prepare, prepare_segment, probe
from watermark.video.errors import (
    EncryptedVideo,
    TruncatedVideo,
    UndecodableVideo,
    UnsupportedVideo,
    VideoTooLarge,
    VideoTooLong,
    VideoTooShort,
    VideoTooSmall,
)
from watermark.video.frames import frames

from .conftest import panned, write

KEY = bytes(range(32))


def issued(source, folder, **more):
    master = prepare(source, Folder(folder / "store"), key=KEY, **more)
    target = folder / "issued.mp4"
    target.write_bytes(b"".join(issue(master, 1)))
    return master, target


def times_of(path):
    with av.open(str(path)) as file:
        return [frame.time for frame in file.decode(video=0)]


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "sound"),
    [
        ("clip.mov", "libx264", "yuv420p", "pcm_s16le"),
        ("clip.mkv", "libx265", "yuv420p10le", "aac"),
        ("clip.webm", "libvpx-vp9", "yuv420p", "libopus"),
        ("clip.mp4", "libsvtav1", "yuv420p", None),
        ("clip.mov", "prores_ks", "yuv422p10le", None),
    ],
)
def test_each_container_and_coding_is_taken(tmp_path, name, codec, pix_fmt, sound):
    source = write(tmp_path / name, panned(14), codec=codec, pix_fmt=pix_fmt, sound=sound)
    master, target = issued(source, tmp_path)
    assert np.allclose(times_of(source), times_of(target), atol=1e-6)
    assert any("rounded to 8" in note for note in master.notes) == ("10" in pix_fmt)
    assert any("AAC" in note for note in master.notes) == (sound == "pcm_s16le")
    with av.open(str(target)) as file:
        assert len(file.streams.audio) == bool(sound)


def test_a_variable_frame_rate_keeps_every_time(tmp_path):
    steps = np.random.default_rng(0).integers(20, 200, 40)
    times = [int(t) for t in np.cumsum(steps) - steps[0]]
    source = write(tmp_path / "variable.mkv", panned(40), times=times)
    _, target = issued(source, tmp_path)
    assert np.allclose(times_of(target), np.array(times) / 1000)


def test_interlaced_fields_are_kept_as_they_are_and_said_to_be(tmp_path):
    source = write(tmp_path / "fields.mp4", panned(14), options={"x264-params": "tff=1"})
    master, target = issued(source, tmp_path)
    assert any("fields" in note for note in master.notes)
    with av.open(str(target)) as file, av.open(str(source)) as original:
        copy, plain = (next(f.decode(video=0)).to_ndarray()[:192].astype(float) for f in (file, original))
    assert np.abs(copy - plain).mean() < 2


def test_a_rotated_video_comes_out_upright(tmp_path, clip):
    source = tmp_path / "rotated.mp4"
    with av.open(str(clip)) as file, av.open(str(source), "w") as out:
        stream = out.add_stream_from_template(file.streams.video[0])
        stream.set_display_rotation(90)
        for packet in file.demux(video=0):
            if packet.size and packet.pts < 10 * 1024 * 12:
                packet.stream = stream
                out.mux(packet)
    found = probe(source)
    assert (found.width, found.height) == (192, 320)
    first = next(frames(found, int(found.times[0]), found.end))[1][:320]
    with av.open(str(clip)) as file:
        plain = next(file.decode(video=0)).to_ndarray(format="yuv420p")[:192]
    assert np.array_equal(first, np.rot90(plain, found.rotation // 90))


def test_work_goes_on_where_it_stopped_and_segments_can_be_made_elsewhere(clip, tmp_path):
    class Crash(Exception):
        pass

    def crash(done, of):
        raise Crash

    store = Folder(tmp_path / "store")
    with pytest.raises(Crash):
        prepare(clip, store, key=KEY, progress=crash)
    made = store.root / "segments/00000"
    before = made.stat().st_mtime_ns
    whole = plan(clip, key=KEY)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(prepare_segment, whole, store, 1).result()
    done = []
    master = prepare(clip, store, key=KEY, progress=lambda a, b: done.append((a, b)))
    assert made.stat().st_mtime_ns == before
    assert done == [(1, 2), (2, 2)]
    direct = prepare(clip, Folder(tmp_path / "direct"), key=KEY)
    assert (direct.parts, direct.parameters, direct.design) == (master.parts, master.parameters, master.design)


def test_a_file_is_recognised_by_its_bytes_and_not_by_its_name(clip, tmp_path):
    wrong = shutil.copy(clip, tmp_path / "clip.jpg")
    assert len(probe(type(clip)(wrong)).times) == 96


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UndecodableVideo),
        (b"not a video at all" * 100, UndecodableVideo),
        (b"#EXTM3U\nhttp://169.254.169.254/\n", UndecodableVideo),
        (b"RIFF\0\0\0\0AVI LIST", UnsupportedVideo),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(300), TruncatedVideo),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x20moov....encv....sinf....schm", EncryptedVideo),
    ],
)
def test_what_is_no_video_is_refused_by_its_bytes(tmp_path, data, error):
    file = tmp_path / "file.mp4"
    file.write_bytes(data)
    with pytest.raises(error):
        probe(file)


@pytest.mark.parametrize(
    ("name", "share"),  # a Matroska file that lacks its last frames only is a shorter file
    [(name, share) for name in ("late.mp4", "early.mp4") for share in (0.3, 0.7, 0.95)]
    + [("cut.mkv", 0.3), ("cut.mkv", 0.7)],
)
def test_a_file_cut_off_half_way_is_told(clip, tmp_path, share, name):
    whole = tmp_path / f"whole.{name}"
    options = {"movflags": "faststart"} if name == "early.mp4" else {}
    with av.open(str(clip)) as file, av.open(str(whole), "w", options=options) as out:
        stream = out.add_stream_from_template(file.streams.video[0])
        for packet in file.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    data = whole.read_bytes()
    cut = tmp_path / name
    cut.write_bytes(data[: int(share * len(data))])
    with pytest.raises(TruncatedVideo):
        probe(cut)


def test_claims_are_held_against_limits(clip):
    with pytest.raises(VideoTooLong):
        probe(clip, Limits(duration_s=2))
    with pytest.raises(VideoTooLong):
        probe(clip, Limits(frames=10))
    with pytest.raises(VideoTooLarge):
        probe(clip, Limits(pixels=1000))


def test_a_claim_of_twenty_hours_is_refused_before_a_frame_is_decoded(tmp_path):
    times = [0, 40, 80, 20 * 3_600_000]
    with pytest.raises(VideoTooLong, match="20"):
        probe(write(tmp_path / "long.mkv", panned(4), times=times))


def test_one_frame_a_small_picture_and_sound_alone_are_refused(tmp_path):
    with pytest.raises(VideoTooShort):
        probe(write(tmp_path / "one.mp4", panned(1)))
    with pytest.raises(VideoTooSmall):
        probe(write(tmp_path / "small.mp4", panned(5, 96, 64)))
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        tone = out.add_stream("aac", rate=48000)
        piece = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        piece.sample_rate = 48000
        out.mux(tone.encode(piece))
        out.mux(tone.encode(None))
    with pytest.raises(VideoTooShort):
        probe(tmp_path / "sound.mp4")


def test_a_key_of_the_wrong_length_is_refused(clip):
    with pytest.raises(InvalidKey):
        plan(clip, key=b"short")


def test_damage_in_the_middle_never_crashes(clip, tmp_path):
    data = bytearray(clip.read_bytes())
    rng = np.random.default_rng(3)
    start = data.index(b"mdat") + 8
    for at in rng.integers(start, start + 20_000, 400):
        data[at] ^= 0xFF
    file = tmp_path / "damaged.mp4"
    file.write_bytes(data)
    try:
        prepare(file, Folder(tmp_path / "store"), key=KEY)
    except (TruncatedVideo, UndecodableVideo):
        assert not (tmp_path / "store" / "master").exists()


def test_without_the_codec_library_only_videos_are_out_of_reach(clip, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    backend.av.cache_clear()
    try:
        with pytest.raises(VideoUnavailable) as caught:
            probe(clip)
        assert "telltale[video]" in caught.value.hint
    finally:
        monkeypatch.undo()
        backend.av.cache_clear()
