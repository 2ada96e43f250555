import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skgenre import SegmentSummarizer, _bags


def test_segment_weights_share_the_song_and_have_mean_one():
    counts = np.array([1, 2, 5])
    weights = _bags.segment_weights(counts, np.ones(3))
    per_song = np.add.reduceat(weights, [0, 1, 3])
    assert_allclose(per_song, per_song[0])
    assert_allclose(weights.mean(), 1)
    doubled = _bags.segment_weights(counts, np.array([1.0, 2, 1]))
    per_song = np.add.reduceat(doubled, [0, 1, 3])
    assert_allclose(per_song / per_song[0], [1, 2, 1])


def test_a_weight_of_two_is_the_song_twice():
    counts = np.array([1, 2, 5])
    weighted = _bags.segment_weights(counts, np.array([1.0, 2, 1]))
    repeated = _bags.segment_weights(counts[[0, 1, 1, 2]], np.ones(4))
    assert_allclose(weighted[0], repeated[0])
    assert_allclose(weighted[1], 2 * repeated[1])
    assert_allclose(weighted[3], repeated[5])


def test_flattening_an_array_makes_no_copy():
    X = np.zeros((4, 3, 2, 5), dtype=np.float32)
    segments, counts = _bags.flatten(X)
    assert np.shares_memory(segments, X)
    assert counts.tolist() == [3] * 4


@pytest.mark.parametrize("aggregate", _bags.AGGREGATES)
def test_probabilities_of_songs_sum_to_one(aggregate):
    proba = np.random.RandomState(0).dirichlet(np.ones(4), size=9).astype(np.float32)
    proba[0] = [1, 0, 0, 0]
    songs = _bags.aggregate_proba(proba, np.array([2, 1, 6]), aggregate)
    assert songs.shape == (3, 4)
    assert_allclose(songs.sum(axis=1), 1, rtol=1e-6)
    assert np.isfinite(songs).all()


def test_a_series_of_bags():
    bags = [np.full((2, 3, 4), i, dtype=np.float32) for i in range(3)]
    series = pd.Series(bags, index=[7, 8, 9])
    expected = SegmentSummarizer().fit_transform(bags)
    assert_array_equal(SegmentSummarizer().fit_transform(series), expected)


@pytest.mark.parametrize(
    ("odd_one", "message"),
    [
        (np.zeros((2, 4, 4)), "Song 1"),
        (np.zeros((0, 3, 4)), "Song 1"),
        (np.zeros((3, 4)), "Song 1"),
        (np.full((2, 3, 4), np.inf), "song 1"),
    ],
)
def test_odd_songs_are_named(odd_one, message):
    with pytest.raises(ValueError, match=message):
        SegmentSummarizer().fit([np.zeros((2, 3, 4)), odd_one])
