import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skgenre import MFCCSegmenter, SegmentSummarizer
from skgenre.datasets import make_genre_clips


def test_shapes_and_ranges():
    X, y, groups = make_genre_clips(
        25, duration=0.7, sr=8000, n_artists_per_genre=2, random_state=0, return_groups=True
    )
    assert X.shape == (25, 5600)
    assert X.dtype == np.float32
    assert np.abs(X).max() <= 1
    assert (np.abs(X).max(axis=1) > 0.3).all()
    assert len(set(y)) == 10
    assert groups[[0, 10, 20]].tolist() == ["blues artist 0", "blues artist 1", "blues artist 0"]
    assert len(make_genre_clips(3, n_genres=2, duration=0.1)) == 2


def test_an_int_makes_the_same_music_again():
    first, _ = make_genre_clips(6, duration=0.5, random_state=3)
    assert_array_equal(first, make_genre_clips(6, duration=0.5, random_state=3)[0])
    assert_array_equal(first, make_genre_clips(6, duration=0.5, random_state=3, n_jobs=2)[0])
    assert not np.array_equal(first, make_genre_clips(6, duration=0.5, random_state=4)[0])
    assert len(np.unique(first, axis=0)) == 6


@pytest.mark.parametrize("parameter", [{"n_clips": 0}, {"n_genres": 11}, {"duration": 0}])
def test_bad_parameters_are_named(parameter):
    (name,) = parameter
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        make_genre_clips(**parameter)


def test_genres_can_be_told_but_not_by_a_glance_and_artists_leak():
    X, y, groups = make_genre_clips(150, duration=5.0, random_state=0, return_groups=True)
    bags = MFCCSegmenter(duration=5.0, n_segments=1).fit_transform(X)
    means = SegmentSummarizer(statistics=("mean",)).fit_transform(bags)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    mixed = StratifiedKFold(5, shuffle=True, random_state=0)
    assert cross_val_score(linear, means, y, cv=mixed).mean() < 0.95
    summary = SegmentSummarizer().fit_transform(bags)
    svm = make_pipeline(StandardScaler(), SVC(C=10))
    leaky = cross_val_score(svm, summary, y, cv=mixed).mean()
    apart = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    honest = cross_val_score(svm, summary, y, groups=groups, cv=apart).mean()
    assert 0.2 < honest < leaky - 0.05
