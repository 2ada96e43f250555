import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skgenre import SegmentVotingClassifier


def ragged_half(X):
    """Leave the later songs with one segment of their three."""
    bags = np.empty(len(X), dtype=object)
    for i, bag in enumerate(X):
        bags[i] = bag if i % 2 else bag[:1]
    return bags


def test_equals_the_estimator_on_flattened_segments(bags):
    X, y = bags
    inner = LogisticRegression().fit(X.reshape(120, 40), np.repeat(y, 3))
    segment_proba = inner.predict_proba(X.reshape(120, 40)).reshape(40, 3, 2)
    clf = SegmentVotingClassifier(LogisticRegression()).fit(X, y)
    assert_allclose(clf.predict_proba(X), segment_proba.mean(axis=1), rtol=1e-5)
    assert_allclose(np.stack(clf.predict_segment_proba(X)), segment_proba, rtol=1e-5)
    product = segment_proba.prod(axis=1) ** (1 / 3)
    product /= product.sum(axis=1, keepdims=True)
    assert_allclose(clf.set_params(aggregate="product").predict_proba(X), product, rtol=1e-4)
    votes = (segment_proba == segment_proba.max(axis=2, keepdims=True)).mean(axis=1)
    assert_allclose(clf.set_params(aggregate="vote").predict_proba(X), votes)


def test_a_song_weighs_the_same_however_many_segments_it_has(bags):
    X, y = bags
    bags_, counts = ragged_half(X), np.array([3 if i % 2 else 1 for i in range(40)])
    weights = np.repeat(1 / counts, counts)
    inner = LogisticRegression().fit(
        np.concatenate(list(bags_)).reshape(80, 40),
        np.repeat(y, counts),
        sample_weight=weights / weights.mean(),
    )
    for estimator in (
        LogisticRegression(),
        make_pipeline(StandardScaler(with_mean=False, with_std=False), LogisticRegression()),
    ):
        clf = SegmentVotingClassifier(estimator).fit(bags_, y)
        assert_allclose(
            clf.predict_segment_proba(bags_)[1],
            inner.predict_proba(bags_[1].reshape(3, 40)),
            rtol=1e-4,
        )


def test_sample_weight_reaches_the_segments(bags):
    X, y = bags
    weighted = SegmentVotingClassifier(LogisticRegression()).fit(
        X, y, sample_weight=np.where(np.arange(40) < 30, 1, 0)
    )
    without = SegmentVotingClassifier(LogisticRegression()).fit(X[:30], y[:30])
    assert_allclose(weighted.predict_proba(X), without.predict_proba(X), rtol=1e-3)
    with pytest.raises(TypeError, match="does not support sample weights"):
        SegmentVotingClassifier(KNeighborsClassifier()).fit(X, y, sample_weight=np.arange(40))


def test_segments_weigh_the_same_with_metadata_routing(bags):
    X, y = bags
    weight = np.arange(1.0, len(y) + 1)
    clf = SegmentVotingClassifier(make_pipeline(StandardScaler(), LogisticRegression()))
    expected = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    with sklearn.config_context(enable_metadata_routing=True):
        assert_array_equal(clf.fit(X, y, sample_weight=weight).predict_proba(X), expected)


def test_equal_weights_still_weigh(bags):
    X, y = bags
    plain, tenfold, repeated = (
        SegmentVotingClassifier(LogisticRegression(C=1e-3)) for _ in range(3)
    )
    plain.fit(X, y)
    tenfold.fit(X, y, sample_weight=np.full(40, 10.0))
    repeated.fit(np.repeat(X, 10, axis=0), np.repeat(y, 10))
    assert_allclose(tenfold.predict_proba(X), repeated.predict_proba(X), rtol=1e-3)
    assert np.abs(tenfold.predict_proba(X) - plain.predict_proba(X)).max() > 0.05


def test_negative_weights_are_refused(bags):
    with pytest.raises(ValueError, match="sample_weight must not be negative"):
        SegmentVotingClassifier(SVC()).fit(*bags, sample_weight=np.r_[-1, np.ones(39)])


def test_one_column_for_each_genre_is_needed(bags):
    inner = make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo"))
    with pytest.raises(ValueError, match="'ovo'"):
        SegmentVotingClassifier(inner).fit(*bags)


def test_segments_of_another_shape_are_refused(bags):
    clf = SegmentVotingClassifier(GaussianNB()).fit(*bags)
    with pytest.raises(ValueError, match=r"\(3, 10\), but SegmentVotingClassifier .* \(4, 10\)"):
        clf.predict(bags[0][:, :, :3])


