"""A group of pictures as twins: the mark lasts to its last frame, within what bytes and the eye allow."""

import itertools

import cv2
import numpy as np
import pytest

pytest.importorskip("av")

from watermark import visibility
from watermark.video import Folder, encoding, issue, plan, prepare
from watermark.video.bitstream import Parameters, slice_header
from watermark.video.encoding import decode
from watermark.video.preparing import marked_groups
from watermark.video.twins import BYTES, TARGET_JOD, length, mixture

from .conftest import panned, write

KEY = bytes(range(32))


def groups_of(path, workers):
    return list(marked_groups(plan(path, key=KEY), 0, workers))


@pytest.fixture(scope="module")
def workers():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """Two shots of 10 frames at 20 a second: the cut lies within the first second."""
    other = (np.ascontiguousarray(frame[::-1, ::-1]) for frame in panned(10))
    return write(tmp_path_factory.mktemp("cut") / "cut.mp4", itertools.chain(panned(10), other), rate=20)


def test_a_group_ends_at_a_cut_so_that_no_frame_goes_unmarked(cut, workers):
    made = groups_of(cut, workers)
    assert [len(group.times) for group, _ in made] == [10, 10]
    for group, twins in made:
        for a, b in zip(decode(twins.plus), decode(twins.minus), strict=True):
            assert np.abs(a[:192].astype(int) - b[:192]).mean() > 0.2, group.number


def test_a_group_that_is_cut_short_at_an_anchor_is_not_coded_again(tmp_path, workers, monkeypatch):
    source = write(tmp_path / "pan.mp4", panned(20), rate=20, options={"crf": "12"})
    coded, encode = [], encoding.encode

    def noted(frames, *rest):
        shown = list(frames)
        if len(rest) < 4:  # not a key frame alone
            coded.append(shown[0][0])
        return encode(shown, *rest)

    def to_the_second_anchor(group, strength, plus, minus):
        return group.times.index(plus.anchors[1]) + 1

    monkeypatch.setattr(encoding, "encode", noted)
    monkeypatch.setattr("watermark.video.twins.kept", to_the_second_anchor)
    first, made = next(iter(marked_groups(plan(source, key=KEY), 0, workers)))
    assert 1 < len(first.times) == made.kept < 20
    assert len(decode(made.plus)) == len(decode(made.minus)) == len(first.times)
    assert coded == [first.times[0]]


def test_a_shot_of_one_frame_is_a_group_that_decoders_take(tmp_path):
    flash = [np.full((192, 320, 3), 230, np.uint8)]
    cv2.putText(flash[0], "now", (40, 120), cv2.FONT_HERSHEY_SIMPLEX, 3, (20, 60, 200), 9)
    source = write(tmp_path / "flash.mp4", itertools.chain(panned(6), flash, panned(6)), rate=20)
    master = prepare(source, Folder(tmp_path / "store"), key=KEY)
    assert np.bincount(master.sizes(0).group).tolist() == [6, 1, 6]
    target = tmp_path / "copy.mp4"
    target.write_bytes(b"".join(bytes(part) for part in issue(master, 1)))
    av = pytest.importorskip("av")
    with av.open(str(target)) as file:
        file.streams.video[0].codec_context.options = {"err_detect": "explode"}
        assert sum(1 for _ in file.decode(video=0)) == 13


def test_neighbouring_shots_of_one_frame_are_told_apart(tmp_path, workers):
    flashes = [np.full((192, 320, 3), light, np.uint8) for light in (230, 30)]
    for flash, word in zip(flashes, ("now", "or"), strict=True):
        cv2.putText(flash, word, (40, 120), cv2.FONT_HERSHEY_SIMPLEX, 3, (20, 160, 200), 9)
    source = write(tmp_path / "flashes.mp4", itertools.chain(panned(6), flashes, panned(6)), rate=20)
    made = [twins for _, twins in groups_of(source, workers)]
    assert [len(twins.plus.times) for twins in made] == [6, 1, 1, 6]
    read = [slice_header(t.plus.pictures[0][0], Parameters.parse(*t.plus.parameters))["idr_pic_id"] for t in made]
    assert read[1] != read[2] != read[3]


def test_a_copy_is_as_long_and_as_like_its_original_as_is_aimed_at(cut, workers):
    for group, twins in groups_of(cut, workers):
        copy = mixture(twins.plus, twins.minus, group.sample)
        assert length(copy) < (BYTES + 0.06) * length(twins.base)
        original, shown = (cv2.cvtColor(decode(c)[0], cv2.COLOR_YUV2RGB_I420) for c in (twins.base, copy))
        assert visibility.jod(visibility.difference(original, shown)) > TARGET_JOD - 0.03
