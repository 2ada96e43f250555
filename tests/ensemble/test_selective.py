import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    ShuffleSplit,
    StratifiedGroupKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skgenre import (
    GroupStackingClassifier,
    MFCCSegmenter,
    SegmentVotingClassifier,
    SelectiveClassifier,
    SpectrogramScaler,
    make_genre_classifier,
)
from skgenre.datasets import load_gtzan
from skgenre.ensemble._precision import (
    bound_precisions,
    find_threshold,
    look_up,
    trace_precision,
)

GENRES = np.array(["blues", "jazz", "rock"])


def make_table(n_songs, seed, genres=GENRES):
    """Return a table in which genres overlap, the genres, and artists of four songs each."""
    rng = np.random.RandomState(seed)
    codes = np.arange(n_songs) % len(genres)
    X = rng.normal(size=(n_songs, 4)) + 1.5 * np.eye(4)[codes]
    return X, np.asarray(genres)[codes], np.arange(n_songs) // 12 * 3 + codes


@pytest.fixture(scope="module")
def table():
    return make_table(300, 0)


@pytest.fixture(scope="module")
def fitted(table):
    X, y, groups = table
    return SelectiveClassifier(GaussianNB()).fit(X, y, groups=groups)


class TestPrecisionCurve:
    def test_it_counts_from_the_surest_on(self):
        curve = trace_precision(np.array([0.5, 0.9, 0.7, 0.8]), np.array([0, 1, 0, 1], dtype=bool))
        assert_allclose(curve.thresholds, [0.9, 0.8, 0.7, 0.5])
        assert_allclose(curve.coverages, [0.25, 0.5, 0.75, 1])
        assert_allclose(curve.precisions, [1, 1, 2 / 3, 1 / 2])
        assert_allclose(curve.n_answers, [1, 2, 3, 4])

    def test_songs_as_sure_as_each_other_are_answered_together(self):
        confidence = np.array([0.9, 0.6, 0.6 + 1e-13, 0.6])
        curve = trace_precision(confidence, np.array([1, 1, 0, 0], dtype=bool))
        assert_allclose(curve.thresholds, [0.9, 0.6])
        assert_allclose(curve.precisions, [1, 0.5])

    def test_a_song_counts_as_many_as_it_weighs(self):
        rng = np.random.RandomState(0)
        confidence, is_right, times = rng.rand(40), rng.rand(40) < 0.7, rng.randint(3, size=40)
        weighted = trace_precision(confidence, is_right, times.astype(float))
        repeated = trace_precision(np.repeat(confidence, times), np.repeat(is_right, times))
        for one, other in zip(weighted, repeated, strict=True):
            assert_allclose(one, other)

    def test_bounds_are_wilsons(self):
        rng = np.random.RandomState(1)
        curve = trace_precision(rng.rand(50), rng.rand(50) < 0.8)
        level = 2 * stats.norm.cdf(1) - 1
        expected = [
            stats.binomtest(round(p * n), int(n)).proportion_ci(level, method="wilson").low
            for p, n in zip(curve.precisions, curve.n_answers, strict=True)
        ]
        assert_allclose(bound_precisions(curve), expected, atol=1e-12)

    @pytest.mark.parametrize(("n_songs", "target"), [(10, 0.9), (5, 0.8), (20, 0.95)])
    def test_a_few_lucky_songs_prove_nothing(self, n_songs, target):
        def find(n):
            confidence = np.linspace(0.6, 0.9, n)
            return find_threshold(trace_precision(confidence, np.ones(n, dtype=bool)), target)

        assert find(n_songs) == 0
        assert find(n_songs - 2) == np.inf

    def test_the_threshold_lies_between_songs_and_covers_most(self):
        # right for 40, wrong for 4, right for 60, wrong for 30
        is_right = np.repeat([True, False, True, False], [40, 4, 60, 30])
        confidence = np.linspace(0.99, 0.35, len(is_right))
        curve = trace_precision(confidence, is_right)
        threshold = find_threshold(curve, 0.9)
        n_answers = (confidence >= threshold).sum()
        assert bound_precisions(curve)[n_answers - 1] >= 0.9
        assert (bound_precisions(curve)[n_answers:] < 0.9).all()
        assert n_answers > 100
        assert_allclose(threshold, confidence[n_answers - 1 : n_answers + 1].mean(), atol=1e-9)
        assert_allclose(look_up(curve, threshold), [is_right[:n_answers].mean(), n_answers / 134])

    def test_nothing_reaches_too_high_a_threshold(self):
        curve = trace_precision(np.array([0.5, 0.6]), np.array([True, True]))
        precision, coverage = look_up(curve, 0.7)
        assert np.isnan(precision)
        assert coverage == 0


