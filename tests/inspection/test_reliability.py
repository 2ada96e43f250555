import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from skgenre import ReliabilityDisplay
from skgenre.model_selection._scores import calibration_error

GENRES = np.array(["blues", "jazz", "pop", "rock"])


@pytest.fixture(scope="module")
def answers():
    """Return the genres of 500 songs and probabilities that are too sure."""
    rng = np.random.RandomState(0)
    proba = rng.dirichlet(np.ones(4), size=500)
    flat = np.sqrt(proba) / np.sqrt(proba).sum(axis=1, keepdims=True)
    return GENRES[[rng.choice(4, p=row) for row in flat]], proba


def test_bars_are_scikit_learns_curve(answers):
    y, proba = answers
    display = ReliabilityDisplay.from_predictions(y, proba)
    is_right = GENRES[proba.argmax(axis=1)] == y
    accuracy, confidence = calibration_curve(is_right, proba.max(axis=1), n_bins=15)
    heights = [bar.get_height() for bar in display.bars_]
    assert_allclose(heights, accuracy)
    assert_allclose(display.ax_.lines[1].get_xydata(), np.c_[confidence, accuracy])
    for bar, x in zip(display.bars_, confidence, strict=True):
        assert bar.get_x() <= x <= bar.get_x() + bar.get_width()


def test_error_is_that_of_comparisons(answers):
    y, proba = answers
    display = ReliabilityDisplay.from_predictions(y, proba)
    true = np.searchsorted(GENRES, y)
    assert_allclose(display.calibration_error_, calibration_error(proba, true))
    label = display.ax_.get_legend_handles_labels()[1][-1]
    assert label == f"calibration error {display.calibration_error_:.3f}"


def test_axes(answers):
    display = ReliabilityDisplay.from_predictions(*answers, name="svm")
    ax = display.ax_
    assert ax.get_xlim() == ax.get_ylim() == (0, 1)
    assert ax.get_xlabel() == "Confidence in the predicted genre"
    assert ax.get_ylabel() == "Accuracy"
    assert "svm, calibration error" in ax.get_legend_handles_labels()[1][-1]
    (counts,) = ax.child_axes
    assert counts.get_xlabel() == "Songs"
    shown = [int(label.get_text()) for label in counts.get_xticklabels()]
    assert shown == display.n_songs[display.n_songs > 0].tolist()
    assert sum(shown) == 500


def test_from_estimator(answers):
    _, proba = answers
    rng = np.random.RandomState(0)
    y = np.where(proba[:, 0] + rng.normal(0, 0.2, 500) > 0.3, "rock", "blues")
    clf = LogisticRegression().fit(proba, y)
    display = ReliabilityDisplay.from_estimator(clf, proba, y, n_bins=5)
    same = ReliabilityDisplay.from_predictions(y, clf.predict_proba(proba), n_bins=5)
    assert_allclose(display.accuracy, same.accuracy)
    assert len(display.n_songs) == 5
    assert display.name == "LogisticRegression"


def test_a_genre_never_seen_is_never_right():
    display = ReliabilityDisplay.from_predictions(
        ["blues", "metal"], [[1.0, 0.0], [1.0, 0.0]], labels=["blues", "rock"]
    )
    assert display.accuracy[-1] == 0.5
    assert display.calibration_error_ == 0.5


def test_bad_input(answers):
    y, proba = answers
    with pytest.raises(ValueError, match=r"shape \(n, 4\)"):
        ReliabilityDisplay.from_predictions(y, proba[:, :3])
    with pytest.raises(ValueError, match="sum to 1"):
        ReliabilityDisplay.from_predictions(y, -proba)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ReliabilityDisplay.from_predictions(y, proba[:10])
    with pytest.raises(ValueError, match="n_bins must be at least 1, got 0"):
        ReliabilityDisplay.from_predictions(y, proba, n_bins=0)
    with pytest.raises(TypeError, match="RidgeClassifier has no predict_proba"):
        ReliabilityDisplay.from_estimator(RidgeClassifier().fit(proba, y), proba, y)
    assert not plt.get_fignums()


def test_draws_where_it_is_told(answers):
    figure, ax = plt.subplots()
    assert ReliabilityDisplay.from_predictions(*answers, ax=ax).ax_ is ax
    assert plt.get_fignums() == [figure.number]


def test_the_legend_hides_nothing_where_there_is_room(answers):
    display = ReliabilityDisplay.from_predictions(*answers)
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    label = display.ax_.xaxis.label.get_window_extent()
    assert legend.y0 >= 0
    assert legend.y1 <= label.y0


def test_the_legend_is_inside_where_there_is_none(answers):
    _, ax = plt.subplots()
    display = ReliabilityDisplay.from_predictions(*answers, ax=ax)
    display.figure_.canvas.draw()
    legend, frame = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert frame.y0 <= legend.y0
    assert legend.y1 <= frame.y1
