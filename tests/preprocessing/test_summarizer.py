import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skgenre import SegmentSummarizer


def test_statistics_of_each_band_over_all_segments(bags):
    X, _ = bags
    names = ("mean", "std", "min", "max", "median")
    table = SegmentSummarizer(statistics=names).fit_transform(X)
    expected = [getattr(np, name)(X, axis=(1, 3)) for name in names]
    assert_allclose(table, np.hstack(expected), rtol=1e-5)


def test_songs_of_any_length(bags):
    X, _ = bags
    songs = [X[0], X[1][:2], np.concatenate(X[2], axis=1)[np.newaxis]]
    table = SegmentSummarizer().fit_transform(songs)
    assert_allclose(table[1, :4], X[1][:2].mean(axis=(0, 2)), atol=1e-6)
    assert_allclose(table[2, :4], X[2].mean(axis=(0, 2)), atol=1e-6)


def test_names_and_pandas_output(bags):
    summarizer = SegmentSummarizer(statistics=("mean", "max")).set_output(transform="pandas")
    table = summarizer.fit_transform(bags[0])
    assert isinstance(table, pd.DataFrame)
    assert table.columns[[0, 3, 4]].tolist() == ["band0_mean", "band3_mean", "band0_max"]
    assert SegmentSummarizer().fit(bags[0]).get_feature_names_out(list("abcd"))[-1] == "d_std"


def test_unreadable_songs_stay_nan(bags):
    X = bags[0].copy()
    X[3, 0, 0, 0] = np.nan
    table = SegmentSummarizer().fit_transform(X)
    assert np.isnan(table).all(axis=1).nonzero()[0].tolist() == [3]
    assert np.isnan(table).any(axis=1).sum() == 1


@pytest.mark.parametrize("statistics", [("mean", "mode"), (), ("mean", "mean"), (["mean"],)])
def test_unknown_statistics_are_refused(bags, statistics):
    with pytest.raises(
        ValueError, match=r"statistics (must be some of|.* are unknown; choose from)"
    ):
        SegmentSummarizer(statistics=statistics).fit(bags[0])