def test_it_keeps_its_promise_on_other_songs(fitted):
    X, y, _ = make_table(6000, 1)
    answers = fitted.predict(X)
    is_answered = answers != "unknown"
    assert accuracy_score(y[is_answered], answers[is_answered]) >= 0.9
    assert_allclose(is_answered.mean(), fitted.coverage_, atol=0.1)
    assert 0.2 < fitted.coverage_ < 0.8


def test_threshold_and_temperature_are_of_songs_held_out(table, fitted):
    X, y, groups = table
    proba = cross_val_predict(
        GaussianNB(), X, y, groups=groups, cv=StratifiedGroupKFold(5), method="predict_proba"
    )
    logs = np.log(proba + 1e-3) / fitted.temperature_
    proba = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    is_answered = proba.max(axis=1) >= fitted.threshold_
    is_right = GENRES[proba.argmax(axis=1)] == y
    assert_allclose(is_answered.mean(), fitted.coverage_)
    assert_allclose(is_right[is_answered].mean(), fitted.precision_)
    assert fitted.precision_ >= 0.9


def test_predictions_are_the_likeliest_from_the_threshold_on(table, fitted):
    X = table[0]
    proba = fitted.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1)
    expected = np.where(
        proba.max(axis=1) >= fitted.threshold_, GENRES[proba.argmax(axis=1)], "unknown"
    )
    assert_array_equal(fitted.predict(X), expected)
    assert fitted.classes_.tolist() == GENRES.tolist()
    assert "unknown" in expected


def test_its_score_is_accuracy_and_unknown_is_wrong(table, fitted):
    X, y, _ = table
    assert fitted.score(X, y) == np.mean(fitted.predict(X) == y)
    assert fitted.score(X, y) < fitted.estimator_.score(X, y)


def test_too_sure_a_classifier_is_cooled_and_a_timid_one_warmed(table):
    X, y, groups = table
    # the same columns four times count as four witnesses
    sure = SelectiveClassifier(GaussianNB()).fit(np.tile(X, 4), y, groups=groups)
    timid = SelectiveClassifier(LogisticRegression(C=1e-3)).fit(X, y, groups=groups)
    assert timid.temperature_ < 1 < sure.temperature_


def test_the_higher_the_target_the_fewer_answers(table):
    X, y, groups = table
    clfs = [
        SelectiveClassifier(GaussianNB(), target_precision=target).fit(X, y, groups=groups)
        for target in (0.5, 0.8, 0.9)
    ]
    coverages = [clf.coverage_ for clf in clfs]
    assert coverages[0] == 1 > coverages[1] > coverages[2] > 0
    assert clfs[0].threshold_ == 0
    assert (clfs[0].predict(X) != "unknown").all()


def test_what_cannot_be_promised_is_said_and_what_can(table):
    X, y, groups = table
    clf = SelectiveClassifier(GaussianNB(), target_precision=0.999)
    with pytest.warns(UserWarning, match="cannot be promised") as caught:
        clf.fit(X, y, groups=groups)
    assert caught[0].filename == __file__
    assert clf.threshold_ == np.inf
    assert clf.coverage_ == 0
    assert np.isnan(clf.precision_)
    assert set(clf.predict(X)) == {"unknown"}
    promised = float(str(caught[0].message).split("promise at most ")[1].split(",")[0])
    clf.set_params(target_precision=promised).fit(X, y, groups=groups)
    assert clf.coverage_ > 0


def test_who_knows_nothing_answers_nothing(table):
    X, y, groups = table
    clf = SelectiveClassifier(DummyClassifier(strategy="stratified", random_state=0))
    with pytest.warns(UserWarning, match="cannot be promised"):
        clf.fit(X, y, groups=groups)
    assert set(clf.predict(X)) == {"unknown"}


@pytest.mark.parametrize(
    ("genres", "unknown"),
    [
        ([0, 1, 2], -1),
        (np.array([0, 1, 2], dtype=np.uint8), -1),
        ([1.0, 2.0], 0),
        ([False, True], -1),
        (["a", "b", "c"], "unknown"),
        (np.array(["a", "bb"], dtype=object), "?"),
    ],
    ids=str,
)
def test_genres_of_any_type(genres, unknown):
    X, y, groups = make_table(240, 0, genres)
    clf = SelectiveClassifier(GaussianNB(), unknown=unknown).fit(X, y, groups=groups)
    answers = clf.predict(X)
    assert set(answers) == {*np.unique(y), unknown}
    is_answered = answers != unknown
    assert np.mean(answers[is_answered] == y[is_answered]) > 0.85


