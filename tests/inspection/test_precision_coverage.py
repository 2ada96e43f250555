import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import PrecisionCoverageDisplay, SelectiveClassifier

GENRES = np.array(["blues", "jazz", "pop", "rock"])


def make_table(n_songs, seed):
    rng = np.random.RandomState(seed)
    codes = np.arange(n_songs) % 4
    return rng.normal(size=(n_songs, 4)) + 1.5 * np.eye(4)[codes], GENRES[codes]


@pytest.fixture(scope="module")
def selective():
    return SelectiveClassifier(GaussianNB(), target_precision=0.8).fit(*make_table(200, 0))


@pytest.fixture(scope="module")
def answers():
    """Return the genres of 200 songs and their probabilities."""
    X, y = make_table(200, 1)
    return y, LogisticRegression().fit(*make_table(200, 0)).predict_proba(X)


def label_texts(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_the_curve_is_of_the_surest_answers(answers):
    y, proba = answers
    display = PrecisionCoverageDisplay.from_predictions(y, proba)
    surest = np.argsort(-proba.max(axis=1))
    is_right = (GENRES[proba.argmax(axis=1)] == y)[surest]
    n = np.arange(1, 201)
    assert_allclose(display.line_.get_xydata(), np.c_[n / 200, is_right.cumsum() / n])
    assert display.point_ is None
    assert np.isnan(display.precision_)
    assert label_texts(display)[0] == f"Classifier, accuracy {is_right.mean():.3f}"


def test_the_threshold_is_marked(answers):
    y, proba = answers
    display = PrecisionCoverageDisplay.from_predictions(
        y, proba, threshold=0.7, target_precision=0.9, name="bayes"
    )
    is_answered = proba.max(axis=1) >= 0.7
    is_right = GENRES[proba.argmax(axis=1)] == y
    assert_allclose(display.coverage_, is_answered.mean())
    assert_allclose(display.precision_, is_right[is_answered].mean())
    assert_allclose(display.point_.get_xydata(), [[display.coverage_, display.precision_]])
    assert label_texts(display)[2:] == [
        "Target 0.9",
        f"Threshold 0.70: {display.precision_:.3f} at {display.coverage_:.3f}",
    ]


def test_songs_held_out_are_drawn_from_what_the_fit_kept(selective):
    display = PrecisionCoverageDisplay.from_estimator(selective)
    assert_allclose(display.line_.get_ydata(), selective.precision_curve_.precisions)
    assert display.coverage_ == selective.coverage_
    assert display.precision_ == selective.precision_
    assert display.target_precision == 0.8
    assert label_texts(display)[0].startswith("SelectiveClassifier, accuracy 0.")


def test_other_songs_are_answered_as_by_predict(selective):
    X, y = make_table(300, 2)
    display = PrecisionCoverageDisplay.from_estimator(selective, X, y)
    predicted = selective.predict(X)
    is_answered = predicted != "unknown"
    assert_allclose(display.coverage_, is_answered.mean())
    assert_allclose(display.precision_, (predicted == y)[is_answered].mean())


def test_at_the_end_of_a_pipeline():
    X, y = make_table(200, 0)
    last = SelectiveClassifier(GaussianNB(), target_precision=0.8)
    clf = make_pipeline(StandardScaler(), last).fit(X, y)
    display = PrecisionCoverageDisplay.from_estimator(clf, name="ours")
    assert display.coverage_ == last.coverage_
    assert PrecisionCoverageDisplay.from_estimator(clf, X, y).threshold == last.threshold_


def test_any_classifier_has_a_curve_without_a_threshold():
    X, y = make_table(200, 0)
    display = PrecisionCoverageDisplay.from_estimator(GaussianNB().fit(X, y), X, y)
    assert display.threshold is None
    assert len(label_texts(display)) == 2


def test_a_threshold_out_of_reach_has_no_mark():
    X, y = make_table(40, 0)
    clf = SelectiveClassifier(GaussianNB(), target_precision=0.99)
    with pytest.warns(UserWarning, match="cannot be promised"):
        clf.fit(X, y)
    display = PrecisionCoverageDisplay.from_estimator(clf)
    assert display.point_ is None
    assert display.coverage_ == 0


def test_a_genre_never_seen_is_never_right():
    display = PrecisionCoverageDisplay.from_predictions(
        ["blues", "metal"], [[1.0, 0.0], [0.9, 0.1]], labels=["blues", "rock"]
    )
    assert display.curve.precisions.tolist() == [1.0, 0.5]


def test_bad_input(answers, selective):
    y, proba = answers
    X, _ = make_table(200, 0)
    draw = PrecisionCoverageDisplay.from_estimator
    with pytest.raises(ValueError, match=r"shape \(n, 4\)"):
        PrecisionCoverageDisplay.from_predictions(y, proba[:, :3])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        PrecisionCoverageDisplay.from_predictions(y, proba[:10])
    with pytest.raises(ValueError, match="Pass both X and y, or neither"):
        draw(selective, X)
    with pytest.raises(TypeError, match="GaussianNB held out no songs in fit; pass X and y"):
        draw(GaussianNB().fit(X, y))
    with pytest.raises(TypeError, match="RidgeClassifier has no predict_proba"):
        draw(RidgeClassifier().fit(X, y), X, y)
    assert not plt.get_fignums()


def test_draws_where_it_is_told(answers):
    figure, ax = plt.subplots()
    display = PrecisionCoverageDisplay.from_predictions(*answers, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert ax.get_xlabel().startswith("Coverage")
    assert ax.get_ylabel().startswith("Precision")
