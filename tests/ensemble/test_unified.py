import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from skgenre import (
    AudioDescriptorTransformer,
    GroupStackingClassifier,
    KerasANNClassifier,
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SpectrogramScaler,
    UnifiedGenreClassifier,
)
from skgenre.datasets import make_genre_clips
from skgenre.ensemble._learning import learns_from_genres

NET = KerasANNClassifier((8,), epochs=10, learning_rate=1e-2, random_state=0)


class Learner(TransformerMixin, BaseEstimator):
    """Learns from genres; notes the numbers of its songs, from column 0, and their groups."""

    seen_by: list = []
    asked_by: list = []

    def fit(self, X, y, groups=None, sample_weight=None):
        self.songs_, self.groups_ = X[:, 0].astype(int), groups
        self.sample_weight_ = sample_weight
        self.seen_by.append(self.songs_)
        return self

    def transform(self, X):
        self.asked_by.append((self.songs_, X[:, 0].astype(int)))
        return X


class Listener(StandardScaler):
    """Learns nothing of genres."""

    def fit(self, X, y=None, sample_weight=None):
        self.songs_, self.sample_weight_ = X[:, 0].astype(int), sample_weight
        return super().fit(X)


@pytest.fixture(scope="module")
def table():
    """Sixty songs of three genres and fifteen artists in no order; column 0 numbers the songs."""
    rng = np.random.RandomState(0)
    order = rng.permutation(60)
    y, groups = np.repeat(["blues", "jazz", "rock"], 20)[order], np.repeat(np.arange(15), 4)[order]
    X = rng.normal(size=(60, 5))
    X[:, 1] += 3 * (y == "jazz")
    X[:, 2] += 3 * (y == "rock")
    X[:, 0] = np.arange(60)
    return X, y, groups


def columns(*wanted):
    return FunctionTransformer(_take, kw_args={"wanted": list(wanted)})


def _take(X, wanted):
    return X[:, wanted]


TWO = [("lda", LinearDiscriminantAnalysis()), ("second", columns(2))]


def test_no_artist_is_on_both_sides_of_a_fold(table, monkeypatch):
    X, y, groups = table
    fits, asked = [], []
    monkeypatch.setattr(Learner, "seen_by", fits)
    monkeypatch.setattr(Learner, "asked_by", asked)
    branches = [("learner", Learner()), ("listener", Listener())]
    clf = UnifiedGenreClassifier(branches=branches, cv=3).fit(X, y, groups=groups)
    in_folds = [part for part in asked if len(part[1]) < 60 and not set(part[1]) <= set(part[0])]
    assert len(fits) == 4
    assert len(in_folds) == 3
    for seen, of_fold in in_folds:
        assert not set(groups[seen]) & set(groups[of_fold])
        assert len(seen) + len(of_fold) == 60
    assert_array_equal(clf.branches_.learner.groups_, groups[clf.branches_.learner.songs_])
    assert_array_equal(clf.branches_.listener.songs_, np.arange(60))


def test_what_learns_nothing_is_fitted_and_asked_once(table):
    X, y, groups = table
    calls = []
    counting = FunctionTransformer(lambda X: calls.append(len(X)) or X)
    clf = UnifiedGenreClassifier(branches=[("counting", counting)]).fit(X, y, groups=groups)
    assert calls == [60]
    calls.clear()
    clf.score_branches(X, y)
    assert calls == [60]


@pytest.mark.parametrize(
    ("branch", "learns"),
    [
        (StandardScaler(), False),
        (make_pipeline(MFCCSegmenter(), SegmentSummarizer()), False),
        (make_pipeline(StandardScaler(), SelectKBest(), StandardScaler()), True),
        (make_pipeline(MFCCSegmenter(), NET), True),
        (LinearDiscriminantAnalysis(), True),
        (FunctionTransformer(), False),
        (VarianceThreshold(), False),
    ],
)
def test_who_learns_from_genres(branch, learns):
    assert learns_from_genres(branch) is learns


def test_an_overfitted_branch_is_not_trusted():
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=400)
    X = np.c_[rng.normal(size=(400, 300)), y + rng.normal(scale=0.7, size=400)]
    overfitted = make_pipeline(columns(*range(300)), LinearDiscriminantAnalysis())
    clf = UnifiedGenreClassifier(branches=[("noise", overfitted), ("signal", columns(300))])
    train, test = np.arange(300), np.arange(300, 400)
    clf.fit(X[train], y[train])
    assert clf.branches_.noise.score(X[train], y[train]) > 0.95
    scores = clf.score_branches(X[test], y[test])
    assert scores["unified"] > scores["signal"] - 0.05
    assert scores["noise"] < 0.65 < scores["signal"]
    assert clf.head_.weights_[0] < 0.05 < clf.head_.weights_[1]