@pytest.mark.parametrize(
    ("genres", "unknown", "message"),
    [
        (["a", "unknown"], "unknown", "must not be a genre, but y holds 'unknown'"),
        ([1, 2], 2, "must not be a genre, but y holds '2'"),
        (
            [1, 2],
            "unknown",
            "unknown must be a number like the genres, such as -1; got 'unknown'",
        ),
        ([1, 2], np.nan, "must be a number like .* got nan"),
        (["a", "b"], -1, "must be a str like .* got -1"),
        (["a", "b"], None, "'unknown' parameter of SelectiveClassifier"),
    ],
)
def test_an_unknown_that_is_no_answer_beside_genres_is_refused(genres, unknown, message):
    X, y, _ = make_table(24, 0, genres)
    with pytest.raises(ValueError, match=message):
        SelectiveClassifier(GaussianNB(), unknown=unknown).fit(X, y)


@pytest.mark.parametrize("target", [0, 1, 1.5, "0.9", None])
def test_a_target_that_is_no_share_is_refused(table, target):
    with pytest.raises(ValueError, match="'target_precision' parameter"):
        SelectiveClassifier(GaussianNB(), target_precision=target).fit(*table[:2])


@pytest.mark.parametrize("estimator", [RidgeClassifier(), StandardScaler(), SVC()], ids=str)
def test_who_gives_no_probabilities_is_refused(table, estimator):
    with pytest.raises(TypeError, match="must be a classifier with predict_proba, got"):
        SelectiveClassifier(estimator).fit(*table[:2])


def test_classifiers_of_classifiers(table):
    X, y, groups = table
    for estimator in (
        GroupStackingClassifier([("svc", SVC())], "pool"),
        GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=3),
        make_pipeline(StandardScaler(), LogisticRegression()),
        DecisionTreeClassifier(min_samples_leaf=20, random_state=0),
    ):
        clf = SelectiveClassifier(estimator, target_precision=0.8).fit(X, y, groups=groups)
        assert 0 < clf.coverage_ < 1


def test_artists_are_kept_apart():
    class Recorder(GaussianNB):
        seen: list = []

        def fit(self, X, y, groups=None):
            self.seen.append(set(groups))
            return super().fit(X, y)

    X, y, groups = make_table(120, 0)
    SelectiveClassifier(Recorder(), target_precision=0.5).fit(X, y, groups=groups)
    *folds, all_songs = Recorder.seen
    assert len(folds) == 5
    assert all_songs == set(groups)
    held_out = [all_songs - fold for fold in folds]
    assert sum(map(len, held_out)) == len(all_songs)


def test_a_genre_held_out_as_a_whole_counts_for_nothing(table):
    X, y, groups = table
    X = np.vstack([X, X[:30] + 20])
    y, groups = np.append(y, ["opera"] * 30), np.append(groups, [999] * 30)
    with_opera = SelectiveClassifier(GaussianNB()).fit(X, y, groups=groups)
    assert with_opera.precision_curve_.n_answers[-1] == 300
    assert with_opera.predict(X[-1:]) == ["opera"]


def test_a_genre_for_each_artist_is_refused(table):
    X, y, _ = table
    with pytest.raises(ValueError, match="Each fold holds out all songs of a genre"):
        SelectiveClassifier(GaussianNB()).fit(X, y, groups=y)


def test_songs_that_cannot_be_held_out_are_refused(table):
    X, y, groups = table
    with pytest.raises(ValueError, match="No genre has 2 songs"):
        SelectiveClassifier(GaussianNB()).fit(X[:3], y[:3])
    with pytest.raises(ValueError, match="must hold out each song exactly once"):
        SelectiveClassifier(GaussianNB(), cv=ShuffleSplit(2)).fit(X, y)
    with pytest.raises(ValueError, match="only one class: 'rock'"):
        SelectiveClassifier(GaussianNB()).fit(X, ["rock"] * len(X), groups=groups)


def test_a_classifier_fitted_before(table):
    frozen = pytest.importorskip("sklearn.frozen").FrozenEstimator
    X, y, groups = table
    before = GaussianNB().fit(*make_table(60, 1)[:2])
    clf = SelectiveClassifier(frozen(before)).fit(X, y, groups=groups)
    assert_array_equal(clf.estimator_.predict_proba(X), before.predict_proba(X))
    without_rock = y != "rock"
    with pytest.raises(ValueError, match=r"fitted before on genres .* no song: \['rock'\]"):
        clf.fit(X[without_rock], y[without_rock])
    with pytest.raises(ValueError, match=r"could read no song of \['pop'\]"):
        clf.fit(np.vstack([X, X[:2]]), np.append(y, ["pop", "pop"]))


