"""When a shot was taken from a video."""

import numpy as np

from watermark.video import alignment, signatures
from watermark.video.finder import held_until_cuts

TIMES_S = np.arange(0, 12, 0.25)


def moving_table(leak_s, rate, offset_s):
    """Agreement that falls off with the distance from the true moment."""
    true = rate * leak_s + offset_s
    return np.exp(-0.5 * ((true[:, None] - TIMES_S[None]) / 0.5) ** 2)


def test_a_trimmed_shot_lies_where_it_was_cut_out():
    leak_s = np.arange(0, 3, 0.2)
    line = alignment.time_line(leak_s, moving_table(leak_s, 1.0, 4.3), TIMES_S)
    assert line.rate == 1.0
    assert abs(line.at(1.0) - 5.3) < 0.06


def test_a_change_of_speed_is_found():
    leak_s = np.arange(0, 5, 0.2)
    line = alignment.time_line(leak_s, moving_table(leak_s, 1.05, 2.0), TIMES_S)
    assert abs(line.at(0.0) - 2.0) < 0.1
    assert abs(line.at(5.0) - 7.25) < 0.1


def test_a_static_shot_leaves_its_moment_open():
    leak_s = np.arange(0, 1, 0.2)
    table = np.where((TIMES_S > 3) & (TIMES_S < 9), 0.98, 0.2)[None].repeat(len(leak_s), 0)
    before, after = alignment.time_line(leak_s, table, TIMES_S).slack_s
    assert after - before > 4


def test_a_single_frame_lies_at_the_moment_most_like_it():
    line = alignment.time_line(np.array([0.0]), moving_table(np.array([0.0]), 1.0, 7.0), TIMES_S)
    assert line.at(0.0) == 7.0


def test_shots_are_split_where_pictures_stop_resembling_each_other():
    rng = np.random.default_rng(4)
    first, second = (rng.uniform(0, 255, signatures.SHAPE).astype(np.float32) for _ in range(2))
    shown = np.stack([first, first + 2, first, second, second])
    assert signatures.shots(shown) == [(0, 3), (3, 5)]


def test_a_frame_between_two_signatures_lies_on_the_line_that_it_was_found_at():
    leak_s = np.array([0.0])
    table = np.exp(-0.5 * ((1.25 - TIMES_S[None]) / 0.2) ** 2)
    line = alignment.TimeLine(1.0, 1.38, 1.0)
    assert alignment.faithful(line, leak_s, table, TIMES_S).all()
    assert not alignment.faithful(alignment.TimeLine(1.0, 4.0, 1.0), leak_s, table, TIMES_S).any()


def test_through_a_moment_the_original_speed_is_kept_unless_another_is_clearly_better():
    leak_s = np.arange(0, 5, 0.2)
    nearly, faster = (moving_table(leak_s, rate, 3.0) for rate in (1.02, 1.1))
    assert alignment.line_through(leak_s, nearly, TIMES_S, (2.4, 3.0 + 2.4 * 1.02), (0.0, 0.0)).rate == 1.0
    assert abs(alignment.line_through(leak_s, faster, TIMES_S, (2.4, 3.0 + 2.4 * 1.1), (0.0, 0.0)).rate - 1.1) < 0.02


def test_the_last_picture_of_a_shot_stands_until_the_cut():
    rng = np.random.default_rng(5)
    first, second = (rng.uniform(0, 255, signatures.SHAPE).astype(np.float32) for _ in range(2))
    times_s, shown = held_until_cuts(np.array([0.0, 0.25, 0.5]), np.stack([first, first, second]))
    table = alignment.correlations([(first, np.ones(signatures.SHAPE, bool))], shown)
    agreement = alignment.mean_along(np.array([0.0]), table, times_s, 1.0, np.array([0.49, 0.5]))
    assert agreement[0] > 0.99
    assert agreement[1] < 0.5
