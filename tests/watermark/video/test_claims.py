"""Small files that claim much: refused before anybody makes room for what they claim."""

import resource
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from watermark.video import Folder, Limits, plan, prepare, prepare_segment, probe
from watermark.video import boxes as iso
from watermark.video.claims import track_entries
from watermark.video.errors import (
    EncryptedVideo,
    TooManyTracks,
    TruncatedVideo,
    UndecodableVideo,
    UnsupportedVideo,
    VideoTooHeavy,
    VideoTooLarge,
    VideoTooLong,
    VideoTooNarrow,
    VideoTooSparse,
)
from watermark.video.leaks import windows
from watermark.video.planning import refuse_sparse

from .conftest import panned, write

KEY = bytes(range(32))
TRAK = b"moov", b"trak"
TABLE = (*TRAK, b"mdia", b"minf", b"stbl")
SECONDS, MEGABYTES = 2.0, 200


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Two seconds, index last, so that the index may grow."""
    return write(tmp_path_factory.mktemp("short") / "short.mp4", panned(24), options={"g": "12"})


def changed(data, path, change):
    """The file with the body of one box changed."""
    for kind, start, stop in iso.children(data):
        if kind == path[0]:
            body = data[start:stop]
            new = change(body) if len(path) == 1 else changed(body, path[1:], change)
            return data[: start - 8] + iso.box(kind, new) + data[stop:]
    raise KeyError(path)


def many_samples(data, count):
    for kind, row in ((b"stsz", (1, count)), (b"stts", (1, count, 1)), (b"stsc", (1, 1, count, 1))):
        data = changed(data, (*TABLE, kind), lambda body, row=row: body[:4] + iso.u32(*row))
    return data


def many_edits(data, count):
    edits = iso.u32(0, count) + struct.pack(">IiI", 2000, 0, 0x10000) * count
    return changed(data, (*TRAK, b"edts", b"elst"), lambda body: edits)


def many_tracks(data, count):
    trak = iso.box(b"trak", iso.find(data, *TRAK))
    return changed(data, (b"moov",), lambda body: body + trak * count)


def a_run_of_many(data, count):
    """A fragment whose run claims samples without a byte for any."""
    run = iso.full_box(b"trun", 0, 0, iso.u32(count))
    return data + iso.box(b"moof", iso.box(b"traf", iso.full_box(b"tfhd", 0, 0, iso.u32(1)), run))


BOMBS = {
    "samples": (lambda data: many_samples(data, 50_000_000), VideoTooLong),
    "samples of all there are": (lambda data: many_samples(data, 2**32 - 1), VideoTooLong),
    "edits": (lambda data: many_edits(data, 200_000), UnsupportedVideo),
    "tracks": (lambda data: many_tracks(data, 5_000), TooManyTracks),
    "fragments": (lambda data: a_run_of_many(data, 60_000_000), VideoTooLong),
    "a compressed index": (
        lambda data: changed(data, (b"moov",), lambda body: iso.box(b"cmov", b"zlib")),
        UnsupportedVideo,
    ),
    "boxes": (lambda data: iso.box(b"ftyp", b"isom") + iso.box(b"free") * 1_100_000 + data, TruncatedVideo),
}


@pytest.mark.parametrize("name", BOMBS)
def test_claims_are_refused_without_making_room_for_them(short, tmp_path, name):
    spoil, error = BOMBS[name]
    file = tmp_path / "bomb.mp4"
    file.write_bytes(spoil(short.read_bytes()))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(error) as caught:
        probe(file)
    assert caught.value.hint
    assert time.process_time() - began < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1024


def test_honest_tables_pass(short, tmp_path):
    assert track_entries(iso.find(short.read_bytes(), *TRAK)) == 24
    wave = write(tmp_path / "pcm.mov", panned(24), sound="pcm_s16le")
    assert len(probe(wave, Limits(frames=24)).times) == 24  # 96,000 samples of sound, read in runs


def test_encrypted_sound_is_refused_like_encrypted_pictures(short, tmp_path):
    data = short.read_bytes()
    for name in (b"enca", b"encv"):
        file = tmp_path / "drm.mp4"
        file.write_bytes(changed(data, (b"moov",), lambda body, name=name: body + iso.box(b"skip", name, b"sinfschm")))
        with pytest.raises(EncryptedVideo):
            probe(file)


def element(kind, *bodies):
    body = b"".join(bodies)
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + (1 << 56 | len(body)).to_bytes(8, "big") + body


def test_an_encrypted_matroska_file_is_refused(tmp_path):
    locked = element(0x6D80, element(0x6240, element(0x5035, b"key")))
    file = tmp_path / "drm.webm"
    file.write_bytes(element(0x1A45DFA3, b"webm") + element(0x18538067, element(0x1654AE6B, element(0xAE, locked))))
    with pytest.raises(EncryptedVideo):
        probe(file)


def grey(path, width, height, codec="libx264", count=2):
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((height * 3 // 2, width), 128, np.uint8), format="yuv420p")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_a_huge_frame_is_refused_by_its_header(tmp_path):
    file = grey(tmp_path / "huge.mp4", 8192, 4096)
    began = time.process_time()
    with pytest.raises(VideoTooLarge, match="8192 × 4096"):
        probe(file)
    assert time.process_time() - began < SECONDS


def test_a_frame_that_grows_within_the_stream_is_not_decoded(tmp_path):
    small, large = (grey(tmp_path / f"{w}.h264", w, h) for w, h in ((320, 192), (8192, 4096)))
    joined = tmp_path / "joined.mkv"
    raw = tmp_path / "both.h264"
    raw.write_bytes(small.read_bytes() + large.read_bytes())
    with av.open(str(raw), format="h264") as file, av.open(str(joined), "w") as out:
        stream = out.add_stream_from_template(file.streams.video[0])
        for number, packet in enumerate(p for p in file.demux(video=0) if p.size):
            packet.pts = packet.dts = number * 40
            packet.time_base, packet.stream = Fraction(1, 1000), stream
            out.mux(packet)
    with pytest.raises((UndecodableVideo, VideoTooLarge, TruncatedVideo)):
        prepare(joined, Folder(tmp_path / "store"), key=KEY)
    assert not (tmp_path / "store" / "master").exists()


@pytest.mark.parametrize("shape", [(2048, 128), (128, 2048)])
def test_a_strip_is_refused(tmp_path, shape):
    with pytest.raises(VideoTooNarrow):
        probe(grey(tmp_path / "strip.mp4", *shape))


def test_the_narrowest_that_is_accepted_can_be_prepared(tmp_path):
    assert prepare(grey(tmp_path / "wide.mp4", 1024, 128), Folder(tmp_path / "store"), key=KEY).groups == 1


def test_the_work_of_a_whole_video_is_bounded(short):
    assert probe(short, Limits(all_pixels=24 * 320 * 192))
    with pytest.raises(VideoTooLong, match="24 frames of 320 × 192"):
        probe(short, Limits(all_pixels=24 * 320 * 192 - 1))


def test_key_frames_must_not_be_so_rare_that_everything_is_decoded_again_and_again(short):
    source = probe(short)
    plan_of = plan(short, key=KEY)
    times = np.arange(100_000, dtype=np.int64)
    refuse_sparse(replace(source, times=times, entries=times[::250]), plan_of.design.segment_frames)
    with pytest.raises(VideoTooSparse):
        refuse_sparse(replace(source, times=times, entries=times[:1]), plan_of.design.segment_frames)


def test_of_a_long_leak_without_key_frames_only_the_beginning_is_decoded(short):
    times = np.arange(100_000, dtype=np.int64) * 40
    source = replace(probe(short), times=times, end=4_000_000, time_base=Fraction(1, 1000))
    assert windows(replace(source, entries=times[:1])) == [(0, 6000)]
    assert len(windows(replace(source, entries=times[::250]))) == 5


def test_what_is_kept_of_a_video_is_bounded_and_nothing_stays_of_a_part_that_is_too_heavy(tmp_path):
    rng = np.random.default_rng(0)
    noise = write(tmp_path / "noise.mp4", (rng.integers(0, 255, (192, 320, 3), np.uint8) for _ in range(12)))
    store = Folder(tmp_path / "store")
    with pytest.raises(VideoTooHeavy):
        prepare(noise, store, key=KEY, limits=Limits(stored_bytes=100_000))
    assert not [path for path in store.root.rglob("*") if path.is_file()]


def test_sound_that_outlasts_what_a_video_may_be_is_refused(tmp_path):
    source = write(tmp_path / "long.mkv", panned(12), sound="libopus")
    with av.open(str(source)) as file, av.open(str(tmp_path / "late.mkv"), "w") as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in file.streams}
        for packet in file.demux():
            if packet.size:
                if packet.stream.type == "audio" and packet.pts > 500:
                    packet.pts = packet.dts = packet.pts + 3_600_000
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    with pytest.raises(VideoTooLong):
        prepare(tmp_path / "late.mkv", Folder(tmp_path / "store"), key=KEY, limits=Limits(duration_s=600))


def test_two_writers_of_one_part_leave_one_whole_part(tmp_path):
    store = Folder(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.put("segments/00000", bytes([n]) * 200_000), range(64)))
    data = bytes(store.get("segments/00000"))
    assert data == data[:1] * 200_000
    assert [path.name for path in (tmp_path / "segments").iterdir()] == ["00000"]


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(path, data):
        path.open("wb").write(data[:10])
        raise OSError(28, "No space left on device")

    store = Folder(tmp_path)
    monkeypatch.setattr(type(tmp_path), "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        store.put("segments/00000", bytes(100))
    assert not store.has("segments/00000")
    assert not list((tmp_path / "segments").iterdir())


def test_progress_moves_within_a_segment(short, tmp_path):
    done = []
    prepare_segment(plan(short, key=KEY), Folder(tmp_path), 0, progress=done.append)
    assert done == sorted(done)
    assert 0 < done[0] < done[-1] == 24
