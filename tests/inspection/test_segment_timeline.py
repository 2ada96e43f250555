import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skgenre import (
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentTimelineDisplay,
    SegmentVotingClassifier,
    Wav2VecClassifier,
)

PROBA = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.0, 0.0, 1.0]])
GENRES = ["blues", "pop", "rock"]


def test_what_is_drawn():
    display = SegmentTimelineDisplay.from_predictions(PROBA, classes=GENRES, segment_duration=2.5)
    ax, mesh = display.ax_, display.mesh_
    assert_allclose(mesh.get_array(), PROBA.T)
    assert mesh.get_clim() == (0, 1)
    assert_allclose(mesh.get_coordinates()[0, :, 0], [0, 2.5, 5, 7.5, 10])
    assert ax.get_xlabel() == "Time (s)"
    assert_allclose(ax.get_xlim(), (0, 10))
    assert [label.get_text() for label in ax.get_yticklabels()] == GENRES
    assert_allclose(ax.get_yticks(), [0, 1, 2])
    (marks,) = (c for c in ax.collections if c is not mesh)
    assert_allclose(marks.get_offsets(), [[1.25, 0], [3.75, 1], [6.25, 2], [8.75, 2]])


def test_from_clips(fitted, song_files):
    path = song_files[0][3]
    display = SegmentTimelineDisplay.from_estimator(fitted, path)
    expected = fitted[-1].predict_segment_proba(fitted[:-1].transform([path]))[0]
    assert_allclose(display.proba, expected, atol=1e-6)
    assert display.proba.shape == (3, 4)
    assert_allclose(display.ax_.get_xlim(), (0, 1.5))
    assert list(display.classes) == list(fitted.classes_)


def test_songs_of_any_length(fitted, songs):
    clf = make_pipeline(
        MFCCSegmenter(duration=None, n_segments=None, segment_duration=0.5, n_mels=40), *fitted[1:]
    )
    long = np.concatenate(songs[0][:3])
    display = SegmentTimelineDisplay.from_estimator(clf, long)
    assert_allclose(display.ax_.get_xlim(), (0, 4.5))


def test_from_features(fitted, songs):
    features = fitted[0].transform(songs[0][:1])[0]
    expected = SegmentTimelineDisplay.from_estimator(fitted, songs[0][0]).proba
    of_pipeline = SegmentTimelineDisplay.from_estimator(fitted[1:], features, segment_duration=0.5)
    assert_allclose(of_pipeline.proba, expected, atol=1e-6)
    scaled = fitted[1].transform(features[np.newaxis])[0]
    of_classifier = SegmentTimelineDisplay.from_estimator(fitted[-1], scaled, segment_duration=0.5)
    assert_allclose(of_classifier.proba, expected, atol=1e-6)
    with pytest.raises(ValueError, match="pass segment_duration"):
        SegmentTimelineDisplay.from_estimator(fitted[-1], scaled)


class Heard(Wav2VecClassifier):
    """Answers as if it had been trained."""

    classes_ = np.array(GENRES)

    def predict_segment_proba(self, X):
        assert len(X) == 1
        return [PROBA]


def test_wav2vec_takes_clips_and_knows_its_segments(songs):
    display = SegmentTimelineDisplay.from_estimator(Heard(segment_duration=5.0), songs[0][0])
    assert_allclose(display.ax_.get_xlim(), (0, 20))
    told = SegmentTimelineDisplay.from_estimator(Heard(), songs[0][0], segment_duration=2.5)
    assert_allclose(told.ax_.get_xlim(), (0, 10))
    with pytest.raises(ValueError, match=r"n_segments=2.*set_params\(n_segments=None\)"):
        SegmentTimelineDisplay.from_estimator(Heard(n_segments=2), songs[0][0])
    with pytest.raises(ValueError, match="one clip"):
        SegmentTimelineDisplay.from_estimator(Heard(), songs[0])


def test_classifiers_of_whole_songs_are_refused(songs):
    X, y, _ = songs
    clf = make_pipeline(
        MFCCSegmenter(duration=1.5, n_segments=3, n_mels=40),
        SegmentSummarizer(),
        LogisticRegression(max_iter=10_000),
    ).fit(X, y)
    with pytest.raises(TypeError, match="LogisticRegression has no predict_segment_proba"):
        SegmentTimelineDisplay.from_estimator(clf, X[0])


@pytest.mark.parametrize(
    ("proba", "duration", "message"),
    [
        (PROBA[:, :2], 1.0, r"shape \(n, 3\)"),
        (PROBA[0], 1.0, r"shape \(n, 3\)"),
        (PROBA[:0], 1.0, r"shape \(n, 3\)"),
        (PROBA * 2, 1.0, "sum to 1"),
        (np.full((2, 3), np.nan), 1.0, "sum to 1"),
        (PROBA, 0.0, "segment_duration must be positive"),
    ],
)
def test_bad_predictions(proba, duration, message):
    with pytest.raises(ValueError, match=message):
        SegmentTimelineDisplay.from_predictions(proba, classes=GENRES, segment_duration=duration)
    assert not plt.get_fignums()


def test_draws_where_it_is_told():
    figure, axes = plt.subplots(1, 2)
    display = SegmentTimelineDisplay.from_predictions(
        PROBA, classes=GENRES, segment_duration=1, ax=axes[1]
    )
    assert display.ax_ is axes[1]
    assert plt.get_fignums() == [figure.number]


def test_votes_are_kept(fitted, songs):
    """How the votes are counted does not change what each segment says."""
    vote = clone(fitted).set_params(segmentvotingclassifier__aggregate="vote")
    vote.fit(*songs[:2])
    assert isinstance(vote[-1], SegmentVotingClassifier)
    assert_allclose(
        SegmentTimelineDisplay.from_estimator(vote, songs[0][0]).proba,
        SegmentTimelineDisplay.from_estimator(fitted, songs[0][0]).proba,
        atol=1e-6,
    )
