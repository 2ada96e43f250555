import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skgenre import (
    MelSpectrogramTransformer,
    MFCCSegmenter,
    OcclusionDisplay,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SpectrogramScaler,
    explain_segment,
)


class Listens(ClassifierMixin, BaseEstimator):
    """Says rock by how loud one place is: bands 2 to 3, frames 6 to 9, unless told otherwise."""

    def __init__(self, bands=(2, 4), frames=(6, 10)):
        self.bands = bands
        self.frames = frames

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        rock = X[..., slice(*self.bands), slice(*self.frames)].mean(axis=tuple(range(1, X.ndim)))
        return np.c_[1 - rock, rock]


LISTENER = Listens().fit(None, ["blues", "rock"])
LOUD = np.full((8, 20), 0.8)


def test_the_place_it_listens_to_is_found():
    drops = explain_segment(LISTENER, LOUD, genre="rock", patch_shape=(2, 4), fill=0.0)
    assert drops.shape == LOUD.shape
    peak = np.unravel_index(drops.argmax(), drops.shape)
    assert peak in {(band, frame) for band in (2, 3) for frame in range(6, 10)}
    far = np.ones_like(drops, dtype=bool)
    far[1:5, 3:13] = False
    assert_allclose(drops[far], 0, atol=1e-12)
    assert (drops[2:4, 6:10] > 0).all()


def test_drops_are_differences_of_probability():
    everything = explain_segment(LISTENER, LOUD, genre="rock", patch_shape=(8, 20), fill=0.5)
    assert_allclose(everything, 0.3)
    other = explain_segment(LISTENER, LOUD, genre="blues", patch_shape=(8, 20), fill=0.5)
    assert_allclose(other, -0.3)
    by_band = explain_segment(
        LISTENER, LOUD, genre="rock", patch_shape=(8, 20), fill=np.linspace(0, 0.7, 8)
    )
    assert_allclose(by_band, 0.8 - 0.25)


def test_integers_are_painted_over_with_fractions():
    ones = np.ones((8, 20), dtype=int)
    drops = explain_segment(LISTENER, ones, genre="rock", patch_shape=(8, 20), fill=0.25)
    assert_allclose(drops, 0.75)


def test_the_predicted_genre_is_explained_by_default():
    rock = explain_segment(LISTENER, LOUD, fill=0.0)
    assert rock.max() > 0
    assert_array_equal(rock, explain_segment(LISTENER, LOUD, genre="rock", fill=0.0))


@pytest.mark.parametrize("patch_shape", [(1, 1), (3, 7), (8, 20)])
def test_who_listens_everywhere_rests_on_all_places_alike(patch_shape):
    everywhere = Listens((0, 8), (0, 20)).fit(None, ["blues", "rock"])
    drops = explain_segment(everywhere, LOUD, patch_shape=patch_shape, fill=0.0)
    assert_allclose(drops, 0.8 * np.prod(patch_shape) / LOUD.size)


def test_each_segment_by_itself():
    bag = np.stack([LOUD, LOUD / 2, LOUD / 4])
    for i, segment in enumerate(bag):
        assert_allclose(
            explain_segment(LISTENER, bag, genre="rock", segment=i, fill=0.0),
            explain_segment(LISTENER, segment, genre="rock", fill=0.0),
        )


def test_bag_classifier_and_what_it_learnt(bags):
    X, y = bags
    clf = SegmentVotingClassifier(LogisticRegression()).fit(X, y)
    song = int(np.flatnonzero(y == "rock")[0])
    drops = explain_segment(clf, X[song], genre="rock", patch_shape=(1, 10), fill=0.0)
    assert drops.shape == (4, 10)
    assert drops.mean(axis=1).argmax() == 1


def test_without_a_filling_the_average_training_song_is_painted(bags):
    X, y = bags
    clf = make_pipeline(SpectrogramScaler(), SegmentVotingClassifier(LogisticRegression()))
    clf.fit(X, y)
    assert_allclose(
        explain_segment(clf, X[30]), explain_segment(clf, X[30], fill=clf[0].mean_), atol=1e-7
    )
    by_bare_classifier = explain_segment(clf[1], clf[0].transform(X[30:31])[0], fill=0.0)
    assert_allclose(explain_segment(clf, X[30]), by_bare_classifier, atol=1e-5)
    assert_allclose(
        explain_segment(LISTENER, X[30]), explain_segment(LISTENER, X[30], fill=X[30][0].mean())
    )


