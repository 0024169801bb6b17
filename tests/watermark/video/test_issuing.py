"""A clip prepared once and issued many times, as a user of the library would."""

import av
import numpy as np
import pytest

from watermark.errors import CorruptMaster
from watermark.video import Copy, Folder, Master, Movie, Stream, bitstream, issue, playlist, prepare

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def master(clip, tmp_path_factory):
    return prepare(clip, Folder(tmp_path_factory.mktemp("store")), key=KEY)


def save(path, pieces):
    path.write_bytes(b"".join(pieces))
    return path


def shown(path):
    with av.open(str(path)) as file:
        return [(frame.time, frame.to_ndarray()[: frame.height]) for frame in file.decode(video=0)]


def heard(path):
    with av.open(str(path)) as file:
        return [(p.pts * p.time_base, bytes(p)) for p in file.demux(file.streams.audio[0]) if p.size]


@pytest.fixture(scope="module")
def copy_file(master, tmp_path_factory):
    return save(tmp_path_factory.mktemp("copy") / "copy.mp4", issue(master, 7))


def test_a_copy_shows_every_frame_at_its_time_and_looks_like_the_original(clip, copy_file):
    original, copy = shown(clip), shown(copy_file)
    assert [t for t, _ in original] == [t for t, _ in copy]
    errors = [np.mean((a.astype(float) - b) ** 2) for (_, a), (_, b) in zip(original, copy, strict=True)]
    assert 10 * np.log10(255**2 / max(errors)) > 35
    assert min(errors) > 0


def test_sound_is_carried_over_packet_by_packet(clip, copy_file):
    assert heard(clip) == heard(copy_file)


def test_a_copy_starts_with_its_index_and_decodes_without_complaint(copy_file):
    assert copy_file.read_bytes().index(b"moov") < copy_file.read_bytes().index(b"mdat")
    with av.open(str(copy_file)) as file:
        stream = file.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        assert sum(1 for _ in file.decode(stream)) == 96


def test_a_copy_shows_in_every_cell_the_variant_of_its_codeword(master, copy_file):
    frames = shown(copy_file)
    first = 0
    for k, part in enumerate(master.parts):
        bits = master.bits(7, k)
        for g in range(part.groups):
            reference = list(master.reference(k, g))
            symbols = np.zeros(master.design.slices)
            for (_, plus, minus), (_, copy) in zip(reference, frames[first:], strict=False):
                a, b = (x[: master.design.height].astype(float) for x in (plus, minus))
                product = (copy - (a + b) / 2) * (a - b)
                for j, (top, bottom, left, right) in enumerate(master.design.boxes):
                    symbols[j] += product[top:bottom, left:right].sum()
            first += len(reference)
            assert np.array_equal(symbols > 0, bits[g])


def test_two_copies_differ_and_the_same_serial_gives_the_same_copy(master):
    assert b"".join(issue(master, 3)) == b"".join(issue(master, 3))
    assert b"".join(issue(master, 3)) != b"".join(issue(master, 4))


def test_any_range_of_a_copy_can_be_read_by_itself(master):
    copy = Copy(Movie(master), 11)
    whole = b"".join(copy.read())
    assert len(whole) == copy.length
    rng = np.random.default_rng(0)
    for start, stop in np.sort(rng.integers(0, len(whole) + 1, (20, 2)), axis=1).tolist():
        assert b"".join(copy.read(start, stop)) == whole[start:stop]


def test_a_range_outside_the_file_and_a_serial_out_of_range_are_refused(master):
    with pytest.raises(ValueError, match="outside a file"):
        list(Copy.of(master, 1).read(0, 1 << 40))
    with pytest.raises(ValueError, match="Serial"):
        list(issue(master, -1))


def test_streamed_segments_show_and_sound_what_the_file_does(master, copy_file, tmp_path):
    stream = Stream(Movie(master), 7)
    segments = [stream.segment(k) for k in range(len(master.parts))]
    assert [len(s) for s in segments] == [stream.segment_length(k) for k in range(len(segments))]
    joined = save(tmp_path / "joined.mp4", [stream.movie.init_segment, *segments])
    for (t, a), (u, b) in zip(shown(copy_file), shown(joined), strict=True):
        assert t == u
        assert np.array_equal(a, b)
    assert heard(copy_file) == heard(joined)


def test_one_playlist_and_one_initialisation_serve_all_copies(master):
    text = playlist(Movie(master), "init.mp4", lambda k: f"{k}.m4s")
    assert text.count("#EXTINF") == len(master.parts)
    one, other = Stream(Movie(master), 1), Stream(Movie(master), 2)
    assert one.movie.init_segment == other.movie.init_segment
    assert one.segment(0) != other.segment(0)


def test_twins_differ_in_the_slices_of_their_key_frames_alone(master):
    parameters = bitstream.Parameters.parse(*master.parameters)
    assert not parameters.weighted_p
    for _, plus, minus in master.twins(0):
        assert plus.times == minus.times
        ours, theirs = plus.pictures[0], minus.pictures[0]
        assert len(ours) == len(theirs) == master.design.slices
        for a, b in zip(ours, theirs, strict=True):
            assert bitstream.slice_header(a, parameters) == bitstream.slice_header(b, parameters)
        assert ours != theirs
        assert plus.pictures[1:] == minus.pictures[1:]


def test_a_master_opens_again_from_its_store(master):
    again = Master.open(master.store)
    assert again == master
    assert b"".join(issue(again, 5)) == b"".join(issue(master, 5))


def test_a_missing_and_a_damaged_part_are_told(master, tmp_path):
    with pytest.raises(CorruptMaster):
        Master.open(Folder(tmp_path))
    store = Folder(tmp_path)
    for name in ("master", "sizes/00000", "sizes/00001", "segments/00000", "tracks/table"):
        store.put(name, bytes(master.store.get(name)))
    opened = Master.open(store)
    with pytest.raises(CorruptMaster):
        list(issue(opened, 1))
    store.put("segments/00000", b"not a segment")
    with pytest.raises(CorruptMaster):
        opened.segment(0)
