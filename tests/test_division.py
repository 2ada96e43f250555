import numpy as np
import pandas as pd
import pytest

from skgenre._division import hold_out_songs
from skgenre._genres import check_groups


@pytest.mark.parametrize("fraction", [0.02, 0.04, 0.1, 0.25, 0.4, 0.6, 0.75, 0.97])
def test_the_share_is_near_what_was_asked_for(fraction):
    codes = np.tile(np.arange(4), 100)
    groups = np.repeat(np.arange(100), 4)
    for of_songs in (groups, None):
        _, second = hold_out_songs(codes, of_songs, fraction, 0)
        assert abs(len(second) / 400 - fraction) < 0.04


def test_held_out_songs_are_of_other_artists_and_leave_no_genre_untrained():
    codes = np.repeat([0, 1, 2], 10)
    groups = np.r_[np.repeat(np.arange(5), 2), np.repeat([5, 6], 5), np.full(10, 7)]
    for seed in range(20):
        trained_on, held_out = hold_out_songs(codes, groups, 0.5, seed)
        assert set(codes[trained_on]) == {0, 1, 2}
        assert not set(groups[trained_on]) & set(groups[held_out])


def test_one_genre_of_two_groups_is_enough_to_hold_out_one():
    codes = np.repeat([0, 1, 2, 2], 10)
    groups = np.repeat(["p", "q", "r", "s"], 10)
    held_out = [hold_out_songs(codes, groups, 0.1, seed)[1] for seed in range(20)]
    assert {group for songs in held_out for group in groups[songs]} == {"r", "s"}
    assert all(len(songs) == 10 for songs in held_out)


def test_what_cannot_be_divided_is_said():
    with pytest.raises(ValueError, match=r"one song only.*: \['blues'\]"):
        hold_out_songs(np.array(["rock", "rock", "blues"]), None, 0.3, 0)
    with pytest.raises(ValueError, match="each group has a genre that no other group has"):
        hold_out_songs(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 0.3, 0)
    for kind in (list, pd.Series):
        with pytest.raises(ValueError, match="groups hold missing values, the first in row 1;"):
            check_groups(kind(["p", np.nan, "q"]))