def test_what_the_head_gets(table):
    X, y, _ = table
    clf = UnifiedGenreClassifier(branches=TWO).fit(X, y)
    second = clf.branch_heads_["second"].predict_proba(X[:, [2]])
    side_by_side = np.c_[clf.branches_.lda.predict_proba(X), second]
    assert_allclose(clf.predict_proba(X), clf.head_.predict_proba(side_by_side))
    assert_array_equal(clf.predict(X), clf.classes_[clf.predict_proba(X).argmax(axis=1)])
    assert clf.score(X, y) > 0.8
    genres = ["blues", "jazz", "rock"]
    names = [f"{branch}__{genre}" for branch in ("lda", "second") for genre in genres]
    assert list(clf.feature_names_) == names
    two = y != "rock"
    clf.fit(X[two], y[two])
    assert list(clf.feature_names_) == ["lda__jazz", "second__jazz"]
    assert clf.predict_proba(X).shape == (60, 2)


def test_scores_of_branches_and_of_all(table):
    X, y, _ = table
    branches = [("lda", make_pipeline(columns(1), LinearDiscriminantAnalysis())), TWO[1]]
    clf = UnifiedGenreClassifier(branches=branches).fit(X, y)
    predicted = clf.predict_branches(X)
    assert list(predicted) == ["lda", "second"]
    assert_array_equal(predicted["lda"], clf.branches_.lda.predict(X))
    scores = clf.score_branches(X, y)
    assert scores["lda"] == np.mean(predicted["lda"] == y)
    assert scores["second"] == np.mean(predicted["second"] == y) > 0.4
    assert scores["oracle"] == np.mean((predicted["lda"] == y) | (predicted["second"] == y))
    assert scores["unified"] == clf.score(X, y) >= scores[["lda", "second"]].max()
    weights = np.arange(60)
    assert clf.score_branches(X, y, weights)["unified"] == clf.score(X, y, weights)
    as_series = pd.Series(y, index=np.arange(60)[::-1])
    assert_allclose(clf.score_branches(X, as_series), scores)


def test_a_grid_search_switches_the_selector_and_branches(table):
    X, y, _ = table
    clf = UnifiedGenreClassifier(branches=TWO)
    assert clf.get_params()["lda__solver"] == "svd"
    grid = {
        "selector": [None, SelectKBest(k=1)],
        "lda__n_components": [1, 2],
        "second": ["drop", columns(2)],
    }
    search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    chosen = clone(clf).set_params(selector=SelectKBest(k=1), lda="drop").fit(X, y)
    assert list(chosen.branches_) == ["second"]
    chosen.set_params(second=columns(2, 3, 4)).fit(X, y)
    support = chosen.branch_heads_["second"].estimator_[0].get_support()
    assert_array_equal(support, [True, False, False])


@pytest.mark.parametrize("head", [None, GaussianNB()])
def test_classifiers_are_stacked_as_by_our_other_stack(table, head):
    X, y, groups = table
    branches = [("bayes", GaussianNB()), ("linear", LogisticRegression(max_iter=1000))]
    clf = UnifiedGenreClassifier(branches=branches, final_estimator=head, cv=3)
    clf.fit(X, y, groups=groups)
    stack = GroupStackingClassifier(branches, head or "pool", cv=3).fit(X, y, groups=groups)
    assert_allclose(clf.predict_proba(X), stack.predict_proba(X))
    assert_array_equal(clf.predict(X), stack.predict(X))


def test_a_branch_is_as_good_within_as_alone(table):
    X, y, groups = table
    alone = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
    )
    for branch in (columns(1, 2), make_pipeline(SelectKBest(k=2), StandardScaler())):
        clf = UnifiedGenreClassifier(branches=[("branch", branch)]).fit(X, y, groups=groups)
        expected = clone(alone).fit(branch.fit_transform(X, y), y)
        assert_array_equal(clf.predict(X), expected.predict(branch.transform(X)))