def test_a_genre_that_is_lost_with_its_files_is_named(bags):
    X, y = bags[0].copy(), bags[1]
    X[y == "rock"] = np.nan
    with pytest.warns(UserWarning, match=r"No song of \['rock'\]"):
        clf = SegmentVotingClassifier(GaussianNB()).fit(X, y)
    assert clf.classes_.tolist() == ["blues"]


def test_whatever_the_estimator_can_answer(bags):
    X, y = bags
    svc = SegmentVotingClassifier(SVC()).fit(X, y)
    assert not hasattr(svc, "predict_proba")
    expected = svc.estimator_.decision_function(X.reshape(120, 40)).reshape(40, 3).mean(axis=1)
    assert_allclose(svc.decision_function(X), expected, rtol=1e-5)
    assert_array_equal(svc.predict(X), np.where(expected > 0, "rock", "blues"))
    votes = SegmentVotingClassifier(Perceptron(), aggregate="vote").fit(X, y).predict(X)
    assert (votes == y).mean() > 0.8
    assert SegmentVotingClassifier(GaussianNB()).fit(X, y).score(X, y) > 0.8


def test_more_than_two_classes_by_decision_function(bags):
    X, _ = bags
    y = np.repeat(["a", "b", "c", "d"], 10)
    svc = SegmentVotingClassifier(SVC()).fit(X, y)
    assert svc.decision_function(X).shape == (40, 4)
    assert set(svc.predict(X)) <= set(y)


def test_calibration_goes_outside(bags):
    X, y = bags
    clf = CalibratedClassifierCV(SegmentVotingClassifier(SVC()), ensemble=False).fit(X, y)
    assert_allclose(clf.predict_proba(X).sum(axis=1), 1)
    assert clf.score(X, y) > 0.8


@pytest.mark.parametrize("estimator", [LogisticRegression(), SVC()])
def test_unreadable_songs_are_left_out_and_answered_by_the_prior(bags, estimator):
    X, y = bags[0].copy(), bags[1]
    X[[0, 1, 2, 3]] = np.nan
    clf = SegmentVotingClassifier(estimator).fit(X, y)
    assert_allclose(clf.class_prior_, [16 / 36, 20 / 36])
    without = SegmentVotingClassifier(estimator).fit(X[4:], y[4:])
    assert_array_equal(clf.predict(X[4:]), without.predict(X[4:]))
    assert (clf.predict(X[:4]) == "rock").all()
    assert (clf.predict(X[:2]) == "rock").all()
    if hasattr(clf, "predict_proba"):
        assert_allclose(clf.predict_proba(X)[:4], np.tile([[16 / 36, 20 / 36]], (4, 1)))
        assert_allclose(clf.predict_segment_proba(X)[0], np.tile([[16 / 36, 20 / 36]], (3, 1)))
    with pytest.raises(ValueError, match="None of the songs could be read"):
        SegmentVotingClassifier(estimator).fit(X[:4], y[:4])


@pytest.mark.parametrize(
    "make",
    [
        lambda weight: LogisticRegression(class_weight=weight),
        lambda weight: make_pipeline("passthrough", LogisticRegression(class_weight=weight)),
        lambda weight: GridSearchCV(LogisticRegression(class_weight=weight), {"C": [1.0]}, cv=2),
        lambda weight: GridSearchCV(LogisticRegression(), {"class_weight": [weight]}, cv=2),
    ],
    ids=["alone", "in a pipeline", "in a search", "searched for"],
)
def test_class_weight_knows_the_genres(bags, make):
    X, y = bags
    inner = LogisticRegression(class_weight={"rock": 5, "blues": 1})
    inner.fit(X.reshape(120, 40), np.repeat(y, 3))
    expected = inner.predict_proba(X.reshape(120, 40)).reshape(40, 3, 2).mean(axis=1)
    clf = SegmentVotingClassifier(make({"rock": 5, "blues": 1})).fit(X, y)
    assert_allclose(clf.predict_proba(X), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="blues"):
        SegmentVotingClassifier(LogisticRegression(class_weight={"metal": 5})).fit(X, y)


@pytest.mark.parametrize("genres", [["blues", "rock"], [3, 7], [True, False]])
def test_genres_come_back_as_they_were_given(bags, genres):
    X, y = bags[0], np.where(bags[1] == "rock", *genres)
    for estimator in (GaussianNB(), SVC(), LinearSVC()):
        for aggregate in ("mean", "vote"):
            clf = SegmentVotingClassifier(estimator, aggregate=aggregate).fit(X, y)
            assert clf.predict(X).dtype == y.dtype
            assert clf.score(X, y) > 0.8


def test_segments_of_different_lengths_are_explained(bags):
    X, y = bags
    uneven = [bag if i else bag[:, :, :5] for i, bag in enumerate(X)]
    with pytest.raises(ValueError, match="segment_duration"):
        SegmentVotingClassifier(GaussianNB()).fit(uneven, y)