def test_pipelines_of_clips(fitted, song_files):
    path = song_files[0][0]
    features = fitted[0].transform([path])[0]
    drops = explain_segment(fitted, path, segment=1)
    assert drops.shape == (13, 22)
    assert_allclose(drops, explain_segment(fitted[1:], features, segment=1), atol=1e-6)
    proba = fitted[1:].predict_proba(features[np.newaxis, 1:2])[0]
    assert drops.max() <= proba.max() + 1e-6


def test_pipelines_that_judge_whole_songs(songs):
    X, y, _ = songs
    clf = make_pipeline(
        MFCCSegmenter(duration=1.5, n_segments=3, n_mels=40),
        SegmentSummarizer(),
        LogisticRegression(max_iter=10_000),
    ).fit(X, y)
    assert explain_segment(clf, X[0], segment=2).shape == (13, 22)


@pytest.mark.parametrize(
    ("X", "params", "message"),
    [
        (LOUD, {"genre": "polka"}, r"one of \['blues', 'rock'\], got 'polka'"),
        (LOUD, {"segment": 1}, "no segment 1; the song has 1"),
        (LOUD, {"segment": -1}, "no segment -1"),
        (LOUD, {"patch_shape": (9, 1)}, r"from \(1, 1\) to \(8, 20\), got \(9, 1\)"),
        (LOUD, {"patch_shape": (0, 1)}, "patch_shape"),
        (LOUD, {"patch_shape": (1.5, 1)}, "patch_shape"),
        (LOUD, {"patch_shape": (1, 1, 1)}, "patch_shape"),
        (LOUD, {"fill": np.zeros(3)}, "one for each of 8 bands"),
        (LOUD, {"fill": np.nan}, "fill"),
        (LOUD[0], {}, r"features of one song.*got \(20,\)"),
        (LOUD * np.nan, {}, "could not be read"),
    ],
)
def test_bad_input(X, params, message):
    with pytest.raises(ValueError, match=message):
        explain_segment(LISTENER, X, **params)
    with pytest.raises(ValueError, match=message):
        OcclusionDisplay.from_estimator(LISTENER, X, **params)
    assert not plt.get_fignums()


def test_unfitted():
    with pytest.raises(NotFittedError):
        explain_segment(SegmentVotingClassifier(LogisticRegression()), LOUD)


def test_display_of_features():
    display = OcclusionDisplay.from_estimator(LISTENER, LOUD, patch_shape=(2, 4), fill=0.0)
    segment, drops = display.axes_
    assert_array_equal(segment.collections[0].get_array(), LOUD)
    expected = explain_segment(LISTENER, LOUD, patch_shape=(2, 4), fill=0.0)
    assert_array_equal(drops.collections[0].get_array(), expected)
    low, high = drops.collections[0].get_clim()
    assert low == -high == -expected.max()
    assert segment.get_xlabel() == drops.get_xlabel() == "Frame"
    assert segment.get_ylabel() == "Band"
    assert drops.get_title() == "rock, probability 0.80"


def test_display_of_coefficients(fitted, songs):
    display = OcclusionDisplay.from_estimator(fitted, songs[0][0], segment=2)
    segment, drops = display.axes_
    assert segment.get_ylabel() == "Coefficient"
    assert drops.get_xlabel() == "Time (s)"
    assert_allclose(drops.get_xlim(), (1.0, 1.5))
    assert display.genre in fitted.classes_
    assert_allclose(display.spectrogram, fitted[0].transform(songs[0][:1])[0, 2])


def test_display_of_mel_bands(songs):
    X, y, _ = songs
    clf = make_pipeline(
        MelSpectrogramTransformer(duration=1.5, n_mels=40),
        SegmentVotingClassifier(LogisticRegression(max_iter=10_000)),
    ).fit(X, y)
    figure, axes = plt.subplots(1, 2)
    display = OcclusionDisplay.from_estimator(clf, X[0], genre="blues", ax=axes)
    assert display.figure_ is figure
    assert display.genre == "blues"
    assert axes[0].get_ylabel() == "Frequency (Hz)"
    for ax in axes:
        low, high = ax.get_ylim()
        assert 0 < low < 100
        assert 9000 < high < 22050 / 2
        assert_allclose(ax.get_xlim(), (0, 1.5))
    assert len(plt.get_fignums()) == 1