@pytest.mark.slow
def test_nets_and_tables_from_paths(song_files):
    paths, y, artists = song_files
    net = make_pipeline(MFCCSegmenter(duration=1.5, n_segments=3), SpectrogramScaler(), NET)
    descriptors = AudioDescriptorTransformer(features=["mfcc"], duration=1.5)
    clf = UnifiedGenreClassifier(branches=[("net", net), ("descriptors", descriptors)], cv=2)
    clf.fit(pd.Series(paths), pd.Series(y), groups=artists)
    proba = clf.predict_proba(list(paths))
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert clf.score(paths, y) > 0.3
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(paths), proba)
    assert_array_equal(clone(clf).fit(paths, y, groups=artists).predict_proba(paths), proba)


def test_the_default_takes_paths(song_files):
    paths, y, _ = song_files
    clf = UnifiedGenreClassifier(cv=2)
    # a net that learns is slow
    clf.set_params(branches=[branch for branch in clf._get_branches() if branch[0] != "cnn"])
    two = np.isin(y, ["blues", "disco"])
    clf.fit(paths[two][:8], y[two][:8])
    assert list(clf.branches_) == ["descriptors", "musicnn"]
    assert set(clf.predict(paths[two][:2])) <= {"blues", "disco"}


@pytest.mark.slow
def test_the_default_has_a_net(song_files):
    paths, y, _ = song_files
    two = np.isin(y, ["blues", "disco"])
    clf = UnifiedGenreClassifier(cv=2).fit(paths[two][:4], y[two][:4])
    assert list(clf.branches_) == ["cnn", "descriptors", "musicnn"]


def test_unreadable_songs_have_an_answer(bags):
    X, y = bags[0].copy(), bags[1]
    X[[0, 1, 30]] = np.nan
    branches = [("net", NET), ("summary", SegmentSummarizer())]
    clf = UnifiedGenreClassifier(branches=branches, cv=2).fit(X, y)
    proba = clf.predict_proba(X)
    assert_array_equal(proba[[1, 30]], proba[[0, 0]])
    unread = clf.branch_heads_["summary"].predict_proba(clf.branches_.summary.transform(X[:1]))
    _, counts = np.unique(np.delete(y, [0, 1, 30]), return_counts=True)
    assert_allclose(unread[0], counts / 37)
    assert_array_equal(clf.predict_branches(X).iloc[0], clf.predict(X[:1])[0])
    assert_allclose(clf.predict_proba(X[:2]), proba[:2], rtol=1e-6)
    y = np.repeat(["blues", "jazz", "rock", "soul"], 10)
    X[y == "soul"] = np.nan
    with (
        pytest.warns(UserWarning, match="could be read"),
        pytest.raises(ValueError, match=r"Branch 'summary' could read no song of \['soul'\]"),
    ):
        UnifiedGenreClassifier(branches=branches[1:]).fit(X, y)


def test_bags_of_any_size_are_judged_segment_by_segment():
    songs, y = make_genre_clips(8, n_genres=2, duration=3.0, random_state=0)
    ragged = [song[: 22050 * (1 + i % 3)] for i, song in enumerate(songs)]
    mfcc = MFCCSegmenter(duration=None, n_segments=None, segment_duration=1.0)
    clf = UnifiedGenreClassifier(branches=[("mfcc", mfcc)], cv=2).fit(ragged, y)
    of_segments = clf.branch_heads_["mfcc"].predict_segment_proba(mfcc.transform(ragged))
    assert [len(proba) for proba in of_segments[:3]] == [1, 2, 3]
    assert clf.predict(ragged[:1]).shape == (1,)


def test_a_sparse_branch(table):
    X, y, _ = table
    sparse = OneHotEncoder(handle_unknown="ignore")
    clf = UnifiedGenreClassifier(branches=[("sparse", sparse)]).fit(np.round(X[:, 1:3]), y)
    assert clf.score(np.round(X[:, 1:3]), y) > 0.6


def test_sample_weight_reaches_the_head_and_who_learns(table):
    X, y, _ = table
    weight = np.where(y == "rock", 1e-6, 1.0)
    branches = [("net", make_pipeline(StandardScaler(), NET)), ("listener", Listener())]
    head = LogisticRegression(max_iter=1000)
    clf = UnifiedGenreClassifier(branches=branches, final_estimator=head, cv=2)
    assert "rock" in set(clf.fit(X, y).predict(X))
    assert "rock" not in set(clf.fit(X, y, sample_weight=weight).predict(X))
    clf.set_params(
        branches=[("learner", Learner()), ("listener", Listener())], final_estimator=None
    )
    weight = np.arange(60.0)
    learner = clf.fit(X, y, sample_weight=weight).branches_.learner
    assert_array_equal(learner.sample_weight_, weight[learner.songs_])
    expected = clone(clf.branch_heads_["listener"]).fit(
        clf.branches_.listener.transform(X), y, sample_weight=weight
    )
    assert_array_equal(
        clf.predict_branches(X)["listener"], expected.predict(clf.branches_.listener.transform(X))
    )
    with pytest.raises(TypeError, match=r"LinearDiscriminantAnalysis\(\) does not support"):
        UnifiedGenreClassifier(branches=TWO).fit(X, y, sample_weight=weight)


