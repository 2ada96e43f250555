import os
import pickle
import threading
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import (
    GroupKFold,
    LeaveOneGroupOut,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skgenre import (
    GroupStackingClassifier,
    KerasANNClassifier,
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentVotingClassifier,
)


class Recorder(GaussianNB):
    """Notes the first column of the rows that it is fitted on and asked about, and its groups."""

    fits: list = []
    asked: list = []

    def fit(self, X, y, groups=None):
        self.songs_ = X[:, 0]
        self.fits.append((self.songs_, groups))
        return super().fit(X, y)

    def predict_proba(self, X):
        self.asked.append((self.songs_, X[:, 0]))
        return super().predict_proba(X)


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr(Recorder, "fits", [])
    monkeypatch.setattr(Recorder, "asked", [])
    return Recorder()


@pytest.fixture(scope="module")
def table():
    """Sixty songs of three genres and fifteen artists in no order; column 0 numbers the songs."""
    rng = np.random.RandomState(0)
    order = rng.permutation(60)
    y, groups = np.repeat(["blues", "jazz", "rock"], 20)[order], np.repeat(np.arange(15), 4)[order]
    X = rng.normal(size=(60, 5)) + (y == "jazz")[:, np.newaxis] * [0, 2, 0, 0, 0]
    X[:, 0] = np.arange(60)
    return X, y, groups


def of_artists(rng, n_artists, n_songs=6):
    """Songs whose artist is easy to hear, from two columns, and whose genre is hard, from one."""
    groups = rng.permutation(np.repeat(np.arange(n_artists), n_songs))
    y = groups % 2
    voices = rng.normal(scale=10, size=(n_artists, 2))
    X = np.c_[voices[groups], y + rng.normal(scale=0.7, size=len(y))]
    X[:, :2] += rng.normal(scale=0.01, size=(len(y), 2))
    return X, y, groups


def of_columns(columns, model):
    return make_pipeline(Columns(columns), model)


class Columns(BaseEstimator):
    def __init__(self, columns):
        self.columns = columns

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[:, self.columns]

    def __sklearn_is_fitted__(self):
        return True


def test_no_group_is_on_both_sides_of_a_fold(table, recorder):
    X, y, groups = table
    GroupStackingClassifier([("recorder", recorder)], cv=3).fit(X, y, groups=groups)
    assert len(recorder.asked) == 3
    for trained, asked in recorder.asked:
        assert not set(groups[trained.astype(int)]) & set(groups[asked.astype(int)])
        assert len(trained) + len(asked) == 60
    assert sorted(np.concatenate([asked for _, asked in recorder.asked])) == list(range(60))
    recorder.asked.clear()
    GroupStackingClassifier([("recorder", recorder)], cv=3).fit(X, y)
    for trained, asked in recorder.asked:
        assert set(groups[trained.astype(int)]) & set(groups[asked.astype(int)])


def test_what_knows_artists_by_heart_is_not_trusted():
    rng = np.random.RandomState(0)
    X, y, groups = of_artists(rng, 40)
    X_new, y_new, _ = of_artists(rng, 40)
    stack = GroupStackingClassifier(
        [
            ("by heart", of_columns([0, 1], KNeighborsClassifier(1))),
            ("by ear", of_columns([2], LogisticRegression())),
        ]
    )
    by_ear = of_columns([2], LogisticRegression()).fit(X, y).score(X_new, y_new)
    assert stack.fit(X, y).score(X_new, y_new) < by_ear - 0.1
    leaked = stack.final_estimator_.coef_[0]
    assert stack.fit(X, y, groups=groups).score(X_new, y_new) > by_ear - 0.03
    trusted = stack.final_estimator_.coef_[0]
    assert leaked[0] > leaked[1]
    assert abs(trusted[0]) < 0.2 * trusted[1]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"stack_method": "predict"},
        {"passthrough": True, "final_estimator": GaussianNB()},
        {"cv": 3, "final_estimator": RidgeClassifier()},
    ],
)
def test_without_groups_it_is_scikit_learns(table, params):
    X, y, _ = table
    models = [
        ("bayes", GaussianNB()),
        ("gone", "drop"),
        ("svc", SVC()),
        ("knn", KNeighborsClassifier()),
    ]
    ours = GroupStackingClassifier(models, **params).fit(X, y)
    theirs = StackingClassifier(models, **params).fit(X, y)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    assert_array_equal(ours.transform(X), theirs.transform(X))
    method = "decision_function" if "cv" in params else "predict_proba"
    assert_array_equal(getattr(ours, method)(X), getattr(theirs, method)(X))
    assert ours.named_estimators_.keys() == theirs.named_estimators_.keys()
    assert ours.stack_method_ == theirs.stack_method_
    frame = pd.DataFrame(X).add_prefix("column ")
    for stack in (ours, theirs):
        stack.fit(frame, y)
    assert_array_equal(ours.feature_names_in_, theirs.feature_names_in_)
    expected = [name[len("stacking") :] for name in theirs.get_feature_names_out() if "_" in name]
    names = [name[len("groupstacking") :] for name in ours.get_feature_names_out() if "_" in name]
    assert names == expected
    assert not hasattr(ours.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("cv", [GroupKFold(3), LeaveOneGroupOut(), StratifiedGroupKFold(3)])
def test_splitters_get_the_groups(table, cv):
    X, y, groups = table
    stack = GroupStackingClassifier([("bayes", GaussianNB())], SVC(), cv=cv)
    stack.fit(X, y, groups=groups)
    meta = cross_val_predict(GaussianNB(), X, y, groups=groups, cv=cv, method="predict_proba")
    expected = SVC().fit(meta, np.unique(y, return_inverse=True)[1])
    assert_allclose(stack.final_estimator_.support_vectors_, expected.support_vectors_)


@pytest.mark.parametrize("stack_method", ["auto", "predict"])
def test_class_weight_knows_the_genres(table, stack_method):
    X, y, groups = table
    weight = {"blues": 1, "jazz": 3, "rock": 5}
    weighted = LogisticRegression(class_weight=weight)
    stack = GroupStackingClassifier(
        [("linear", make_pipeline(StandardScaler(), weighted)), ("bayes", GaussianNB())],
        weighted,
        cv=3,
        stack_method=stack_method,
    )
    codes = np.unique(y, return_inverse=True)[1]
    by_code = clone(stack).set_params(
        linear__logisticregression__class_weight=dict(enumerate(weight.values())),
        final_estimator__class_weight=dict(enumerate(weight.values())),
    )
    stack.fit(X, y, groups=groups)
    by_code.fit(X, codes, groups=groups)
    assert_array_equal(np.unique(y)[by_code.predict(X)], stack.predict(X))
    assert_allclose(stack.predict_proba(X), by_code.predict_proba(X))
    assert_array_equal(stack.named_estimators_["linear"].classes_, stack.classes_)


def test_few_songs_are_divided_in_fewer_folds(table, recorder):
    X, y, _ = table
    few = np.concatenate([np.flatnonzero(y == genre)[:3] for genre in np.unique(y)])
    GroupStackingClassifier([("recorder", recorder)]).fit(X[few], y[few])
    assert len(recorder.asked) == 3
    with pytest.raises(ValueError, match="9 songs cannot be divided by cv=5"):
        GroupStackingClassifier([("bayes", GaussianNB())], cv=5).fit(X[few], y[few])
    one_each = few[::3]
    with pytest.raises(ValueError, match="No genre has 2 songs"):
        GroupStackingClassifier([("bayes", GaussianNB())]).fit(X[one_each], y[one_each])


def test_fewer_groups_than_folds(table, recorder):
    X, y, _ = table
    GroupStackingClassifier([("recorder", recorder)]).fit(X, y, groups=np.arange(60) % 3)
    assert len(recorder.asked) == 3
    recorder.asked.clear()
    few = np.concatenate([np.flatnonzero(y == genre)[:2] for genre in np.unique(y)])
    GroupStackingClassifier([("recorder", recorder)]).fit(X[few], y[few], groups=np.arange(6))
    assert len(recorder.asked) == 2


def test_a_fold_without_songs_is_left_out(table, recorder):
    """StratifiedGroupKFold makes such folds of some groups of unequal sizes."""
    X, y, _ = table
    songs = np.arange(60)
    folds = [(songs[songs % 2 != i], songs[songs % 2 == i]) for i in range(2)]
    stack = GroupStackingClassifier([("recorder", recorder)], cv=[*folds, (songs, songs[:0])])
    stack.fit(X, y)
    assert len(recorder.asked) == 2


def test_a_genre_of_one_group_has_no_probability_in_its_fold(table):
    X, y, groups = table
    groups = np.where(y == "rock", 99, groups)
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    stack = GroupStackingClassifier(
        [("linear", linear), ("voting", SegmentVotingClassifier(linear))],
        KNeighborsClassifier(1),
        cv=3,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stack.fit(X, y, groups=groups)
    met = stack.final_estimator_._fit_X
    assert met.shape == (60, 6)
    folds = [test for _, test in StratifiedGroupKFold(3).split(X, y, groups)]
    for fold in folds:
        assert ((met[fold][:, [2, 5]] == 0) == ("rock" in y[fold])).all()
    assert_allclose(met[:, :3].sum(axis=1), 1)
    assert stack.transform(X).shape == (60, 6)


def test_a_genre_of_one_group_is_the_least_likely_where_it_is_decided_without(table):
    X, y, groups = table
    groups = np.where(y == "rock", 99, groups)
    stack = GroupStackingClassifier([("svc", SVC())], KNeighborsClassifier(1), cv=3)
    met = stack.fit(X, y, groups=groups).final_estimator_._fit_X
    assert np.isfinite(met).all()
    assert_array_equal(met[y == "rock"].min(axis=1), met[y == "rock"][:, 2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cv": "prefit"}, "'cv' parameter"),
        ({"cv": StratifiedKFold(3)}, "on both sides of a fold"),
        ({"cv": [(range(30), range(30, 60))]}, "must hold out each song exactly once"),
        ({"groups": "of genres", "y": "two"}, r"2 classes to train on, but one leaves \['blues'\]"),
        ({"y": "one"}, "only one class: 'blues'"),
        ({"groups": "one"}, "at least 2 different groups"),
        ({"groups": "short"}, "inconsistent numbers of samples"),
        ({"groups": "missing"}, "groups hold missing values"),
    ],
)
@pytest.mark.filterwarnings("ignore:The groups parameter is ignored by StratifiedKFold")
def test_bad_folds_are_explained(table, change, message):
    X, y, groups = table
    if "y" in change:
        y = np.where(y == "blues", y, "rock" if change["y"] == "two" else "blues")
    by_name = {
        "of genres": y,
        "one": np.zeros(60),
        "short": groups[:50],
        "missing": np.where(groups == 3, np.nan, groups),
    }
    given = change.get("groups")
    stack = GroupStackingClassifier(
        change.get("estimators", [("bayes", GaussianNB())]), cv=change.get("cv", 3)
    )
    with pytest.raises(ValueError, match=message):
        stack.fit(X, y, groups=groups if given is None else by_name[given])


def test_a_genre_without_readable_songs_is_named(bags):
    X, y = bags[0].copy(), np.repeat(["blues", "jazz", "rock", "soul"], 10)
    X[y == "soul"] = np.nan
    stack = GroupStackingClassifier([("voting", SegmentVotingClassifier(GaussianNB()))], cv=2)
    with (
        pytest.warns(UserWarning, match="could be read"),
        pytest.raises(ValueError, match=r"'voting' had no song of \['soul'\]"),
    ):
        stack.fit(X, y)


def test_groups_reach_the_classifiers_that_take_them(table, recorder):
    X, y, groups = table
    models = [("recorder", recorder), ("last", make_pipeline(StandardScaler(), recorder))]
    GroupStackingClassifier([*models, ("bayes", GaussianNB())], cv=3).fit(X, y, groups=groups)
    assert len(recorder.fits) == 8
    for songs, of_songs in recorder.fits[:1] + recorder.fits[2:5]:
        assert_array_equal(of_songs, groups[songs.astype(int)])
    assert all(len(songs) == len(of_songs) for songs, of_songs in recorder.fits)


def test_sample_weight_reaches_all(table):
    X, y, groups = table
    weight = np.where(np.arange(60) < 45, 1.0, 0.0)
    models = [("bayes", make_pipeline(StandardScaler(), LogisticRegression()))]
    folds = list(StratifiedGroupKFold(3).split(X, y, groups))
    stack = GroupStackingClassifier(models, cv=folds)
    weighted = stack.fit(X, y, sample_weight=weight).predict_proba(X)
    inner = models[0][1]
    codes, name = np.unique(y, return_inverse=True)[1], "logisticregression__sample_weight"
    meta = np.empty((60, 3))
    for train, test in folds:
        meta[test] = inner.fit(X[train], codes[train], **{name: weight[train]}).predict_proba(
            X[test]
        )
    final = LogisticRegression().fit(meta, codes, sample_weight=weight)
    expected = final.predict_proba(inner.fit(X, codes, **{name: weight}).predict_proba(X))
    assert_allclose(weighted, expected, rtol=1e-6)
    with pytest.raises(TypeError, match=r"KNeighborsClassifier.*sample_weight"):
        GroupStackingClassifier([("knn", KNeighborsClassifier())]).fit(X, y, sample_weight=weight)
    with pytest.raises(TypeError, match=r"takes \['colour'\] only"):
        stack.fit(X, y, colour=weight)


def test_groups_are_routed(table, recorder):
    X, y, groups = table
    with sklearn.config_context(enable_metadata_routing=True):
        asking = recorder.set_fit_request(groups=True)
        stack = GroupStackingClassifier([("recorder", asking), ("bayes", GaussianNB())], cv=3)
        clf = make_pipeline(Columns([0, 1, 2]), stack)
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="groups"):
            clf.fit(X, y, groups=groups)
        stack.set_fit_request(groups=True)
        clf.fit(X, y, groups=groups)
        cross_validate(
            clf, X, y, cv=StratifiedGroupKFold(3), params={"groups": groups}, error_score="raise"
        )
    assert len(recorder.fits) == 4 * 4
    for songs, of_songs in recorder.fits:
        assert_array_equal(of_songs, groups[songs.astype(int)])
    in_folds = [asked for asked in recorder.asked if not set(asked[1]) <= set(asked[0])]
    assert len(in_folds) >= 4 * 3
    for trained, asked in in_folds:
        assert not set(groups[trained.astype(int)]) & set(groups[asked.astype(int)])


@pytest.mark.parametrize("head", [None, "pool"])
def test_with_nothing_to_route_it_is_fitted_all_the_same(table, head):
    X, y, _ = table
    stack = GroupStackingClassifier([("bayes", GaussianNB())], head)
    expected = stack.fit(X, y).predict_proba(X)
    with sklearn.config_context(enable_metadata_routing=True):
        assert_array_equal(clone(stack).fit(X, y).predict_proba(X), expected)


def test_weights_are_routed_to_who_asks(table):
    X, y, groups = table
    weight = np.where(np.arange(60) < 45, 1.0, 0.1)
    bayes, final = GaussianNB(), LogisticRegression()
    stack = GroupStackingClassifier([("bayes", bayes)], final)
    expected = stack.fit(X, y, groups=groups, sample_weight=weight).predict_proba(X)
    unweighted = stack.fit(X, y, groups=groups).predict_proba(X)
    assert np.abs(unweighted - expected).max() > 1e-3
    with sklearn.config_context(enable_metadata_routing=True):
        bayes.set_fit_request(sample_weight=True)
        final.set_fit_request(sample_weight=True)
        stack.fit(X, y, groups=groups, sample_weight=weight)
        assert_array_equal(stack.predict_proba(X), expected)
        final.set_fit_request(sample_weight=False)
        stack.fit(X, y, groups=groups, sample_weight=weight)
        assert np.abs(stack.predict_proba(X) - expected).max() > 1e-3


def test_groups_without_routing_in_a_pipeline_in_cross_validation(table, recorder):
    X, y, groups = table
    clf = make_pipeline(Columns([0, 1]), GroupStackingClassifier([("recorder", recorder)], cv=2))
    params = {"groupstackingclassifier__groups": groups}
    splitter = StratifiedGroupKFold(3)
    cross_validate(clf, X, y, groups=groups, cv=splitter, params=params, error_score="raise")
    assert len(recorder.asked) == 3 * (2 + 1)
    for trained, asked in recorder.asked:
        assert not set(groups[trained.astype(int)]) & set(groups[asked.astype(int)])


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_paths(song_files, kind):
    paths, y, groups = song_files
    models = [
        ("summary", make_pipeline(SegmentSummarizer(), GaussianNB())),
        ("votes", SegmentVotingClassifier(GaussianNB())),
    ]
    mfcc = MFCCSegmenter(duration=1.5, n_segments=None, segment_duration=0.5)
    inside = GroupStackingClassifier(
        [(name, make_pipeline(mfcc, model)) for name, model in models], cv=3
    ).fit(kind(paths), kind(y), groups=kind(groups))
    outside = make_pipeline(mfcc, GroupStackingClassifier(models, cv=3))
    outside.fit(kind(paths), y, groupstackingclassifier__groups=groups)
    assert_array_equal(inside.predict_proba(kind(paths)), outside.predict_proba(paths))
    assert inside.score(kind(paths), y) > 0.5


def test_unreadable_songs_have_an_answer(bags):
    X, y = bags[0].copy(), bags[1]
    X[[0, 30]] = np.nan
    stack = GroupStackingClassifier([("votes", SegmentVotingClassifier(GaussianNB()))])
    proba = stack.fit(X, y, groups=np.arange(40) // 2).predict_proba(X)
    assert np.isfinite(proba).all()
    assert_array_equal(proba[0], proba[30])


def test_nets(bags):
    X, y = bags
    net = KerasANNClassifier(
        (8,), epochs=5, learning_rate=1e-2, validation_fraction=0.3, random_state=0
    )
    groups = np.arange(40) // 2
    stack = GroupStackingClassifier([("net", net), ("votes", SegmentVotingClassifier(SVC()))], cv=2)
    stack.fit(X, y, groups=groups)
    assert "val_loss" in stack.named_estimators_["net"].history_
    assert stack.score(X, y) > 0.8
    assert_allclose(stack.predict_proba(X).sum(axis=1), 1, rtol=1e-6)


def test_workers_are_processes_and_no_threads_in_them(table):
    X, y, groups = table

    class Alone(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.process_ = os.getpid()
            self.classes_ = np.unique(y)
            self.in_a_thread_ = threading.current_thread() is not threading.main_thread()
            return self

        def predict_proba(self, X):
            proba = np.zeros((len(X), len(self.classes_)))
            proba[:, int(self.in_a_thread_)] = 1
            return proba

        def predict(self, X):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]

    stack = GroupStackingClassifier(
        [("a", Alone()), ("b", Alone())], KNeighborsClassifier(1), cv=3, n_jobs=2
    ).fit(X, y, groups=groups)
    assert all(model.process_ != os.getpid() for model in stack.estimators_)
    assert_array_equal(stack.final_estimator_._fit_X[:, [0, 3]], 1)


def test_workers_do_not_change_the_answers(table):
    X, y, groups = table
    models = [("bayes", GaussianNB()), ("svc", SVC())]
    one, two = (
        GroupStackingClassifier(models, n_jobs=n_jobs).fit(X, y, groups=groups).predict_proba(X)
        for n_jobs in (None, 2)
    )
    assert_array_equal(one, two)


def test_a_pickle_answers_the_same(table):
    X, y, groups = table
    stack = GroupStackingClassifier([("bayes", GaussianNB())]).fit(X, y, groups=groups)
    assert_array_equal(pickle.loads(pickle.dumps(stack)).predict_proba(X), stack.predict_proba(X))
