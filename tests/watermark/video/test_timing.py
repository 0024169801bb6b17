"""A crop of a zooming shot looks like another crop at another time; all of its frames tell which it is."""

import cv2
import numpy as np
import pytest
import skimage.data

pytest.importorskip("av")

from watermark.registration.evidence import Evidence
from watermark.registration.geometry import resize_matrix
from watermark.registration.warping import Leak
from watermark.video import Folder, issue, prepare
from watermark.video.alignment import TimeLine
from watermark.video.encoding import decode
from watermark.video.finder import Finder
from watermark.video.leaks import LeakFrame
from watermark.video.locating import Located, on_line
from watermark.video.placing import Place
from watermark.video.reading import read_picture, read_shot
from watermark.video.references import References

from .conftest import av, write

RATE, SHOT = 12, 36


def zoomed(photograph, shares):
    """Frames of a camera that moves in on the middle of a photograph."""
    height, width = photograph.shape[:2]
    for share in shares:
        h, w = round(height * share), round(width * share)
        top, left = (height - h) // 2, (width - w) // 2
        yield cv2.resize(photograph[top : top + h, left : left + w], (320, 192), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """Two shots of three seconds, moving in."""
    folder = tmp_path_factory.mktemp("zoom")
    shares = np.linspace(1, 0.75, SHOT)
    shots = [
        cv2.resize(picture, (960, 576)) for picture in (skimage.data.astronaut(), skimage.data.immunohistochemistry())
    ]
    frames = [frame for shot in shots for frame in zoomed(shot, shares)]
    clip = write(folder / "clip.mp4", frames, rate=RATE, options={"crf": "12"})
    return References(prepare(clip, Folder(folder / "parts"), key=bytes(range(32))))


@pytest.mark.parametrize("first", [2, SHOT + 2])
def test_a_crop_of_a_zoom_between_two_cuts_lies_at_its_own_moment(references, first):
    height = references.master.design.height
    groups = (decode(references.coded(group)[0]) for group in range(references.master.groups))
    crops = [np.ascontiguousarray(planes[:height][30:150, 50:250]) for group in groups for planes in group]
    shot = [LeakFrame((n - first) / RATE, crops[n]) for n in range(first, first + 33, 2)]
    read = read_shot(references, Finder.build(references), shot, None)
    late_s = [moment.video_s - first / RATE - moment.leak_s for moments in read for moment in moments]
    assert late_s
    assert np.abs(late_s).max() < 0.2


def test_a_single_frame_of_a_scene_that_repeats_itself_lies_in_its_own_group(tmp_path):
    """Every frame comes again in each of the groups that follow; the pattern alone tells which one it was."""
    photograph = cv2.resize(skimage.data.astronaut(), (480, 320), interpolation=cv2.INTER_AREA)
    sway = [round(8 + 8 * np.sin(2 * np.pi * n / RATE)) for n in range(RATE)] * 5
    frames = [np.ascontiguousarray(photograph[40:232, x : x + 320]) for x in sway]
    clip = write(tmp_path / "clip.mp4", frames, rate=RATE, options={"crf": "12"})
    master = prepare(clip, Folder(tmp_path / "parts"), key=bytes(range(32)))
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(b"".join(bytes(part) for part in issue(master, 3)))
    references = References(master)
    finder = Finder.build(references)
    with av.open(str(copy)) as file:
        stills = [frame.to_ndarray(format="gray") for frame in file.decode(video=0)][4 :: RATE + 1]
    groups = [references.group_at((4 + (RATE + 1) * n + 0.5) / RATE) for n in range(len(stills))]
    assert len(set(groups)) >= 4
    assert [read_picture(references, finder, still).groups for still in stills] == [[group] for group in groups]


def test_a_single_frame_has_no_line_to_leave(references):
    luma = decode(references.coded(0)[0])[0][: references.master.design.height]
    frames = [LeakFrame(0.0, np.ascontiguousarray(luma))]
    leaks = [Leak.build(luma.astype(np.float32))]
    place = Place(resize_matrix(luma.shape, references.shape), Evidence(0.0, 0))
    other_shot = Located(place, TimeLine(1.0, 1.5 * SHOT / RATE, 1.0), whole=True)
    finder = Finder.build(references)
    assert on_line(references, finder, frames, leaks, other_shot).all()
    assert not on_line(references, finder, frames * 2, leaks * 2, other_shot).any()