def test_groups_are_routed(table):
    X, y, groups = table
    with sklearn.config_context(enable_metadata_routing=True):
        learner = Learner().set_fit_request(groups=True)
        clf = UnifiedGenreClassifier(branches=[("learner", learner)])
        clf.fit(X, y, groups=groups)
        assert_array_equal(clf.branches_.learner.groups_, groups[clf.branches_.learner.songs_])
        clf.set_fit_request(groups=True)
        folds = cross_validate(clf, X, y, cv=3, params={"groups": groups}, return_estimator=True)
        for fitted in folds["estimator"]:
            learner = fitted.branches_.learner
            assert_array_equal(learner.groups_, groups[learner.songs_])


def test_what_a_branch_asks_for_is_routed_whatever_it_learns_from(table):
    X, y, _ = table
    weight = np.arange(60.0)
    with sklearn.config_context(enable_metadata_routing=True):
        listener = Listener().set_fit_request(sample_weight=True)
        learner = Learner().set_fit_request(sample_weight=False)
        head = LogisticRegression(max_iter=1000).set_fit_request(sample_weight=False)
        clf = UnifiedGenreClassifier(
            branches=[("listener", listener), ("learner", learner)],
            final_estimator=head,
        )
        clf.fit(X, y, sample_weight=weight)
    assert_array_equal(clf.branches_.listener.sample_weight_, weight)


def test_waveforms_of_other_lengths_are_no_table_in_any_part(songs):
    X, y, _ = songs
    ragged = [*X[:-1], X[-1][:22050]]
    mfcc = make_pipeline(
        MFCCSegmenter(duration=1.0), SegmentSummarizer(), LinearDiscriminantAnalysis()
    )
    clf = UnifiedGenreClassifier(branches=[("mfcc", mfcc)]).fit(ragged, y)
    assert clf.predict(ragged[-1:]).shape == (1,)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"branches": [("svc", SVC())]}, "Branch 'svc', a SVC, has no predict_proba"),
        ({"branches": [("ridge", Ridge())]}, "Branch 'ridge', a Ridge, has no transform"),
        ({"branches": [("oracle", StandardScaler())]}, "cannot be named"),
        ({"branches": [("scale", "drop")]}, "All branches are dropped"),
        ({"branches": [("a", StandardScaler()), ("a", StandardScaler())]}, "not unique"),
        ({"branches": TWO, "cv": "prefit"}, "'cv' parameter"),
    ],
)
def test_bad_branches_are_named(table, params, message):
    X, y, _ = table
    with pytest.raises(ValueError, match=message):
        UnifiedGenreClassifier(**params).fit(X, y)


def test_bad_songs_are_explained(table):
    X, y, _ = table
    with pytest.raises(ValueError, match="3 songs cannot be divided by cv=5"):
        UnifiedGenreClassifier(branches=TWO, cv=5).fit(X[:3], ["rock", "rock", "pop"])
    with pytest.raises(ValueError, match="only one class: 'jazz'"):
        UnifiedGenreClassifier(branches=TWO).fit(X[y == "jazz"], y[y == "jazz"])


def test_a_head_without_probabilities(table):
    X, y, _ = table
    clf = UnifiedGenreClassifier(branches=TWO, final_estimator=RidgeClassifier())
    assert not hasattr(clf, "predict_proba")
    assert clf.fit(X, y).score(X, y) > 0.8
    assert not hasattr(clf, "predict_proba")


def test_votes_of_segments(bags):
    branches = [("votes", SegmentVotingClassifier(GaussianNB()))]
    assert UnifiedGenreClassifier(branches=branches).fit(*bags).score(*bags) > 0.8


def test_genres_that_are_not_utf_8(table):
    X, y, groups = table
    odd = np.char.add("caf\udce9 ", y)
    clf = UnifiedGenreClassifier(branches=TWO)
    expected = clone(clf).fit(X, y, groups=groups).score_branches(X, y)
    pd.testing.assert_series_equal(clf.fit(X, odd, groups=groups).score_branches(X, odd), expected)
    assert set(clf.predict_branches(X)["lda"]) == set(odd)