def test_weights_are_of_the_classifier_and_of_what_is_held_out(table):
    X, y, groups = table
    weights = np.random.RandomState(0).randint(3, size=len(y))
    cv = list(StratifiedGroupKFold(3).split(X, y, groups))
    weighted = SelectiveClassifier(GaussianNB(), cv=cv).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(len(y)), weights)
    cv = [[np.flatnonzero(np.isin(rows, part)) for part in fold] for fold in cv]
    repeated = SelectiveClassifier(GaussianNB(), cv=cv).fit(X[rows], y[rows])
    assert_allclose(weighted.temperature_, repeated.temperature_, rtol=1e-4)
    assert_allclose(weighted.threshold_, repeated.threshold_, rtol=1e-4)
    assert_allclose(weighted.coverage_, repeated.coverage_)
    with pytest.raises(ValueError, match="sample_weight is negative for song 0"):
        weighted.fit(X, y, sample_weight=-np.ones(len(y)))


def test_routing(table):
    X, y, groups = table
    usual = SelectiveClassifier(GaussianNB()).fit(X, y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        nb = GaussianNB().set_fit_request(sample_weight=True)
        clf = SelectiveClassifier(nb).set_fit_request(groups=True, sample_weight=True)
        clf.set_score_request(sample_weight=False)
        params = {"groups": groups, "sample_weight": np.ones(len(y))}
        assert clf.fit(X, y, **params).threshold_ == usual.threshold_
        scores = cross_validate(clf, X, y, params=params, cv=StratifiedGroupKFold(3))
        assert (scores["test_score"] > 0.2).all()
        without = SelectiveClassifier(GaussianNB()).fit(X, y)
        assert without.threshold_ > 0
    with pytest.raises(TypeError, match=r"takes \['colour'\] only with enable_metadata_routing"):
        usual.fit(X, y, colour=y)


def test_frames_and_series(table, fitted):
    X, y, groups = table
    frame = pd.DataFrame(X, columns=list("abcd"))
    clf = clone(fitted).fit(frame, pd.Series(y), groups=pd.Series(groups))
    assert clf.feature_names_in_.tolist() == list("abcd")
    assert_array_equal(clf.predict(frame), fitted.predict(X))
    assert clf.fit(X, y, groups=groups).n_features_in_ == 4
    assert not hasattr(clf, "feature_names_in_")


def test_pickle_and_parameters(table, fitted):
    X = table[0]
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X))
    clf = clone(fitted).set_params(estimator__var_smoothing=0.1, target_precision=0.8)
    assert clf.estimator.var_smoothing == 0.1
    assert not hasattr(clf, "classes_")


def test_segments_are_as_the_classifier_sees_them(songs):
    X, y, artists = songs
    voting = SegmentVotingClassifier(LogisticRegression(max_iter=500))
    clf = make_pipeline(
        MFCCSegmenter(duration=1.5, n_segments=3),
        SpectrogramScaler(),
        SelectiveClassifier(voting, target_precision=0.3),
    ).fit(X, y, selectiveclassifier__groups=artists)
    bags = clf[:-1].transform(X[:2])
    proba = clf[-1].predict_segment_proba(bags)
    assert_array_equal(proba, clf[-1].estimator_.predict_segment_proba(bags))
    assert not hasattr(SelectiveClassifier(GaussianNB()), "predict_segment_proba")


@pytest.mark.slow
def test_on_real_music_the_target_is_kept_by_unheard_artists(gtzan_home):
    songs = load_gtzan(f"{gtzan_home}/clips3s")
    embed = make_genre_classifier("best", duration=3.0)[:-1]
    X, y, groups = embed.fit_transform(songs.paths), songs.target, songs.groups
    best = make_genre_classifier("best")[-1]
    (train, test), *_ = StratifiedGroupKFold(2, shuffle=True, random_state=0).split(X, y, groups)
    clf = SelectiveClassifier(best, target_precision=0.8)
    answers = clf.fit(X[train], y[train], groups=groups[train]).predict(X[test])
    is_answered = answers != "unknown"
    assert is_answered.mean() > 0.4
    assert np.mean(answers[is_answered] == y[test][is_answered]) > 0.75
