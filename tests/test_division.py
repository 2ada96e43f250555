import numpy as np
import pandas as pd
import pytest

from skgenre._division import check_groups, divide_songs, hold_out_songs


def test_division_of_songs():
    rng = np.random.RandomState(0)
    for seed in range(20):
        codes = rng.randint(4, size=80)
        groups = np.where(codes == 3, 99, codes * 10 + rng.randint(4, size=80))
        first, second = divide_songs(codes, groups, 0.3, np.random.RandomState(seed))
        assert sorted([*first, *second]) == list(range(80))
        assert set(codes[first]) == set(codes[second]) == {0, 1, 2, 3}
        assert set(groups[first]) & set(groups[second]) == {99}
        assert 0.15 < len(second) / 80 < 0.5


@pytest.mark.parametrize("n_artists", [2, 3])
@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5])
def test_genres_of_few_artists_are_divided_by_artist(n_artists, fraction):
    codes = np.repeat(np.arange(10), 12)
    groups = codes * 10 + np.tile(np.arange(12) % n_artists, 10)
    for seed in range(10):
        first, second = divide_songs(codes, groups, fraction, np.random.RandomState(seed))
        assert set(codes[first]) == set(codes[second]) == set(range(10))
        assert not set(groups[first]) & set(groups[second])


def test_an_artist_of_two_genres_stays_on_one_side():
    codes = np.repeat([0, 1], 10)
    groups = np.r_[np.repeat([0, 1], 5), np.repeat([1, 2], 5)]
    for seed in range(10):
        first, second = divide_songs(codes, groups, 0.3, np.random.RandomState(seed))
        assert set(groups[first]) & set(groups[second]) in (set(), {0}, {2})


@pytest.mark.parametrize("divide", [divide_songs, hold_out_songs])
@pytest.mark.parametrize("fraction", [0.02, 0.04, 0.1, 0.25, 0.4, 0.6, 0.75, 0.97])
def test_the_share_is_near_what_was_asked_for(divide, fraction):
    codes = np.tile(np.arange(4), 100)
    groups = np.repeat(np.arange(100), 4)
    for of_songs in (groups, None):
        _, second = divide(codes, of_songs, fraction, np.random.RandomState(0))
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
    for divide in (divide_songs, hold_out_songs):
        with pytest.raises(ValueError, match=r"one song only.*: \['blues'\]"):
            divide(np.array(["rock", "rock", "blues"]), None, 0.3, np.random.RandomState(0))
    with pytest.raises(ValueError, match="each group has a genre that no other group has"):
        hold_out_songs(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 0.3, 0)
    for kind in (list, pd.Series):
        with pytest.raises(ValueError, match="groups hold missing values, the first in row 1;"):
            check_groups(kind(["p", np.nan, "q"]))
